"""Animations: every frame through the steps of a still picture, into a file that grows.

    frames ──▶ steps ──▶ writer      one frame at a time: memory is that of a few frames, however many there are

Timing and how often it is shown are kept. Called by `pipeline` for variants that stay animations.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from contracts.encoding import effort_spent
from contracts.errors import OutOfTime
from contracts.outputs import Output, OutputFormat
from functions.transform.steps.decode import Source, frames, plays
from functions.transform.steps.encode import Carried, gif_writer, shrunk, webp_options
from functions.transform.steps.picture import Picture, straight

if TYPE_CHECKING:
    from functions.transform.steps.gif import GifWriter

_KEY_FRAMES: Final = {True: (9, 17), False: (3, 5)}
"""Least and most frames between two that stand alone, as gif2webp has them: lossless, lossy."""

Size = tuple[int, int]
Steps = Callable[[Picture], Picture]


def animated(
    source: Source,
    output: Output,
    quality: int | None,
    scale: float,
    steps: Steps,
    carried: Callable[[Picture], Carried],
    stopped: Callable[[], bool],
) -> tuple[bytes, Size, tuple[str, ...]]:
    """The file, its size in pixels, and warnings of its frames.

    `carried` says what the file holds beside its pixels, given a picture as it is stored. Raises ImageCorrupt, and
    OutOfTime once `stopped` says so.
    """
    writer: GifWriter | WebpWriter | None = None
    last: Picture | None = None
    size: Size = (0, 0)
    warnings: dict[str, None] = {}
    for number, (frame, milliseconds) in enumerate(frames(source)):
        if number >= output.frames_of(source.frames):
            break
        if stopped():
            raise OutOfTime("stopped between two frames")
        last = steps(frame)
        warnings.update(dict.fromkeys(last.warnings))
        pixels = shrunk(straight(last.pixels), scale)
        if writer is None:
            size = pixels.size
            effort = effort_spent(output, size[0] * size[1] * output.frames_of(source.frames), has_alpha=True)
            writer = _writer(size, output, quality, effort, plays(source))
        writer.add(pixels, milliseconds)
    assert last is not None  # an original without a frame is corrupt
    assert writer is not None
    body = writer.file(carried(last)) if isinstance(writer, WebpWriter) else writer.file()
    return body, size, tuple(warnings)


def _writer(size: Size, output: Output, quality: int | None, effort: int, times: int) -> "GifWriter | WebpWriter":
    if output.format is OutputFormat.GIF:
        # a GIF says how often it is shown again
        return gif_writer(size, output, effort, None if times == 1 else max(0, times - 1))
    return WebpWriter(size, webp_options(output, quality, effort, has_alpha=True), times)


class WebpWriter:
    """The file of an animated WebP, by libwebp's own incremental encoder: Pillow's `save` would hold every frame."""

    def __init__(self, size: Size, options: Mapping[str, Any], times: int) -> None:
        """`options` are those of `encode.webp_options`."""
        from PIL import _webp

        self._lossless = bool(options.get("lossless"))
        self._quality, self._method = options["quality"], options["method"]
        least, most = _KEY_FRAMES[self._lossless]
        self._encoder = _webp.WebPAnimEncoder(size, 0, min(times, 0xFFFF), False, least, most, False, False)
        self._elapsed_ms = 0

    def add(self, pixels: Image.Image, milliseconds: int) -> None:
        """The next frame, shown for so long."""
        frame = pixels if pixels.mode in ("RGB", "RGBA") else pixels.convert("RGB")
        self._encoder.add(frame.getim(), self._elapsed_ms, self._lossless, self._quality, 100, self._method)
        self._elapsed_ms += milliseconds

    def file(self, carried: Carried) -> bytes:
        """All frames that were added, at least one."""
        self._encoder.add(None, self._elapsed_ms, self._lossless, self._quality, 100, 0)
        body = self._encoder.assemble(carried.profile, carried.exif, carried.xmp)
        if body is None:
            raise OSError("libwebp could not put the animation together")
        return body
