"""Bytes to pixels: the only place where a decoder is opened, always the one that the order names.

Pillow's registry is never asked what a file might be: a plugin is imported by name, and its class reads the bytes or
nothing does. Limits are checked on the header (`contracts.formats`) before Pillow sees the bytes, and on what Pillow
says before it decodes.
"""

import io
import warnings
from collections.abc import Iterator, Set
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from msgspec import Struct
from PIL import Image, ImageFile

from contracts.errors import ImageCorrupt, PixelLimit, Rejected, TypeMismatch, UnsupportedMediaType
from contracts.formats import SNIFF_BYTES, ImageFormat, check_limits, measure, sniff
from contracts.limits import MAX_PIXELS, MAX_SIDE
from functions.transform.geometry import Size, upright_size
from functions.transform.steps.colour import IGNORED, plain
from functions.transform.steps.metadata import orientation_of
from functions.transform.steps.picture import Picture

MAX_SCANS: Final = 100
"""Scans of a JPEG. Encoders write about 10; each is a walk over the whole picture, and a hostile one is short."""
MAX_PROFILE_BYTES: Final = 4 * 1024 * 1024
"""An ICC profile; the largest in use, with tables for CMYK, have about 3 MB."""

_SEEN: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
_PNG_DEPTH: Final = 24
"""Where a PNG says how many bits a channel has."""
_SCAN: Final = b"\xff\xda"
_TURNED: Final = frozenset({ImageFormat.TIFF, ImageFormat.HEIC})
"""Formats whose decoders turn their pictures themselves."""

_DECODERS: Final = {
    ImageFormat.JPEG: ("PIL.JpegImagePlugin", "JpegImageFile"),
    ImageFormat.PNG: ("PIL.PngImagePlugin", "PngImageFile"),
    ImageFormat.WEBP: ("PIL.WebPImagePlugin", "WebPImageFile"),
    ImageFormat.GIF: ("PIL.GifImagePlugin", "GifImageFile"),
    ImageFormat.AVIF: ("PIL.AvifImagePlugin", "AvifImageFile"),
    ImageFormat.TIFF: ("PIL.TiffImagePlugin", "TiffImageFile"),
    ImageFormat.BMP: ("PIL.BmpImagePlugin", "BmpImageFile"),
    ImageFormat.ICO: ("PIL.IcoImagePlugin", "IcoImageFile"),
    ImageFormat.HEIC: ("functions.transform.steps.heic", "opened"),
}


class Source(Struct, frozen=True):
    """An original whose header was read and found within the limits; nothing is decoded yet.

    `stored` is the size that decoding gives; `exif_orientation` is the EXIF value and `pending` what of it the decoder
    leaves to us (the decoders of TIFF and HEIC turn their pictures themselves).
    """

    data: bytes
    format: ImageFormat
    stored: Size
    frames: int
    exif_orientation: int
    pending: int
    exif: bytes
    profile: bytes | None
    has_alpha: bool
    warnings: tuple[str, ...]
    xmp: bytes = b""
    is_plain: bool = False
    """Its pixels are stored as they are seen: 8 bits a channel or fewer, no inks."""

    @property
    def upright(self) -> Size:
        return upright_size(self.stored, self.pending)

    @property
    def scales(self) -> bool:
        """Whether it can be decoded at a reduced scale."""
        return self.format is ImageFormat.JPEG


def preload(*formats: ImageFormat) -> None:
    """Import these formats' plugins now rather than with the first picture."""
    for form in formats:
        import_module(_DECODERS[form][0])


def seal() -> None:
    """From now on Pillow imports no plugin by itself, in this whole process: those that steps name are all there are.

    Nothing here asks its registry what a file is; this takes the means from whatever might, and the imports from the
    first save. For composition roots of processes that do nothing else with Pillow.
    """
    Image._initialized = 2


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Pillow warns of many a harmless oddity; what matters is an error or a warning of ours, whatever the filters are.

    Entered by the one thread that starts a run, around all of it: filters belong to the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def inspect(data: bytes, form: ImageFormat, read: Set[ImageFormat] = frozenset(ImageFormat)) -> Source:
    """The original as its header describes it.

    Raises UnsupportedMediaType if `form` is none of those that are read here, TypeMismatch if the bytes are of another,
    ImageCorrupt, PixelLimit or FrameLimit.
    """
    if form not in read:
        # a choice that was taken back while the job waited
        raise UnsupportedMediaType(f"{form.value.upper()} is not read by this function")
    found = sniff(data[:SNIFF_BYTES])
    if found is not form:
        raise TypeMismatch(f"the file is {found.value.upper() if found else 'not a picture'}, not {form.value.upper()}")
    header = measure(io.BytesIO(data), len(data), frozenset({form}))
    check_limits(header)
    image = _open(data, form)
    if form is ImageFormat.JPEG and _scans(image, data) > MAX_SCANS:
        raise ImageCorrupt(f"more than {MAX_SCANS} scans", limit=MAX_SCANS)
    info = image.info
    exif = data if form is ImageFormat.TIFF else _bytes(info.get("exif"))
    orientation = orientation_of(exif)
    profile = _bytes(info.get("icc_profile")) or None
    notes: tuple[str, ...] = ()
    if profile and len(profile) > MAX_PROFILE_BYTES:
        profile, notes = None, (IGNORED,)
    if form is ImageFormat.HEIC:
        # not at module level: few functions read it
        from functions.transform.steps.heic import orientation_in, profile_of

        orientation = orientation_in(info)
        if profile is None:
            profile, is_followed = profile_of(info)
            notes = notes if is_followed else (IGNORED,)
    return Source(
        data=data,
        format=form,
        stored=image.size,
        frames=max(1, header.frames),
        exif_orientation=orientation,
        pending=1 if form in _TURNED else orientation,
        exif=exif,
        profile=profile,
        has_alpha=_guarded(getattr, image, "has_transparency_data"),
        warnings=notes,
        xmp=_bytes(info.get("xmp")),
        is_plain=image.mode in _SEEN and _depth(image, data, form) <= 8,
    )


def _depth(image: ImageFile.ImageFile, data: bytes, form: ImageFormat) -> int:
    """Bits of a channel as they are stored, where a decoder gives fewer without a word."""
    if form is ImageFormat.PNG:
        return data[_PNG_DEPTH]
    return int(image.info.get("bit_depth", 8)) if form is ImageFormat.HEIC else 8


def decode(source: Source, scale: int = 1) -> Picture:
    """The pixels, of the first frame; a JPEG at 1/scale of its size (1, 2, 4 or 8). Raises ImageCorrupt.

    A second decode of the same source at another scale is as good as the first: nothing is kept between them.
    """
    if source.format is ImageFormat.GIF:
        return next(frames(source))[0]
    image = _open(source.data, source.format)
    if source.format is ImageFormat.JPEG:
        # all of it at once, which copies nothing: piece by piece a decoder asks for the interpreter's lock 40 times,
        # and waits for the other thread each time (6 MP, web@1, 2 threads: 80 -> 78 ms)
        image.decodermaxblock = len(source.data)
    extent: tuple[float, float] = source.stored
    if scale > 1:
        # the box, not the rounded size, is where the picture ends: forgetting it costs 6 points of SSIMULACRA2
        drafted = _guarded(image.draft, None, (source.stored[0] // scale, source.stored[1] // scale))
        if drafted is not None:
            extent = drafted[1][2], drafted[1][3]
    _guarded(image.load)
    pixels = _guarded(plain, image)
    if scale == 1:
        extent = pixels.size
    return Picture(pixels, extent, source.pending, source.profile, source.warnings)


def frames(source: Source) -> Iterator[tuple[Picture, int]]:
    """Every frame of an animated GIF or WebP as it is seen, and its time in milliseconds. Raises ImageCorrupt.

    One after the other: only the frame at hand is in memory.
    """
    moving = _gif_frames(source) if source.format is ImageFormat.GIF else _webp_frames(source)
    while True:
        image, milliseconds = _guarded(next, moving, (None, 0))
        if image is None:
            return
        pixels = _guarded(plain, image)
        yield Picture(pixels, pixels.size, source.pending, source.profile, source.warnings), milliseconds


def plays(source: Source) -> int:
    """How often an animation is shown; 0 for ever."""
    if source.format is ImageFormat.GIF:
        from functions.transform.steps.gif_frames import gif_plays

        return gif_plays(source.data)
    return int(_open(source.data, source.format).info.get("loop", 0))


def _gif_frames(source: Source) -> Iterator[tuple[Image.Image, int]]:
    from functions.transform.steps.gif_frames import gif_frames  # not at module level: few pictures are GIFs

    found = False
    for each in gif_frames(source.data, source.stored):
        found = True
        yield each
    if not found:
        raise ImageCorrupt("there is no frame")


def _webp_frames(source: Source) -> Iterator[tuple[Image.Image, int]]:
    image = _open(source.data, source.format)
    for number in range(source.frames):
        image.seek(number)
        image.load()
        yield image, round(image.info.get("duration", 0))


def _open(data: bytes, form: ImageFormat) -> ImageFile.ImageFile:
    module, name = _DECODERS[form]
    decoder = getattr(import_module(module), name)
    image: ImageFile.ImageFile = _guarded(decoder, io.BytesIO(data))
    if max(image.size) > MAX_SIDE or image.size[0] * image.size[1] > MAX_PIXELS:
        raise PixelLimit(f"{image.size[0]}×{image.size[1]} pixels", limit=MAX_PIXELS)
    if min(image.size) < 1:
        raise ImageCorrupt(f"{image.size[0]}×{image.size[1]} pixels")
    return image


def _scans(image: ImageFile.ImageFile, data: bytes) -> int:
    """How many scans a JPEG's decoder may read: it stops after the first if that is a whole sequential one."""
    layers = getattr(image, "layers", 0)
    read = image.fp.tell() if image.fp else 0
    # Pillow has read up to the end of the first scan's header: marker, length, number of components, two bytes for
    # each of them, three more
    header = data[max(0, read - 8 - 2 * layers) : read]
    if not image.info.get("progressive") and header.startswith(_SCAN) and header[4] == layers:
        return 1
    return data.count(_SCAN)


def _guarded(act: Any, *arguments: Any) -> Any:
    """What `act` gives; whatever a decoder raises over hostile bytes is ImageCorrupt, or PixelLimit for a bomb."""
    try:
        return act(*arguments)
    except Rejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PixelLimit(str(error), limit=MAX_PIXELS) from error
    except MemoryError:
        raise
    except Exception as error:
        # no list of types is complete: plugins are known to raise SyntaxError, struct.error, KeyError, zlib.error,
        # EOFError, AssertionError, ZeroDivisionError, ... for broken files. Of ours only `plain` is inside, since
        # what a broken file makes of modes and palettes is no less its doing
        raise ImageCorrupt(f"{type(error).__name__}: {str(error)[:200]}") from error


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
