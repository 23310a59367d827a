"""A shelf of presets in memory."""

from contracts.errors import RevisionMoved
from contracts.identifiers import Tenant
from contracts.presets import PresetName
from contracts.shelves import ShelvedPreset, decode_preset, encode_preset


class MemoryPresets:
    """As `PresetShelf`. Rows are kept encoded; `reads` counts how often one was asked for."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Tenant, PresetName], bytes] = {}
        self.reads = 0

    def preset(self, tenant: Tenant, name: PresetName) -> ShelvedPreset | None:
        self.reads += 1
        row = self._rows.get((tenant, name))
        return None if row is None else decode_preset(row)

    def presets(self, tenant: Tenant) -> list[ShelvedPreset]:
        return [decode_preset(row) for (owner, _), row in sorted(self._rows.items()) if owner == tenant]

    def keep(self, preset: ShelvedPreset) -> None:
        row = self._rows.get((preset.tenant, preset.name))
        if (0 if row is None else decode_preset(row).revision) != preset.revision - 1:
            raise RevisionMoved("another revision is there")
        self._rows[preset.tenant, preset.name] = encode_preset(preset)
