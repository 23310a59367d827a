"""Walks, plays and prints what was reached: `make reached`. The walk and the simulation's test hold it to the lists.

python -m tests.support.reaching       two minutes; exit 1 where something is missing, or there though it cannot be
"""

import logging
import sys
from collections import Counter

import structlog
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.test_simulation import CAMPAIGN, REACHABLE, Machine
from tests.simulation.test_simulation import ROWS as PLAYED
from tests.support.invariants import HELD
from tests.support.reached import LEFT_TO_SIMULATION, ROWS, SIMULATION, UNREACHABLE, WALK, report, unproven
from tests.support.recorder import Row
from tests.support.walk import LONG_WALKS, WALKS


def main() -> int:
    """The exit status."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    walked: Counter[Row] = Counter()
    for make in (*WALKS.values(), *LONG_WALKS.values()):
        walk = make()
        walk.run()
        walked += walk.rows
    in_walk = Counter(HELD)
    HELD.clear()
    run_state_machine_as_test(Machine, settings=CAMPAIGN)
    print("\n".join(report(walked, PLAYED, (in_walk, HELD))))  # noqa: T201
    faults = [f"not gone by: {row}" for row in sorted(ROWS - walked.keys() - LEFT_TO_SIMULATION - UNREACHABLE.keys())]
    faults += [
        f"not gone by in the simulation: {row}" for row in sorted((REACHABLE | LEFT_TO_SIMULATION) - set(PLAYED))
    ]
    faults += [f"gone by, though it is said that nothing can: {row}" for row in UNREACHABLE if row in walked + PLAYED]
    faults += [f"never put to the proof: {promise}" for promise in unproven(WALK, in_walk)]
    faults += [f"never put to the proof in the simulation: {promise}" for promise in unproven(SIMULATION, HELD)]
    print("\n".join(faults) or "every row and every invariant was reached")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
