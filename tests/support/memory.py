"""The ports of `contracts.ports` in memory: what the adapters do, without AWS, on a clock that the test moves.

Thread-safe, and held to the adapters by one state machine (`tests/support/agreement.py`). A simulation puts `Faulty`
around one of them to lose a reply, or to crash before or after an effect.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, BinaryIO, Final
from urllib.parse import quote, quote_plus

from msgspec import Struct

from contracts.charges import Amounts
from contracts.deliveries import Delivery, decode_delivery, encode_delivery
from contracts.digests import in_base64
from contracts.errors import AlreadyStored, PipelineError, ResourceLimit, RevisionMoved, SourceMissing, Unavailable
from contracts.filenames import disposition
from contracts.identifiers import JobId, Tenant
from contracts.job import Instant, Job, JobState, decode_job, encode_job
from contracts.limits import MAX_DOCUMENT_BYTES, MAX_MESSAGE_BYTES, QUEUE_BATCH
from contracts.messages import Outgoing, Queue, encode
from contracts.outside_ports import Reply
from contracts.places import original_prefixes, result_prefix
from contracts.ports import DeliveryKey, Depth, Entry, Glance, Head, Link, Pinned, Post, Received
from contracts.tables import MAX_DUE_SHARDS, delivery_shard, shard_of, tally_key
from contracts.tallies import Tally
from contracts.targets import parse_target
from contracts.webhooks import Webhook, WebhookId, decode_webhook, encode_webhook

ORIGINALS: Final = "originals"
"""Name of the bucket in memory."""


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: Instant = 1_800_000_000_000) -> None:
        self.time = now

    def now(self) -> Instant:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += int(seconds * 1000)


class Faulty:
    """A port whose every call is announced: `before(op)` and `after(op)` may raise, `op` being `name.method`.

    Raised before: the effect never was. Raised after: it was, and its reply is lost. An effect that itself fails
    (AlreadyStored...) is not announced as done.
    """

    def __init__(
        self,
        port: Any,
        name: str,
        *,
        before: Callable[[str], None] = lambda op: None,
        after: Callable[[str], None] = lambda op: None,
    ) -> None:
        self._port = port
        self._name = name
        self._before = before
        self._after = after

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._port, method)
        op = f"{self._name}.{method}"

        def announced(*args: Any, **kwargs: Any) -> Any:
            self._before(op)
            answer = call(*args, **kwargs)
            self._after(op)
            return answer

        return announced


# --- objects ---------------------------------------------------------------------------------------------------------


class Version(Struct, frozen=True):
    """One stored version; `sha256` in hex, None if it was stored without one."""

    id: str
    body: bytes
    media_type: str
    sha256: str | None
    hops: int = 0

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


class MemoryObjects:
    """Both buckets: `OriginalRanges`, `OriginalReader`, `ResultStore`, `LinkSigner`, `PostSigner` and `Eraser` in one.

    `originals` and `results` are there to look into: versions of each key, oldest first. `post_form` is what S3 does
    with a form, `post_original` the same without looking at it.
    """

    def __init__(
        self, clock: VirtualClock | None = None, announced: Callable[[str, str], None] = lambda key, version: None
    ) -> None:
        """`announced` hears of what is posted: its key and version."""
        self._clock = clock or VirtualClock()
        self._announced = announced
        self._lock = threading.RLock()
        self._versions = 0
        self.originals: dict[str, list[Version]] = {}
        self.results: dict[str, list[Version]] = {}

    def put_original(
        self, key: str, body: BinaryIO, *, length: int, sha256: str, media_type: str, hops: int = 0
    ) -> Pinned:
        body.seek(0)
        data = body.read()
        with self._lock:
            version = self._put_once(self.originals, key, data, sha256, media_type, length, hops)
        return Pinned(version_id=version.id, etag=version.etag)

    def post_original(
        self, key: str, body: bytes, media_type: str, *, sha256: str | None = None, hops: int = 0
    ) -> Pinned:
        """A direct upload: unconditional, so it may add a version."""
        with self._lock:
            version = self._put(self.originals, key, body, sha256, media_type, hops)
        self._announced(key, version.id)
        return Pinned(version_id=version.id, etag=version.etag)

    def post(
        self, key: str, *, media_type: str, least_bytes: int, most_bytes: int, sha256: str | None, until: Instant
    ) -> Post:
        checked = {} if sha256 is None else {"x-amz-checksum-sha256": in_base64(sha256)}
        signed = {"key": key, "Content-Type": media_type, **checked}
        expires_at = until // 1000 * 1000
        policy = json.dumps([expires_at, least_bytes, most_bytes, signed])
        fields = {**signed, "policy": policy, "x-amz-signature": _signature(policy)}
        return Post(url="https://originals.invalid", fields=fields, expires_at=expires_at)

    def post_form(self, fields: Mapping[str, str], body: bytes) -> str | None:
        """What S3 does with a form that somebody posts: None, or the code that it refuses it with."""
        policy = fields.get("policy", "")
        if fields.get("x-amz-signature") != _signature(policy):
            return "SignatureDoesNotMatch"
        expires_at, least, most, signed = json.loads(policy)
        if self._clock.now() >= expires_at or {**signed, "policy": 0, "x-amz-signature": 0}.keys() != fields.keys():
            return "AccessDenied"
        if any(fields[name] != value for name, value in signed.items()):
            return "AccessDenied"
        if not least <= len(body) <= most:
            return "EntityTooSmall" if len(body) < least else "EntityTooLarge"
        sha256 = hashlib.sha256(body).hexdigest() if "x-amz-checksum-sha256" in signed else None
        if sha256 is not None and in_base64(sha256) != signed["x-amz-checksum-sha256"]:
            return "BadDigest"
        self.post_original(signed["key"], body, signed["Content-Type"], sha256=sha256)
        return None

    def head_original(self, key: str) -> Head | None:
        with self._lock:
            versions = self.originals.get(key)
            if not versions:
                return None
            now = versions[-1]
            return Head(
                version_id=now.id,
                etag=now.etag,
                bytes=len(now.body),
                sha256=now.sha256,
                media_type=now.media_type,
                hops=now.hops,
            )

    def read_range(self, key: str, version_id: str, start: int, size: int) -> bytes:
        with self._lock:
            versions = self.originals.get(key)
            if not versions or versions[-1].id != version_id:
                raise SourceMissing("another version is there now")
            return versions[-1].body[start : start + size]

    def get_original(self, key: str, version_id: str) -> bytes:
        with self._lock:
            for version in self.originals.get(key, []):
                if version.id == version_id:
                    return version.body
        raise SourceMissing("no such version")

    def put_result(self, key: str, body: bytes | memoryview, *, digest: str, media_type: str, hops: int = 1) -> None:
        with self._lock:
            try:
                self._put_once(self.results, key, bytes(body), digest, media_type, len(body), hops)
            except AlreadyStored:
                return

    def get_result(self, key: str) -> bytes:
        with self._lock:
            versions = self.results.get(key)
            if not versions:
                raise SourceMissing("no such result")
            return versions[-1].body

    def link(self, key: str, *, seconds: int, filename: str, saved: bool = False) -> Link:
        expires_at = (self._clock.now() // 1000 + seconds) * 1000
        asked = f"&as={quote(disposition(filename, saved=True))}" if saved else ""
        return Link(url=f"https://results.invalid/{key}?until={expires_at}{asked}", expires_at=expires_at)

    def erase(self, tenant: Tenant, job_id: JobId) -> int:
        erased = 0
        with self._lock:
            for bucket, prefixes in (
                (self.originals, original_prefixes(tenant, job_id)),
                (self.results, (result_prefix(tenant, job_id),)),
            ):
                for key in [key for key in bucket if key.startswith(prefixes)]:
                    erased += len(bucket.pop(key))
        return erased

    def _put_once(
        self,
        bucket: dict[str, list[Version]],
        key: str,
        body: bytes,
        sha256: str,
        media_type: str,
        length: int,
        hops: int,
    ) -> Version:
        if len(body) != length or hashlib.sha256(body).hexdigest() != sha256:
            raise Unavailable("the bytes that arrived are not the ones announced")
        if bucket.get(key):
            raise AlreadyStored("the object exists")
        return self._put(bucket, key, body, sha256, media_type, hops)

    def _put(
        self,
        bucket: dict[str, list[Version]],
        key: str,
        body: bytes,
        sha256: str | None,
        media_type: str,
        hops: int = 0,
    ) -> Version:
        self._versions += 1
        version = Version(f"v{self._versions}", body, media_type, sha256, hops)
        bucket.setdefault(key, []).append(version)
        return version


def _signature(policy: str) -> str:
    return hashlib.sha256(b"secret" + policy.encode()).hexdigest()


def notice(
    key: str, version: str | None = "v1", *, bucket: str = ORIGINALS, name: str = "ObjectCreated:Post", **members: Any
) -> str:
    """What S3 writes of a stored object, as its user guide shows it; `members` replace those of the record."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-11-23T15:04:05.120Z",
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "direct",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "A3NL1"}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": quote_plus(key, safe="/"),
                "size": 1024,
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                **({} if version is None else {"versionId": version}),
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    }
    return json.dumps({"Records": [{**record, **members}]})


# --- queues ----------------------------------------------------------------------------------------------------------


class _Held:
    """A message in a queue; hidden until `visible_at`. Only its last receipt is remembered."""

    def __init__(self, body: str, visible_at: Instant, reason: str | None = None, sent_at: Instant = 0) -> None:
        self.body = body
        self.visible_at = visible_at
        self.reason = reason
        self.sent_at = sent_at
        self.receives = 0
        self.receipt: str | None = None


class MemoryQueues:
    """The queues with their dead letters. A receive never waits: the clock is the test's.

    `visibility_seconds` and `receives` may differ by queue (missing ones take 30 s and 5). A message received that
    often before goes to the dead letters when it would be received again. `arranged` gets the messages that could be
    received and answers them in the order, and with the omissions, of the test's choice.
    """

    def __init__(
        self,
        clock: VirtualClock | None = None,
        *,
        visibility_seconds: Mapping[Queue, float] | None = None,
        receives: Mapping[Queue, int] | None = None,
        delay_seconds: float = 0,
        arranged: Callable[[list[Any]], list[Any]] = lambda ready: ready,
    ) -> None:
        self._clock = clock or VirtualClock()
        self._visibility = visibility_seconds or {}
        self._receives = receives or {}
        self._delay = delay_seconds
        self._arranged = arranged
        self._lock = threading.RLock()
        self._receipts = 0
        self._queues: dict[tuple[Queue, bool], list[_Held]] = {
            (queue, dead): [] for queue in Queue for dead in (False, True)
        }

    def send(self, messages: Sequence[Outgoing]) -> None:
        failure = next((failure for failure in self.deliver(messages) if failure is not None), None)
        if failure is not None:
            raise failure

    def deliver(self, messages: Sequence[Outgoing]) -> list[PipelineError | None]:
        outcomes: list[PipelineError | None] = []
        for outgoing in messages:
            body = encode(outgoing.message).decode()
            if len(body.encode()) > MAX_MESSAGE_BYTES:
                outcomes.append(ResourceLimit("the message is too long for its reader"))
                continue
            self.put(outgoing.queue, body)
            outcomes.append(None)
        return outcomes

    def put(self, queue: Queue, body: str, *, dead_letters: bool = False) -> None:
        """Text as it stands, as a forger or an older writer would send it."""
        with self._lock:
            now = self._clock.now()
            self._queues[queue, dead_letters].append(_Held(body, now + int(self._delay * 1000), sent_at=now))

    def receive(self, queue: Queue, *, most: int, wait_seconds: int = 0, dead_letters: bool = False) -> list[Received]:
        received: list[Received] = []
        with self._lock:
            now = self._clock.now()
            held = self._queues[queue, dead_letters]
            for message in self._arranged([one for one in held if one.visible_at <= now]):
                if not dead_letters and message.receives >= self._receives.get(queue, 5):
                    held.remove(message)
                    message.receipt = None
                    self._queues[queue, True].append(message)
                    continue
                if len(received) == min(most, QUEUE_BATCH):
                    break
                self._receipts += 1
                message.receives += 1
                message.receipt = f"r{self._receipts}"
                message.visible_at = now + int(self._visibility.get(queue, 30) * 1000)
                received.append(
                    Received(
                        queue=queue,
                        body=message.body,
                        receipt=message.receipt,
                        receives=message.receives,
                        reason=message.reason if dead_letters else None,
                        sent_at=message.sent_at,
                    )
                )
        return received

    def delete(self, messages: Sequence[Received], *, dead_letters: bool = False) -> None:
        with self._lock:
            for message in messages:
                held = self._queues[message.queue, dead_letters]
                held[:] = [one for one in held if one.receipt != message.receipt]

    def park(self, message: Received, reason: str) -> None:
        with self._lock:
            now = self._clock.now()
            self._queues[message.queue, True].append(_Held(message.body, now, _plain(reason), now))

    def release(self, messages: Sequence[Received], *, dead_letters: bool = False) -> None:
        with self._lock:
            for message in messages:
                for one in self._queues[message.queue, dead_letters]:
                    if one.receipt == message.receipt:
                        one.visible_at = min(one.visible_at, self._clock.now())

    def redrive(self, letters: Sequence[Received]) -> None:
        for letter in letters:
            self.put(letter.queue, letter.body)

    def depth(self, queue: Queue, *, dead_letters: bool = False) -> Depth:
        with self._lock:
            held = self._queues[queue, dead_letters]
            hidden = [one for one in held if one.visible_at > self._clock.now()]
            in_flight = sum(1 for one in hidden if one.receipt is not None)
            return Depth(visible=len(held) - len(hidden), in_flight=in_flight, delayed=len(hidden) - in_flight)

    # what befalls queues

    def bodies(self, queue: Queue, *, dead_letters: bool = False) -> list[str]:
        """Every message in the queue, in flight or not, oldest first."""
        with self._lock:
            return [one.body for one in self._queues[queue, dead_letters]]

    def reasons(self, queue: Queue) -> list[str | None]:
        """Why each dead letter was parked; None for those that were received too often."""
        with self._lock:
            return [one.reason for one in self._queues[queue, True]]

    def duplicate(self, queue: Queue, index: int) -> None:
        """SQS delivers at least once: a copy of a message appears, never received yet."""
        with self._lock:
            self._queues[queue, False].append(_Held(self._queues[queue, False][index].body, self._clock.now()))

    def surface(self, queue: Queue, *, dead_letters: bool = False) -> None:
        """Every message can be received now: visibility and delays are over."""
        with self._lock:
            for one in self._queues[queue, dead_letters]:
                one.visible_at = min(one.visible_at, self._clock.now())

    def purge(self, queue: Queue | None = None) -> None:
        """Empty one queue, or all of them with their dead letters."""
        with self._lock:
            for (name, dead_letters), held in self._queues.items():
                if queue is None or (name is queue and not dead_letters):
                    held.clear()


# --- ledger ----------------------------------------------------------------------------------------------------------


class MemoryLedger:
    """The table of jobs. Rows are kept encoded, so a job that does not survive its encoding is found out."""

    def __init__(self, shards: int = 1) -> None:
        self._shards = shards
        self._lock = threading.RLock()
        self._rows: dict[JobId, bytes] = {}
        self.deliveries: dict[DeliveryKey, bytes] = {}
        """Beside the jobs, as in the table; `MemoryDeliveries` reads and writes them."""
        self.corrections: dict[str, Amounts] = {}
        """By the keys of the tallies that they are of; `MemoryTallies` reads them."""

    def create(self, job: Job) -> Job | None:
        row = _row(job)
        with self._lock:
            present = self._rows.setdefault(job.id, row)
            return None if present is row else decode_job(present)

    def read(self, job_ids: Sequence[JobId]) -> dict[JobId, Job]:
        with self._lock:
            return {job_id: decode_job(self._rows[job_id]) for job_id in job_ids if job_id in self._rows}

    def replace(self, job: Job, expected_revision: int, also: Sequence[Delivery] = ()) -> None:
        row = _row(job)
        with self._lock:
            present = self._rows.get(job.id)
            if present is None or decode_job(present).revision != expected_revision:
                raise RevisionMoved("the row has another revision")
            if any(delivery.key in self.deliveries for delivery in also):
                raise RevisionMoved("the delivery is there already")
            charge = job.charge
            correction = None if charge is None else charge.correction(job.revision, expected_revision)
            if charge is not None and correction is not None:
                key = tally_key(job.tenant, charge.day)
                self.corrections[key] = self.corrections.get(key, Amounts()) + correction
            self._rows[job.id] = row
            self.deliveries |= {delivery.key: encode_delivery(delivery) for delivery in also}

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[JobId]:
        with self._lock:
            jobs = [decode_job(row) for job_id, row in self._rows.items() if shard_of(job_id, self._shards) == shard]
        found = sorted((job.due_at, job.id) for job in jobs if job.due_at is not None and job.due_at <= until)
        return [job_id for _, job_id in found[:most]]

    def jobs(self) -> list[Job]:
        """Every row, in the order of creation."""
        with self._lock:
            return [decode_job(row) for row in self._rows.values()]

    def forget(self, job_id: JobId) -> None:
        """What DynamoDB's time to live does."""
        with self._lock:
            del self._rows[job_id]


class MemoryTallies:
    """What tenants had of a day; with the corrections of a ledger, if there is one."""

    def __init__(self, ledger: MemoryLedger | None = None) -> None:
        self._lock = threading.Lock()
        self._ledger = ledger or MemoryLedger()
        self._rows: dict[str, Tally] = {}

    def read(self, tenant: Tenant, day: Instant) -> Tally:
        key = tally_key(tenant, day)
        with self._lock:
            given = self._rows.get(key, Tally(revision=0, amounts=Amounts()))
        return Tally(
            revision=given.revision, amounts=given.amounts, corrected=self._ledger.corrections.get(key, Amounts())
        )

    def replace(self, tenant: Tenant, day: Instant, tally: Tally, expected_revision: int) -> None:
        with self._lock:
            present = self._rows.get(tally_key(tenant, day))
            if (0 if present is None else present.revision) != expected_revision:
                raise RevisionMoved("the tally has another revision")
            self._rows[tally_key(tenant, day)] = tally


class MemoryDeliveries:
    """Deliveries beside the jobs of a ledger."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._lock = threading.RLock()

    def read(self, keys: Sequence[DeliveryKey]) -> dict[DeliveryKey, Delivery]:
        rows = self._ledger.deliveries
        return {key: decode_delivery(rows[key]) for key in keys if key in rows}

    def replace(self, delivery: Delivery, expected_revision: int) -> None:
        with self._lock:
            present = self.read([delivery.key]).get(delivery.key)
            if present is None or present.revision != expected_revision:
                raise RevisionMoved("the row has another revision")
            self._ledger.deliveries[delivery.key] = encode_delivery(delivery)

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[DeliveryKey]:
        found = sorted(
            (delivery.due_at, delivery.key)
            for delivery in self.all()
            if delivery.due_at is not None
            and delivery.due_at <= until
            and delivery_shard(delivery.event) == MAX_DUE_SHARDS + shard
        )
        return [key for _, key in found[:most]]

    def latest(self, webhook: WebhookId, *, most: int) -> list[DeliveryKey]:
        found = [(delivery.created_at, delivery.key) for delivery in self.all() if delivery.webhook == webhook]
        return [key for _, key in sorted(found, reverse=True)[:most]]

    def all(self) -> list[Delivery]:
        """Every one, in the order of birth."""
        return [decode_delivery(row) for row in list(self._ledger.deliveries.values())]


class MemoryWebhooks:
    """Endpoints of the registry."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: dict[tuple[Tenant, WebhookId], bytes] = {}

    def webhook(self, tenant: Tenant, webhook_id: WebhookId) -> Webhook | None:
        row = self._rows.get((tenant, webhook_id))
        return None if row is None else decode_webhook(row)

    def webhooks(self, tenant: Tenant) -> list[Webhook]:
        return [decode_webhook(row) for key, row in sorted(self._rows.items()) if key[0] == tenant]

    def keep(self, webhook: Webhook, expected_revision: int) -> None:
        with self._lock:
            present = self.webhook(webhook.tenant, webhook.id)
            if (present.revision if present else 0) != expected_revision:
                raise RevisionMoved("the row has another revision")
            self._rows[webhook.tenant, webhook.id] = encode_webhook(webhook)


class MemoryReceiver:
    """The world outside: `Outside` to whoever posts. `answers` are the replies to come, the last one for ever; one that
    is a failure is raised. `got` is what was sent: address, headers, body.
    """

    def __init__(self) -> None:
        self.answers: list[Reply | PipelineError] = [Reply(status=204)]
        self.got: list[tuple[str, Mapping[str, str], bytes]] = []

    def check(self, url: str) -> None:
        parse_target(url)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> Reply:
        self.got.append((url, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, PipelineError):
            raise answer
        return answer


class MemoryCatalogue:
    """Lists over the rows of a ledger."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    def made(
        self,
        tenant: Tenant,
        since: Instant,
        until: Instant,
        *,
        states: Collection[JobState],
        preset: str | None = None,
        after: Entry | None = None,
        most: int = 100,
    ) -> Glance:
        rows = {
            Entry(job.created_at, job.id): job
            for job in self._ledger.jobs()
            if job.tenant == tenant and since <= job.created_at < until
        }
        left = sorted((entry for entry in rows if after is None or entry < after), reverse=True)
        seen = left[:most]
        return Glance(
            entries=tuple(
                entry for entry in seen if rows[entry].state in states and preset in (None, rows[entry].preset)
            ),
            go_on=seen[-1] if len(left) > most else None,
        )


def _plain(reason: str) -> str:
    """A reason as SQS carries it."""
    return re.sub(r"[^ -~]", "?", reason)[:256] or "no reason was given"


def _row(job: Job) -> bytes:
    row = encode_job(job)
    if len(row) > MAX_DOCUMENT_BYTES:
        raise ResourceLimit("the record of this job is full")
    return row
