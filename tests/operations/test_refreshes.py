"""A deployment is over when every group has replaced its hosts, or has said why not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operations.refreshes import BAD, GOOD, PATIENCE_SECONDS, verdict, watch

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GROUPS = {"upload": "g-upload", "processing": "g-processing"}


class Cloud:
    """Groups whose newest refresh goes through these statuses, one a look."""

    def __init__(self, **statuses: list[str]) -> None:
        self.statuses, self.time = statuses, NOW

    def describe(self, group: str) -> list[Mapping[str, Any]]:
        statuses = self.statuses[group.removeprefix("g-")]
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        return [{"Status": status, "StartTime": NOW, "StatusReason": "alarm"}] if status else []

    def pause(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def watched(self) -> list[str]:
        return watch(GROUPS, self.describe, now=lambda: self.time, pause=self.pause, say=lambda line: None)


def test_it_waits_until_both_groups_are_done() -> None:
    cloud = Cloud(upload=["Pending", "InProgress", "Baking", "Successful"], processing=["InProgress", "Successful"])
    assert cloud.watched() == []
    assert cloud.time > NOW


def test_a_group_without_a_refresh_needs_no_waiting() -> None:
    cloud = Cloud(upload=[""], processing=[""])
    assert cloud.watched() == []
    assert cloud.time == NOW


@pytest.mark.parametrize("end", sorted(BAD))
def test_a_refresh_that_did_not_succeed_is_told_with_its_reason(end: str) -> None:
    assert Cloud(upload=["InProgress", end], processing=["Successful"]).watched() == [f"upload: refresh {end}: alarm"]


def test_patience_ends() -> None:
    cloud = Cloud(upload=["InProgress"], processing=["Successful"])
    assert cloud.watched() == ["upload: still not replaced"]
    assert cloud.time - NOW > timedelta(seconds=PATIENCE_SECONDS)


def test_a_refresh_of_another_day_is_none_of_this_deployment() -> None:
    old = [{"Status": "Failed", "StartTime": NOW - timedelta(days=1)}]
    assert verdict(old, NOW - timedelta(minutes=1)) is None
    assert verdict([{"Status": "Pending"}], NOW) == "Pending"
    assert not GOOD & BAD
