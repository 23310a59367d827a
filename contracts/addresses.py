"""Which addresses may be called when somebody else names the host: public ones, and no others. Pure.

The standard library's `is_global` is not enough: it lets pass multicast, addresses that carry a private IPv4 address
inside of them, and the wire server of Azure. So this is a table of our own, after the registries that IANA keeps, and
every embedded IPv4 address is unwrapped and judged as well.

    https://www.iana.org/assignments/iana-ipv4-special-registry
    https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_DENIED_4: Final = {
    IPv4Network(network): what
    for network, what in {
        "0.0.0.0/8": "this very host",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared behind a carrier",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "the wire server of a cloud",
        "169.254.0.0/16": "link-local, where clouds keep their metadata",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "for protocols",
        "192.0.2.0/24": "for documentation",
        "192.31.196.0/24": "a sink for reverse names",
        "192.52.193.0/24": "a relay of multicast",
        "192.88.99.0/24": "a relay of 6to4",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "a sink for reverse names",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA hands out; everything else of IPv6 is somebody's own, or nobody's."""
_DENIED_6: Final = {
    IPv6Network(network): what
    for network, what in {
        "2001::/23": "for protocols",
        "2001:db8::/32": "for documentation",
        "2002::/16": "a tunnel (6to4)",
        "2620:4f:8000::/48": "a sink for reverse names",
        "3ffe::/16": "given back (6bone)",
        "3fff::/20": "for documentation",
    }.items()
}
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
"""Upper half of the interface's id, before the IPv4 address (RFC 5214)."""

Address = IPv4Address | IPv6Address


def embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address carries: mapped, compatible, NAT64, 6to4, Teredo (its client) or ISATAP."""
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _COMPATIBLE or address in _NAT64 or address in _NAT64_LOCAL:
        return low
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return low if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP else None


def refusal(address: str, *, loopback: bool = False) -> str | None:
    """Why this address may not be called, in a few words; None: it may.

    `address` is as a resolver writes it. `loopback` lets pass 127.0.0.0/8 and ::1, and nothing else: for a stack whose
    cloud is on loopback too.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return "of one link alone"
    if loopback and parsed.is_loopback and getattr(parsed, "ipv4_mapped", None) is None:
        return None
    return _refusal_6(parsed) if isinstance(parsed, IPv6Address) else _refusal_4(parsed)


def _refusal_4(address: IPv4Address) -> str | None:
    return next((what for network, what in _DENIED_4.items() if address in network), None)


def _refusal_6(address: IPv6Address) -> str | None:
    inner = embedded(address)
    if inner is not None and (why := _refusal_4(inner)) is not None:
        return f"{why}, inside of an IPv6 address"
    if address in _NAT64:
        # how an IPv6-only network reaches the rest of the world (RFC 6052): as good as what is inside
        return None
    if address not in _GLOBAL_UNICAST:
        return "not of the global unicast space"
    return next((what for network, what in _DENIED_6.items() if address in network), None)
