"""Hosts of strangers, on loopback: a server that behaves as badly as it is told, and certificates for any name.

`Wires` stands between an `Outside` and the network: it answers for names, and leads every connection, wherever it is
meant to go, to the receiver; what it was asked for is kept.
"""

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PUBLIC = "93.184.215.14"
"""An address that may be called; nothing here ever calls it."""
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
PATIENCE_SECONDS = 120
"""Of a receiver with whoever has called it: longer than any caller's, however slow the machine is."""

Behaviour = Callable[[socket.socket, bytes, threading.Event], None]
"""What is done with a connection whose request has come; the event is set when everybody goes home."""


class Authority:
    """A certificate authority of its own; `folder` holds what OpenSSL reads from files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certificate("Test authority", self._key.public_key(), self._key, "Test authority", ca=True)

    @property
    def file(self) -> Path:
        """Its certificate, for a process whose SSL_CERT_FILE names whom to believe."""
        path = self._folder / "authority.pem"
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def trust(self) -> ssl.SSLContext:
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, name: str, *, expired: bool = False) -> ssl.SSLContext:
        """TLS of a server that shows a certificate for this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        until = NOW - DAY if expired else NOW + DAY
        certificate = _certificate(name, key.public_key(), self._key, "Test authority", until=until)
        path = self._folder / f"{name}{'-expired' if expired else ''}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    ca: bool = False,
    until: datetime.datetime = NOW + DAY,
) -> x509.Certificate:
    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    made = (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 10 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
        ) | dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
        made = made.add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
    else:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(signer, hashes.SHA256())


class Receiver:
    """A server on loopback. `requests` are the heads and bodies that came, whole."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._home = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        return self._server.getsockname()[1]

    def close(self) -> None:
        self._home.set()
        # closing alone does not wake an accept
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in [self._accepting, *self._threads]:
            thread.join(5)

    def _accept(self) -> None:
        while not self._home.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE_SECONDS)
            if self._tls is None:
                self._answer(connection)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        request = request_of(connection)
        self.requests.append(request)
        self.behaviour(connection, request, self._home)


def request_of(connection: socket.socket) -> bytes:
    """A whole request with its body, if its length was said."""
    came = b""
    while b"\r\n\r\n" not in came:
        more = connection.recv(65536)
        if not more:
            return came
        came += more
    head, _, body = came.partition(b"\r\n\r\n")
    named = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(named[0].partition(b":")[2]) if named else 0
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def receiving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(behaviour, tls)
    try:
        yield receiver
    finally:
        receiver.close()


class Wires:
    """Names as `answers` has them, one set of addresses after the other and the last for ever; a connection to any
    address leads to the receiver. `dialled` are the addresses that a connection was asked for.
    """

    def __init__(self, receiver: Receiver | None, *answers: Sequence[str]) -> None:
        self._receiver = receiver
        self._answers = [list(answer) for answer in answers or ((PUBLIC,),)]
        self.asked: list[str] = []
        self.dialled: list[str] = []

    def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        if self._receiver is None:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self._receiver.port), timeout=seconds)


def answering(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    """A plain reply."""

    def behave(connection: socket.socket, request: bytes, home: threading.Event) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return behave


def redirecting(location: str, status: int = 302) -> Behaviour:
    return answering(status, f"Location: {location}")


def endless(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    """A body that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not home.is_set():
        connection.sendall(b"x" * 65536)


def slow_head(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    """A byte of the head now and then, and never its end."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 10_000:
        connection.sendall(bytes((byte,)))
        if home.wait(0.02):
            return


def silent(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    home.wait(PATIENCE_SECONDS)


def huge_head(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    """A megabyte of headers."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 1024 * 1024)
    home.wait(PATIENCE_SECONDS)


def promising(status: int) -> Behaviour:
    """100 or 103, for ever."""

    def behave(connection: socket.socket, request: bytes, home: threading.Event) -> None:
        while not home.is_set():
            connection.sendall(b"HTTP/1.1 %d Soon\r\n\r\n" % status)

    return behave


def other_protocol(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    connection.sendall(b"220 mail.example ESMTP\r\n")


def cut_off(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    """Less than was promised."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
