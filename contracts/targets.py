"""Addresses on the web that somebody else names: how they may be written, and what of them is used. Pure.

    https://hooks.example.com:443/darkroom?tenant=a
    scheme  host              port path

Written in more than one way they are a classic of forgery (user names before the host, back slashes, numbers that are
addresses), so whatever is not plain is refused. Which addresses a host's name may lead to is in `addresses`.
"""

import re
import unicodedata
from collections.abc import Collection
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import urljoin

from msgspec import Struct

from contracts.addresses import refusal
from contracts.errors import SourceForbidden

MAX_URL_CHARS: Final = 2_048
HTTPS_PORT: Final = 443
PORTS: Final = frozenset({HTTPS_PORT})
"""What is called where nothing else is said: other ports are other protocols, whose servers read HTTP as commands."""

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^#]*)")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
"""What resolvers take for (a part of) an address when it is the last label."""
_IPV4: Final = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_AMBIGUOUS: Final = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")
"""Letters that the two versions of IDNA read as different names: sharp s, final sigma, the joiners."""
_LOOPBACK_NAME: Final = "localhost"


class Target(Struct, frozen=True, kw_only=True):
    """Where a request goes. `host` is in ASCII and lower case, IPv6 without brackets; `path` begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the Host header says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = HTTPS_PORT if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address as it stands, and no name."""
        return ":" in self.host or _IPV4.fullmatch(self.host) is not None


def parse_target(text: str, *, ports: Collection[int] = PORTS, loopback: bool = False) -> Target:
    """The target that `text` names. Raises SourceForbidden, with the rule that it breaks.

    With `loopback` a host on loopback may be called by plain HTTP and on any port; every other host as ever.
    """
    if len(text) > MAX_URL_CHARS:
        raise SourceForbidden(f"the address is longer than {MAX_URL_CHARS} characters", limit=MAX_URL_CHARS)
    if "\\" in text or any(char.isspace() or unicodedata.category(char)[0] == "C" for char in text):
        raise SourceForbidden("the address has back slashes, blanks or control characters in it")
    match = _URL.fullmatch(text)
    if match is None:
        raise SourceForbidden("the address is not https://host/path, without a fragment")
    scheme, authority, path = match["scheme"].lower(), match["authority"], match["path"]
    if "@" in authority:
        raise SourceForbidden("the address has a user's name in it")
    if not path.isascii():
        raise SourceForbidden("the path is not ASCII: percent-encode it")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise SourceForbidden("the host is not plainly written")
    host = _host_of(parts["host"])
    at_home = loopback and _is_loopback(host)
    if scheme != "https" and not (at_home and scheme == "http"):
        raise SourceForbidden("only https is called from here")
    port = int(parts["port"] or (HTTPS_PORT if scheme == "https" else 80))
    if not 1 <= port <= 65_535 or not (at_home or port in ports):
        raise SourceForbidden(f"port {port} is not called from here")
    target = Target(scheme=scheme, host=host, port=port, path=path if path.startswith("/") else f"/{path}")
    if target.is_address and (why := refusal(host, loopback=loopback)) is not None:
        raise SourceForbidden(f"the address is {why}")
    if not target.is_address and "." not in host and not at_home:
        raise SourceForbidden("the host is a name of one network alone")
    return target


def redirected(target: Target, location: str, *, ports: Collection[int] = PORTS, loopback: bool = False) -> Target:
    """Where a redirect leads, under the same rules."""
    try:
        joined = urljoin(target.url, location)
    except ValueError:
        # half a bracket, say
        raise SourceForbidden("what it redirects to is no address") from None
    return parse_target(joined, ports=ports, loopback=loopback)


def _host_of(written: str) -> str:
    """In ASCII and lower case; full-width letters and dots are what they look like."""
    if written.startswith("["):
        try:
            return str(IPv6Address(written[1:-1]))
        except ValueError:
            raise SourceForbidden("the host is no IPv6 address") from None
    if _AMBIGUOUS & set(written):
        raise SourceForbidden("the host can be read as two names: write it in its ASCII form (xn--...)")
    try:
        host = written.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        raise SourceForbidden("the host is no name") from None
    if _HOST.fullmatch(host) is None:
        raise SourceForbidden("the host is no name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and _IPV4.fullmatch(host) is None:
        raise SourceForbidden("the host is an address in disguise")
    return host


def _is_loopback(host: str) -> bool:
    return host in (_LOOPBACK_NAME, "::1") or (_IPV4.fullmatch(host) is not None and host.startswith("127."))
