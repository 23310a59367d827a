"""The time of day, as `contracts.ports.Clock`."""

import time

from contracts.job import Instant


class SystemClock:
    """The machine's clock. It may be wrong or jump: it decides when to look again, never who wins."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000_000
