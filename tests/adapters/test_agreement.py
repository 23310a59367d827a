"""The ports in memory and the adapters cannot be told apart, on moto and on the embedded cloud."""

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from moto import mock_aws

from tests.support.agreement import Agreement
from tests.support.agreement_cloud import CloudWorld, maker
from tests.support.agreement_ports import APART, PORTS, ports, wanted
from tests.support.reached import ROOT

_on_moto = maker(None)


class _OnMoto(Agreement):
    knows_digests = False
    driven: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        # a fresh account for each example
        self._moto = mock_aws()
        self._moto.start()
        super().__init__()

    @staticmethod
    def world(shards: int) -> CloudWorld:
        return CloudWorld(_on_moto, shards=shards)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self._moto.stop()


@pytest.fixture
def campaign() -> settings:
    """A fifth of what the profile asks for elsewhere: an example here is two hundred calls."""
    return settings(max_examples=max(15, settings.default.max_examples // 5), stateful_step_count=30)


def test_every_port_is_driven_or_says_why_not() -> None:
    assert ports().keys() == PORTS.keys() | APART.keys()
    assert PORTS.keys().isdisjoint(APART)
    assert all((ROOT / file).is_file() for _, file in APART.values())


def test_memory_and_moto_agree(campaign: settings) -> None:
    run_state_machine_as_test(_OnMoto, settings=campaign)
    assert wanted() - _OnMoto.driven == set()


def test_memory_and_the_embedded_cloud_agree(ministack_url: str, campaign: settings) -> None:
    """Sessions are enforced here, so this also shows that the eraser's narrowed session suffices."""
    make = maker(ministack_url)

    class OnMiniStack(Agreement):
        driven: ClassVar[set[str]] = set()

        @staticmethod
        def world(shards: int) -> CloudWorld:
            return CloudWorld(make, shards=shards)

    run_state_machine_as_test(OnMiniStack, settings=campaign)
    assert wanted() - OnMiniStack.driven == set()
