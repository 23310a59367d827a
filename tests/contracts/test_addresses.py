"""Which addresses may be called: a table of traps, and the standard library's own judgement as the least."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.addresses import embedded, refusal

FORBIDDEN = {
    "B76 loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "B77 nowhere": ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - nobody binds it here
    "B78 metadata": ("169.254.169.254", "169.254.170.2", "169.254.169.253", "fd00:ec2::254", "fd00:ec2::23"),
    "B79 mapped": ("::ffff:169.254.169.254", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1"),
    "B80 compatible": ("::127.0.0.1", "::10.0.0.1", "::8.8.8.8"),
    "B81 NAT64": ("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1::808:808"),
    "B82 6to4": ("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"),
    "B83 Teredo": ("2001:0:808:808::80ff:fffe", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    "B83 ISATAP": ("2600:1f18::5efe:127.0.0.1", "2600:1f18::200:5efe:10.0.0.1", "fe80::5efe:8.8.8.8"),
    "B84 shared, benchmarks, protocols": ("100.64.0.1", "100.100.100.200", "198.18.0.1", "198.19.255.255", "192.0.0.1"),
    "B85 multicast, broadcast": ("224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1", "ff0e::1", "240.0.0.1"),
    "B86 of one link": ("fe80::1", "fe80::1%eth0", "2600:1f18::1%2"),
    "private": ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd12:3456::1", "fec0::1"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "a cloud's own": ("168.63.129.16",),
    "retired": ("192.88.99.1", "3ffe::1", "2001:10::1", "100::1", "5f00::1"),
    "no address": ("", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "1.2.3.4 ", "example.com", "1.2.3.4/32"),
}
PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "52.95.110.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "198.17.0.1"),
    *("198.20.0.1", "223.255.255.255", "168.63.129.17", "2600:1f18::1", "2a00:1450:4001::1", "2606:4700::1111"),
    *("64:ff9b::8.8.8.8", "::ffff:8.8.8.8"),
)


def test_the_table_of_traps_is_as_long_as_it_says() -> None:
    assert sum(map(len, FORBIDDEN.values())) >= 60


@pytest.mark.parametrize("address", [address for addresses in FORBIDDEN.values() for address in addresses])
def test_no_address_that_is_not_public_passes(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", PUBLIC[:-1])
def test_public_addresses_pass(address: str) -> None:
    assert refusal(address) is None


def test_a_mapped_address_is_refused_even_around_a_public_one() -> None:
    """No resolver gives one for a name; who writes it has a reason."""
    assert refusal(PUBLIC[-1]) == "not of the global unicast space"


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_never_passes(address: IPv4Address | IPv6Address) -> None:
    assert address.is_global or refusal(str(address))


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_a_private_address_stays_so_in_every_wrapping(inner: IPv4Address) -> None:
    number = int(inner)
    wrapped = (
        *(number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x64FF9B0001 << 80 | number),
        *(0x2002 << 112 | number << 80 | 1, 0x20010000 << 96 | 0xFFFF_FFFF ^ number),
        *(0x2600 << 112 | 0x5EFE << 32 | number, 0x2600 << 112 | 0x0200_5EFE << 32 | number),
    )
    for one in map(IPv6Address, wrapped):
        assert embedded(one) == inner
        assert refusal(str(one)) is not None


def test_loopback_passes_where_it_is_allowed_and_nothing_else_does() -> None:
    assert [refusal(one, loopback=True) for one in ("127.0.0.1", "127.9.9.9", "::1", "8.8.8.8")] == [None] * 4
    for addresses in FORBIDDEN.values():
        for address in addresses:
            try:
                at_home = ip_address(address).is_loopback and "ffff" not in address
            except ValueError:
                at_home = False
            assert (refusal(address, loopback=True) is None) == at_home, address
