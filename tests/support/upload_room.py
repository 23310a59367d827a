"""The upload service over ports in memory: for its tests, and for whoever wants a page without a cloud."""

import asyncio
import os
from collections.abc import Callable, Sequence, Set
from typing import Any

from adapters.outside import Outside
from contracts.environment import Fetch
from contracts.formats import READ, ImageFormat
from contracts.limits import Timing
from contracts.messages import Outgoing, Queue
from contracts.quotas import UNLIMITED, Quotas
from services import edge
from services.upload.commands import Commands
from services.upload.desk import Desk, Pace
from services.upload.direct import DirectIntake
from services.upload.endpoints import Endpoints
from services.upload.fetching import Fetching
from services.upload.intake import Intake
from services.upload.links import Links
from services.upload.listing import Listing
from services.upload.meter import Meter
from services.upload.presets import Presets
from services.upload.shares import InFlight
from services.upload.spool import SpoolRoom
from services.upload.streams import Streams
from services.upload.threads import Threads
from services.upload.watch import Watcher
from tests.support.memory import (
    Faulty,
    MemoryCatalogue,
    MemoryDeliveries,
    MemoryLedger,
    MemoryObjects,
    MemoryQueues,
    MemoryTallies,
    MemoryWebhooks,
    VirtualClock,
)
from tests.support.presets import MemoryPresets


class UploadRoom:
    """Ports and desk of one upload service; `before` and `after` hear of every call to a port and may raise."""

    def __init__(
        self,
        *,
        before: Callable[[str], None] = lambda op: None,
        after: Callable[[str], None] = lambda op: None,
        clock: Any = None,
        signer: Any = None,
        timing: Timing | None = None,
        pace: Pace | None = None,
        places: int = 8,
        spool_directory: str | None = None,
        picture_origins: tuple[str, ...] = (),
        quotas: Quotas = UNLIMITED,
        outside: Any = None,
        fetch: Fetch | None = None,
        read: Set[ImageFormat] = READ,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.ledger = MemoryLedger()
        self.deliveries = MemoryDeliveries(self.ledger)
        self.webhooks = MemoryWebhooks()
        self.objects = MemoryObjects(self.clock)
        self.queues = MemoryQueues(self.clock)
        self.timing = timing or Timing()
        self.readiness = edge.Readiness()
        self.threads = Threads(8)
        self.before, self.after = before, after
        self.tallies = MemoryTallies(self.ledger)
        self.meter = Meter(
            tallies=Faulty(self.tallies, "tallies", before=self._before, after=self._after),
            in_flight=InFlight(MemoryCatalogue(self.ledger), self.clock),
            clock=self.clock,
            quotas=quotas,
        )
        ledger = Faulty(self.ledger, "ledger", before=self._before, after=self._after)
        queues = Faulty(self.queues, "queues", before=self._before, after=self._after)
        self.intake = Intake(
            ledger=ledger,
            originals=Faulty(self.objects, "objects", before=self._before, after=self._after),
            send=lambda messages: self._send(queues, messages),
            clock=self.clock,
            timing=self.timing,
            randomness=os.urandom,
            charging=self.meter,
        )
        self.direct = DirectIntake(
            ledger=ledger,
            originals=Faulty(self.objects, "objects", before=self._before, after=self._after),
            posts=self.objects,
            clock=self.clock,
            timing=self.timing,
            randomness=os.urandom,
            charging=self.meter,
        )
        self.shelf = MemoryPresets()
        self.presets = Presets(self.shelf, self.clock)
        watcher = Watcher(ledger, self.threads)
        self.desk = Desk(
            intake=self.intake,
            presets=self.presets,
            direct=self.direct,
            endpoints=Endpoints(
                webhooks=Faulty(self.webhooks, "webhooks", before=self._before, after=self._after),
                deliveries=Faulty(self.deliveries, "deliveries", before=self._before, after=self._after),
                outside=outside or Outside(),
                clock=self.clock,
                randomness=os.urandom,
            ),
            commands=Commands(ledger=ledger, clock=self.clock, timing=self.timing, randomness=os.urandom),
            listing=Listing(catalogue=MemoryCatalogue(self.ledger), ledger=ledger, clock=self.clock),
            links=Links(signer or self.objects, self.timing.link_seconds, self.clock),
            watcher=watcher,
            meter=self.meter,
            streams=Streams(watcher, heartbeat=0.2),
            threads=self.threads,
            room=SpoolRoom(places),
            readiness=self.readiness,
            fetching=None if fetch is None else Fetching(outside or Outside(), fetch),
            read=read,
            timing=self.timing,
            stack="test",
            picture_origins=picture_origins,
            spool_directory=spool_directory,
            pace=pace or Pace(),
        )

    @property
    def is_untouched(self) -> bool:
        """No row, no object, no message: what a refused request leaves behind."""
        return not self.ledger.jobs() and not any(self.objects.originals.values()) and not self.messages

    @property
    def messages(self) -> list[str]:
        return [body for queue in Queue for body in self.queues.bodies(queue)]

    def _before(self, op: str) -> None:
        self.before(op)

    def _after(self, op: str) -> None:
        self.after(op)

    @staticmethod
    def _send(queues: Any, messages: Sequence[Outgoing]) -> None:
        queues.send(messages)


def multipart(
    parts: Sequence[tuple[str, bytes]], *, boundary: str = "b0undary", end: bool = True
) -> tuple[bytes, dict[str, str]]:
    """A form as bytes, written by hand so that it can be wrong: (lines of the part's header, its body) each."""
    body = b"".join(
        b"--" + boundary.encode() + b"\r\n" + head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    )
    tail = b"--" + boundary.encode() + b"--\r\n" if end else b""
    return body + tail, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def file_part(content: bytes, name: str = "a.jpg", media_type: str = "image/jpeg") -> tuple[str, bytes]:
    """The part named file."""
    return (
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {media_type}',
        content,
    )


def options_part(text: str | bytes, media_type: str = "application/json") -> tuple[str, bytes]:
    """The part named options."""
    content = text.encode() if isinstance(text, str) else text
    return f'Content-Disposition: form-data; name="options"\r\nContent-Type: {media_type}', content


class Spoken:
    """One request spoken to an app message by message, with nothing of a client's good manners between.

    `messages` are what the server hands over; after them it is silent until the reply is complete, and then the client
    is gone, as ASGI has it.
    """

    def __init__(self, method: str, path: str, headers: dict[str, str], messages: Sequence[dict[str, Any]]) -> None:
        target, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": target,
            "raw_path": target.encode("utf-8", "surrogateescape"),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        self._messages = list(messages)
        self._over = asyncio.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.received = 0
        """Messages that the app took."""

    async def to(self, app: Any) -> "Spoken":
        await app(self.scope, self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, Any]:
        if self._messages:
            self.received += 1
            return self._messages.pop(0)
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self._over.set()


def in_pieces(body: bytes, size: int) -> list[dict[str, Any]]:
    """A whole body as messages of so many bytes."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    return [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]
