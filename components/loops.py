"""Results that came back as if they were new: an alarm over the lines of the upload service's log that say so. Pure;
components/counted.py has them counted.

The metric stands under the name of the upload hosts' group, by the way that they came.
"""

from typing import Final

from components.watched import Alarm, Counted, GroupFacts, at_the_first

COUNTED: Final = Counted(what="loop", event="hop.refused", metric="HopsRefused", dimension="way")
ADDRESS: Final = "address"
"""An upload named it by its address."""


def loop_alarm(group: GroupFacts) -> Alarm:
    """Of the upload hosts, where they fetch pictures: one refusal is enough, because it is the second round."""
    return at_the_first(
        COUNTED.lines(group, ADDRESS),
        what="upload-loop",
        says="A result of a result was to be fetched as a new picture, and was refused: something feeds results back.",
        silence="the service writes of a loop only when it has ended one",
        anchor="alarm-loop",
    )
