"""Receivers as hostile as they come: no connection to an address that is not public, and the jobs unaffected.

The real readers, courier and way out, over ports in memory; the receivers are servers on loopback that the connections
to public addresses are led to, with real TLS. Every event is tried to the end of its schedule, which is shortened.
"""

import socket
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
from structlog.testing import capture_logs

from adapters.outside import Outside
from contracts.addresses import refusal
from contracts.deliveries import DeliveryState
from contracts.job import JobState
from contracts.limits import Timing
from contracts.webhooks import new_webhook
from tests.support import receivers
from tests.support.cases import hold, say
from tests.support.pipeline import Pipeline, some_variants
from tests.support.receivers import Authority, Behaviour, Receiver, answering, receiving, redirecting

JOBS: Final = 5
"""That name each receiver."""
METADATA: Final = "https://169.254.169.254/latest/meta-data/"
GOOD: Final = "good.example"
_BOMB: Final = answering(200, "Content-Encoding: gzip", body=b"\x1f\x8b\x08\0\0\0\0\0" + b"\0" * 100_000)
HOSTILE: Final[dict[str, tuple[str, Behaviour]]] = {
    "flips.example": ("its name leads to loopback from the second time on", answering(204)),
    "redirects.example": ("it redirects to the metadata of the machine", redirecting(METADATA, 307)),
    "endless.example": ("its answer never ends", receivers.endless),
    "slow.example": ("its head comes byte by byte", receivers.slow_head),
    "bomb.example": ("its answer is a bomb in gzip", _BOMB),
    "impostor.example": ("it shows another's certificate", answering(204)),
    "expired.example": ("its certificate is over", answering(204)),
}


class _Network:
    """Names and the receivers behind them: a public address each, and what was dialled."""

    def __init__(self) -> None:
        self.behind: dict[str, Receiver] = {}
        self.address: dict[str, str] = {}
        self.flipped = 0
        self.dialled: list[str] = []

    def put(self, name: str, receiver: Receiver) -> None:
        self.address[name] = f"93.184.215.{len(self.address) + 1}"
        self.behind[self.address[name]] = receiver

    def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        self.flipped += host == "flips.example"
        return ["127.0.0.1"] if host == "flips.example" and self.flipped > 1 else [self.address[host]]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self.behind[address].port), timeout=seconds)


def main(jobs: int = JOBS) -> str:
    network = _Network()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        for name, (what, behaviour) in {**HOSTILE, GOOD: ("it behaves", answering(204))}.items():
            shown = "somebody-else.example" if name == "impostor.example" else name
            tls = authority.server(shown, expired=name == "expired.example")
            network.put(name, stack.enter_context(receiving(behaviour, tls)))
            say(f"{name}: {what}")
        pipeline = Pipeline(timing=Timing(webhook_seconds=0.3, webhook_gaps_seconds=(1,) * 8))
        pipeline.receiver = Outside(  # type: ignore[assignment] - the real one in its place
            trust=authority.trust(), resolve=network.resolve, connect=network.connect
        )
        pipeline.restart()
        with capture_logs():  # hundreds of lines that say what is counted below
            names = _sent(pipeline, jobs)
            pipeline.settle()
        return _figure(pipeline, network, names, jobs)


def _sent(pipeline: Pipeline, jobs: int) -> dict[str, str]:
    """Jobs that name each receiver; the endpoints' ids, with the names of their hosts."""
    names = {}
    for number, name in enumerate([*HOSTILE, GOOD]):
        made = new_webhook("default", f"https://{name}/in", 1, lambda count, seed=number + 1: bytes([seed] * count))
        pipeline.webhooks.keep(made, 0)
        names[made.id] = name
        for _ in range(jobs):
            pipeline.upload(options=msgspec.structs.replace(some_variants("a", "b"), webhook=made.id))
    return names


def _figure(pipeline: Pipeline, network: _Network, names: dict[str, str], jobs: int) -> str:
    affected = [job.id for job in pipeline.ledger.jobs() if job.state is not JobState.COMPLETED or job.debts]
    forbidden = [address for address in network.dialled if refusal(address) is not None]
    deliveries = pipeline.deliveries.all()
    hold(len(deliveries) == jobs * len(names), f"{len(deliveries)} events of {jobs * len(names)} jobs")
    open_ends = [one for one in deliveries if one.state is DeliveryState.PENDING]
    hold(not open_ends, f"{len(open_ends)} events neither delivered nor given up")
    good = [one.state for one in deliveries if names[one.webhook] == GOOD]
    hold(good == [DeliveryState.DELIVERED] * jobs, "the receiver that behaves was not told of every job")
    told = {one.event for one in deliveries if one.state is DeliveryState.DELIVERED}
    say(f"{len(network.dialled)} connections, {len(told)} events delivered, {len(deliveries) - len(told)} given up")
    figure = f"{len(HOSTILE)} hostile receivers, {len(forbidden)} forbidden connections, {len(affected)} jobs affected"
    hold(not forbidden and not affected, figure)
    return figure
