"""How a variant is encoded: its format and what may be said of it, as data with its ranges on the types.

What is asked of the pixels before is in `variants.py`; the encoders are in `functions/transform/steps/encode.py`.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct


class OutputFormat(StrEnum):
    """Formats a variant can be encoded in."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def media_type(self) -> str:
        return f"image/{self.value}"

    @property
    def extension(self) -> str:
        return "jpg" if self is OutputFormat.JPEG else self.value


Quality = Annotated[int, Meta(ge=1, le=100)]

DEFAULT_QUALITY: Final = {OutputFormat.JPEG: 80, OutputFormat.WEBP: 78, OutputFormat.AVIF: 50}
"""Quality of a format whose variant names none. PNG has none: it is lossless."""


class Output(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the pixels are encoded. `quality` 1 to 100 in the codec's own scale; PNG ignores it."""

    format: OutputFormat = OutputFormat.JPEG
    quality: Quality | None = None

    @property
    def effective_quality(self) -> int | None:
        """The quality that is used; None for a lossless format."""
        return None if self.format is OutputFormat.PNG else self.quality or DEFAULT_QUALITY[self.format]
