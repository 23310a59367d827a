"""A tenant's own presets: what is kept of one, and the rules of its life. Pure; the repository's are in `presets`.

A preset is `name@version`. Until a job uses it it may be replaced; from then on its name means these variants for ever,
also after it was deleted: what was made under a name can always be explained by it.

    ∅ ──put──▶ unused ──put──▶ unused ──use──▶ used ──put (the same)──▶ used ──delete──▶ deleted
                  └──delete──▶ deleted
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from contracts.errors import StateConflict
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.limits import MAX_VARIANTS
from contracts.presets import PRESETS, PresetName
from contracts.variants import Variant

CACHE_SECONDS: Final = 30
"""How long a host goes by what it last read of a preset that is used: so long may a deleted one still be taken."""
MAX_PRESETS: Final = 200
"""Of one tenant, deleted ones included."""
SCHEMA: Final = 1


class ShelvedPreset(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a preset. Replaced whole under its revision."""

    schema: Annotated[int, Meta(ge=1)]
    """Always written: it must never be guessed from the reader's own default."""
    tenant: Tenant
    name: PresetName
    variants: Annotated[tuple[Variant, ...], Meta(min_length=1, max_length=MAX_VARIANTS)]
    revision: Annotated[int, Meta(ge=1)] = 1
    created_at: Instant
    updated_at: Instant
    used_at: Instant | None = None
    """When the first job asked for it; from then on its variants are fixed."""
    deleted_at: Instant | None = None


def shelved(
    found: ShelvedPreset | None, tenant: Tenant, name: PresetName, variants: tuple[Variant, ...], now: Instant
) -> ShelvedPreset:
    """The record after a put; `found` itself if it says that already.

    Raises StateConflict for a name of the repository's, for one that is deleted, and for one that is used and has other
    variants.
    """
    if name in PRESETS:
        raise StateConflict("this preset is part of Darkroom itself; put yours under a name of your own")
    if found is None:
        return ShelvedPreset(schema=SCHEMA, tenant=tenant, name=name, variants=variants, created_at=now, updated_at=now)
    if found.deleted_at is not None:
        raise StateConflict(f"there was a {name}, and its name is never given again; take a new version")
    if found.variants == variants:
        return found
    if found.used_at is not None:
        raise StateConflict(f"{name} is used, so it stays as it is; put the change under a new version")
    return msgspec.structs.replace(found, variants=variants, revision=found.revision + 1, updated_at=now)


def used(found: ShelvedPreset, now: Instant) -> ShelvedPreset:
    """The record once a job asked for it; itself if one has before."""
    if found.used_at is not None:
        return found
    return msgspec.structs.replace(found, used_at=now, revision=found.revision + 1, updated_at=now)


def deleted(found: ShelvedPreset, now: Instant) -> ShelvedPreset:
    """The record of a preset that no job may ask for any more; itself if it is so already."""
    if found.deleted_at is not None:
        return found
    return msgspec.structs.replace(found, deleted_at=now, revision=found.revision + 1, updated_at=now)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(ShelvedPreset)


def encode_preset(preset: ShelvedPreset) -> bytes:
    return _ENCODER.encode(preset)


def decode_preset(document: bytes) -> ShelvedPreset:
    """Inverse of `encode_preset`; raises msgspec.ValidationError for what no version of ours wrote, or a later one."""
    preset = _DECODER.decode(document)
    if preset.schema > SCHEMA:
        raise msgspec.ValidationError(f"schema {preset.schema} of a preset is not known here")
    return preset
