"""How good files are for their bytes, by SSIMULACRA2: 100 is the same picture, 90 is taken for it, 70 is good.

A program of its own, since the measure needs numpy and scipy, which nothing else here does (`requirements.in`):

    python -m benchmarks.quality PICTURE DIR...    prints {DIR's name: {file: {"score", "bytes", "even"}}}

The reference of a file is the picture decoded in full and reduced in one step by Pillow's Lanczos (premultiplied, where
it has alpha; it is looked at on gray then). Encoding that reference itself at several qualities gives a curve of score
over bytes; `even` is how far above it a file lies, in points: two contenders' files of different bytes compare by it.
A PNG has no such curve, for it loses nothing; its `even` is null, and its score tells of the resize alone.
"""

import io
import json
import math
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps

from operations import scorer

_CURVES: Final[dict[str, tuple[str, dict[str, Any], tuple[int, ...]]]] = {
    ".jpg": ("JPEG", {"optimize": True, "subsampling": 2}, (74, 80, 86)),
    ".webp": ("WEBP", {"method": 4}, (74, 80, 86)),
    ".avif": ("AVIF", {"speed": 6}, (40, 50, 60)),
}
"""Format, options and qualities of a curve's points."""
_GROUND: Final = (128, 128, 128, 255)


def scores(picture: Path, folders: list[Path]) -> dict[str, dict[str, dict[str, float | None]]]:
    with Image.open(picture) as opened:
        whole = ImageOps.exif_transpose(opened)
        whole = whole.convert("RGBA" if whole.has_transparency_data else "RGB")
    found: dict[str, dict[str, dict[str, float | None]]] = {folder.name: {} for folder in folders}
    for name in sorted(path.name for path in folders[0].iterdir()):
        files = {folder.name: (folder / name).read_bytes() for folder in folders}
        sizes = {Image.open(io.BytesIO(body)).size for body in files.values()}
        if len(sizes) != 1:
            raise SystemExit(f"{name} has different sizes: {sizes}")
        reference = ImageOps.fit(whole, sizes.pop(), Image.Resampling.LANCZOS)
        curve = _curve(reference, Path(name).suffix)
        for contender, body in files.items():
            score = _score(reference, body)
            even = None if curve is None else round(score - _between(curve, math.log(len(body))), 2)
            found[contender][name] = {"score": round(score, 2), "bytes": len(body), "even": even}
    return found


def _curve(reference: Image.Image, suffix: str) -> list[tuple[float, float]] | None:
    """Score over the logarithm of bytes, of the reference itself; None for a format that loses nothing."""
    if suffix not in _CURVES:
        return None
    form, options, qualities = _CURVES[suffix]
    curve = []
    for quality in qualities:
        target = io.BytesIO()
        reference.save(target, form, quality=quality, **options)
        curve.append((math.log(len(target.getvalue())), _score(reference, target.getvalue())))
    return curve


def _score(reference: Image.Image, body: bytes) -> float:
    return scorer.score(_seen(reference), _seen(Image.open(io.BytesIO(body))))


def _seen(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, _GROUND)
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def _between(curve: list[tuple[float, float]], at: float) -> float:
    """The curve's score at these (logarithmic) bytes; its ends go on straight."""
    index = 1 if at < curve[1][0] or len(curve) == 2 else 2
    (x0, y0), (x1, y1) = curve[index - 1], curve[index]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(scores(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])) + "\n")
