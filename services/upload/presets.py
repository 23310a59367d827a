"""Presets of tenants: what a request asks for, resolved to variants, and what a tenant puts on its shelf.

Every method blocks on its port: to be called from a thread. A preset that a job asks for the first time is marked used
before the job is made, under its revision: so nobody can have replaced it between the two, and nobody can after.
"""

import threading
from collections import OrderedDict
from typing import Final

from contracts.errors import NotFound, RevisionMoved, SpecInvalid, StateConflict, Unavailable
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.options import Options, checked_size, decode_options, invalid
from contracts.ports import Clock
from contracts.presets import PRESETS, PresetName, is_preset_name
from contracts.registry_ports import PresetShelf
from contracts.shelves import CACHE_SECONDS, MAX_PRESETS, ShelvedPreset, deleted, shelved, used
from contracts.variants import Variant

MOST_REMEMBERED: Final = 2_000
"""Presets that a host remembers; beyond it the oldest is read again."""
ROUNDS: Final = 5
"""Tries of a write that others keep coming before."""
MOST_NAMED: Final = 20
"""Names that a refusal lists."""


class Presets:
    """The shelf of every tenant, and the repository's presets beside it.

    `only_presets`: a job of variants of its own is refused, so that whoever has a key makes nothing but what was put.
    """

    def __init__(self, shelf: PresetShelf, clock: Clock, *, only_presets: bool = False) -> None:
        self._shelf = shelf
        self._clock = clock
        self.only_presets = only_presets
        self._remembered: OrderedDict[tuple[Tenant, PresetName], tuple[Instant, ShelvedPreset]] = OrderedDict()
        self._remembering = threading.Lock()

    def variants(self, tenant: Tenant, options: Options) -> tuple[Variant, ...]:
        """What a job of these options makes.

        Raises SpecInvalid for a preset that is not there, and for variants where only presets are made.
        """
        if self.only_presets and options.variants:
            raise invalid("#/variants", "this service makes presets only: name one, and leave the variants out")
        name = options.effective_preset
        if name is None or name in PRESETS:
            return options.resolved()
        variants = options.resolved(self._used(tenant, name).variants)
        checked_size(variants)
        return variants

    def shown(self, tenant: Tenant, name: str) -> ShelvedPreset:
        """One preset of the tenant's; raises NotFound."""
        found = self._shelf.preset(tenant, name) if is_preset_name(name) else None
        if found is None or found.deleted_at is not None:
            raise NotFound("there is no preset of this name")
        return found

    def all(self, tenant: Tenant) -> list[ShelvedPreset]:
        """The tenant's presets, by name and version."""
        living = [preset for preset in self._shelf.presets(tenant) if preset.deleted_at is None]
        return sorted(living, key=lambda preset: _order(preset.name))

    def put(self, tenant: Tenant, name: str, body: bytes) -> tuple[ShelvedPreset, bool]:
        """The preset as it is now, and whether it is new.

        Raises what `decode_options` does, SpecInvalid for a name that is none, and StateConflict as `shelved` does, or
        for a shelf that is full.
        """
        variants = _variants(body)
        if not is_preset_name(name):
            raise invalid("#/name", "a preset is called name@version, such as product@1 (a-z, 0-9, _ and -)")
        for _ in range(ROUNDS):
            found = self._shelf.preset(tenant, name)
            preset = shelved(found, tenant, name, variants, self._clock.now())
            if preset == found:
                return preset, False
            if found is None and len(self._shelf.presets(tenant)) >= MAX_PRESETS:
                raise StateConflict(f"there are {MAX_PRESETS} presets, deleted ones included, and no room for more")
            try:
                self._shelf.keep(preset)
            except RevisionMoved:
                continue
            return preset, found is None
        raise Unavailable("the preset is being changed by too many at once")

    def delete(self, tenant: Tenant, name: str) -> None:
        """Jobs that were made with it stay as they are; deleting again is no error. Raises NotFound."""
        if name in PRESETS:
            raise StateConflict("this preset is part of Darkroom itself")
        for _ in range(ROUNDS):
            found = self._shelf.preset(tenant, name) if is_preset_name(name) else None
            if found is None:
                raise NotFound("there is no preset of this name")
            gone = deleted(found, self._clock.now())
            if gone is found:
                return
            try:
                self._shelf.keep(gone)
            except RevisionMoved:
                continue
            with self._remembering:
                self._remembered.pop((tenant, name), None)
            return
        raise Unavailable("the preset is being changed by too many at once")

    def _used(self, tenant: Tenant, name: str) -> ShelvedPreset:
        """The preset, marked as used; as it was within the last `CACHE_SECONDS` if it was used before."""
        asked_at = self._clock.now()
        with self._remembering:
            read_at, known = self._remembered.get((tenant, name), (None, None))
        if read_at is not None and known is not None and 0 <= asked_at - read_at < CACHE_SECONDS * 1_000:
            return known
        for _ in range(ROUNDS):
            found = self._shelf.preset(tenant, name) if is_preset_name(name) else None
            if found is None or found.deleted_at is not None:
                raise self._unknown(tenant)
            preset = used(found, self._clock.now())
            if preset is not found:
                try:
                    self._shelf.keep(preset)
                except RevisionMoved:
                    continue
            with self._remembering:
                # only what is used is remembered: nothing else of it can change but that it is deleted
                self._remembered.pop((tenant, name), None)
                self._remembered[tenant, name] = asked_at, preset
                while len(self._remembered) > MOST_REMEMBERED:
                    self._remembered.popitem(last=False)
            return preset
        raise Unavailable("the preset is being changed by too many at once")

    def _unknown(self, tenant: Tenant) -> SpecInvalid:
        names = [*sorted(PRESETS), *(preset.name for preset in self.all(tenant))]
        more = ", …" if len(names) > MOST_NAMED else ""
        return SpecInvalid(
            f"there is no preset of this name; there are: {', '.join(names[:MOST_NAMED])}{more}",
            errors=[("#/preset", "unknown preset")],
        )


def _variants(body: bytes) -> tuple[Variant, ...]:
    """Of a preset's body: options that say variants and nothing else."""
    said = decode_options(body)
    if not said.variants or said != Options(variants=said.variants):
        raise invalid("#/variants", 'a preset has variants and nothing else: {"variants": [...]}')
    return said.variants


def _order(name: PresetName) -> tuple[str, int]:
    stem, _, version = name.rpartition("@")
    return stem, int(version)
