"""A whole stack of real processes whose every call to the cloud goes through a proxy, with one history of it all.

    clients ──▶ upload ──▶ proxies["upload"] ──┐
                processing ▶ proxies["processing"] ──▶ embedded cloud
                function ──▶ proxies["function"] ┘

What is killed is started again at once, and not later and later as for a person at a terminal.
"""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import msgspec

from adapters.clock import SystemClock
from contracts.formats import ImageFormat
from contracts.job import FINAL, Instant, Job, decode_job
from contracts.messages import Queue
from local import folder, keeping
from local.cloud import ROOT, answers, clean_environment, end
from local.supervisor import Supervisor
from local.temporary import temporary
from operations.doctor import Doctor, Report
from operations.standing import Standing, standing
from operations.symptoms import Check, Symptom
from tests.support import pictures
from tests.support.history import History, accepted, judge
from tests.support.proxy import Proxy
from tests.support.stack import is_alive

SHORTENED: dict[str, Any] = {
    "function_timeout_seconds": 8,
    "transforms_visibility_seconds": 9,
    "transforms_receives": 3,
    "queue_visibility_seconds": 3,
    "queue_receives": 8,
    "sweep_seconds": 0.5,
    "first_gap_seconds": 3,
    "last_gap_seconds": 20,
    "back_off_seconds": 0.2,
    "upload_deadline_seconds": 5,
    "abandon_after_seconds": 8,
    "grace_seconds": 1,
    "webhook_seconds": 6,
    "webhook_gaps_seconds": [0.3],
}
"""What was in hand comes back after seconds: a killed reader's messages after 3 instead of 30. The function and a
receiver have time enough on a machine that stands still for a moment: a run without a result costs a try, and a second
call that nobody meant would be counted."""
PATIENCE_SECONDS = 240
"""Ends a wait for what will not come; no promise is measured by it."""
_LOOKS = 40
PICTURE = pictures.encoded(pictures.photo(160, 120), ImageFormat.JPEG)
VARIANTS = '{"variants":[{"name":"a","resize":{"width":64}},{"name":"b","resize":{"width":32}}]}'


class _Proxied(Supervisor):
    """Gives each service its own way to the cloud."""

    proxies: dict[str, Proxy]
    more: dict[str, dict[str, str]]

    def _inform(self, name: str) -> None:
        environment = self.exports["services"][name]["environment"]
        environment["DARKROOM_ENDPOINT_URL"] = self.proxies[name].url
        environment.update(self.more.get(name, {}))
        super()._inform(name)


class Siege:
    """`stack` is the run. Methods may be called from any thread."""

    def __init__(self, stack: Supervisor, proxies: dict[str, Proxy], history: History) -> None:
        self.stack, self.proxies, self.history = stack, proxies, history
        self.http = httpx.Client(
            base_url=stack.url, timeout=60, trust_env=False, limits=httpx.Limits(max_connections=64)
        )
        self._keys = itertools.count(1)
        self._hosts: list[subprocess.Popen[bytes]] = []
        self._deaths: list[Instant] = []
        """When somebody was dead who tells of ends."""

    # --- what clients do: one request, nothing tried again ---

    def key(self) -> str:
        return f"siege-{os.getpid()}-{next(self._keys)}"

    def upload(
        self,
        key: str | None = None,
        *,
        picture: bytes = PICTURE,
        media_type: str = "image/jpeg",
        options: str = VARIANTS,
    ) -> httpx.Response:
        """One POST under this key. Raises httpx.TransportError if there was no answer."""
        key = key or self.key()
        asked = self.history.note("uploads", key=key)
        answer = self.http.post(
            "/uploads",
            files={"file": ("picture", picture, media_type)},
            data={"options": options},
            headers={"Idempotency-Key": key},
        )
        if answer.status_code == 202:
            self.history.note("accepted", of=asked, key=key, job=answer.json()["id"])
        else:
            self.history.note("refused", of=asked, key=key, status=answer.status_code)
        return answer

    def accepted(self, key: str | None = None, **how: Any) -> str:
        """Upload as a client does that has been told to try again: until there is a 202; the job's id."""
        key, deadline = key or self.key(), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = self.upload(key, **how)
                if answer.status_code == 202:
                    return str(answer.json()["id"])
                assert answer.status_code == 503, answer.text
                assert "Retry-After" in answer.headers
            time.sleep(0.1)
        raise AssertionError(f"no 202 for {key}")

    def status(self, job_id: str, wait: int = 0) -> dict[str, Any] | None:
        """One GET; None if there was no answer, or not now."""
        asked = self.history.note("asks", job=job_id)
        try:
            answer = self.http.get(f"/status/{job_id}", params={"wait": wait} if wait else None)
        except httpx.TransportError:
            return None
        if answer.status_code != 200:
            return {"state": "deleted"} if answer.status_code == 410 else None
        seen = answer.json()
        digests = {one["name"]: one["digest"] for one in seen["variants"] if one.get("digest")}
        about = {name: seen[name] for name in ("run", "state", "revision")}
        self.history.note("sees", of=asked, job=job_id, digests=digests, **about)
        return seen

    def final(self, job_id: str, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The job's status once it has ended."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            seen = self.status(job_id, wait=10)
            if seen is not None and seen["state"] in FINAL:
                return seen
            if seen is None:
                time.sleep(0.2)
        raise AssertionError(f"{job_id} is still {self.jobs([job_id])[job_id].state} after {patience} s")

    def all_final(self, job_ids: Iterable[str]) -> dict[str, str]:
        """States by id."""
        wanted = list(job_ids)
        with ThreadPoolExecutor(12) as crowd:
            return dict(zip(wanted, (seen["state"] for seen in crowd.map(self.final, wanted)), strict=True))

    def once(self, job_ids: Iterable[str]) -> None:
        """Wait for all of them: completed, each once, and no try was spent.

        A state is seen before whoever wrote it has told of it, so that is waited for as well. Only who was killed after
        it had written an end may have died before it told of it; nobody else does.
        """
        wanted = list(job_ids)
        assert self.all_final(wanted) == dict.fromkeys(wanted, "completed")
        jobs = self.jobs(wanted)
        died = max(self._deaths, default=0)
        told = [job.id for job in jobs.values() if (job.finished_at or job.updated_at) > died]
        until(lambda: all(self.completions(told).values()), "the end of each job to be told of")
        counts = self.completions(wanted)
        assert {job_id: counts[job_id] for job_id in told} == dict.fromkeys(told, 1)
        assert set(counts.values()) <= {0, 1}
        assert {record.tries for job in jobs.values() for record in job.variants} == {0}

    # --- what a fault does ---

    def pid(self, name: str) -> int:
        listed = msgspec.json.decode(self.stack.folder.run_file.read_bytes(), type=list[folder.Running])
        return next(process.pid for process in listed if process.name == name)

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send it to the process as it is now; its pid."""
        pid = self.pid(name)
        self.history.note("fault", kind=number.name, process=name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return pid

    def kill(self, name: str) -> int:
        """SIGKILL; the pid of the process, which is dead now."""
        pid = self.signal(name, signal.SIGKILL)
        until(lambda: not is_alive(pid), f"{name} to be dead")
        if name == "processing":
            self._deaths.append(SystemClock().now())
        return pid

    def kill_host(self, host: "subprocess.Popen[bytes]") -> None:
        """The same for one that `another_host` gave."""
        self.history.note("fault", kind="SIGKILL", process="another host")
        host.kill()
        host.wait()
        self._deaths.append(SystemClock().now())

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[int]:
        """The process stands still while this lasts, with every thread that it has."""
        pid = self.signal(name, signal.SIGSTOP)
        try:
            until(lambda: _stands_still(pid), f"{name} to stand still")
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def function_busy(self) -> Iterator[None]:
        """The function takes no orders while this lasts."""
        functions = self.stack.clients["lambda"]
        [mapping] = functions.list_event_source_mappings()["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def restarted(self, name: str, pid: int) -> None:
        """Wait until another process serves in the place of this one."""
        path = "/readyz"
        port = {"upload": self.stack.url, "processing": self.stack.internal_url}[name]
        until(lambda: self.pid(name) != pid, f"{name} to be started again")
        until(lambda: _ready(port + path), f"{name} to be ready")

    def another_host(self) -> "subprocess.Popen[bytes]":
        """One more process of the processing service, ready; it ends with the siege."""
        log = self.stack.folder.log("processing")
        with socket.create_server(("127.0.0.1", 0)) as listener, log.open("ab") as output:
            port = listener.getsockname()[1]
            listening = {"DARKROOM_LISTEN_FD": str(listener.fileno())}
            process = subprocess.Popen(
                [sys.executable, "-m", "services.processing"],
                cwd=ROOT,
                env=clean_environment(
                    self.stack.folder.path / "home", {**self.stack._environments["processing"], **listening}
                ),
                pass_fds=(listener.fileno(),),
                stdout=output,
                stderr=output,
            )
        self._hosts.append(process)
        assert answers(port, "/readyz", PATIENCE_SECONDS, process)
        return process

    def purge(self, *queues: Queue) -> int:
        """Empty queues; how many messages there were in them."""
        lost = 0
        for queue in queues or tuple(Queue):
            url = self.stack.exports["queues"][queue]["url"]
            lost += self.depth(queue)
            self.stack.clients["sqs"].purge_queue(QueueUrl=url)
        self.history.note("fault", kind="purge", messages=lost)
        return lost

    def gathered(self, queue: Queue, messages: int) -> None:
        """Wait until so many are there, also in somebody's hand: each is sent after the answer to its upload."""
        until(lambda: self.depth(queue) >= messages, f"{messages} messages in {queue}")

    def quiet(self) -> None:
        """Wait until every queue is empty: then the next call is no earlier job's."""
        until(lambda: not any(map(self.depth, Queue)), "the queues to be empty")

    def send(self, queue: Queue, body: str, *, dead_letters: bool = False) -> None:
        """A message from nobody."""
        url = self.stack.exports["queues"][queue]["dead_letter_url" if dead_letters else "url"]
        self.stack.clients["sqs"].send_message(QueueUrl=url, MessageBody=body)

    def depth(self, queue: Queue) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.stack.exports["queues"][queue]["url"]
        found = self.stack.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def letters(self) -> int:
        """Dead letters of all queues."""
        found = self.operator("GET", "/api/queues")["queues"]
        return sum(queue["dead_letters"]["total"] for queue in found)

    def redriven(self, **wish: Any) -> list[dict[str, Any]]:
        """Have dead letters sent again, dropped or thrown away; those that were looked at.

        A call has little time where received messages come back soon, and leaves what it did not get to: it is called
        until it says that there is no more.
        """
        letters, more = [], True
        while more:
            said = self.operator("POST", "/api/dlq/redrive", json=wish)
            letters += said["letters"]
            more = said["more"]
        return letters

    def discard_letters(self) -> None:
        """Throw away what nobody can read, until there is no dead letter."""

        def gone() -> bool:
            self.redriven(discard=True, rate=500)
            return self.letters() == 0

        until(gone, "the letters to be thrown away")

    def operator(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """What the internal API answers."""
        answer = httpx.request(method, f"{self.stack.internal_url}{path}", timeout=60, trust_env=False, **more)
        return answer.raise_for_status().json()

    def workers(self) -> list[int]:
        """Processes that the function runs in."""
        cloud, found = self.pid("cloud"), []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError):
                if stat.read_text().rpartition(")")[2].split()[1] == str(cloud):
                    found.append(int(stat.parent.name))
        return found

    def kill_caller(self, port: int) -> bool:
        """Kill the function's process that a connection from this port is of; whether there was one.

        The kernel tells of its connections piece by piece, and may leave out one that was there all the time: whoever
        is not found is looked for again.
        """
        for _ in range(_LOOKS):
            for pid in self.workers():
                if port in _ports_of(pid):
                    self.history.note("fault", kind="kill", process="function")
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    return True
            time.sleep(0.05)
        return False

    # --- what there is to see ---

    def stories(self) -> list[dict[str, Any]]:
        """Every line that the services logged so far."""
        found = []
        for name in ("upload", "processing"):
            for line in self.stack.folder.log(name).read_bytes().splitlines():
                with contextlib.suppress(msgspec.DecodeError):
                    one = msgspec.json.decode(line)
                    if isinstance(one, dict):
                        found.append(one)
        return found

    def told(self, event: str, **fields: Any) -> int:
        """How many lines of this event, with these fields."""
        return sum(
            one.get("event") == event and all(one.get(name) == value for name, value in fields.items())
            for one in self.stories()
        )

    def told_once(self, event: str, **fields: Any) -> None:
        """Wait for a line of this event: what it tells of is seen before it is written. There is one, and no other."""
        until(lambda: self.told(event, **fields) > 0, f"{event} to be told of")
        assert self.told(event, **fields) == 1

    def completions(self, job_ids: Iterable[str]) -> dict[str, int]:
        """How often it was told of each of these jobs that it completed: by whoever wrote that."""
        counts = dict.fromkeys(job_ids, 0)
        for one in self.stories():
            if one.get("event") == "job.completed" and one["job_id"] in counts:
                counts[one["job_id"]] += 1
        return counts

    @contextlib.contextmanager
    def standing(self) -> Iterator[Standing]:
        with standing(ROOT, "local", data=self.stack.folder.path) as found:
            yield found

    def jobs(self, job_ids: Iterable[str]) -> dict[str, Job]:
        with self.standing() as found:
            return {job_id: job for job_id, job in found.jobs(job_ids).items() if job is not None}

    def every_job(self) -> dict[str, Job]:
        with self.standing() as found:
            decoded = (
                decode_job(item["document"]["B"])
                for page in found.rows()
                for item in page
                if item["kind"]["S"] == "job"
            )
            return {job.id: job for job in decoded}

    def look(self, **how: Any) -> Report:
        """The doctor's."""
        with self.standing() as found:
            return Doctor(found, SystemClock().now, **how).look()

    def rested(self, **how: Any) -> tuple[Symptom, ...]:
        """What the doctor finds once nothing is under way any more. What is, is waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.look(at_rest=True, **how).symptoms
            if time.monotonic() > deadline or not any(_is_under_way(one) for one in found):
                return found
            time.sleep(0.2)

    def ended(self) -> list[str]:
        """Wait for every job that was accepted to end; what is broken then."""
        self.all_final(accepted(self.history.read()))
        return self.broken()

    def broken(self) -> list[str]:
        """What the history, the table and the logs show to be broken."""
        return judge(self.history.read(), self.every_job(), self.stories())

    def close(self) -> None:
        self.http.close()
        for process in self._hosts:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                end(process, 12)


@contextlib.contextmanager
def siege(
    timing: dict[str, Any] | None = None,
    *,
    pipeline: dict[str, Any] | None = None,
    environment: dict[str, dict[str, str]] | None = None,
) -> Iterator[Siege]:
    """A stack that is up behind its proxies. `timing` None: SHORTENED; `environment` has more variables by service."""
    runs: list[Supervisor] = []
    # the cloud's socket is made at the beginning of `up`, before there is anybody who calls
    proxies = {
        name: Proxy(lambda: runs[0]._listeners["cloud"].getsockname()[1])
        for name in ("upload", "processing", "function")
    }

    class Behind(_Proxied):
        def up(self) -> None:
            runs.append(self)
            super().up()

    Behind.proxies, Behind.more = proxies, environment or {}
    overrides = {
        "endpoint": proxies["function"].url,
        "timing": SHORTENED if timing is None else timing,
        **(pipeline or {}),
    }
    for proxy in proxies.values():
        proxy.start()
    try:
        with (
            mock.patch.object(keeping, "_LONGEST_WAIT", 0.2),
            temporary(overrides, kind=Behind) as stack,
            contextlib.closing(History(stack.folder.path / "history.jsonl")) as history,
            contextlib.closing(Siege(stack, proxies, history)) as one,
        ):
            yield one
    finally:
        for proxy in proxies.values():
            proxy.stop()


def until(happened: Callable[[], bool], what: str, patience: float = PATIENCE_SECONDS) -> None:
    """Wait for what other processes do and give nothing to wait on."""
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


def _is_under_way(found: Symptom) -> bool:
    """The dead letters of orders have a reader: what lies there is on its way, too."""
    return found.check is Check.AT_REST or (found.check is Check.LETTERS and found.where == Queue.TRANSFORMS)


def _stands_still(pid: int) -> bool:
    """Whether no thread of the process runs (Linux)."""
    states = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            states.add(stat.read_text().rpartition(")")[2].split()[0])
    return states <= {"T", "t", "Z", "X"}


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _ports_of(pid: int) -> set[int]:
    """Local TCP ports of a process (Linux)."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(descriptor))
    found = set()
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes:
                found.add(int(fields[1].partition(":")[2], 16))
    return found


__all__ = ["PICTURE", "SHORTENED", "VARIANTS", "Siege", "is_alive", "siege", "until"]
