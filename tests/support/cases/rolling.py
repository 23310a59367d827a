"""Both services are restarted 20 times under load: no request fails, though no client retries, and no try is spent.

Each restart is a SIGTERM: the supervisor owns the listening socket, so requests wait in it until the next process
serves. Times are those that a stack has by default.
"""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from tests.support.cases import hold, say
from tests.support.siege import Siege, siege

TIMES: Final = 20
SENDERS: Final = 4
PAUSE_SECONDS: Final = 0.1


def main(times: int = TIMES) -> str:
    with siege({}) as world:
        say("a stack is up")
        return rolling(world, times)


def rolling(world: Siege, times: int) -> str:
    """One request each, nothing tried again: an upload, and a look at it."""
    over = threading.Event()
    jobs: list[str] = []
    answers: Counter[str] = Counter()

    def send() -> None:
        while not over.is_set():
            try:
                answer = world.upload()
                answers[f"POST {answer.status_code}"] += 1
                if answer.status_code == 202:
                    jobs.append(answer.json()["id"])
                    seen = world.http.get(f"/status/{jobs[-1]}")
                    answers[f"GET {seen.status_code}"] += 1
            except httpx.TransportError as error:
                answers[type(error).__name__] += 1
            over.wait(PAUSE_SECONDS)

    with ThreadPoolExecutor(SENDERS) as crowd:
        senders = [crowd.submit(send) for _ in range(SENDERS)]
        try:
            for time in range(times):
                for name in ("upload", "processing"):
                    world.restarted(name, world.signal(name, signal.SIGTERM))
                say(f"restart {time + 1}: {sum(answers.values())} requests, {dict(answers)}")
        finally:
            over.set()
        for sender in senders:
            sender.result()
    failed = sum(count for said, count in answers.items() if said not in ("POST 202", "GET 200"))
    hold(failed == 0, f"{failed} requests failed: {dict(answers)}")
    hold(set(world.all_final(jobs).values()) == {"completed"}, "a job did not complete")
    tries = sum(record.tries + record.crashes for job in world.jobs(jobs).values() for record in job.variants)
    hold(tries == 0, f"{tries} tries were spent")
    broken = world.broken()
    hold(not broken, "; ".join(broken[:3]))
    return (
        f"both services restarted {times} times, {sum(answers.values())} requests, {failed} failed, "
        f"{len(jobs)} jobs, {tries} tries spent"
    )
