"""Named, versioned sets of variants. A preset never changes once it is here: a new idea is a new version."""

import re
from typing import Annotated, Final

from msgspec import Meta

from contracts.errors import SpecInvalid
from contracts.framing import Fit, Resize
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant

DEFAULT_PRESET: Final = "web@1"

PRESET_PATTERN: Final = "^[a-z0-9_-]{1,40}@[1-9][0-9]{0,4}(?!\\n)$"
PresetName = Annotated[str, Meta(pattern=PRESET_PATTERN)]
"""A name and its version, as `product@3`."""

_NAME: Final = re.compile(PRESET_PATTERN, re.ASCII)

_Q80_JPEG: Final = Output(format=OutputFormat.JPEG, quality=80)
_Q80_WEBP: Final = Output(format=OutputFormat.WEBP, quality=80)

PRESETS: Final[dict[str, tuple[Variant, ...]]] = {
    "web@1": (
        Variant(name="large", resize=Resize(width=1600), output=_Q80_JPEG),
        Variant(name="medium", resize=Resize(width=800), output=_Q80_WEBP),
        Variant(name="small", resize=Resize(width=400), output=_Q80_WEBP),
        Variant(name="thumb", resize=Resize(width=150, height=150, fit=Fit.COVER), output=_Q80_JPEG),
    ),
}


def preset(name: str) -> tuple[Variant, ...]:
    """The variants of a preset; raises SpecInvalid with the names there are."""
    found = PRESETS.get(name)
    if found is None:
        raise SpecInvalid(
            "there is no preset of this name; there are: " + ", ".join(sorted(PRESETS)),
            errors=[("#/preset", "unknown preset")],
        )
    return found


def is_preset_name(text: str) -> bool:
    """Whether a preset may be called this, of the repository or of a tenant's own (`shelves`)."""
    return _NAME.fullmatch(text) is not None
