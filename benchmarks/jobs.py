"""The jobs that contenders do: a picture, and the files that are wanted of it.

    a    one JPEG to 720w JPEG                                                   sharp's own benchmark
    b    one JPEG to 1600w JPEG, 800w WebP, 400w WebP and a square of 150, JPEG  the function's main job, preset web@1
    c    one JPEG to 800w AVIF
    d    one PNG with alpha, 2000x2000, to 800w WebP and 400w PNG

Qualities are 80, and what the contender takes by default for AVIF; encoders' settings are each contender's own.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct
from PIL import Image

from benchmarks.landscape import landscape
from benchmarks.sample import plain_photo
from contracts.formats import ImageFormat
from contracts.outputs import Output, OutputFormat
from contracts.presets import preset
from contracts.variants import Resize, Variant


class Job(Struct, frozen=True, kw_only=True):
    """`pictures` are by the name they have in results, each made from a seed."""

    title: str
    format: ImageFormat
    variants: tuple[Variant, ...]
    pictures: dict[str, Callable[[int], bytes]]


def alpha_png(width: int, height: int, seed: int = 7) -> bytes:
    """A landscape that fades out towards its rim, as a cut-out of a product does; some of it is not there at all."""
    picture = landscape(width, height, seed)
    disc = Image.radial_gradient("L").resize((width, height), Image.Resampling.BICUBIC)
    picture.putalpha(disc.point([min(255, max(0, round((170 - value) * 4))) for value in range(256)]))
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def _variant(name: str, width: int, form: OutputFormat, quality: int | None = None) -> Variant:
    return Variant(name=name, resize=Resize(width=width), output=Output(format=form, quality=quality))


PHOTOS: Final[dict[str, Callable[[int], bytes]]] = {
    "12 MP": partial(plain_photo, 4032, 3024),
    "6 MP": partial(plain_photo, 2832, 2124),
}
JOBS: Final = {
    "a": Job(
        title="one JPEG to 720w JPEG",
        format=ImageFormat.JPEG,
        variants=(_variant("web", 720, OutputFormat.JPEG, 80),),
        pictures={"6 MP": PHOTOS["6 MP"]},
    ),
    "b": Job(
        title="one JPEG to the four variants of web@1",
        format=ImageFormat.JPEG,
        variants=tuple(preset("web@1")),
        pictures=PHOTOS,
    ),
    "c": Job(
        title="one JPEG to 800w AVIF",
        format=ImageFormat.JPEG,
        variants=(_variant("medium", 800, OutputFormat.AVIF),),
        pictures={"12 MP": PHOTOS["12 MP"]},
    ),
    "d": Job(
        title="one PNG with alpha to 800w WebP and 400w PNG",
        format=ImageFormat.PNG,
        variants=(_variant("medium", 800, OutputFormat.WEBP, 80), _variant("small", 400, OutputFormat.PNG)),
        pictures={"4 MP, alpha": partial(alpha_png, 2000, 2000)},
    ),
}
