"""Events that were given up: an alarm over the lines of the processing service's log that say so. Pure;
components/counted.py has them counted.

The metric stands under the name of the processing hosts' group, by the reason. What an endpoint asked for itself (410),
or its owner (disabled, removed), is on the dashboard and rings nobody.
"""

from typing import Final

from components.watched import Alarm, Counted, GroupFacts, at_the_first

COUNTED: Final = Counted(
    what="exhausted-events", event="delivery.exhausted", metric="EventsExhausted", dimension="reason"
)
SPENT: Final = "tries-spent"
"""Nobody took the event in 79 hours."""
REASONS: Final = (SPENT, "endpoint-gone", "endpoint-disabled", "endpoint-removed")
"""All that the lines name."""


def exhausted_alarm(group: GroupFacts) -> Alarm:
    """Of the processing hosts: one event is enough, because nobody will send it again unless somebody asks."""
    return at_the_first(
        COUNTED.lines(group, SPENT),
        what="processing-exhausted-events",
        says="An endpoint took none of the tries of an event: it is given up, and its owner was not told of a job.",
        silence="the service writes of an event only when it is given up",
        anchor="alarm-exhausted-events",
    )
