"""The composition root of the processing service: `python -m services.processing`.

Reads the environment, makes the adapters, starts a thread a queue and one for the sweeper, serves the internal API on
the socket it was given. SIGTERM: no more receives, what is in hand is finished, out within ten seconds.
"""

import functools
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from adapters import clients, telemetry
from adapters.clock import SystemClock
from adapters.deliveries import DynamoDeliveries
from adapters.eraser import S3Eraser
from adapters.ledger import DynamoLedger
from adapters.objects import S3Originals
from adapters.outside import Outside
from adapters.queues import SqsQueues
from adapters.webhooks import DynamoWebhooks
from contracts.environment import BadEnvironment, ProcessingEnvironment, from_environ
from contracts.messages import Queue
from services import edge
from services.processing.backlog import Backlog
from services.processing.courier import CALLS, Courier
from services.processing.crew import Crew, Member
from services.processing.lanes import Lanes
from services.processing.letter_routes import letter_routes
from services.processing.letters import DeadLetters
from services.processing.notifications import Rounds
from services.processing.readers import house_readers
from services.processing.routes import routes
from services.processing.sweeper import Sweeper

PORT: Final = 8001
THREADS: Final = 10 + CALLS
"""That share a client: a reader a queue, the sweeper, the rounds, requests of operators, and calls of endpoints."""
EXIT_SECONDS: Final = 9.5
"""From SIGTERM to the end: below the ten seconds that supervisors commonly give."""

_log: Final = structlog.get_logger()


def main(environ: Mapping[str, str]) -> int:
    """Serve until told to stop; 0 after a drain, 1 if a thread died."""
    settings = from_environ(ProcessingEnvironment, environ)
    telemetry.configure("processing", settings.log_level)
    ledger, queues = _ledger(settings), _queues(settings)
    readiness = edge.Readiness()
    listener = _listener(environ)
    crew = Crew(_members(settings, ledger, queues), on_death=_end_process)
    drained_at: list[float] = []
    readiness.on_drain(lambda: drained_at.append(time.monotonic()))
    readiness.on_drain(crew.stop)
    stopping = threading.Event()
    readiness.on_drain(stopping.set)
    letters = DeadLetters(
        queues=queues,
        ledger=ledger,
        clock=SystemClock(),
        timing=settings.timing,
        originals_bucket=settings.originals_bucket,
        stopped=stopping.is_set,
        pause=stopping.wait,
    )
    handlers = [*routes(ledger, queues), *letter_routes(letters, queues)]
    service = edge.app(handlers, process="processing", readiness=readiness)
    crew.start()
    _log.info("process.started", stack=settings.stack, port=listener.getsockname()[1])
    edge.serve(service, listener=listener, readiness=readiness)
    crew.stop()
    begun = drained_at[0] if drained_at else time.monotonic()
    if not crew.join(begun + EXIT_SECONDS - time.monotonic()):
        _log.warning("process.left_work", reason="a call did not end in time; its messages come back")
    _log.info("process.ended", elapsed_ms=round((time.monotonic() - begun) * 1_000))
    return int(crew.lost_a_member)


def _members(settings: ProcessingEnvironment, ledger: DynamoLedger, queues: SqsQueues) -> dict[str, Member]:
    clock, timing = SystemClock(), settings.timing
    backlog = Backlog(lambda: queues.depth(Queue.TRANSFORMS), 2 * settings.transform_concurrency)

    # made by whoever needs it first: reading two more service models would delay the start by a tenth of a second
    @functools.cache
    def originals() -> S3Originals:
        return S3Originals(_client(settings, "s3"), settings.originals_bucket)

    # one client for both tables, and a trust store that takes 20 ms to read, once
    dynamodb = _client(settings, "dynamodb")
    deliveries = DynamoDeliveries(dynamodb, settings.jobs_table)
    settings.receivers.check(settings.endpoint_url)
    courier = Courier(
        deliveries=deliveries,
        webhooks=DynamoWebhooks(dynamodb, settings.registry_table),
        outside=Outside(ports=settings.receivers.ports, loopback=settings.receivers.loopback),
        clock=clock,
        timing=timing,
    )
    rounds = Rounds(deliveries=deliveries, courier=courier, clock=clock, timing=timing)
    readers = house_readers(
        queues=queues,
        ledger=ledger,
        originals=originals,
        originals_bucket=settings.originals_bucket,
        clock=clock,
        timing=timing,
        backlog=backlog,
        lanes=Lanes(),
        courier=courier,
        base=settings.public_url or "",
    )

    def sweep(stop: threading.Event) -> None:
        Sweeper(
            ledger=ledger,
            queues=queues,
            originals=originals(),
            eraser=_eraser(settings),
            deliveries=deliveries,
            clock=clock,
            timing=timing,
            shards=settings.due_shards,
        ).run(stop)

    return {**{reader.name: reader.run for reader in readers}, "sweeper": sweep, "deliveries": rounds.run}


def _client(
    settings: ProcessingEnvironment,
    service: str,
    *,
    read_seconds: float = clients.READ_SECONDS,
    keys: clients.Keys | None = None,
) -> clients.AwsClient:
    return clients.make(
        service,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        pool=THREADS,
        read_seconds=read_seconds,
        keys=keys,
    )


def _ledger(settings: ProcessingEnvironment) -> DynamoLedger:
    return DynamoLedger(_client(settings, "dynamodb"), settings.jobs_table, settings.due_shards)


def _queues(settings: ProcessingEnvironment) -> SqsQueues:
    polls = _client(settings, "sqs", read_seconds=clients.LONG_POLL_READ_SECONDS)
    return SqsQueues(_client(settings, "sqs"), settings.queue_urls, settings.dead_letter_urls, polls=polls)


def _eraser(settings: ProcessingEnvironment) -> S3Eraser:
    return S3Eraser(
        _client(settings, "sts"),
        settings.eraser_role_arn,
        originals_bucket=settings.originals_bucket,
        results_bucket=settings.results_bucket,
        make_s3=lambda keys: _client(settings, "s3", keys=keys),
    )


def _listener(environ: Mapping[str, str]) -> socket.socket:
    """On loopback and nowhere else: the internal API shows every tenant's jobs and asks for no key."""
    _check_loopback(environ.get("DARKROOM_HOST", "127.0.0.1"))
    try:
        listener = edge.listening_socket(environ, port=PORT)
    except OSError as error:
        raise BadEnvironment(f"cannot listen: {error.strerror}; set DARKROOM_PORT to a free port") from error
    _check_loopback(listener.getsockname()[0])
    return listener


def _check_loopback(host: str) -> None:
    if host not in ("127.0.0.1", "::1"):
        raise BadEnvironment("the internal API is served on loopback only: DARKROOM_HOST is 127.0.0.1 or ::1")


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main(os.environ))
    except BadEnvironment as error:
        sys.exit(f"processing: {error}")
