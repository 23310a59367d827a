"""What an import makes of each picture: a preset of the repository's, or one of the tenant's own."""

from typing import Final

from client.errors import BadInput
from contracts.assets import pinned_assets
from contracts.errors import PipelineError, RevisionMoved, SpecInvalid, Unavailable
from contracts.identifiers import Tenant
from contracts.job import Lane
from contracts.options import Options, decode_options, encode_options
from contracts.ports import Clock, Ledger
from contracts.presets import PRESETS, is_preset_name
from contracts.registry_ports import PresetShelf
from contracts.shelves import used
from contracts.variants import Variant

_ROUNDS: Final = 5


def wish(preset: str | None, expires_in: int | None) -> Options:
    """The options of every job of an import, checked as those of an upload. Raises BadInput."""
    try:
        return decode_options(encode_options(Options(preset=preset, expires_in=expires_in, priority=Lane.BULK)))
    except PipelineError as error:
        raise BadInput(error.detail, "docs/api.md says what there is") from error


def variants_of(
    options: Options, shelf: PresetShelf, tenant: Tenant, clock: Clock, *, marks: bool
) -> tuple[Variant, ...]:
    """The variants of these options for this tenant; with `marks` its own preset is marked as used, and so fixed.

    Raises BadInput if there is no such preset.
    """
    name = options.effective_preset
    if name is None or name in PRESETS:
        return options.resolved()
    for _ in range(_ROUNDS):
        found = shelf.preset(tenant, name) if is_preset_name(name) else None
        if found is None or found.deleted_at is not None:
            raise BadInput(f"{tenant} has no preset {name}", f"there are: {_names(shelf, tenant)}")
        preset = used(found, clock.now()) if marks else found
        if preset is not found:
            try:
                shelf.keep(preset)
            except RevisionMoved:
                continue
        try:
            return options.resolved(preset.variants)
        except SpecInvalid as error:
            raise BadInput(error.detail, "choose another preset") from error
    raise Unavailable("the preset is being changed by too many at once")


def assets_of(ledger: Ledger, tenant: Tenant, variants: tuple[Variant, ...]) -> dict[str, str]:
    """Keys of the watermarks of a preset's variants, by the names that overlays call them. Raises BadInput."""
    try:
        return pinned_assets(ledger, tenant, variants, own=0)
    except SpecInvalid as error:
        raise BadInput(
            error.detail, "the preset lays a picture over that is not there; choose another preset"
        ) from error


def _names(shelf: PresetShelf, tenant: Tenant) -> str:
    own = [preset.name for preset in shelf.presets(tenant) if preset.deleted_at is None]
    return ", ".join([*sorted(PRESETS), *sorted(own)])
