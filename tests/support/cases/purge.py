"""Every queue is purged in the middle of 200 jobs: all of them complete within 70 s plus their work.

"Their work" is what the same number of jobs takes on the same stack without a purge, measured right before. Times are
those that a stack has by default.
"""

import time
from typing import Final

from contracts.messages import Queue
from tests.support.cases import followed, hold, say
from tests.support.siege import Siege, siege, until

JOBS: Final = 200
MOST_SECONDS: Final = 70.0


def main(jobs: int = JOBS) -> str:
    with siege({}) as world:
        say("a stack is up")
        return purged(world, jobs)


def purged(world: Siege, count: int) -> str:
    began = time.monotonic()
    first = [world.accepted() for _ in range(count)]
    say(f"{count} jobs are sent")
    followed(lambda: sum(job.is_final for job in world.jobs(first).values()), count, "ended")
    world.once(first)
    work = time.monotonic() - began
    say(f"{count} jobs without a purge took {work:.1f} s")
    began = time.monotonic()
    with world.held("processing"):
        # it stands still until all of them wait, so that there is something in the queues to lose
        jobs = [world.accepted() for _ in range(count)]
        until(lambda: world.depth(Queue.JOBS) + world.depth(Queue.JOBS_BULK) >= count, "a message of each")
    half = count // 2
    until(lambda: sum(job.is_final for job in world.jobs(jobs).values()) >= min(half, 20), "the work to be under way")
    lost = world.purge(Queue.JOBS, Queue.JOBS_BULK, Queue.TRANSFORMS, Queue.COMPLETIONS)
    emptied = time.monotonic()
    hold(lost > 0, "there was nothing to lose")
    say(f"{lost} messages are lost")
    followed(lambda: sum(job.is_final for job in world.jobs(jobs).values()), count, "ended")
    seconds = time.monotonic() - emptied
    world.once(jobs)
    broken = world.broken()
    hold(not broken, "; ".join(broken[:3]))
    figure = (
        f"{lost} messages of {count} jobs purged; all completed {seconds:.1f} s later, of which their work is "
        f"{work:.1f} s; allowed are {MOST_SECONDS:.0f} s more than that"
    )
    hold(seconds <= MOST_SECONDS + work, figure)
    return figure
