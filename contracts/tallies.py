"""What a tenant was given of one day: the row, and the port to whoever keeps it, as those of `ports`."""

from typing import Protocol

from msgspec import Struct

from contracts.charges import Amounts
from contracts.identifiers import Tenant
from contracts.job import Instant


class Tally(Struct, frozen=True, kw_only=True):
    """What a tenant was given of one day, over all hosts; `revision` 0: nothing yet."""

    revision: int
    amounts: Amounts
    corrected: Amounts = Amounts()
    """What writes of jobs put right since (`charges`); read, and never written from here."""

    @property
    def had(self) -> Amounts:
        """What counts."""
        return self.amounts + self.corrected


class Tallies(Protocol):
    """Of each tenant and day (UTC), named by its midnight."""

    def read(self, tenant: Tenant, day: Instant) -> Tally:
        """Consistent."""
        ...

    def replace(self, tenant: Tenant, day: Instant, tally: Tally, expected_revision: int) -> None:
        """Write what was given, whole; raises RevisionMoved if the revision is another. Kept for three months."""
        ...
