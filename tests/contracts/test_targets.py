"""How an address on the web may be written: plainly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SourceForbidden
from contracts.targets import Target, parse_target, redirected

REFUSED = {
    "B73 no TLS": ("http://example.com/", "HTTP://example.com/"),
    "B74 other schemes": ("ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "https:example.com"),
    "B75 a user": ("https://user:pw@example.com/", "https://user@example.com/", "https://@example.com/"),
    "B76 loopback, spelled": (
        *("https://127.0.0.1/", "https://127.1/", "https://0x7f000001/", "https://2130706433/", "https://0177.0.0.1/"),
        *("https://0x7f.0.0.1/", "https://127.0.0.1./", "https://017700000001/", "https://127.0.0.0x1/"),
        *("https://[::1]/", "https://localhost/", "https://LOCALHOST./", "https://\uff11\uff12\uff17.0.0.1/"),
        *("https://\u2460\u2461\u2466.0.0.1/", "https://[0:0:0:0:0:0:0:1]/", "https://1.2.3.0x04/"),
    ),
    "B77 nowhere": ("https://0.0.0.0/", "https://[::]/", "https://0/"),
    "B78 metadata": ("https://169.254.169.254/latest", "https://[fd00:ec2::254]/", "https://169.254.170.2/"),
    "B79 to B83 wrapped": (
        *("https://[::ffff:169.254.169.254]/", "https://[::127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/"),
        *("https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:808:808::80ff:fffe]/"),
    ),
    "B86 a zone": ("https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://exa%6dple.com/"),
    "B90 ports": (
        *("https://example.com:22/", "https://example.com:6379/", "https://example.com:0/"),
        *(
            "https://example.com:65536/",
            "https://example.com:80/",
            "https://example.com:/",
            "https://example.com:4433x/",
        ),
    ),
    "B91 forgery": (
        *(
            "https://good.example@evil.example/",
            "https://good.example#@evil.example/",
            "https://good.example\\@evil.example",
        ),
        *(
            "https:\\\\example.com/",
            "https://example.com/\\..",
            "https://exa mple.com/",
            "https://example.com/\r\nHost: x",
        ),
        *(
            "https://example.com/\x00",
            "https://ex\u200bample.com/",
            "https://fa\u00df.example/",
            "https://a\u200db.example/",
        ),
        *("https://example..com/", "https://.example.com/", "https://-a.example/", "https://a-.example/", "https:///a"),
        *(
            "https://[example.com]/",
            "https://[::1/",
            "https://example.com/caf\u00e9",
            "//example.com/",
            "example.com",
            "",
        ),
        *("https://" + "a" * 64 + ".example/", "https://example.com/" + "a" * 2048, "https://intranet/"),
    ),
}


@pytest.mark.parametrize("url", [url for urls in REFUSED.values() for url in urls])
def test_what_is_not_plain_is_refused(url: str) -> None:
    with pytest.raises(SourceForbidden) as refused:
        parse_target(url)
    assert "evil" not in refused.value.detail


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://Example.COM./a?b=c@d", "https://example.com/a?b=c@d"),
        ("HTTPS://example.com:443?x", "https://example.com/?x"),
        ("https://\uff45xample\uff0ecom/", "https://example.com/"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
    ],
)
def test_what_may_be_called_is_called_by_one_name(url: str, same: str) -> None:
    assert parse_target(url).url == same
    assert parse_target(same) == parse_target(url)


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.com{text}"):
        try:
            target = parse_target(url)
        except SourceForbidden:
            continue
        assert parse_target(target.url) == target
        assert target.scheme == "https"
        assert target.port == 443
        assert target.url.isascii()


def test_loopback_may_be_called_on_any_port_where_it_is_allowed() -> None:
    for url in ("http://127.0.0.1:8080/a", "http://localhost:1/a", "https://[::1]:9/", "https://127.0.0.2:70/"):
        assert parse_target(url, loopback=True).url == url
    for url in ("http://example.com/", "https://example.com:8080/", "http://10.0.0.1/", "http://127.0.0.1.example/"):
        with pytest.raises(SourceForbidden):
            parse_target(url, loopback=True)


def test_a_redirect_is_judged_like_a_first_address() -> None:
    """B89."""
    target = parse_target("https://example.com/a/b")
    assert redirected(target, "c?d") == Target(scheme="https", host="example.com", port=443, path="/a/c?d")
    assert redirected(target, "//other.example").url == "https://other.example/"
    for location in ("http://example.com/", "https://169.254.169.254/latest/meta-data", "//127.0.0.1/", "ftp://a.b/"):
        with pytest.raises(SourceForbidden):
            redirected(target, location)
