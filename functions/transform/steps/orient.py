"""The EXIF orientation, applied to pixels: after the resize, where turning is cheapest."""

from typing import Final

from PIL import Image

from functions.transform.steps.picture import Picture

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orient(picture: Picture) -> Picture:
    """The picture upright; itself if it is already. Loses nothing."""
    if picture.orientation not in _TURNS:
        return picture
    pixels = turned(picture.pixels, picture.orientation)
    return Picture(pixels, picture.upright_extent, 1, picture.profile, picture.warnings)


def turned(pixels: Image.Image, orientation: int) -> Image.Image:
    """Pixels as an orientation shows them."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else pixels.transpose(turn)
