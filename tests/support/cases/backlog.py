"""2,000 jobs wait behind a concurrency of 2: none fails or is split, no try is spent; what is cancelled costs no run.

While they come the function takes no orders, as if it were busy; the service holds back by itself, and half of those
that it has not planned are cancelled. A run of the function is counted where it cannot be hidden: at its proxy, by
the fetch of the original that each begins with. Times are those that a stack has by default.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from contracts.job import JobState
from tests.support.cases import followed, hold, say
from tests.support.proxy import Rule, Toxic
from tests.support.siege import Siege, siege

JOBS: Final = 2_000
CROWD: Final = 8


def main(jobs: int = JOBS) -> str:
    with siege({}) as world:
        say("a stack is up, with a concurrency of 2")
        return backlog(world, jobs)


def backlog(world: Siege, count: int) -> str:
    fetched: list[str] = []
    rule = world.proxies["function"].add(Rule(lambda head: _noted(fetched, head), Toxic))
    began = time.monotonic()
    with world.function_busy(), ThreadPoolExecutor(CROWD) as crowd:
        jobs = []
        for accepted in crowd.map(lambda _: world.accepted(), range(count)):
            jobs.append(accepted)
            if len(jobs) % 200 == 0:
                say(f"{len(jobs)} of {count} are sent")
        rows = world.jobs(jobs)
        waiting = [job for job in jobs if rows[job].state is JobState.QUEUED]
        planned = len(jobs) - len(waiting)
        say(f"{count} jobs wait, {planned} of them planned")
        hold(planned < count // 4, f"{planned} were planned: the service did not hold back")
        unwanted = waiting[: count // 2]
        cancelled = list(crowd.map(lambda job: world.http.post(f"/jobs/{job}/cancel").status_code, unwanted))
    hold(set(cancelled) <= {200, 202}, f"cancelling was answered {sorted(set(cancelled))}")
    say(f"{len(unwanted)} of them are cancelled; the rest goes on")
    resumed = time.monotonic()
    wanted = [job for job in jobs if job not in set(unwanted)]
    followed(lambda: sum(job.is_final for job in world.jobs(wanted).values()), len(wanted), "ended")
    world.all_final(wanted)
    world.proxies["function"].drop(rule)
    rows = world.jobs(jobs)
    states = {job: rows[job].state for job in jobs}
    hold({states[job] for job in unwanted} == {JobState.CANCELLED}, "a cancelled job is something else")
    others = {states[job] for job in wanted}
    hold(others == {JobState.COMPLETED}, f"what waited came to {sorted(others)}")
    tries = sum(record.tries + record.crashes for job in rows.values() for record in job.variants)
    split = sum(part.outcome == "crashed" for job in rows.values() for part in job.parts)
    hold((tries, split) == (0, 0), f"{tries} tries were spent and {split} orders parted")
    runs = len([job for job in fetched if job in set(unwanted)])
    hold(runs == 0, f"{runs} runs were spent on cancelled jobs")
    broken = world.broken()
    hold(not broken, "; ".join(broken[:3]))
    seconds = time.monotonic() - resumed
    return (
        f"{count} jobs waited, {len(wanted)} completed in {seconds:.0f} s ({len(wanted) / seconds:.1f} a second), "
        f"{len(unwanted)} were cancelled and cost {runs} runs; 0 failed, {split} split, {tries} tries spent; "
        f"{time.monotonic() - began:.0f} s in all"
    )


def _noted(fetched: list[str], head: str) -> bool:
    """Never true: it only looks. `GET /<bucket>/inline/<tenant>/<job>/original?versionId=...`"""
    target = head.split(" ", 2)[1]
    if head.startswith("GET ") and "/original" in target:
        fetched.append(target.partition("/original")[0].rpartition("/")[2])
    return False
