"""API keys for tests: a registry in memory, and a ring over it."""

import itertools
import random

from contracts.identifiers import Tenant
from contracts.keys import NO_LIMITS, KeyRecord, Limits, Prefix, Scope, decode_key, encode_key, new_key

PEPPER = bytes(range(32))


class MemoryKeys:
    """As `KeyReader`. Rows are kept encoded; `reads` counts how often the registry was asked."""

    def __init__(self, first_seed: int = 0) -> None:
        self._rows: dict[Prefix, bytes] = {}
        self._seeds = itertools.count(first_seed)
        self.reads = 0

    def key(self, prefix: Prefix) -> KeyRecord | None:
        self.reads += 1
        row = self._rows.get(prefix)
        return None if row is None else decode_key(row)

    def keep(self, record: KeyRecord) -> None:
        """Write a record, in place of any other of its prefix."""
        self._rows[record.prefix] = encode_key(record)

    def made(
        self, tenant: Tenant, *scopes: Scope, now: int, life_seconds: int | None = None, limits: Limits = NO_LIMITS
    ) -> str:
        """A new key; without scopes it has all of them."""
        dice = random.Random(next(self._seeds))
        key, record = new_key(
            PEPPER,
            tenant,
            scopes or tuple(Scope),
            now=now,
            life_seconds=life_seconds,
            randomness=dice.randbytes,
            limits=limits,
        )
        self.keep(record)
        return key
