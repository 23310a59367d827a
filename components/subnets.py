"""Subnets, by arithmetic: how a network's block of addresses is cut. Pure; the network declares what comes out.

    the block        | a | b | c | d | e | f | - | - |      eighths, by the letter of the zone; two stay free
    a zone's eighth  | public | private | isolated | - |    quarters; one stays free

A subnet's place depends on the block, its zone's letter and its tier, and on nothing else: zones that come, go or
change their order move no other. What is left free is room for what nobody has thought of: a tier of databases, a link
to another network. From a /16 each subnet is a /21 (2,043 addresses, without the five that AWS takes), from a /20 a /25
(123).
"""

import ipaddress
from collections.abc import Iterable
from typing import Final, NamedTuple

LARGEST_PREFIX, SMALLEST_PREFIX = 16, 20
"""Of the block: AWS takes no block above /16; below /20 a subnet could not hold the hundred hosts of a service.
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

ZONES: Final = "abcdef"
"""Letters of zones that have a place."""

_ZONE_BITS, _TIER_BITS = 3, 2

_PRIVATE: Final = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""RFC 1918; other blocks that are nobody's on the internet (loopback, link-local, reserved) AWS refuses."""

_BRIDGE: Final = ipaddress.IPv4Network("172.17.0.0/16")
"""Docker's own network on every host: a host could not reach a neighbour or the name server at such an address.
https://docs.docker.com/engine/network/drivers/bridge/"""


class ZoneSubnets(NamedTuple):
    """Blocks of one zone's subnets."""

    public: str
    """With a way to and from the internet."""
    private: str
    """With a way out, if any, through others."""
    isolated: str
    """With no way out but endpoints."""


def is_legal(block: str) -> bool:
    """Whether a network may have this block: private addresses, LARGEST_PREFIX to SMALLEST_PREFIX, not Docker's."""
    try:
        network = ipaddress.IPv4Network(block)
    except ValueError:
        return False
    private = str(network) == block and any(network.subnet_of(one) for one in _PRIVATE)
    return private and LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX and not network.overlaps(_BRIDGE)


def zone_subnets(block: str, zones: Iterable[str]) -> dict[str, ZoneSubnets]:
    """The subnets of each zone, by its letter; raises ValueError for a block or zone that has no place here."""
    if not is_legal(block):
        raise ValueError(f"{block!r} is not a block of private addresses, /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}")
    return {zone: _cut(ipaddress.IPv4Network(block), zone) for zone in zones}


def _cut(block: ipaddress.IPv4Network, zone: str) -> ZoneSubnets:
    if len(zone) != 1 or zone not in ZONES:
        raise ValueError(f"{zone!r} is not the letter of a zone, {ZONES[0]} to {ZONES[-1]}")
    eighth = list(block.subnets(prefixlen_diff=_ZONE_BITS))[ZONES.index(zone)]
    public, private, isolated, _free = eighth.subnets(prefixlen_diff=_TIER_BITS)
    return ZoneSubnets(str(public), str(private), str(isolated))
