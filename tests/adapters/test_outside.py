"""The way out: only addresses that were judged are called, and no host can keep us longer than its time."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.outside import MAX_REDIRECTS, Outside
from contracts.errors import PayloadTooLarge, SourceForbidden, SourceUnreachable
from contracts.outside_ports import Reply
from tests.support import receivers
from tests.support.receivers import PUBLIC, Authority, Behaviour, Receiver, Wires, answering, receiving, redirecting

NAME = "hooks.example"
URL = f"https://{NAME}/in?a=b"
PLENTY = 120.0
LITTLE = 0.3


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def receiver_of(authority: Authority) -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(behaviour: Behaviour, name: str = NAME, *, expired: bool = False) -> Receiver:
        made.append(Receiver(behaviour, authority.server(name, expired=expired)))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def outside_of(authority: Authority) -> Callable[[Wires], Outside]:
    return lambda wires: Outside(trust=authority.trust(), resolve=wires.resolve, connect=wires.connect)


Make = Callable[..., Receiver]
Over = Callable[[Wires], Outside]


def test_a_request_goes_to_the_judged_address_under_the_name(receiver_of: Make, outside_of: Over) -> None:
    receiver = receiver_of(answering(204, "Retry-After: 7"))
    wires = Wires(receiver)
    reply = outside_of(wires).post(URL, {"Content-Type": "application/json"}, b"{}", seconds=PLENTY)
    assert reply == Reply(status=204, retry_after="7")
    assert (wires.asked, wires.dialled) == ([NAME], [PUBLIC])
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert body == b"{}"
    assert head.startswith(b"POST /in?a=b HTTP/1.1\r\n")
    for line in (b"Host: hooks.example", b"Connection: close", b"Content-Length: 2", b"Accept-Encoding: identity"):
        assert line in head.split(b"\r\n")


def test_a_name_is_resolved_once_however_often_it_would_answer_otherwise(receiver_of: Make, outside_of: Over) -> None:
    """B88: public for the judge, loopback for whoever asks a second time."""
    wires = Wires(receiver_of(answering(200)), [PUBLIC], ["127.0.0.1"])
    outside = outside_of(wires)
    outside.post(URL, {}, b"", seconds=PLENTY)
    assert (wires.asked, wires.dialled) == ([NAME], [PUBLIC])
    with pytest.raises(SourceForbidden):
        outside.post(URL, {}, b"", seconds=PLENTY)
    assert wires.dialled == [PUBLIC]


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        [PUBLIC, "10.0.0.1"],
        ["169.254.169.254", PUBLIC],
        [PUBLIC, "fd00:ec2::254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::a9fe:a9fe"],
        [PUBLIC] * 65,
        ["fe80::1%eth0"],
    ],
)
def test_one_address_that_is_not_public_forbids_the_name(
    receiver_of: Make, outside_of: Over, addresses: list[str]
) -> None:
    """B87. And nobody is told which address it was."""
    receiver = receiver_of(answering(200))
    wires = Wires(receiver, addresses)
    with pytest.raises(SourceForbidden) as refused:
        outside_of(wires).post(URL, {}, b"", seconds=PLENTY)
    assert (wires.dialled, receiver.connections) == ([], 0)
    assert not any(address in refused.value.detail for address in addresses)


def test_a_webhook_follows_no_redirect(receiver_of: Make, outside_of: Over) -> None:
    """B89."""
    wires = Wires(receiver_of(redirecting("https://169.254.169.254/latest/meta-data/", 307)))
    assert outside_of(wires).post(URL, {}, b"{}", seconds=PLENTY).status == 307
    assert wires.dialled == [PUBLIC]


@pytest.mark.parametrize(
    "behaviour",
    [
        receivers.slow_head,
        receivers.silent,
        receivers.huge_head,
        receivers.promising(100),
        receivers.promising(103),
        receivers.other_protocol,
        answering(101, "Upgrade: h2c", "Connection: upgrade"),
    ],
    ids=["slow head", "silent", "huge head", "100 for ever", "103 for ever", "mail", "101"],
)
def test_a_host_that_gives_no_answer_is_left(receiver_of: Make, outside_of: Over, behaviour: Behaviour) -> None:
    """B92."""
    with pytest.raises(SourceUnreachable):
        outside_of(Wires(receiver_of(behaviour))).post(URL, {}, b"{}", seconds=LITTLE)


def test_the_body_of_a_webhooks_reply_is_not_read(receiver_of: Make, outside_of: Over) -> None:
    """B92: endless, or small and growing when it is unpacked."""
    bomb = answering(200, "Content-Encoding: gzip", body=b"\x1f\x8b" + b"\0" * 1_000)
    for behaviour in (receivers.endless, bomb):
        assert outside_of(Wires(receiver_of(behaviour))).post(URL, {}, b"{}", seconds=PLENTY).status == 200


def test_a_host_has_to_show_who_it_is(receiver_of: Make, outside_of: Over) -> None:
    """B92: another's name, a certificate that is over, and one of an authority that nobody believes."""
    wrong, late = receiver_of(answering(200), "other.example"), receiver_of(answering(200), expired=True)
    for receiver in (wrong, late):
        with pytest.raises(SourceUnreachable, match="who it says"):
            outside_of(Wires(receiver)).post(URL, {}, b"secret", seconds=PLENTY)
        assert receiver.requests == []
    good, wires = receiver_of(answering(200)), Wires(receiver_of(answering(200)))
    stranger = Outside(trust=ssl.create_default_context(cadata=None), resolve=wires.resolve, connect=wires.connect)
    with pytest.raises(SourceUnreachable):
        stranger.post(URL, {}, b"", seconds=PLENTY)
    assert good.requests == []


def test_a_host_that_is_not_there_is_unreachable_and_the_next_address_is_tried(
    receiver_of: Make, outside_of: Over
) -> None:
    with pytest.raises(SourceUnreachable):
        outside_of(Wires(None)).post(URL, {}, b"", seconds=PLENTY)

    wires = Wires(receiver_of(answering(200)), ["1.1.1.1", "8.8.8.8"])
    through = wires.connect

    def first_is_down(address: str, port: int, seconds: float) -> object:
        connection = through(address, port, seconds)
        if address == "1.1.1.1":
            connection.close()
            raise ConnectionRefusedError
        return connection

    wires.connect = first_is_down  # type: ignore[method-assign, assignment]
    assert outside_of(wires).post(URL, {}, b"", seconds=PLENTY).status == 200
    assert wires.dialled == ["1.1.1.1", "8.8.8.8"]


def test_no_proxy_of_the_environment_is_asked(
    receiver_of: Make, outside_of: Over, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(answering(200)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert outside_of(Wires(receiver_of(answering(200)))).post(URL, {}, b"", seconds=PLENTY).status == 200
        assert proxy.connections == 0


def fetched(outside: Outside, *, url: str = URL, most: int = 100_000, seconds: float = PLENTY) -> bytes:
    with outside.fetch(url, seconds=seconds, most_bytes=most) as file:
        return b"".join(file.pieces)


def test_a_file_comes_as_it_is(receiver_of: Make, outside_of: Over) -> None:
    body = bytes(range(256)) * 300
    assert fetched(outside_of(Wires(receiver_of(answering(200, body=body))))) == body


def test_a_file_is_cut_off_at_its_limit_and_at_its_time(receiver_of: Make, outside_of: Over) -> None:
    with pytest.raises(PayloadTooLarge, match="more than 100000 bytes"):
        fetched(outside_of(Wires(receiver_of(receivers.endless))))
    with (
        pytest.raises(PayloadTooLarge),
        outside_of(Wires(receiver_of(answering(200, body=bytes(100_001))))).fetch(
            URL, seconds=PLENTY, most_bytes=100_000
        ),
    ):
        pytest.fail("a length that was said is refused before a byte is read")
    with pytest.raises(SourceUnreachable, match="in time"):
        fetched(outside_of(Wires(receiver_of(receivers.silent))), seconds=LITTLE)
    with pytest.raises(SourceUnreachable):
        fetched(outside_of(Wires(receiver_of(receivers.cut_off))))


@pytest.mark.parametrize("status", [204, 206, 304, 400, 404, 500])
def test_whatever_is_no_file_is_unreachable_and_its_words_are_not_shown(
    receiver_of: Make, outside_of: Over, status: int
) -> None:
    with pytest.raises(SourceUnreachable) as failed:
        fetched(outside_of(Wires(receiver_of(answering(status, body=b"" if status in (204, 304) else b"internal")))))
    assert "internal" not in failed.value.detail


def test_a_few_redirects_are_followed_and_each_is_judged(receiver_of: Make, outside_of: Over) -> None:
    """B89."""
    left = [*["/next"] * MAX_REDIRECTS]

    def behave(connection: object, request: bytes, home: object) -> None:
        answer = redirecting(left.pop()) if left else answering(200, body=b"at last")
        answer(connection, request, home)  # type: ignore[arg-type]

    wires = Wires(receiver_of(behave))
    assert fetched(outside_of(wires)) == b"at last"
    assert len(wires.asked) == len(wires.dialled) == MAX_REDIRECTS + 1

    with pytest.raises(SourceUnreachable, match="redirects"):
        fetched(outside_of(Wires(receiver_of(redirecting("/next")))))
    for location in ("https://169.254.169.254/", "http://hooks.example/", "https://hooks.example:22/"):
        wires = Wires(receiver_of(redirecting(location)))
        with pytest.raises(SourceForbidden):
            fetched(outside_of(wires))
        assert wires.dialled == [PUBLIC]
    # the name that a redirect leads to is resolved and judged as well
    wires = Wires(receiver_of(redirecting("https://inside.example/")), [PUBLIC], ["10.0.0.1"])
    with pytest.raises(SourceForbidden):
        fetched(outside_of(wires))
    assert (wires.asked, wires.dialled) == ([NAME, "inside.example"], [PUBLIC])


def test_loopback_is_called_only_where_it_is_allowed() -> None:
    with receiving(answering(200)) as receiver:
        url = f"http://localhost:{receiver.port}/"
        with pytest.raises(SourceForbidden):
            Outside().post(url, {}, b"", seconds=PLENTY)
        assert receiver.connections == 0
        assert Outside(loopback=True).post(url, {}, b"", seconds=PLENTY).status == 200
        assert Outside(loopback=True).post(url.replace("localhost", "127.0.0.1"), {}, b"", seconds=PLENTY).status == 200


def test_an_address_is_checked_without_a_call() -> None:
    outside = Outside(resolve=lambda *_: pytest.fail("resolved"), connect=lambda *_: pytest.fail("connected"))
    outside.check(URL)
    with pytest.raises(SourceForbidden):
        outside.check("https://127.0.0.1/")


def test_a_name_that_nobody_knows_is_unreachable(tmp_path: Path) -> None:
    def nobody(host: str, port: int, seconds: float) -> list[str]:
        raise OSError("unknown")

    with pytest.raises(SourceUnreachable):
        Outside(resolve=nobody).post(URL, {}, b"", seconds=PLENTY)
