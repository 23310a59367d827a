"""Keys of a role: renewed in time, by one caller, without anybody waiting who need not."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from adapters.clients import Keys
from adapters.sessions import CHAINED_SECONDS, RENEW_SECONDS, RETRY_SECONDS, USABLE_SECONDS, RoleSession, assume
from contracts.errors import Unavailable
from contracts.limits import Timing
from tests.support.agreement_cloud import CloudWorld, eraser_role
from tests.support.memory import VirtualClock

ARN = "arn:aws:iam::000000000000:role/link-signer"
DOWN = ReadTimeoutError(endpoint_url="https://nowhere.invalid")


class Sts:
    """Gives keys that are numbered in the order of asking; `fails` is raised instead."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.asked = 0
        self.fails: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def assume_role(self, **asked: Any) -> dict[str, Any]:
        self.asked += 1
        number = self.asked
        self.meanwhile()
        if self.fails is not None:
            raise self.fails
        expires = datetime.fromtimestamp(self.clock.now() / 1000 + asked["DurationSeconds"], UTC)
        return {
            "Credentials": {
                "AccessKeyId": f"key-{number}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": expires,
            }
        }


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def sts(clock: VirtualClock) -> Sts:
    return Sts(clock)


@pytest.fixture
def session(sts: Sts, clock: VirtualClock) -> RoleSession:
    return RoleSession(sts, ARN, "links", clock)


def test_nothing_is_asked_before_the_first_use(sts: Sts, session: RoleSession) -> None:
    assert sts.asked == 0


def test_a_young_session_is_used_as_it_is(sts: Sts, session: RoleSession, clock: VirtualClock) -> None:
    first = session.keys()
    clock.advance(CHAINED_SECONDS - RENEW_SECONDS - 1)
    assert session.keys() is first
    assert sts.asked == 1


def test_every_link_that_may_be_asked_for_fits_a_session_in_use(session: RoleSession, clock: VirtualClock) -> None:
    longest = Timing.__annotations__["link_seconds"].__metadata__[0].le
    for _ in range(10):
        clock.advance(700)
        assert (session.keys().expires_at - clock.now()) / 1000 > longest


def test_an_ageing_session_is_renewed(sts: Sts, session: RoleSession, clock: VirtualClock) -> None:
    session.keys()
    clock.advance(CHAINED_SECONDS - RENEW_SECONDS)
    assert session.keys().access_key == "key-2"


def test_a_session_that_cannot_be_renewed_is_used_up(sts: Sts, session: RoleSession, clock: VirtualClock) -> None:
    first = session.keys()
    sts.fails = DOWN
    clock.advance(CHAINED_SECONDS - RENEW_SECONDS)
    assert session.keys() is first
    assert session.keys() is first
    assert sts.asked == 2, "one attempt, then a pause"
    clock.advance(RETRY_SECONDS)
    assert session.keys() is first
    assert sts.asked == 3
    sts.fails = None
    clock.advance(RETRY_SECONDS)
    assert session.keys().access_key == "key-4"


def test_a_session_about_to_end_is_never_given_out(sts: Sts, session: RoleSession, clock: VirtualClock) -> None:
    session.keys()
    sts.fails = DOWN
    clock.advance(CHAINED_SECONDS - USABLE_SECONDS)
    with pytest.raises(Unavailable):
        session.keys()


def test_a_role_that_may_not_be_assumed_is_a_wrong_deployment(sts: Sts, session: RoleSession) -> None:
    sts.fails = ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")  # type: ignore[typeddict-item]
    with pytest.raises(ClientError):
        session.keys()
    sts.fails = None
    assert session.keys().access_key == "key-2", "and holds no lock"


def test_one_caller_renews_while_others_go_on(sts: Sts, session: RoleSession, clock: VirtualClock) -> None:
    first = session.keys()
    clock.advance(CHAINED_SECONDS - RENEW_SECONDS)
    others: list[Keys] = []
    sts.meanwhile = lambda: in_threads(4, lambda: others.append(session.keys()))
    assert session.keys().access_key == "key-2"
    assert others == [first] * 4
    assert sts.asked == 2


def test_whoever_waits_for_the_first_session_shares_it(sts: Sts, session: RoleSession) -> None:
    found: list[Keys] = []
    in_threads(8, lambda: found.append(session.keys()))
    assert {keys.access_key for keys in found} == {"key-1"}
    assert sts.asked == 1


def test_a_role_is_assumed_with_its_policy_and_time(cloud: CloudWorld, clock: VirtualClock) -> None:
    sts, role = cloud.make("sts"), eraser_role(cloud.make("iam"))
    before = datetime.now(UTC).timestamp()
    keys = assume(sts, role, "errand", policy="{}", seconds=900)
    after = datetime.now(UTC).timestamp()
    # counted from some moment of the call, in whole seconds
    assert before + 899 <= keys.expires_at / 1000 <= after + 901
    assert keys.token


def in_threads(count: int, call: Callable[[], object]) -> None:
    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
