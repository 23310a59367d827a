"""Replacements of a group's hosts, watched to their end.

`pulumi up` starts a refresh and does not wait for it; AWS replaces the hosts one after the other and goes back by
itself when an alarm of the group sounds. A deployment is over when that is.
"""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adapters import clients

BETWEEN_LOOKS_SECONDS: Final = 15
PATIENCE_SECONDS: Final = 45 * 60
"""For all groups together: six hosts of each service, a few minutes each."""
RECENT: Final = timedelta(minutes=30)
"""A refresh that began earlier than this is of another deployment."""

GOOD: Final = frozenset({"Successful"})
BAD: Final = frozenset({"Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"})
"""Where a refresh ends; every other status is one on the way.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html"""

Describe = Callable[[str], list[Mapping[str, Any]]]
"""Refreshes of a group by its name, newest first."""


def verdict(refreshes: list[Mapping[str, Any]], since: datetime) -> str | None:
    """Where the newest refresh since then stands: `GOOD`, `BAD` or another status; None if there is none."""
    newest = next(iter(refreshes), None)
    if newest is None or (newest.get("StartTime") is not None and newest["StartTime"] < since):
        return None
    return newest["Status"]


def watch(
    groups: Mapping[str, str],
    describe: Describe,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
    say: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n"),
) -> list[str]:
    """Wait until no group (name by service) replaces hosts any more; a line for each that did not succeed."""
    began, failures, waiting = now(), [], dict(groups)
    while waiting:
        for service, group in list(waiting.items()):
            found = describe(group)
            status = verdict(found, began - RECENT)
            if status is None or status in GOOD | BAD:
                del waiting[service]
                say(f"{service}: {status or 'its hosts needed no replacing'}")
            else:
                say(f"{service}: {status}, {found[0].get('PercentageComplete', 0)} %")
            if status in BAD:
                failures.append(f"{service}: refresh {status}: {found[0].get('StatusReason', 'no reason given')}")
        if waiting and (now() - began).total_seconds() > PATIENCE_SECONDS:
            return [*failures, *(f"{service}: still not replaced" for service in waiting)]
        if waiting:
            pause(BETWEEN_LOOKS_SECONDS)
    return failures


def describe_in(region: str) -> Describe:
    """Asks AWS, with whatever credentials there are."""
    groups = clients.make("autoscaling", region=region)
    return lambda group: groups.describe_instance_refreshes(AutoScalingGroupName=group, MaxRecords=1)[
        "InstanceRefreshes"
    ]
