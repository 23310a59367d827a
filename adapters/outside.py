"""Calls to hosts that somebody else named: the only way out of the house that is not AWS.

    name ── resolved once ──▶ every address judged ──▶ connected to one ──▶ TLS for the name ──▶ request ──▶ reply

A name is never resolved twice, so nobody can show a public address to the judge and another to the connection. Nothing
is taken from the environment (no proxy, no .netrc), no redirect is followed that was not judged like the first address,
and a reply is read by a parser with a bound on its head, within one deadline for everything.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import h11
import structlog

from contracts.addresses import refusal
from contracts.errors import PayloadTooLarge, SourceForbidden, SourceUnreachable
from contracts.hops import HOP_HEADER
from contracts.outside_ports import Fetched, Reply
from contracts.targets import PORTS, Target, parse_target, redirected

MAX_HEAD_BYTES: Final = 16 * 1024
"""Of a reply's status line and headers; browsers and servers stop at about as much."""
MAX_INFORMATION: Final = 4
"""Replies of 1xx before the one that counts."""
MAX_REDIRECTS: Final = 3
MAX_ADDRESSES: Final = 64
"""Of one name. More are no host of anybody's."""
_READ_BYTES: Final = 64 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_USER_AGENT: Final = "Darkroom"

Resolve = Callable[[str, int, float], Sequence[str]]
"""Addresses of a name, given a port and the most seconds to wait; raises OSError."""
Connect = Callable[[str, int, float], socket.socket]
"""A connection to an address, given a port and the most seconds to wait; raises OSError."""

_log: Final = structlog.get_logger()


def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
    """What the system says of a name, and of this very name: the domains that it would try beside it are not.

    In a thread, because the C library cannot be told how long to wait; one that waits on is left to itself.
    """
    found: list[str] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            answer = socket.getaddrinfo(f"{host}.", port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(address[0]) for *_, address in answer))
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else OSError(str(error)))

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if thread.is_alive() or not found:
        raise TimeoutError("the name was not resolved in time")
    return found


def connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


class Outside:
    """As `Outside` of the ports. Safe to use from several threads at once."""

    def __init__(
        self,
        *,
        ports: Collection[int] = PORTS,
        loopback: bool = False,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`trust` is whom to believe; without it, whom this machine believes. `loopback` as in `addresses`."""
        self._ports, self._loopback = frozenset(ports), loopback
        self._trust = trust or ssl.create_default_context()
        self._resolve, self._connect, self._monotonic = resolve, connect, monotonic

    def check(self, url: str) -> None:
        parse_target(url, ports=self._ports, loopback=self._loopback)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> Reply:
        target = parse_target(url, ports=self._ports, loopback=self._loopback)
        with self._exchange(target, "POST", headers, body, seconds) as exchange:
            response = exchange.head()
            return Reply(status=response.status_code, retry_after=_header(response, b"retry-after"))

    @contextmanager
    def fetch(self, url: str, *, seconds: float, most_bytes: int) -> Iterator[Fetched]:
        target, until = parse_target(url, ports=self._ports, loopback=self._loopback), self._monotonic() + seconds
        for _ in range(MAX_REDIRECTS + 1):
            with self._exchange(target, "GET", {"Accept": "image/*"}, b"", until - self._monotonic()) as exchange:
                response = exchange.head()
                location = _header(response, b"location")
                if response.status_code not in _REDIRECTS or location is None:
                    if response.status_code != 200:
                        raise SourceUnreachable(f"the address was answered {response.status_code}")
                    _check_length(response, most_bytes)
                    marker = _header(response, HOP_HEADER.encode())
                    yield Fetched(pieces=exchange.body(most_bytes), marker=marker)
                    return
            target = redirected(target, location, ports=self._ports, loopback=self._loopback)
        raise SourceUnreachable(f"the address redirects more than {MAX_REDIRECTS} times")

    @contextmanager
    def _exchange(
        self, target: Target, method: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> Iterator["_Exchange"]:
        until = self._monotonic() + seconds
        with _told():
            connection = self._connected(target, until)
        try:
            with _told():
                exchange = _Exchange(connection, lambda: until - self._monotonic())
                exchange.send(target, method, headers, body)
            yield exchange
        finally:
            with suppress(OSError):
                connection.close()

    def _connected(self, target: Target, until: float) -> socket.socket:
        last: OSError | None = None
        for address in self._addresses(target, until):
            try:
                plain = self._connect(address, target.port, _left(until - self._monotonic()))
            except OSError as error:
                last = error
                continue
            return plain if target.scheme == "http" else self._secured(plain, target, until)
        raise last or OSError("no address")

    def _secured(self, plain: socket.socket, target: Target, until: float) -> socket.socket:
        try:
            plain.settimeout(_left(until - self._monotonic()))
            return self._trust.wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise

    def _addresses(self, target: Target, until: float) -> Sequence[str]:
        """All of the name's addresses, if each of them may be called."""
        if target.is_address:
            found: Sequence[str] = [target.host]
        elif self._loopback and target.host == "localhost":
            found = ["127.0.0.1"]
        else:
            found = self._resolve(target.host, target.port, _left(until - self._monotonic()))
        if len(found) > MAX_ADDRESSES:
            raise SourceForbidden("the host has more addresses than any host has")
        for address in found:
            if (why := refusal(address, loopback=self._loopback)) is not None:
                # which one is not told: that would be a map of somebody's network
                _log.warning("outside.refused", reason=why)
                raise SourceForbidden("the host's name leads to an address that is not public")
        return found


class _Exchange:
    """One request and its reply over a connection; every wait is for what is left of the deadline."""

    def __init__(self, connection: socket.socket, left: Callable[[], float]) -> None:
        self._connection, self._left = connection, left
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    def send(self, target: Target, method: str, headers: Mapping[str, str], body: bytes) -> None:
        given = {"Host": target.authority, "User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers}
        given["Connection"] = "close"
        if body:
            given["Content-Length"] = str(len(body))
        request = h11.Request(method=method, target=target.path, headers=list(given.items()))
        events: list[h11.Event] = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        for event in events:
            self._connection.settimeout(_left(self._left()))
            self._connection.sendall(self._http.send(event) or b"")

    def head(self) -> h11.Response:
        with _told():
            for _ in range(MAX_INFORMATION + 1):
                event = self._next()
                if isinstance(event, h11.Response):
                    return event
            raise SourceUnreachable("the address answered without end that an answer would come")

    def body(self, most_bytes: int) -> Iterator[bytes]:
        """The bytes as they come, not decoded; raises PayloadTooLarge beyond `most_bytes`."""
        count = 0
        while True:
            with _told():
                event = self._next()
            if isinstance(event, h11.Data):
                count += len(event.data)
                if count > most_bytes:
                    raise _too_large(most_bytes)
                yield bytes(event.data)
            else:
                return

    def _next(self) -> "h11.Event | type[h11.PAUSED]":
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._connection.settimeout(_left(self._left()))
            self._http.receive_data(self._connection.recv(_READ_BYTES))
        return event  # type: ignore[return-value] - NEED_DATA is what the loop goes on for


@contextmanager
def _told() -> Iterator[None]:
    """Whatever a stranger's host does is one failure; its words are not passed on."""
    try:
        yield
    except TimeoutError as error:
        raise SourceUnreachable("the address did not answer in time") from error
    except ssl.SSLCertVerificationError as error:
        raise SourceUnreachable("the address could not show that it is who it says") from error
    except h11.RemoteProtocolError as error:
        raise SourceUnreachable("what the address answered is no HTTP") from error
    except OSError as error:
        raise SourceUnreachable("the address could not be reached") from error


def _left(seconds: float) -> float:
    """A time-out for what is left; raises TimeoutError if nothing is."""
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _check_length(response: h11.Response, most_bytes: int) -> None:
    """Refuse by the host's own word a file that is too long, before reading any of it."""
    said = _header(response, b"content-length")
    if said is not None and int(said) > most_bytes:  # h11 lets no other text pass
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the file has more than {most_bytes} bytes", max_bytes=most_bytes)


def _header(response: h11.Response, name: bytes) -> str | None:
    """The one header of this name."""
    return next((value.decode("latin-1") for key, value in response.headers if key == name), None)
