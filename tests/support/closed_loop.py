"""A small simulation of the pipeline under load, in virtual time: what the lingers of `Pace` are tuned by.

So many clients upload one picture each, wait until it is done, and upload the next. Two functions work at a time. The
jobs reader plans, the completions reader folds, each as long as its batch takes. Nothing of AWS is here but its shape.
"""

import heapq

from msgspec import Struct

from contracts.ports import Depth
from services.processing.backlog import Backlog
from services.processing.pace import Pace
from services.processing.readers import HELD_SECONDS


class Flow(Struct, frozen=True, kw_only=True):
    """What a run showed; batches are mean messages a receive that found some."""

    jobs: int
    seconds: float
    plan_batch: float
    fold_batch: float
    mean_latency: float

    @property
    def rate(self) -> float:
        return self.jobs / self.seconds

    @property
    def reader_calls_per_job(self) -> float:
        """Plan: receive, read, send, delete a batch and one write a job; fold: the same without the send."""
        return 2 + 4 / self.plan_batch + 3 / self.fold_batch


class _Reader:
    """A reader in virtual time: it is in a long poll, lingering, or busy."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace, self.waiting, self.batches, self.messages = pace, 0, 0, 0
        self.free_at = 0.0

    def next_look(self, now: float) -> float:
        return max(now, self.free_at, self.pace.next_at(now) if self.pace else now)

    def take(self, now: float, settle_seconds: float) -> int:
        taken = min(self.waiting, 10)
        self.waiting -= taken
        if self.pace:
            self.pace.received(now, taken)
        self.batches += 1
        self.messages += taken
        self.free_at = now + settle_seconds
        return taken


def closed_loop(
    *,
    clients: int,
    jobs: int,
    function_seconds: float,
    lingers: bool = True,
    functions: int = 2,
    upload_seconds: float = 0.05,
    settle_seconds: float = 0.03,
) -> Flow:
    """Run until so many jobs are done."""
    now = 0.0
    transforms = working = done = uploaded = 0
    backlog = Backlog(lambda: Depth(visible=transforms, in_flight=working, delayed=0), 2 * functions, lambda: now)
    plan, fold = _Reader(), _Reader(Pace(lambda: lingers and backlog.is_full))
    events: list[tuple[float, int, str]] = []
    order = 0

    def at(moment: float, what: str) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, (moment, order, what))

    begun: list[float] = []
    latencies: list[float] = []
    for client in range(clients):
        at(client * 0.01, "upload")
    while done < jobs:
        now, _, what = heapq.heappop(events)
        if what == "upload" and uploaded < jobs:
            uploaded += 1
            at(now + upload_seconds, "queued")
        elif what == "queued":
            begun.append(now)
            plan.waiting += 1
            at(plan.next_look(now), "plan")
        elif what == "plan" and plan.waiting:
            if plan.next_look(now) > now:
                at(plan.next_look(now), "plan")
            elif not backlog.has_room():
                at(now + HELD_SECONDS, "plan")
            else:
                taken = plan.take(now, settle_seconds)
                backlog.sent(taken)
                for _ in range(taken):
                    at(now + settle_seconds, "ordered")
                at(plan.free_at, "plan")
        elif what == "ordered":
            transforms += 1
            at(now, "begin")
        elif what == "begin" and transforms and working < functions:
            transforms, working = transforms - 1, working + 1
            at(now + function_seconds, "answered")
        elif what == "answered":
            working -= 1
            fold.waiting += 1
            at(now, "begin")
            at(fold.next_look(now), "fold")
        elif what == "fold" and fold.waiting:
            if fold.next_look(now) > now:
                at(min(fold.next_look(now), now + HELD_SECONDS), "fold")
            else:
                taken = fold.take(now, settle_seconds)
                backlog.answered(taken)
                for _ in range(taken):
                    at(now + settle_seconds, "done")
                at(fold.free_at, "fold")
        elif what == "done":
            done += 1
            latencies.append(now - begun.pop(0))
            at(now, "upload")
    return Flow(
        jobs=done,
        seconds=now,
        plan_batch=plan.messages / plan.batches,
        fold_batch=fold.messages / fold.batches,
        mean_latency=sum(latencies) / len(latencies),
    )
