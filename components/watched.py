"""What there is to watch in a stack, and what a row of the table of alarms says. Pure.

Said once and used thrice: by the alarms (components/alarms.py), by the dashboard (components/dashboard.py), and by the
price of both (components/cost.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from components.machines import is_burstable
from components.settings import PipelineConfig
from components.site import Alarms
from contracts.messages import Queue
from contracts.tables import JOBS, REGISTRY

RUNBOOK: Final = "docs/operations.md"

Name = Any
"""What AWS calls a thing: text, or (in a component) the promise of it."""


Missing = Literal["breaching", "notBreaching"]

MINUTE: Final = 60


class QueueNames(NamedTuple):
    queue: Name
    dead_letters: Name


class FunctionFacts(NamedTuple):
    name: Name
    timeout_seconds: int
    concurrency: int
    """Functions at work at once: what its mapping may use."""


class GroupFacts(NamedTuple):
    name: Name
    burstable: bool
    """Whether its hosts earn and spend CPU credits."""


class BalancerNames(NamedTuple):
    """As CloudWatch writes them: the ends of the two ARNs."""

    balancer: Name
    target_group: Name


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What a stack has to watch. A part that it has not is empty or None, and has no alarm."""

    queues: Mapping[str, QueueNames] = field(default_factory=dict)
    queue_age_seconds: int = Alarms().queue_age_seconds
    function: FunctionFacts | None = None
    groups: Mapping[str, GroupFacts] = field(default_factory=dict)
    """By service."""
    balancer: BalancerNames | None = None
    """Before the hosts of `upload`."""
    fetches: bool = False
    """Whether the hosts of `upload` fetch pictures by their address."""
    tables: Mapping[str, Name] = field(default_factory=dict)


def watched_stack(
    config: PipelineConfig, name: Callable[[str], Name], *, balancer: BalancerNames | None = None
) -> Watched:
    """What a stack of this configuration has to watch; `name` makes a physical name, as `Stage.name` does."""
    hosts = config.hosts
    services = {"upload": hosts.upload, "processing": hosts.processing} if hosts else {}
    return Watched(
        queues={queue.value: QueueNames(name(queue.value), name(f"{queue.value}-dead-letters")) for queue in Queue},
        queue_age_seconds=(config.alarms or Alarms()).queue_age_seconds,
        function=FunctionFacts(name("transform"), config.timing.function_timeout_seconds, config.transform.concurrency),
        groups={
            service: GroupFacts(name(service), is_burstable(facts.instance_type)) for service, facts in services.items()
        },
        balancer=balancer,
        fetches=config.fetch.enabled,
        tables={table.name: name(table.name) for table in (JOBS, REGISTRY)},
    )


class Counted(NamedTuple):
    """Lines of a log that are counted: those of this event, under this metric, by what they say in this field."""

    what: str
    """The end of the filter's physical name."""
    event: str
    metric: str
    dimension: str

    def lines(self, group: GroupFacts, value: str) -> "Metric":
        """Those of a group of hosts that say this value."""
        return Metric(group.name, self.metric, {self.dimension: value})


@dataclass(frozen=True, slots=True)
class Metric:
    namespace: str
    name: str
    dimensions: Mapping[str, Name]
    statistic: str = "Sum"
    """Or a percentile, such as p99."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One row. With an `expression` the metrics are its letters; without one there is a single metric."""

    what: str
    """The end of its physical name."""
    says: str
    metrics: Mapping[str, Metric]
    expression: str | None = None
    compare: Literal[">", ">=", "<"] = ">"
    threshold: float
    period_seconds: int = MINUTE
    wrong: tuple[int, int]
    """How many periods have to be wrong, of how many of the last."""
    missing: Missing = "notBreaching"
    silence: str
    """Why missing data means what `missing` says."""
    anchor: str
    """Heading of the runbook."""

    @property
    def description(self) -> str:
        return f"{self.says} What to do: {RUNBOOK}#{self.anchor}"


def at_the_first(line: Metric, *, what: str, says: str, silence: str, anchor: str) -> Alarm:
    """An alarm that rings at the first line that is counted in five minutes; where none is, nothing is wrong."""
    return Alarm(
        what=what,
        says=says,
        metrics={"lines": line},
        threshold=0,
        period_seconds=300,
        wrong=(1, 1),
        silence=silence,
        anchor=anchor,
    )
