"""The fuse: an alarm over the lines of the upload service's log that say that a tenant's day is used up. Pure;
components/counted.py has them counted.

The metric stands under the name of the upload hosts' group of logs, by the policy that refused.
"""

from typing import Final

from components.watched import Alarm, Counted, GroupFacts, at_the_first

COUNTED: Final = Counted(what="fuse", event="quota.exceeded", metric="QuotasExceeded", dimension="policy")
POLICY: Final = "megapixels"
"""Of the policies that the lines name: what the function's work, and its bill, grows with."""


def fuse_alarm(group: GroupFacts) -> Alarm:
    """Of the upload hosts: one refusal is enough."""
    return at_the_first(
        COUNTED.lines(group, POLICY),
        what="upload-fuse",
        says="A tenant's megapixels of the day are used up: its uploads are refused until midnight UTC.",
        silence="the service writes of a quota only when it is used up",
        anchor="alarm-fuse",
    )
