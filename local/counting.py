"""What the cloud's logs say, counted: who called what, and on what a role used which right. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

ROOT: Final = "root"
"""Who deploys and hands out sessions; on AWS the account's people and the instances' metadata."""


class Call(Struct, frozen=True, order=True):
    """One kind of call by one role."""

    role: str
    service: str
    operation: str


class Calls(Struct, frozen=True, kw_only=True):
    """Calls of the processes, by kind; each of them is in exactly one of these."""

    work: Counter[Call]
    """For the jobs themselves: what `per_job` divides."""
    empty_receives: Counter[Call]
    """Polls that brought nothing: they cost by the hour, not by the job."""
    sweeps: Counter[Call]
    """Questions of the sweeper for what is due."""
    depths: Counter[Call]
    """Questions how full a queue is, at most one a second."""
    status_reads: Counter[Call]
    """Reads for clients who ask for a status."""

    def per_job(self, jobs: int) -> float:
        return self.work.total() / jobs


def sorted_calls(requests: Iterable[dict[str, Any]], names: dict[str, str], reader: str) -> Calls:
    """Sort requests of the log; `names` gives each role's own name, and `reader` is the role that answers clients.

    Requests of others than these roles are left out, and so are those that a client made with a link.
    """
    counted = Calls(
        work=Counter(), empty_receives=Counter(), sweeps=Counter(), depths=Counter(), status_reads=Counter()
    )
    for request in requests:
        role = names.get(request["role"])
        if role is None or request.get("presigned"):
            continue
        call = Call(role, request["service"], request["operation"])
        if request.get("empty"):
            counted.empty_receives[call] += 1
        elif call.operation == "Query":
            counted.sweeps[call] += 1
        elif call.operation == "GetQueueAttributes":
            counted.depths[call] += 1
        elif call.role == reader and call.operation == "BatchGetItem":
            # making a job reads nothing: a row that is there already comes with the refusal of the write
            counted.status_reads[call] += 1
        else:
            counted.work[call] += 1
    return counted
