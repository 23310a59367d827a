"""Queues on SQS: batches of ten, long polls, dead letters.

A whole call that fails raises; an entry of a batch that fails is tried once more with the other failed ones, and then
is its sender's failure alone. Sending twice is harmless (tokens), so is deleting twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from contracts.errors import PipelineError, ResourceLimit, Unavailable
from contracts.limits import MAX_MESSAGE_BYTES, MIB, QUEUE_BATCH
from contracts.messages import Outgoing, Process, Queue, Transform, encode
from contracts.ports import Depth, Received

BATCH_BYTES: Final = MIB
"""Bodies of one SendMessageBatch together (an SQS limit)."""

LONGEST_WAIT_SECONDS: Final = 20
"""Of one receive (an SQS limit; the embedded cloud would accept more)."""

MAX_REASON_CHARS: Final = 256

_STALE: Final = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "InvalidReceiptHandle"}
"""How a receipt is refused that has expired or was overtaken by a later receive."""

_NO_GROUPS: Final[Mapping[int, str]] = {}

_NOT_IN_SQS: Final = re.compile("[\ufffe\uffff]")
"""What JSON leaves as it is and SQS refuses: XML has no such characters. (Control characters JSON escapes itself.)"""
_NOT_PLAIN: Final = re.compile(r"[^ -~]")


class SqsQueues:
    """As `Queues`. `urls` and `dead_letter_urls` name the queues that this process works with, and no others.

    `polls` is a client for receives, so that long polls take no connection from sends; without one `client` does both.
    A wait is cut to five seconds less than its read time-out.
    """

    def __init__(
        self,
        client: AwsClient,
        urls: Mapping[Queue, str],
        dead_letter_urls: Mapping[Queue, str] | None = None,
        *,
        polls: AwsClient | None = None,
    ) -> None:
        self._client = client
        self._polls = polls or client
        self._longest_wait = min(LONGEST_WAIT_SECONDS, int(self._polls.meta.config.read_timeout) - 5)
        self._urls = dict(urls)
        self._dead_letter_urls = dict(dead_letter_urls or {})

    def send(self, messages: Sequence[Outgoing]) -> None:
        failure = next((failure for failure in self.deliver(messages) if failure is not None), None)
        if failure is not None:
            raise failure

    def deliver(self, messages: Sequence[Outgoing]) -> list[PipelineError | None]:
        """Send all; what became of each, in order: None is sent. Raises nothing that is one message's trouble.

        ResourceLimit is the outcome of a body that no reader would take.
        """
        outcomes: list[PipelineError | None] = [None] * len(messages)
        by_queue: dict[Queue, list[tuple[int, str]]] = {}
        groups = {index: group for index, outgoing in enumerate(messages) if (group := _group(outgoing))}
        for index, outgoing in enumerate(messages):
            try:
                by_queue.setdefault(outgoing.queue, []).append((index, _body(outgoing)))
            except ResourceLimit as failure:
                outcomes[index] = failure
        for queue, entries in by_queue.items():
            for batch in _batches(entries):
                try:
                    failed = self._send_batch(self._urls[queue], batch, groups)
                except Unavailable as failure:
                    failed = dict.fromkeys((index for index, _ in batch), failure)
                for index, failure in failed.items():
                    outcomes[index] = failure
        return outcomes

    def receive(self, queue: Queue, *, most: int, wait_seconds: int, dead_letters: bool = False) -> list[Received]:
        with translated():
            answer = self._polls.receive_message(
                QueueUrl=self._url(queue, dead_letters),
                MaxNumberOfMessages=min(most, QUEUE_BATCH),
                WaitTimeSeconds=min(wait_seconds, self._longest_wait),
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                # a message that is no dead letter has none
                MessageAttributeNames=["reason"] if dead_letters else [],
            )
        return [
            Received(
                queue=queue,
                body=message["Body"],
                receipt=message["ReceiptHandle"],
                receives=int(message["Attributes"]["ApproximateReceiveCount"]),
                reason=message.get("MessageAttributes", {}).get("reason", {}).get("StringValue"),
                sent_at=int(message["Attributes"].get("SentTimestamp", 0)),
            )
            for message in answer.get("Messages", [])
        ]

    def delete(self, messages: Sequence[Received], *, dead_letters: bool = False) -> None:
        for queue, receipts in _receipts(messages).items():
            for start in range(0, len(receipts), QUEUE_BATCH):
                self._delete_batch(self._url(queue, dead_letters), receipts[start : start + QUEUE_BATCH])

    def park(self, message: Received, reason: str) -> None:
        said = _NOT_PLAIN.sub("?", reason)[:MAX_REASON_CHARS] or "no reason was given"
        with translated():
            self._client.send_message(
                QueueUrl=self._dead_letter_urls[message.queue],
                MessageBody=message.body,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": said}},
            )

    def release(self, messages: Sequence[Received], *, dead_letters: bool = False) -> None:
        for queue, receipts in _receipts(messages).items():
            for start in range(0, len(receipts), QUEUE_BATCH):
                batch = receipts[start : start + QUEUE_BATCH]
                entries = [
                    {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for index, receipt in enumerate(batch)
                ]
                with translated():
                    # what fails is stale, or comes back when its time is over
                    self._client.change_message_visibility_batch(
                        QueueUrl=self._url(queue, dead_letters), Entries=entries
                    )

    def redrive(self, letters: Sequence[Received]) -> None:
        by_queue: dict[Queue, list[tuple[int, str]]] = {}
        for index, letter in enumerate(letters):
            by_queue.setdefault(letter.queue, []).append((index, letter.body))
        for queue, entries in by_queue.items():
            for batch in _batches(entries):
                failed = self._send_batch(self._urls[queue], batch)
                if failed:
                    raise next(iter(failed.values()))

    def depth(self, queue: Queue, *, dead_letters: bool = False) -> Depth:
        with translated():
            counts = self._client.get_queue_attributes(
                QueueUrl=self._url(queue, dead_letters),
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                ],
            )["Attributes"]
        return Depth(
            visible=int(counts["ApproximateNumberOfMessages"]),
            in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(counts["ApproximateNumberOfMessagesDelayed"]),
        )

    def _url(self, queue: Queue, dead_letters: bool) -> str:
        return (self._dead_letter_urls if dead_letters else self._urls)[queue]

    def _send_batch(
        self, url: str, batch: Sequence[tuple[int, str]], groups: Mapping[int, str] = _NO_GROUPS
    ) -> dict[int, PipelineError]:
        """What could not be sent, by its index, after a second try of what failed at the first."""
        bodies = dict(batch)
        failed: list[dict[str, Any]] = []
        for _ in range(2):
            entries = [
                {"Id": str(index), "MessageBody": body} | ({"MessageGroupId": groups[index]} if index in groups else {})
                for index, body in bodies.items()
            ]
            with translated():
                answer = self._client.send_message_batch(QueueUrl=url, Entries=entries)
            failed = answer.get("Failed", [])
            if not failed:
                return {}
            bodies = {int(one["Id"]): bodies[int(one["Id"])] for one in failed}
        return {int(one["Id"]): Unavailable(f"SendMessageBatch was answered {one.get('Code')}") for one in failed}

    def _delete_batch(self, url: str, receipts: Sequence[str]) -> None:
        failed: list[dict[str, Any]] = []
        for _ in range(2):
            entries = [{"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)]
            with translated():
                answer = self._client.delete_message_batch(QueueUrl=url, Entries=entries)
            failed = [one for one in answer.get("Failed", []) if not _is_stale(one)]
            if not failed:
                return
            receipts = [receipts[int(one["Id"])] for one in failed]
        raise Unavailable(f"DeleteMessageBatch was answered {failed[0].get('Code')}")


def _receipts(messages: Iterable[Received]) -> dict[Queue, list[str]]:
    """Of each queue, every one once: a batch may not name one twice."""
    by_queue: dict[Queue, dict[str, None]] = {}
    for message in messages:
        by_queue.setdefault(message.queue, {})[message.receipt] = None
    return {queue: list(receipts) for queue, receipts in by_queue.items()}


def _is_stale(failed: dict[str, Any]) -> bool:
    return str(failed.get("Code", "")).rpartition(".")[2] in _STALE


def _group(outgoing: Outgoing) -> str:
    """What a queue is fair between: with a group, SQS hands out a quiet tenant's messages before those of one that has
    many in flight (fair queues; our queues keep no order). The embedded cloud takes it and is not fair."""
    message = outgoing.message
    return message.tenant if isinstance(message, Process | Transform) else ""


def _body(outgoing: Outgoing) -> str:
    encoded = encode(outgoing.message)
    if len(encoded) > MAX_MESSAGE_BYTES:
        raise ResourceLimit("the message is too long for its reader", limit=MAX_MESSAGE_BYTES, actual=len(encoded))
    # inside a JSON string, where alone it can stand, the escape means the same character
    return _NOT_IN_SQS.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded.decode())


def _batches(entries: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Entries in order, at most ten and a mebibyte together."""
    batch: list[tuple[int, str]] = []
    held = 0
    for index, body in entries:
        size = len(body.encode())
        if batch and (len(batch) == QUEUE_BATCH or held + size > BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append((index, body))
        held += size
    if batch:
        yield batch
