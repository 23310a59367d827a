"""Addresses that are not to be called (B73 to B92), as a picture's and as a webhook's, and hosts that behave badly.

How an address is written is judged when it is named. What its name leads to, where it redirects and what its host
answers is seen when a picture is fetched: the upload service then stands in a network of ours (`strangers`).
"""

import json
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.support import receivers
from tests.support.bad_inputs.asked import Asked
from tests.support.bad_inputs.forms import JPEG, LIGHT, Maker
from tests.support.bad_inputs.outcome import Seen
from tests.support.receivers import Behaviour, answering, redirecting

if TYPE_CHECKING:
    from tests.support.bad_inputs.bench import Bench

TRAPS: Final[dict[str, dict[str, str]]] = {
    "B73": {"http": "http://example.com/a.jpg", "HTTP": "HTTP://example.com/a.jpg"},
    "B74": {
        "ftp": "ftp://example.com/a.jpg",
        "file": "file:///etc/passwd",
        "gopher": "gopher://example.com/",
        "data": "data:image/png;base64,iVBORw0KGgo=",
    },
    "B75": {"a user and a word": "https://user:pw@example.com/", "a user": "https://user@example.com/"},
    "B76": {
        "127.0.0.1": "https://127.0.0.1/",
        "two parts": "https://127.1/",
        "hexadecimal": "https://0x7f000001/",
        "one number": "https://2130706433/",
        "octal": "https://0177.0.0.1/",
        "localhost": "https://localhost/",
        "of IPv6": "https://[::1]/",
    },
    "B77": {"of IPv4": "https://0.0.0.0/", "of IPv6": "https://[::]/"},
    "B78": {
        "of a machine": "https://169.254.169.254/latest/meta-data/",
        "of IPv6": "https://[fd00:ec2::254]/latest/",
        "of a container": "https://169.254.170.2/v2/credentials",
    },
    "B79": {"mapped": "https://[::ffff:169.254.169.254]/"},
    "B80": {"compatible": "https://[::127.0.0.1]/"},
    "B81": {"well known": "https://[64:ff9b::7f00:1]/", "of one network": "https://[64:ff9b:1::7f00:1]/"},
    "B82": {"6to4": "https://[2002:7f00:1::]/"},
    "B83": {
        "Teredo": "https://[2001:0:808:808::80ff:fffe]/",
        "ISATAP": "https://[2a00::5efe:7f00:1]/",
    },
    "B84": {
        "100.64.0.1": "https://100.64.0.1/",
        "198.18.0.1": "https://198.18.0.1/",
        "192.0.0.1": "https://192.0.0.1/",
    },
    "B85": {
        "multicast": "https://224.0.0.1/",
        "multicast of IPv6": "https://[ff02::1]/",
        "broadcast": "https://255.255.255.255/",
    },
    "B86": {"in per cent": "https://[fe80::1%25eth0]/", "plain": "https://[fe80::1%eth0]/"},
    "B90": {
        "22": "https://example.com:22/",
        "6379": "https://example.com:6379/",
        "0": "https://example.com:0/",
        "65536": "https://example.com:65536/",
    },
    "B91": {
        "a user who looks like a host": "https://good.example@evil.example/",
        "a fragment": "https://good.example#@evil.example/",
        "back slashes": "https:\\\\example.com/",
        "a back slash before the user": "https://good.example\\@evil.example/",
        "full-width letters of an address": "https://\uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11/",
        "letters with two meanings": "https://fa\u00df.example/",
        "a dot behind an address": "https://127.0.0.1./",
        "a line break": "https://example.com/\r\nHost: x",
    },
}
"""What is refused by how it is written, by entry."""


def as_picture(url: str) -> Asked:
    """An upload that names this address."""
    body = json.dumps({"url": url, **json.loads(LIGHT)}).encode()
    return Asked(headers=(("Content-Type", "application/json"),), body=body)


def as_endpoint(url: str) -> Asked:
    return Asked(
        path="/webhooks", headers=(("Content-Type", "application/json"),), body=json.dumps({"url": url}).encode()
    )


REQUESTS: Final[dict[str, dict[str, Maker]]] = {
    entry: {
        f"{case}, as {what}": partial(make, url)
        for case, url in traps.items()
        for what, make in (("a picture", as_picture), ("an endpoint", as_endpoint))
    }
    for entry, traps in TRAPS.items()
}


def slow_body(connection: socket.socket, request: bytes, home: threading.Event) -> None:
    """A picture of which a byte comes now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(JPEG))
    for byte in JPEG:
        connection.sendall(bytes((byte,)))
        if home.wait(0.1):
            return


_PUBLIC: Final = "93.184.215.14"
_BOMB: Final = answering(200, "Content-Encoding: gzip", body=b"\x1f\x8b\x08\0\0\0\0\0" + bytes(100_000))

NAMES: Final[dict[str, list[list[str]]]] = {
    "within.example": [["10.0.0.1"]],
    "both.example": [["PUBLIC", "10.0.0.5"]],
    "both-of-ipv6.example": [["PUBLIC", "fd00:ec2::254"]],
    "flips.example": [["PUBLIC"], ["127.0.0.1"]],
}
"""What names lead to, one answer after the other and the last for ever; PUBLIC is the host's own address. Any other
name of a host leads to that alone."""

HOSTS: Final[dict[str, Behaviour]] = {
    "within.example": answering(200, body=JPEG),
    "both.example": answering(200, body=JPEG),
    "both-of-ipv6.example": answering(200, body=JPEG),
    "flips.example": answering(200, body=JPEG),
    "metadata.example": redirecting("https://169.254.169.254/latest/meta-data/", 302),
    "downgrade.example": redirecting("http://metadata.example/", 307),
    "port.example": redirecting("https://metadata.example:6379/", 303),
    "nowhere.example": redirecting("https://[", 301),
    "inwards.example": redirecting("https://within.example/", 308),
    "round.example": redirecting("/again"),
    "endless.example": receivers.endless,
    "bomb.example": _BOMB,
    "slow-head.example": receivers.slow_head,
    "slow-body.example": slow_body,
    "huge-head.example": receivers.huge_head,
    "silent.example": receivers.silent,
    "impostor.example": answering(200, body=JPEG),
    "expired.example": answering(200, body=JPEG),
    "switching.example": answering(101, "Upgrade: h2c", "Connection: upgrade"),
    "continuing.example": receivers.promising(100),
    "hinting.example": receivers.promising(103),
    "mail.example": receivers.other_protocol,
    "cut-off.example": receivers.cut_off,
}
"""Strangers' hosts. The certificate of `impostor` is another's, that of `expired` is over."""


def fetched(host: str) -> "Callable[[Bench], Seen]":
    """A picture of this host's; nothing but a public address is ever called for it."""

    def send(bench: "Bench") -> Seen:
        seen = bench.sent(as_picture(f"https://{host}/a.jpg"))
        assert not bench.forbidden_calls(), "an address was called that is not public"
        return seen

    return send


def _flipping(bench: "Bench") -> Seen:
    """The first time its name is public, and its picture is taken; from then on it leads to loopback."""
    first, second = (fetched("flips.example")(bench) for _ in range(2))
    assert first.status == 202
    return Seen(status=second.status, code=second.code, job_id=first.job_id)


SENDERS: Final = {
    "B87": {
        "a private address": fetched("within.example"),
        "a public and a private one": fetched("both.example"),
        "a public one, and a private one of IPv6": fetched("both-of-ipv6.example"),
    },
    "B88": {"public, then loopback": _flipping},
    "B89": {
        "302 to the metadata": fetched("metadata.example"),
        "307 to http": fetched("downgrade.example"),
        "303 to another port": fetched("port.example"),
        "301 to no address": fetched("nowhere.example"),
        "308 to a name that leads within": fetched("inwards.example"),
        "for ever": fetched("round.example"),
    },
    "B92": {
        "endless": fetched("endless.example"),
        "a bomb in gzip": fetched("bomb.example"),
        "a head of a byte now and then": fetched("slow-head.example"),
        "a body of a byte now and then": fetched("slow-body.example"),
        "a head of 1 MB": fetched("huge-head.example"),
        "nothing": fetched("silent.example"),
        "another's certificate": fetched("impostor.example"),
        "a certificate that is over": fetched("expired.example"),
        "101": fetched("switching.example"),
        "100 for ever": fetched("continuing.example"),
        "103 for ever": fetched("hinting.example"),
        "another protocol": fetched("mail.example"),
        "less than was promised": fetched("cut-off.example"),
    },
}
