"""A running stack that bad inputs are sent to, and what is looked at around each of them.

Its API asks for keys, so that there are some to be wrong; two tenants have a job each. Its clocks are shortened: a
form lives for seconds, and a message of no job is given up after two receives.
"""

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from contracts.addresses import refusal
from contracts.job import FINAL
from contracts.keys import Scope
from contracts.messages import Queue
from contracts.tables import TALLY
from local.folder import Running
from local.supervisor import Supervisor
from local.temporary import temporary
from services.upload.sources import SECONDS_A_TRY
from tests.support import patient
from tests.support.bad_inputs import posts, urls
from tests.support.bad_inputs.addresses import read
from tests.support.bad_inputs.asked import PATIENCE_SECONDS, Answer, Asked, spoken
from tests.support.bad_inputs.forms import JPEG, LIGHT, form, trickle
from tests.support.bad_inputs.outcome import Outcome, Seen
from tests.support.bad_inputs.strangers import network, standing_in
from tests.support.stack import until
from tests.support.upload_room import file_part, options_part

SHORTENED: Final = {
    "auth": "required",
    "receivers": {"loopback": False},
    "fetch": {"enabled": True, "seconds": 6},
    "timing": {
        "post_seconds": 20,
        "abandon_after_seconds": 1,
        "late_post_seconds": 1,
        "grace_seconds": 0,
        "sweep_seconds": 0.3,
        "queue_visibility_seconds": 2,
        "queue_receives": 2,
    },
}

Left = dict[str, frozenset[Any]]


@contextlib.contextmanager
def bench() -> Iterator["Bench"]:
    """A stack for bad inputs, for as long as this lasts."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        strangers, authority = open_.enter_context(network(folder, urls.HOSTS, urls.NAMES))
        stack = open_.enter_context(temporary(SHORTENED, kind=standing_in(strangers, authority)))
        yield Bench(stack, open_, Path(strangers.called))


class Bench:
    """The stack, who asks, and what was there before. `early` are waits that were begun at once, for their length."""

    TAKEN = "taken"
    """Idempotency-Key of the first job."""

    def __init__(self, stack: Supervisor, open_: ExitStack, called: Path) -> None:
        """`called` is the file with the addresses of strangers that were called."""
        assert stack.keys is not None
        self.stack, self._called = stack, called
        self._open = open_
        self._port = int(stack.url.rpartition(":")[2])
        ring, every = stack.keys, set(Scope)
        self.key = ring.create("alice", every, None).key
        self.other_key = ring.create("bob", every, None).key
        self.reading_key = ring.create("alice", [Scope.JOBS_READ], None).key
        self.expired_key = ring.create("alice", every, 1).key
        revoked = ring.create("alice", every, None)
        ring.revoke(revoked.record.prefix)
        self.revoked_key = revoked.key
        first = form(options_part(LIGHT), file_part(JPEG), headers=(("Idempotency-Key", self.TAKEN),))
        self.job_id = self.ask(first).document["id"]
        self.other_job_id = self.ask(first, self.other_key).document["id"]
        assert self.ended(self.job_id)["state"] == "completed"
        assert self.ended(self.other_job_id, self.other_key)["state"] == "completed"
        late = posts.presigned(self)
        self.early: dict[str, Callable[[], Any]] = {"slow": trickle(self), "late": lambda: self._abandoned(late)}
        self._left = self._quiet()

    def ask(self, asked: Asked, key: str | None = None) -> Answer:
        """Over a connection of its own, with the first tenant's key unless another is named.

        So many bad keys come from here that the service has their source wait: what it then says is obeyed, but not
        for ever.
        """
        until_ = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = spoken(self._port, asked, key or self.key)
            if "bad-keys" not in answer.document.get("violated-policies", ()):
                return answer
            assert time.monotonic() < until_, f"{asked.path} is told to wait, and has waited for {PATIENCE_SECONDS} s"
            time.sleep(SECONDS_A_TRY)

    def line(self) -> socket.socket:
        """A connection that stays open."""
        return self._open.enter_context(socket.create_connection(("127.0.0.1", self._port), 120))

    def sent(self, asked: Asked) -> Seen:
        """What is answered to a request."""
        answer = self.ask(asked)
        taken = answer.document.get("id") if answer.status == 202 else None
        return Seen(status=answer.status or None, code=answer.code, job_id=taken, names=asked.names)

    def outcome(self, send: Callable[["Bench"], Seen]) -> Outcome:
        """What comes of a case: what is seen at once, how its job ends, and what is left."""
        before = self._left
        seen = send(self)
        job = self._end_of(seen)
        # a refused request sends nothing (its test in memory sees that best): only what was taken has to come to rest
        self._left = self._quiet() if seen.job_id is not None or seen.letters else self._there()
        filename = (job.get("source") or {}).get("filename") if seen.names else None
        return Outcome(
            status=seen.status,
            code=seen.code,
            s3=seen.s3,
            letters=seen.letters,
            state=job.get("state"),
            error=(job.get("error") or {}).get("code"),
            filename=filename,
            leaves=self._new(before, job.get("state")),
        )

    def status(self, job_id: str, key: str | None = None) -> dict[str, Any]:
        return self.ask(read(f"/status/{job_id}"), key).document

    def ended(self, job_id: str, key: str | None = None) -> dict[str, Any]:
        """The job once it is over."""
        until(lambda: self.status(job_id, key).get("state") in {*map(str, FINAL), "abandoned"}, f"{job_id} to end")
        return self.status(job_id, key)

    def record(self, job_id: str) -> dict[str, Any]:
        """Everything that is known of a job, as the processing service tells an operator."""
        return patient.get(f"{self.stack.internal_url}/api/status/{job_id}").raise_for_status().json()

    def record_once(self, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until(lambda: is_so(self.record(job_id)), f"{job_id} to get there")
        return self.record(job_id)

    def post(self, queue: Queue, body: str) -> None:
        """A message of this body to a queue."""
        self._sqs.send_message(QueueUrl=self._urls(queue)[0], MessageBody=body)

    def letters(self, queue: Queue, body: str) -> list[str]:
        """Send a message and wait until it is settled; the reasons that it lies in the dead letters with.

        It is taken out of them again.
        """
        self.post(queue, body)
        waiting, dead = self._urls(queue)
        until(lambda: not any(self._depths(waiting)), f"{queue} to be empty")
        reasons = []
        while any(self._depths(dead)):
            page = self._sqs.receive_message(
                QueueUrl=dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=5
            )
            for message in page.get("Messages", []):
                assert message["Body"] == body
                reasons.append(message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", ""))
                self._sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        return reasons

    def is_refused_by_sqs(self, queue: Queue, body: str) -> bool:
        try:
            self.post(queue, body)
        except ClientError:
            return True
        return False

    def pid(self, name: str) -> int:
        """Of the process that now is the service of this name."""
        running = msgspec.json.decode(self.stack.folder.run_file.read_bytes(), type=list[Running])
        return next(one.pid for one in running if one.name == name)

    def forbidden_calls(self) -> list[str]:
        """Addresses that the upload service called and must not."""
        return [address for address in self._called.read_text().split() if refusal(address) is not None]

    def log_lines(self) -> list[str]:
        """What the upload service wrote down so far."""
        return self.stack.folder.log("upload").read_text(errors="replace").splitlines()

    def _end_of(self, seen: Seen) -> dict[str, Any]:
        if seen.job_id is None or not seen.waits:
            return {}
        return self.ended(seen.job_id)

    def _abandoned(self, form_: dict[str, Any]) -> dict[str, Any]:
        until(lambda: self.status(form_["id"])["state"] == "abandoned", "the form's time to be over")
        return form_

    def _quiet(self) -> Left:
        """What is there once every queue is empty and everything that is to be erased is."""

        def is_quiet() -> bool:
            return not any(any(self._depths(url)) for queue in self._queues for url in self._urls(queue))

        until(is_quiet, "the queues to be empty")
        return self._there()

    def _there(self) -> Left:
        clients, exports = self.stack.clients, self.stack.exports
        pages = (
            clients["dynamodb"]
            .get_paginator("scan")
            .paginate(TableName=exports["tables"]["jobs"], ProjectionExpression="pk")
        )
        objects = [
            (bucket, version["Key"], version["VersionId"])
            for bucket in exports["buckets"].values()
            for page in clients["s3"].get_paginator("list_object_versions").paginate(Bucket=bucket)
            for version in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]
        return {
            "rows": frozenset(
                item["pk"]["S"] for page in pages for item in page["Items"] if not item["pk"]["S"].startswith(TALLY)
            ),
            "objects": frozenset(objects),
        }

    def _new(self, before: Left, state: str | None) -> Any:
        """What a case left: nothing, a row, or a row and its objects."""
        if state in {"rejected", "abandoned"}:
            # the bytes go by a debt of the job's, soon after the answer
            until(lambda: self._there()["objects"] <= before["objects"], "the bytes to be erased")
            self._left = self._there()
        objects = self._left["objects"] - before["objects"]
        rows = self._left["rows"] - before["rows"]
        return "job" if objects else "row" if rows else "nothing"

    @property
    def _sqs(self) -> Any:
        return self.stack.clients["sqs"]

    @property
    def _queues(self) -> list[str]:
        return list(self.stack.exports["queues"])

    def _urls(self, queue: str) -> tuple[str, str]:
        found = self.stack.exports["queues"][str(queue)]
        return found["url"], found["dead_letter_url"]

    def _depths(self, url: str) -> list[int]:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        said = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [int(said.get(name, 0)) for name in names]
