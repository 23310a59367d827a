"""The whole pipeline over ports in memory: the real intake, readers and sweeper, and a function by script.

Every call of an actor on a port is announced to `before` and `after`, which a test sets: they may raise Unavailable (a
call that failed, or whose reply was lost), or `Died` (the process ended there), or let another actor act in between.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from contracts.deliveries import DeliveryState
from contracts.direct import DirectUpload
from contracts.errors import BadMessage, SourceMissing
from contracts.formats import ImageFormat
from contracts.identifiers import JobId
from contracts.job import Job, Source
from contracts.limits import Timing
from contracts.messages import (
    Answer,
    Done,
    Facts,
    Failed,
    Finished,
    Outgoing,
    Queue,
    Retryable,
    Timings,
    Transform,
    Undone,
    decode,
)
from contracts.options import Options
from contracts.places import ResultPlace
from contracts.variants import Variant
from contracts.webhooks import Webhook, new_webhook
from services.processing.backlog import Backlog
from services.processing.batches import Settled
from services.processing.courier import Courier
from services.processing.lanes import Lanes
from services.processing.notifications import Rounds
from services.processing.readers import Reader, house_readers
from services.processing.sweeper import Sweeper
from services.upload.commands import Commands
from services.upload.direct import DirectIntake, Granted, Wish
from services.upload.endpoints import Endpoints
from services.upload.intake import Accepted, Arrival, Intake
from services.upload.meter import Meter
from services.upload.shares import InFlight
from services.upload.spool import Spooled
from tests.support.judge import JudgedLedger, JudgedQueues
from tests.support.judge_of_events import JudgedDeliveries, JudgedReceiver, JudgedWebhooks
from tests.support.memory import ORIGINALS, Faulty, MemoryCatalogue, MemoryObjects, MemoryTallies, VirtualClock, notice

READERS: Final = ("ingest", "jobs", "jobs-bulk", "completions", "transforms-dead-letters", "notifications")
WEB: Final = ("large", "medium", "small", "thumb")
"""The variants of the default preset."""


ENDPOINT: Final = msgspec.structs.replace(
    new_webhook("default", "https://hooks.example/all", 1, lambda count: bytes(count)), id=f"wh_{'a' * 16}"
)
"""A webhook endpoint that there is."""
OTHER: Final = msgspec.structs.replace(
    new_webhook("default", "https://hooks.example/some", 2, lambda count: bytes(count)), id=f"wh_{'z' * 16}"
)
"""Another one."""


class Died(BaseException):
    """The process ended here. No `except Exception` of an actor may see it."""


def _nothing(op: str) -> None:
    """No fault."""


class Host:
    """One process of each service: what its actors remember of one another ends with it."""

    def __init__(self, pipeline: "Pipeline") -> None:
        queues, ledger, objects = (announced(pipeline, name) for name in ("queues", "ledger", "objects"))
        clock, timing = pipeline.clock, pipeline.timing
        backlog = Backlog(lambda: queues.depth(Queue.TRANSFORMS), 4, lambda: clock.now() / 1_000)
        deliveries = announced(pipeline, "deliveries")
        self.courier = Courier(
            deliveries=deliveries,
            webhooks=announced(pipeline, "webhooks"),
            outside=announced(pipeline, "receiver"),
            clock=clock,
            timing=timing,
            start=lambda call: call(),
        )
        readers = house_readers(
            queues=queues,
            ledger=ledger,
            originals=lambda: objects,
            originals_bucket=ORIGINALS,
            clock=clock,
            timing=timing,
            backlog=backlog,
            lanes=Lanes(),
            courier=self.courier,
            base="https://img.example",
        )
        self.rounds = Rounds(deliveries=deliveries, courier=self.courier, clock=clock, timing=timing)
        self.readers: dict[str, Reader] = {reader.name: reader for reader in readers}
        self.sweeper = Sweeper(
            ledger=ledger,
            queues=queues,
            originals=objects,
            eraser=objects,
            deliveries=deliveries,
            clock=clock,
            timing=timing,
            shards=pipeline.shards,
        )
        self.intake = Intake(
            ledger=ledger,
            originals=objects,
            send=queues.send,
            clock=clock,
            timing=timing,
            randomness=pipeline.randomness,
        )
        in_flight = InFlight(MemoryCatalogue(pipeline.ledger), clock)
        self.meter = Meter(tallies=pipeline.tallies, in_flight=in_flight, clock=clock)
        self.direct = DirectIntake(
            ledger=ledger,
            originals=objects,
            posts=pipeline.objects,
            clock=clock,
            timing=timing,
            randomness=pipeline.randomness,
            charging=self.meter,
        )
        self.commands = Commands(ledger=ledger, clock=clock, timing=timing, randomness=pipeline.randomness)
        self.endpoints = Endpoints(
            webhooks=announced(pipeline, "webhooks"),
            deliveries=deliveries,
            outside=pipeline.receiver,
            clock=clock,
            randomness=pipeline.randomness,
        )

    def turn(self, name: str) -> Settled | None:
        """One receive of a reader and all that follows."""
        return self.readers[name].turn(0)


def announced(pipeline: "Pipeline", name: str) -> Any:
    port = getattr(pipeline, name)
    return Faulty(port, name, before=lambda op: pipeline.before(op), after=lambda op: pipeline.after(op))


class Pipeline:
    """All actors of one deployment. `host` acts; `restart` puts new processes in its place."""

    def __init__(self, *, timing: Timing | None = None, shards: int = 2, **queue_settings: Any) -> None:
        self.timing = timing or Timing()
        self.shards = shards
        self.clock = VirtualClock()
        self.objects = MemoryObjects(self.clock, self._announced)
        self.ledger = JudgedLedger(shards)
        self.queues = JudgedQueues(
            self.clock,
            visibility_seconds={Queue.TRANSFORMS: self.timing.transforms_visibility_seconds},
            receives={Queue.TRANSFORMS: self.timing.transforms_receives},
            **queue_settings,
        )
        self.queues.ledger = self.ledger
        self.deliveries = JudgedDeliveries(self.ledger, self.clock, self.timing)
        self.ledger.heard = self.deliveries.born
        self.tallies = MemoryTallies(self.ledger)
        self.webhooks = JudgedWebhooks()
        for endpoint in (ENDPOINT, OTHER):
            self.webhooks.keep(endpoint, 0)
        self.receiver = JudgedReceiver(self.deliveries, self.webhooks)
        self.before: Callable[[str], None] = _nothing
        self.after: Callable[[str], None] = _nothing
        self._serial = 0
        self.function = Function(announced(self, "queues"), announced(self, "objects"))
        self.host = Host(self)

    def restart(self) -> None:
        """New processes over the same cloud."""
        self.host = Host(self)

    def randomness(self, count: int) -> bytes:
        """Ids that differ, and are the same in every repetition."""
        self._serial += 1
        return self._serial.to_bytes(count)

    def upload(
        self,
        *,
        key: str | None = None,
        options: Options | None = None,
        source: Source | None = None,
        picture: bytes = b"a picture",
    ) -> Accepted:
        """One request, to the end: its reply, and then the message that it promised."""
        sha256 = hashlib.sha256(picture).hexdigest()
        intake = self.host.intake
        accepted = intake.accept(
            Arrival(
                tenant="default",
                idempotency_key=key,
                options=options or Options(),
                source=source or a_source(picture),
                body=Spooled(file=io.BytesIO(picture), length=len(picture), sha256=sha256, head=picture),
                request_id="r-1",
            )
        )
        intake.announce(accepted.messages)
        return accepted

    def presign(self, picture: bytes, *, key: str | None = None, **asked: Any) -> Granted:
        """One request for a form; the picture is to be a JPEG."""
        wanted = DirectUpload(**({"content_type": "image/jpeg", "bytes": len(picture)} | asked))
        return self.host.direct.presign(Wish(tenant="default", idempotency_key=key, asked=wanted, request_id="r-1"))

    def complete(self, job_id: JobId) -> Accepted:
        """The client says that it posted the file: the reply, and then the message that it promised."""
        accepted = self.host.direct.complete(self.ledger.read([job_id])[job_id])
        self.host.intake.announce(accepted.messages)
        return accepted

    def _announced(self, key: str, version: str) -> None:
        self.queues.put(Queue.INGEST, notice(key, version))

    def turn(self, name: str) -> Settled | None:
        return self.host.turn(name)

    def sweep(self) -> None:
        self.host.sweeper.sweep()

    def job(self, job_id: JobId) -> Job:
        return self.ledger.read([job_id])[job_id]

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """No faults in here."""
        before, after = self.before, self.after
        self.before = self.after = _nothing
        try:
            yield
        finally:
            self.before, self.after = before, after

    def settle(self, rounds: int = 200) -> None:
        """Everybody acts and time passes, until nothing is left to do but wait for the jobs' lives to end."""
        for _ in range(rounds):
            for _ in range(20):
                worked = [self.turn(name) is not None for name in READERS]
                if not any(worked) and not self.function.run():
                    break
            self.sweep()
            self.host.rounds.make()
            if self.is_quiet():
                return
            self.clock.advance(self.timing.first_gap_seconds + 1)
            if self.only_events_are_left():
                # who is to be told may be silent for days, and is told for days
                dates = [delivery.due_at or 0 for delivery in self.deliveries.all()]
                self.clock.time = max(self.clock.time, min(date for date in dates if date))
        raise AssertionError("the pipeline did not come to rest")

    def is_quiet(self) -> bool:
        """No debt, no event on its way, and no message anywhere but dead letters that nobody reads."""
        return self._works_no_more() and not self._is_telling()

    def only_events_are_left(self) -> bool:
        """Nothing but events that are on their way."""
        return self._works_no_more() and self._is_telling()

    def _works_no_more(self) -> bool:
        waiting = [body for queue in Queue for body in self.queues.bodies(queue)]
        crashed = [body for body in self.queues.bodies(Queue.TRANSFORMS, dead_letters=True) if _is_order(body)]
        return not waiting and not crashed and not any(job.debts for job in self.ledger.jobs())

    def _is_telling(self) -> bool:
        return any(delivery.state is DeliveryState.PENDING for delivery in self.deliveries.all())


def _is_order(body: str) -> bool:
    try:
        return isinstance(decode(body), Transform)
    except BadMessage:
        return False


def a_source(picture: bytes = b"a picture", **details: Any) -> Source:
    facts = {
        "filename": "a.jpg",
        "format": ImageFormat.JPEG,
        "bytes": len(picture),
        "width": 4_000,
        "height": 3_000,
        "sha256": hashlib.sha256(picture).hexdigest(),
    }
    return Source(**(facts | details))


def some_variants(*names: str, told: bool | Webhook = False) -> Options:
    """Options of a job with light variants of these names; `told` has an endpoint told of its end."""
    variants = tuple(Variant(name=name, resize={"width": 100}) for name in names)
    endpoint = told if isinstance(told, Webhook) else ENDPOINT if told else None
    return Options(variants=variants, webhook=endpoint.id if endpoint else None)


class Function:
    """The transform function: takes one order, answers as the picture's nature or the script says.

    `nature` says of a job what each variant comes to: done, failed, retryable, undone, or dies (no answer, ever). A job
    whose nature is "undecodable" gives nothing at all.
    """

    def __init__(self, queues: Any, objects: Any) -> None:
        self._queues, self._objects = queues, objects
        self.nature: dict[JobId, Mapping[str, str] | str] = {}
        self.runs: list[tuple[JobId, int]] = []

    def run(self, script: str = "as it is", *, copies: int = 1, deletes: bool = True) -> bool:
        """Take one order; False if there was none.

        `script` overrules the nature for all variants of this run ("misfit" and "garbage" are answers that no function
        of ours gives). The answer is sent `copies` times; without `deletes` the process dies before it acknowledges.
        """
        received = self._queues.receive(Queue.TRANSFORMS, most=1, wait_seconds=0)
        if not received:
            return False
        try:
            order = decode(received[0].body)
        except BadMessage:
            return True  # raises, in the real one: its receives run out
        if not isinstance(order, Transform):
            return True
        self.runs.append((order.job_id, order.token))
        answer = self.answer(order, script)
        if answer is None:
            return True
        for _ in range(copies):
            self._queues.send([Outgoing(Queue.COMPLETIONS, answer)])
        if deletes:
            self._queues.delete(received)
        return True

    def answer(self, order: Transform, script: str = "as it is") -> Finished | None:
        """The answer to an order, its results stored; None if the run dies of it."""
        nature = self.nature.get(order.job_id, {})
        if script == "undecodable" or (nature == "undecodable" and script == "as it is"):
            return self._finished(order, undecodable="image-corrupt", detail="cut short")
        wanted = {
            spec.name: script
            if script != "as it is"
            else nature.get(spec.name, "done")
            if isinstance(nature, Mapping)
            else "done"
            for spec in order.variants
        }
        if "dies" in wanted.values():
            return None
        try:
            original = self._objects.get_original(order.key, order.version_id)
        except SourceMissing:
            return self._finished(
                order, answers=tuple(Failed(name=spec.name, code="source-missing") for spec in order.variants)
            )
        if script == "misfit":
            return self._finished(order, answers=(Undone(name="never-asked-for"),))
        answers = tuple(self._made(order, spec, wanted[spec.name], original) for spec in order.variants)
        return self._finished(order, answers=answers, facts=Facts(width=4_000, height=3_000))

    def _made(self, order: Transform, spec: Variant, what: str, original: bytes) -> Answer:
        if what == "failed":
            return Failed(name=spec.name, code="spec-invalid")
        if what == "retryable":
            return Retryable(name=spec.name, code="unavailable")
        if what == "undone":
            return Undone(name=spec.name)
        # no two runs encode alike: whoever counts both would be found out by the digest
        body = original + f"/{spec.name}/{len(self.runs)}".encode()
        digest = hashlib.sha256(body).hexdigest()
        place = ResultPlace(order.tenant, order.job_id, spec.name, digest, spec.output.format)
        self._objects.put_result(
            place.key, body, digest=digest, media_type=spec.output.format.media_type, hops=order.hops + 1
        )
        return Done(
            name=spec.name,
            key=place.key,
            digest=digest,
            bytes=len(body),
            width=100,
            height=75,
            format=spec.output.format,
        )

    def _finished(self, order: Transform, **said: Any) -> Finished:
        return Finished(
            job_id=order.job_id,
            request_id=order.request_id,
            token=order.token,
            timings=Timings(total_ms=212.5),
            function_request_id=f"f-{len(self.runs)}",
            engine="script",
            **said,
        )
