"""What the walk and the simulation have to reach: every row of the transition table, and every invariant.

The walk sees all that a small model can come to, the simulation what the real actors can. A row is gone by in the walk,
or it is one of `LEFT_TO_SIMULATION`, or it is `UNREACHABLE` and says why; each of these is checked both ways. An
invariant counts as reached when each of its promises (`hold(...)`) was put to the proof, or it is proven elsewhere.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from contracts.job import JobState
from contracts.lifecycle import TABLE
from tests.support.recorder import Row

ROOT: Final = Path(__file__).parents[2]

ROWS: Final[frozenset[Row]] = frozenset(
    [("Reserved", "none", JobState.AWAITING_UPLOAD.value)]
    + [
        (event.__name__, before.value, after.value)
        for event, row in TABLE.items()
        for before, afters in row.moves.items()
        for after in afters
    ]
    + [
        (event.__name__, before.value, verdict.value)
        for event, row in TABLE.items()
        for before, verdict in row.elsewhere.items()
    ]
)
"""Every row of the table, one by one: event, state before, state after; or the verdict where it is not applied."""

UNREACHABLE: Final[dict[Row, str]] = {
    ("Crashed", "processing", "completed"): "what crashed made nothing, so what it ends is never all made",
    ("LapsedDebt", "awaiting_upload", "awaiting_upload"): "nothing is owed yet",
    ("Notified", "awaiting_upload", "awaiting_upload"): "no endpoint is told of a job that has not begun",
    ("Notified", "abandoned", "abandoned"): "no endpoint is told of a job that never began",
    ("Notified", "deleting", "deleting"): "deleting drops what endpoints were still to be told",
    ("Notified", "deleted", "deleted"): "deleting drops what endpoints were still to be told",
}
"""Rows that nothing can go by, and why. They are in the table because it has one entry for several states."""

LEFT_TO_SIMULATION: Final[frozenset[Row]] = frozenset(
    {
        ("Planned", "queued", "failed"),
        ("Planned", "queued", "partially_completed"),
        ("Planned", "queued", "rejected"),
    }
)
"""Rows that need pictures which no plan takes; the walk has but one picture."""

INVARIANTS: Final = {
    1: "every 202 names a job that exists until it is deleted",
    2: "a job's state moves only along the table",
    3: "revision, run and tokens never fall",
    4: "a variant is completed at most once per run, and then keeps its key and digest",
    5: "messages for jobs that are over change nothing but open an erasure or settle debts",
    6: "the same tenant, key and request name the same job; another request is refused and changes nothing",
    7: "completed: every output exists and its bytes have its digest; partially completed: at least one of each",
    8: "there is one final event for each run of a job",
    9: "no client sees run and state go back",
    10: "a lost reply has no second effect",
    11: "every original and output belongs to a row that lives or is being erased",
    12: "every row but a tombstone has a debt or an alarm, and a date",
    13: "fresh dispatches are explained by tries, splits and closed variants",
    14: "only the pinned version is read",
    15: "after deleted nothing holds what was the tenant's",
    16: "no tenant reads, lists or deletes another's job",
    17: "what an endpoint is told is signed with the current or the previous secret",
    18: "no connection is made to an address that is not public",
    19: "every queued job becomes final",
    20: "every final event is delivered, or given up for a reason",
    21: "queues become empty, and nothing is owed for ever",
    22: "files, threads and memory return to where they were",
    23: "outputs carry no metadata unless it was asked for",
    24: "a drain, a throttle or a backlog costs no try",
    25: "a refused request leaves no row, object or message",
}
"""What holds always, or (19 to 22) once faults have stopped; the promises of `hold` carry these numbers."""

ELSEWHERE: Final = {
    16: (
        "there is one tenant in the simulation, and the edge where tenants are told apart is not in it",
        "tests/services/upload/test_auth.py",
    ),
    18: ("the simulation has no network", "tests/services/processing/test_hostile_receivers.py"),
    22: ("the simulation has no files, threads or processes", "tests/faults/test_soak.py"),
    23: ("the simulation makes no pictures", "tests/functions/test_metadata.py"),
}
"""Invariants that neither walk nor simulation can judge: why not, and where they are proven."""

WALK: Final = ("tests/support/invariants.py", "tests/support/walk.py")
SIMULATION: Final = (
    "tests/support/invariants.py",
    "tests/support/judge.py",
    "tests/support/judge_of_events.py",
    "tests/simulation/test_simulation.py",
)
"""Files whose promises must all be put to the proof."""


def promises(files: Iterable[str]) -> frozenset[str]:
    """Every promise that these files hold."""
    calls = (node for file in files for node in ast.walk(ast.parse((ROOT / file).read_text())))
    return frozenset(
        argument.value
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "hold"
        for argument in call.args[:1]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )


def invariants_of(promise: str) -> frozenset[int]:
    """The numbers that a promise begins with."""
    return frozenset(int(number) for number in promise.partition(":")[0].split(","))


def unproven(files: Iterable[str], held: Mapping[str, int]) -> list[str]:
    """Promises of these files that were never put to the proof."""
    return sorted(promise for promise in promises(files) if not held.get(promise))


def report(walked: Mapping[Row, int], played: Mapping[Row, int], held: tuple[Mapping[str, int], ...]) -> list[str]:
    """Lines: each row and each invariant, with how often the walk and the simulation came by."""
    lines = ["   walk  simulation  row"]
    for row in sorted(ROWS | set(walked) | set(played)):
        event, before, after = row
        why = f"   unreachable: {UNREACHABLE[row]}" if row in UNREACHABLE else ""
        refusal = "" if row in ROWS else "   a refusal of the rule"
        lines.append(f"{walked.get(row, 0):7} {played.get(row, 0):11}  {event}: {before} -> {after}{why}{refusal}")
    lines.append("\n   walk  simulation  invariant")
    for number, said in INVARIANTS.items():
        counts = [sum(n for promise, n in one.items() if number in invariants_of(promise)) for one in held]
        where = f"   {': '.join(filter(None, ELSEWHERE[number]))}" if number in ELSEWHERE else ""
        lines.append(f"{counts[0]:7} {counts[1]:11}  {number}: {said}{where}")
    return lines
