"""A TCP proxy that knows enough of HTTP to break one call and leave the next alone. For tests of faults.

A process speaks to the embedded cloud through one of these. A `Rule` says which calls it means, by the head of the
request (one endpoint serves every service of AWS), and what befalls them: one of the toxics below, named as toxiproxy
names them where it has them too. A rule counts the calls that it hit: a fault that met nobody was none.

    client ── request ──▶ Rule.toxic.request ──▶ cloud
           ◀─ Rule.toxic.reply ◀── reply ─────────┘

The loop is a thread's own; rules may be set and dropped from any thread at any time.
"""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

_HEAD = re.compile(rb"(?:GET|PUT|POST|HEAD|DELETE) /")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNK = 64 * 1024

Match = Callable[[str], bool]


class Cut(Exception):
    """The connection ends here. `reset`: with an RST, as when a host is gone; otherwise in order."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class Toxic:
    """Lets everything pass. `request` and `reply` give what goes on, piece by piece as it comes.

    `caller` is the port that the connection comes from.
    """

    caller = 0

    async def request(self, data: bytes) -> bytes:
        return data

    async def reply(self, data: bytes) -> bytes:
        return data

    def answer(self) -> bytes | None:
        """What is answered in the cloud's place, which then never hears of the call."""
        return None


class Latency(Toxic):
    """Every piece of a reply comes later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def reply(self, data: bytes) -> bytes:
        await asyncio.sleep(self._seconds)
        return data


class Timeout(Toxic):
    """Requests go nowhere, and nobody says so: a host that is cut off. `lost_reply`: they arrive, replies do not."""

    def __init__(self, *, lost_reply: bool = False) -> None:
        self._lost_reply = lost_reply

    async def request(self, data: bytes) -> bytes:
        return data if self._lost_reply else b""

    async def reply(self, data: bytes) -> bytes:
        return b""


class ResetPeer(Toxic):
    """The connection is reset when the reply begins: the call was carried out, and nobody will know."""

    async def reply(self, data: bytes) -> bytes:
        raise Cut(reset=True)


class LimitData(Toxic):
    """A request is cut off after so many bytes."""

    def __init__(self, most: int) -> None:
        self._left = most

    async def request(self, data: bytes) -> bytes:
        passed, self._left = data[: self._left], self._left - len(data)
        if self._left <= 0:
            raise Cut(reset=True)
        return passed


class Hold(Toxic):
    """The call waits on its way until it is let go: a host that stood still in the middle of it.

    `came`: all of it is here, and its sender may stand still; `over`: it arrived, and was answered.
    """

    def __init__(self, go: threading.Event) -> None:
        self._go = go
        self.came, self.over = threading.Event(), threading.Event()
        self._held = b""

    async def request(self, data: bytes) -> bytes:
        self._held += data
        # a client sends the body behind the head
        head, _, body = self._held.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is not None and len(body) < int(length[1]):
            return b""
        self.came.set()
        await asyncio.to_thread(self._go.wait)
        whole, self._held = self._held, b""
        return whole

    async def reply(self, data: bytes) -> bytes:
        self.over.set()
        return data


class Slicer(Toxic):
    """A reply comes in small pieces, with pauses."""

    def __init__(self, size: int, seconds: float) -> None:
        self.size, self._seconds = size, seconds

    async def reply(self, data: bytes) -> bytes:
        await asyncio.sleep(self._seconds * (len(data) / self.size))
        return data


class Bandwidth(Toxic):
    """So many bytes a second, both ways."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second

    async def request(self, data: bytes) -> bytes:
        await asyncio.sleep(len(data) / self._rate)
        return data

    async def reply(self, data: bytes) -> bytes:
        await asyncio.sleep(len(data) / self._rate)
        return data


class Refusal(Toxic):
    """The cloud's own words for: not now. It never sees the call."""

    def __init__(self, status: int, body: bytes, media_type: str) -> None:
        head = f"HTTP/1.1 {status} Refused\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
        self._answer = f"{head}Connection: close\r\n\r\n".encode() + body

    def answer(self) -> bytes:
        return self._answer


class Then(Toxic):
    """Something is done when the call is seen (`before`), or when its reply is; then the connection is cut.

    `act` is told the port that the call comes from.
    """

    def __init__(self, act: Callable[[int], object], *, before: bool) -> None:
        self._act, self._before = act, before

    async def request(self, data: bytes) -> bytes:
        if self._before:
            await asyncio.to_thread(self._act, self.caller)
            raise Cut(reset=True)
        return data

    async def reply(self, data: bytes) -> bytes:
        if not self._before and not data.startswith(b"HTTP/1.1 100"):
            await asyncio.to_thread(self._act, self.caller)
            raise Cut(reset=True)
        return data


def slow_down() -> Refusal:
    """What S3 says when it is asked too fast."""
    said = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
    return Refusal(503, said, "application/xml")


def throttled() -> Refusal:
    """What DynamoDB says when it is asked too fast."""
    said = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too fast"}'
    return Refusal(400, said, "application/x-amz-json-1.0")


def dynamodb(head: str) -> bool:
    return "x-amz-target: dynamodb" in head.lower()


def s3(head: str) -> bool:
    return "x-amz-target" not in head.lower()


def operation(*names: str) -> Match:
    """Calls of DynamoDB or SQS by the names of the API."""
    targets = tuple(f".{name.lower()}\r" for name in names)
    return lambda head: any(target in head.lower() for target in targets)


def put(head: str) -> bool:
    """PutObject."""
    return head.startswith("PUT ") and s3(head)


def always(head: str) -> bool:
    return True


class Rule:
    """What befalls which calls. `times` calls at most; None: until it is dropped. `hit` is set at the first."""

    def __init__(self, match: Match, make: Callable[[], Toxic], *, times: int | None = None) -> None:
        self.match, self._make, self.times = match, make, times
        self.hits = 0
        self.hit = threading.Event()

    def taken(self, head: str) -> Toxic | None:
        """The toxic for this call, if it is meant."""
        if (self.times is not None and self.hits >= self.times) or not self.match(head):
            return None
        self.hits += 1
        self.hit.set()
        return self._make()


class Proxy:
    """One listener. `target` gives the port to pass on to, asked at each connection."""

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._rules: tuple[Rule, ...] = ()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.calls = 0
        self._open: set[asyncio.Task[None]] = set()
        self._stopped: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End every connection and the loop."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: self._stopped and self._stopped.set())
            self._thread.join(10)
        self._listener.close()
        self._loop.close()

    def add(self, rule: Rule) -> Rule:
        self._rules = (*self._rules, rule)
        return rule

    def drop(self, rule: Rule) -> None:
        self._rules = tuple(other for other in self._rules if other is not rule)

    @contextlib.contextmanager
    def breaking(self, match: Match, make: Callable[[], Toxic], *, times: int | None = None) -> Iterator[Rule]:
        rule = self.add(Rule(match, make, times=times))
        try:
            yield rule
        finally:
            self.drop(rule)

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        server = await asyncio.start_server(self._accept, sock=self._listener, limit=_CHUNK)
        await self._stopped.wait()
        server.close()
        # whoever was accepted a moment ago is let in, so as to be ended like everybody
        await _some_turns()
        while self._open:
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
        # what was closed hears of it before the loop ends
        await _some_turns()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await _Connection(self, reader, writer).pass_on()
        except asyncio.CancelledError:
            pass
        finally:
            # also of one that was not connected any further
            _end(writer, reset=False)
            self._open.discard(task)

    def _toxics(self, head: str) -> list[Toxic]:
        self.calls += 1
        return [toxic for rule in self._rules if (toxic := rule.taken(head)) is not None]


class _Connection:
    """One connection of a client, and ours to the cloud. What befalls a call is settled when its head comes."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._toxics: list[Toxic] = []

    async def pass_on(self) -> None:
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self._proxy._target(), limit=_CHUNK)
        except OSError:
            _end(self._writer, reset=True)
            return
        pumps = [asyncio.ensure_future(self._requests(away)), asyncio.ensure_future(self._replies(there))]
        reset = False
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            failures = [pump.exception() for pump in done]
            reset = any(isinstance(failure, Cut) and failure.reset for failure in failures)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            _end(away, reset=reset)
            _end(self._writer, reset=reset)

    async def _requests(self, away: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await self._reader.read(_CHUNK):
                if _HEAD.match(data):
                    head = data.partition(b"\r\n\r\n")[0].decode("latin-1") + "\r\n"
                    self._toxics = self._proxy._toxics(head)
                    for toxic in self._toxics:
                        toxic.caller = self._writer.get_extra_info("peername")[1]
                        if (answer := toxic.answer()) is not None:
                            self._writer.write(answer)
                            await self._writer.drain()
                            raise Cut(reset=False)
                for toxic in self._toxics:
                    data = await toxic.request(data)
                away.write(data)
                await away.drain()

    async def _replies(self, there: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await there.read(_CHUNK):
                toxics = self._toxics
                for toxic in toxics:
                    data = await toxic.reply(data)
                pieces = next((toxic.size for toxic in toxics if isinstance(toxic, Slicer)), len(data) or 1)
                for start in range(0, len(data), pieces):
                    self._writer.write(data[start : start + pieces])
                    await self._writer.drain()


async def _some_turns() -> None:
    """As many turns of the loop as a connection takes from being accepted to having a task, or from close to closed."""
    for _ in range(10):
        await asyncio.sleep(0)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        connection = writer.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
