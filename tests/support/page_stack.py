"""The upload service on a real port, with a darkroom behind it that develops at once: for the browser.

Ports are in memory; results are real pictures, served from a second loopback port as S3 would serve them.
"""

import hashlib
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from msgspec import Struct
from PIL import Image, ImageOps

from contracts.events import Planned
from contracts.framing import Fit
from contracts.job import Job
from contracts.lifecycle import step
from contracts.messages import Answer, Done, Facts, Failed, Finished, Queue, Timings, decode
from contracts.places import ResultPlace
from contracts.ports import Link
from contracts.variants import Variant
from services.upload.application import application
from services.upload.auth import KeyDoor
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.memory import MemoryObjects
from tests.support.serving import serving
from tests.support.upload_room import UploadRoom


class Stack(Struct, frozen=True, kw_only=True):
    """Something to browse: `url` without a slash at the end."""

    url: str


class SystemClock:
    """The test browses in real time."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class LoopbackResults:
    """Serves the results of memory over HTTP, and signs (with nothing) links to itself."""

    def __init__(self, clock: SystemClock) -> None:
        self.objects: MemoryObjects | None = None
        self._clock = clock
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                versions = outer.objects.results.get(self.path[1:].partition("?")[0]) if outer.objects else None
                self.send_response(200 if versions else 403)
                body = versions[-1].body if versions else b""
                self.send_header("Content-Type", versions[-1].media_type if versions else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def link(self, key: str, *, seconds: int, filename: str, saved: bool = False) -> Link:
        return Link(url=f"{self.origin}/{key}", expires_at=self._clock.now() + seconds * 1000)


class Developer:
    """A processing service and a function in one thread: takes messages of jobs, makes their variants."""

    def __init__(self, room: UploadRoom) -> None:
        self._room = room
        self._over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="developer")

    def stop(self) -> None:
        self._over.set()
        self.thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            for queue in (Queue.JOBS, Queue.JOBS_BULK):
                for message in self._room.queues.receive(queue, most=10):
                    self._develop(decode(message.body).job_id)
                    self._room.queues.delete([message])

    def _develop(self, job_id: str) -> None:
        job = self._moved(self._room.ledger.read([job_id])[job_id], Planned())
        for part in [part for part in job.parts if part.is_open]:
            job = self._moved(job, self._answer(job, part.token, part.variants))

    def _moved(self, job: Job, event: Planned | Finished) -> Job:
        outcome = step(job, [event], self._room.clock.now(), self._room.timing)
        assert outcome.job is not None
        self._room.ledger.replace(outcome.job, job.revision)
        return outcome.job

    def _answer(self, job: Job, token: int, names: tuple[str, ...]) -> Finished:
        assert job.original is not None
        data = self._room.objects.get_original(job.original.key, job.original.version_id)
        try:
            picture = Image.open(io.BytesIO(data))
            orientation = picture.getexif().get(0x0112, 1)
            picture = ImageOps.exif_transpose(picture).convert("RGB")
        except OSError as error:
            return Finished(job_id=job.id, token=token, undecodable="image-corrupt", detail=type(error).__name__)
        specs = {record.spec.name: record.spec for record in job.variants}
        answers = tuple(self._made(job, specs[name], picture) for name in names)
        facts = Facts(width=picture.width, height=picture.height, orientation=orientation)
        timings = Timings(fetch_ms=2, decode_ms=31, transform_ms=64, store_ms=5, total_ms=102)
        return Finished(job_id=job.id, token=token, answers=answers, facts=facts, timings=timings)

    def _made(self, job: Job, spec: Variant, picture: Image.Image) -> Answer:
        if spec.name == "impossible":
            return Failed(name=spec.name, code="resource-limit", detail="it was killed twice while making this variant")
        size = _fitted(spec, picture.size)
        crops = spec.resize is not None and spec.resize.fit is Fit.COVER
        made = ImageOps.fit(picture, size) if crops else picture.resize(size)
        stream = io.BytesIO()
        made.save(stream, spec.output.format.value, quality=spec.output.effective_quality or 80)
        body = stream.getvalue()
        digest = hashlib.sha256(body).hexdigest()
        key = ResultPlace(job.tenant, job.id, spec.name, digest, spec.output.format).key
        self._room.objects.put_result(key, body, digest=digest, media_type=spec.output.format.media_type)
        return Done(
            name=spec.name,
            key=key,
            digest=digest,
            bytes=len(body),
            width=size[0],
            height=size[1],
            format=spec.output.format,
            elapsed_ms=16.4,
        )


def _fitted(spec: Variant, size: tuple[int, int]) -> tuple[int, int]:
    if spec.resize is None:
        return size
    width, height = spec.resize.width, spec.resize.height
    if width and height:
        return min(width, size[0]), min(height, size[1])
    share = min(1.0, width / size[0] if width else (height or size[1]) / size[1])
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


@contextmanager
def memory_stack(keys: MemoryKeys | None = None) -> Iterator[Stack]:
    """The service in this process, over memory; with `keys` it asks for one of them."""
    clock = SystemClock()
    results = LoopbackResults(clock)
    room = UploadRoom(clock=clock, signer=results, picture_origins=(results.origin,))
    results.objects = room.objects
    desk = room.desk
    if keys is not None:
        desk = msgspec.structs.replace(desk, door=KeyDoor(keys, PEPPER, clock, room.threads))
    room.readiness.begin()
    developer, storing = Developer(room), threading.Thread(target=results.server.serve_forever, name="results")
    for thread in (storing, developer.thread):
        thread.start()
    try:
        with serving(application(desk)) as url:
            yield Stack(url=url)
    finally:
        developer.stop()
        results.server.shutdown()
        storing.join()
        results.server.server_close()
