"""Faults for a soak: each is brought about on a besieged stack, and says whether the system met it.

A mishap that met nobody (no call came by, no message was there to lose) was none: `strike` gives False, and the soak
brings about another. None of them waits for what it did to be mended.
"""

import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from contracts.messages import Process, Queue, encode
from tests.support.proxy import (
    Bandwidth,
    Latency,
    LimitData,
    Match,
    ResetPeer,
    Slicer,
    Then,
    Timeout,
    Toxic,
    always,
    dynamodb,
    operation,
    put,
    s3,
    slow_down,
    throttled,
)
from tests.support.siege import PICTURE, Siege

MEETS_SECONDS: Final = 10.0
"""How long a mishap waits for somebody to meet it."""

Strike = Callable[[Siege, random.Random], bool]


def killed(name: str) -> Strike:
    """Met: another process of it serves."""

    def strike(world: Siege, dice: random.Random) -> bool:
        world.restarted(name, world.kill(name))
        return True

    return strike


def told_to_go(name: str) -> Strike:
    """SIGTERM. Met: it says that it ended, after what it had in hand, and another serves."""

    def strike(world: Siege, dice: random.Random) -> bool:
        said = world.told("process.ended")
        pid = world.signal(name, signal.SIGTERM)
        world.restarted(name, pid)
        return world.told("process.ended") > said

    return strike


def stands_still(world: Siege, dice: random.Random) -> bool:
    """SIGSTOP, for longer than a received message is hidden where times are short. Met: it answers nobody."""
    with world.held("processing"):
        try:
            httpx.get(f"{world.stack.internal_url}/healthz", timeout=1, trust_env=False)
        except httpx.TimeoutException:
            time.sleep(dice.uniform(1, 4))
            return True
    return False


def breaks(proxy: str, match: Match, make: Callable[[], Toxic], times: int) -> Strike:
    """Calls of a process are broken. Met: all of them came by."""

    def strike(world: Siege, dice: random.Random) -> bool:
        with world.proxies[proxy].breaking(match, make, times=times) as rule:
            began = time.monotonic()
            while rule.hits < times and time.monotonic() < began + MEETS_SECONDS:
                rule.hit.wait(0.1)
                time.sleep(0.02)
        world.history.note("fault", kind=make.__name__, process=proxy, hits=rule.hits)
        return rule.hits == times

    return strike


def slows(proxy: str, match: Match, make: Callable[[], Toxic]) -> Strike:
    """Calls of a process are slow for two seconds. Met: some came by."""

    def strike(world: Siege, dice: random.Random) -> bool:
        with world.proxies[proxy].breaking(match, make) as rule:
            rule.hit.wait(MEETS_SECONDS)
            time.sleep(2)
        world.history.note("fault", kind=make.__name__, process=proxy, hits=rule.hits)
        return rule.hits > 0

    return strike


def function_dies(world: Siege, dice: random.Random) -> bool:
    """The function's process is killed when it fetches an original. Met: it was there, and asked."""
    dead = threading.Event()

    def kill(port: int) -> None:
        if world.kill_caller(port):
            dead.set()

    with world.proxies["function"].breaking(_fetch, lambda: Then(kill, before=True), times=1):
        return dead.wait(MEETS_SECONDS)


def purged(world: Siege, dice: random.Random) -> bool:
    """All queues are emptied. Met: there was something in them."""
    began = time.monotonic()
    while time.monotonic() < began + MEETS_SECONDS:
        if sum(world.depth(queue) for queue in (Queue.JOBS, Queue.TRANSFORMS, Queue.COMPLETIONS)):
            return world.purge() > 0
    return False


def poisoned(world: Siege, dice: random.Random) -> bool:
    """A message that nobody can read. Met: it is parked, with the reason."""
    said = world.told("message.parked")
    body = dice.choice(["{", "{}", '{"type":"process","v":99}', "null", "\u2028"])
    world.send(dice.choice([Queue.JOBS, Queue.COMPLETIONS]), body)
    world.history.note("fault", kind="poison")
    return _comes_true(lambda: world.told("message.parked") > said)


def doubled(world: Siege, dice: random.Random) -> bool:
    """Copies of the messages of jobs that wait, and of those that ended. Met: there were some."""
    known = sorted({line["job"] for line in world.history.read()[-400:] if line["what"] == "accepted"})
    for job_id in dice.sample(known, min(len(known), 5)):
        for _ in range(3):
            world.send(Queue.JOBS, encode(Process(job_id=job_id, run=1)).decode())
    world.history.note("fault", kind="copies", jobs=len(known))
    return bool(known)


def gone_away(world: Siege, dice: random.Random) -> bool:
    """A client closes its connection in the middle of a body. Met: it has no answer, and no job."""

    def half() -> object:
        yield b"\xff\xd8" + PICTURE[2 : len(PICTURE) // 2]
        raise _Gone

    key = world.key()
    try:
        headers = {"Content-Type": "image/jpeg", "Idempotency-Key": key, "Content-Length": str(len(PICTURE))}
        world.http.post("/uploads", content=half(), headers=headers)  # type: ignore[arg-type]
    except (_Gone, httpx.TransportError):
        world.history.note("fault", kind="client gone", key=key)
        return True
    return False


class _Gone(Exception):
    """The client is not there any more."""


def repeated(world: Siege, dice: random.Random) -> bool:
    """One upload three times at once, under one key. Met: one job answers them all."""
    key = world.key()
    with ThreadPoolExecutor(3) as crowd:
        ids = set(crowd.map(lambda _: world.accepted(key), range(3)))
    world.history.note("fault", kind="repeated", key=key, jobs=len(ids))
    return len(ids) == 1


def _fetch(head: str) -> bool:
    return head.startswith("GET ") and s3(head)


def _comes_true(happened: Callable[[], bool]) -> bool:
    began = time.monotonic()
    while time.monotonic() < began + MEETS_SECONDS:
        if happened():
            return True
        time.sleep(0.2)
    return False


def torn() -> Toxic:
    return LimitData(1_000)


def late() -> Toxic:
    return Latency(0.5)


def narrow() -> Toxic:
    return Bandwidth(20_000)


def sliced() -> Toxic:
    return Slicer(100, 0.02)


HOST_KILLS: Final[dict[str, Strike]] = {
    "upload host killed": killed("upload"),
    "processing host killed": killed("processing"),
}
"""What recovery is measured after."""

MISHAPS: Final[dict[str, Strike]] = {
    "upload host drained": told_to_go("upload"),
    "processing host drained": told_to_go("processing"),
    "processing host stopped": stands_still,
    "function killed": function_dies,
    "queues purged": purged,
    "reply of a write lost, upload": breaks("upload", operation("PutItem"), ResetPeer, 2),
    "reply of a write lost, processing": breaks("processing", operation("PutItem"), ResetPeer, 2),
    "reply of a receive lost": breaks("processing", operation("ReceiveMessage"), ResetPeer, 2),
    "reply of a send lost": breaks("processing", operation("SendMessageBatch"), ResetPeer, 2),
    "answer of the function lost": breaks("function", operation("SendMessageBatch"), ResetPeer, 1),
    "S3 says SlowDown": breaks("upload", put, slow_down, 3),
    "table says too fast": breaks("processing", dynamodb, throttled, 4),
    "table does not answer": breaks("processing", operation("PutItem"), Timeout, 1),
    "put of a result torn": breaks("function", put, torn, 1),
    "everything late": slows("upload", always, late),
    "few bytes a second": slows("function", s3, narrow),
    "replies in slices": slows("processing", always, sliced),
    "poison": poisoned,
    "copies of messages": doubled,
    "client goes away": gone_away,
    "one upload three times": repeated,
}
"""Everything else."""
