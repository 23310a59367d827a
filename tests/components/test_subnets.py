"""Subnets: inside the block, apart from each other, large enough, and never moved by a zone that comes or goes."""

import ipaddress
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.subnets import ZONES, is_legal, zone_subnets

RESERVED = 5
"""Addresses that AWS takes of every subnet."""

PRIVATE = [ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
DOCKER = ipaddress.IPv4Network("172.17.0.0/16")


@st.composite
def _blocks(draw: st.DrawFn) -> str:
    """Every legal block, those at the edges of private space often."""
    space, prefix = draw(st.sampled_from(PRIVATE)), draw(st.integers(16, 20))
    count = 2 ** (prefix - space.prefixlen)
    index = draw(st.integers(0, count - 1))
    first = int(space.network_address) + index * 2 ** (32 - prefix)
    return str(ipaddress.IPv4Network((first, prefix)))


BLOCKS = _blocks().filter(lambda block: not ipaddress.IPv4Network(block).overlaps(DOCKER))
ZONE_LISTS = st.permutations(ZONES).flatmap(lambda zones: st.integers(2, 6).map(lambda count: zones[:count]))


def cut(block: str, zones: list[str]) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(one) for subnets in zone_subnets(block, zones).values() for one in subnets]


@given(BLOCKS, ZONE_LISTS)
@example("10.60.0.0/16", ["a", "b"])
@example("192.168.240.0/20", list(ZONES))
def test_subnets_lie_inside_the_block_and_apart_from_each_other(block: str, zones: list[str]) -> None:
    subnets = cut(block, zones)
    assert len(subnets) == 3 * len(zones)
    assert all(one.subnet_of(ipaddress.IPv4Network(block)) for one in subnets)
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@given(BLOCKS, ZONE_LISTS)
def test_every_subnet_holds_the_hundred_hosts_of_a_service(block: str, zones: list[str]) -> None:
    for one in cut(block, zones):
        assert 16 <= one.prefixlen <= 28
        assert one.num_addresses - RESERVED >= 100


@given(BLOCKS, ZONE_LISTS)
def test_zones_that_come_go_or_change_their_order_move_no_other(block: str, zones: list[str]) -> None:
    every = zone_subnets(block, ZONES)
    assert zone_subnets(block, zones) == {zone: every[zone] for zone in zones}
    assert list(zone_subnets(block, zones)) == zones


@given(BLOCKS, ZONE_LISTS)
def test_room_is_left_for_what_nobody_has_thought_of(block: str, zones: list[str]) -> None:
    """A quarter of each zone's part, and a quarter of the block, whatever is used."""
    whole = ipaddress.IPv4Network(block).num_addresses
    used = sum(one.num_addresses for one in cut(block, zones))
    assert used == whole * len(zones) * 3 // 32
    free = list(ipaddress.IPv4Network(block).subnets(prefixlen_diff=2))[-1]
    assert not any(one.overlaps(free) for one in cut(block, zones))


def test_the_cut_is_what_the_page_says() -> None:
    assert {zone: tuple(one) for zone, one in zone_subnets("10.60.0.0/16", "ab").items()} == {
        "a": ("10.60.0.0/21", "10.60.8.0/21", "10.60.16.0/21"),
        "b": ("10.60.32.0/21", "10.60.40.0/21", "10.60.48.0/21"),
    }
    assert tuple(zone_subnets("10.0.0.0/20", "f")["f"]) == ("10.0.10.0/25", "10.0.10.128/25", "10.0.11.0/25")


@given(BLOCKS)
def test_a_block_that_can_be_cut_is_legal(block: str) -> None:
    assert is_legal(block)


@pytest.mark.parametrize(
    "block",
    [
        *("10.0.0.0/15", "10.0.0.0/21", "10.0.0.0/8", "10.0.0.1/16", "10.0.0.0", "10.0.0.0/33", "", "a", "::/16"),
        *("8.8.0.0/16", "127.0.0.0/16", "169.254.0.0/16", "240.0.0.0/16", "100.64.0.0/16", "172.32.0.0/16"),
        *("172.17.0.0/16", "172.17.16.0/20", "192.169.0.0/16", "010.0.0.0/16", "10.0.0.0/16\n", "10.0.0.0/255.255.0.0"),
    ],
)
def test_any_other_block_is_refused(block: str) -> None:
    assert not is_legal(block)
    with pytest.raises(ValueError, match="is not a block of private addresses"):
        zone_subnets(block, "ab")


@pytest.mark.parametrize("zone", ["g", "A", "", "ab", "1", "é"])
def test_a_zone_without_a_place_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not the letter of a zone"):
        zone_subnets("10.0.0.0/16", ["a", zone])
