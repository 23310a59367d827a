"""The quotas of AWS that a configuration meets, in the order in which it meets them, and at what load. Pure.

A quota is met at rest (the stack does not even come up), as its groups grow to their most hosts, or at so many jobs a
second. The figures taken for AWS's are those of a new account, which are the lowest; `darkroom check-account` puts the
account's own in their place. Limits that the configuration sets itself stand beside them, because raising a quota above
one of those changes nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from components.machines import vcpus
from components.needs import nat_gateways
from components.settings import PipelineConfig

FUNCTION_SECONDS: Final = 1.0
"""That the function is taken to work on a job: a round figure to count with; the dashboard has the true one."""

UNRESERVED: Final = 100
"""Of an account's concurrency, what Lambda does not let anybody reserve.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""

WRITES_OF_A_JOB: Final = 7
"""Write units of the table `jobs` for a job of four variants: four writes of 0.6 to 2 KB."""

DUE_WRITES_OF_A_JOB: Final = 6
"""Write units of its index `due`: a row that moves is deleted and put."""

SHARD_WRITES: Final = 1_000
"""Write units a second that one value of a hash key takes.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""

RESULTS_OF_A_JOB: Final = 4
UPLOADS_OF_A_JOB: Final = 1

When = Literal["at rest", "as hosts are added", "under load", "never"]
_ORDER: Final[dict[When, int]] = {"at rest": 0, "as hosts are added": 1, "under load": 2, "never": 3}


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One of AWS's. `code` names it in Service Quotas; None: it is not kept there."""

    name: str
    unit: str
    default: float
    """Of a new account."""
    page: str
    code: tuple[str, str] | None = None
    remedy: str = "ask for more in Service Quotas"


CONCURRENCY: Final = Quota(
    name="Lambda: concurrent executions",
    unit="functions at once",
    default=10,
    page="https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    code=("lambda", "L-B99A9384"),
    remedy="ask for 1,000 in Service Quotas (AWS raises it by itself as an account is used)",
)
MEMORY: Final = Quota(
    name="Lambda: memory of a function",
    unit="MB",
    default=3_008,
    page="https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    remedy="lower transform.memory_mb, or ask AWS's support to lift a new account's limit to 10,240 MB",
)
PROCESSORS: Final = Quota(
    name="EC2: running on-demand standard instances",
    unit="vCPUs",
    default=5,
    page="https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html",
    code=("ec2", "L-1216C47A"),
)
ADDRESSES: Final = Quota(
    name="EC2: elastic addresses of a region",
    unit="addresses",
    default=5,
    page="https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    code=("ec2", "L-0263D0A3"),
    remedy="ask for more in Service Quotas, or write network.nat_gateways: one",
)
VPCS: Final = Quota(
    name="VPC: networks of a region",
    unit="networks",
    default=5,
    page="https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    code=("vpc", "L-F678F1CE"),
)
TABLE_WRITES: Final = Quota(
    name="DynamoDB: writes of one table",
    unit="write units a second",
    default=40_000,
    page="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
)
NEW_TABLE: Final = Quota(
    name="DynamoDB: writes of a new table",
    unit="write units a second",
    default=4_000,
    page="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
    remedy="let the load grow (a table doubles what it has seen within half an hour), or warm the table",
)
PREFIX_PUTS: Final = Quota(
    name="S3: puts under one prefix",
    unit="requests a second",
    default=3_500,
    page="https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
    remedy="let the load grow: S3 splits what is busy by itself, and asks for patience (503) meanwhile",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """How one configuration stands to one quota, or to a limit of its own."""

    quota: Quota
    is_aws: bool = True
    """Whether AWS sets it, and not the configuration."""
    allowed: float
    at_rest: float = 0
    at_most: float = 0
    jobs_a_second: float | None = None
    """Load at which it is met; None: load does not count."""

    @property
    def when(self) -> When:
        if self.at_rest > self.allowed:
            return "at rest"
        if self.at_most > self.allowed:
            return "as hosts are added"
        return "never" if self.jobs_a_second is None else "under load"

    def says(self) -> str:
        """One line: what, how much, when."""
        head = f"{self.quota.name}: {self.allowed:,.0f} {self.quota.unit}"
        match self.when:
            case "at rest":
                return f"{head}; the stack takes {self.at_rest:,.0f} at rest"
            case "as hosts are added":
                return f"{head}; all its hosts, and those that come while others are replaced, take {self.at_most:,.0f}"
            case "under load":
                return f"{head}; met at {self.jobs_a_second:,.0f} jobs a second"
        return f"{head}; the stack takes {max(self.at_rest, self.at_most):,.0f} at most"


def limits(
    config: PipelineConfig, *, known: Mapping[str, float] | None = None, function_seconds: float = FUNCTION_SECONDS
) -> list[Limit]:
    """Every limit, the first met first. `known` has an account's own values, by the names of the quotas."""
    known = known or {}

    def of(quota: Quota, *, at_rest: float = 0, jobs_a_second: float | None = None) -> Limit:
        allowed = known.get(quota.name, quota.default)
        return Limit(quota=quota, allowed=allowed, at_rest=at_rest, jobs_a_second=jobs_a_second)

    concurrency = known.get(CONCURRENCY.name, CONCURRENCY.default)
    reserved = config.transform.reserved_concurrency
    found = [
        of(
            CONCURRENCY,
            at_rest=0 if reserved is None else reserved + UNRESERVED,
            jobs_a_second=concurrency / function_seconds,
        ),
        of(MEMORY, at_rest=config.transform.memory_mb),
        of(TABLE_WRITES, jobs_a_second=known.get(TABLE_WRITES.name, TABLE_WRITES.default) / WRITES_OF_A_JOB),
        of(NEW_TABLE, jobs_a_second=NEW_TABLE.default / WRITES_OF_A_JOB),
        of(PREFIX_PUTS, jobs_a_second=PREFIX_PUTS.default / RESULTS_OF_A_JOB),
        *_of_site(config, known),
        *_of_configuration(config, function_seconds),
    ]
    return sorted(found, key=_place)


def first_quota(
    config: PipelineConfig, *, known: Mapping[str, float] | None = None, function_seconds: float = FUNCTION_SECONDS
) -> Limit:
    """The quota of AWS's that is met first."""
    found = limits(config, known=known, function_seconds=function_seconds)
    return next(limit for limit in found if limit.is_aws)


def _place(limit: Limit) -> tuple[int, float, bool]:
    return _ORDER[limit.when], limit.jobs_a_second or 0, not limit.is_aws


def _of_site(config: PipelineConfig, known: Mapping[str, float]) -> list[Limit]:
    found = []
    hosts, network = config.hosts, config.network
    if hosts is not None:
        services = (hosts.upload, hosts.processing)
        # a type whose name does not tell is one of the largest, and nobody begins with those
        least = sum((vcpus(one.instance_type) or 0) * one.min_hosts for one in services)
        most = sum(
            (vcpus(one.instance_type) or 0) * (one.max_hosts + math.ceil(one.max_hosts / 10)) for one in services
        )
        found.append((PROCESSORS, least, most))
    if network is not None:
        found.append((VPCS, 1, 1))
        if hosts is not None and network.egress == "nat":
            gateways = nat_gateways(network)
            found.append((ADDRESSES, gateways, gateways))
    return [
        Limit(quota=quota, allowed=known.get(quota.name, quota.default), at_rest=least, at_most=most)
        for quota, least, most in found
    ]


def _of_configuration(config: PipelineConfig, function_seconds: float) -> list[Limit]:
    """Limits that the stack sets itself."""
    rows = [
        ("transform.concurrency", "functions at once", config.transform.concurrency, 1 / function_seconds),
        ("due_shards", "shards", config.due_shards, SHARD_WRITES / DUE_WRITES_OF_A_JOB),
    ]
    if config.hosts is not None:
        upload = config.hosts.upload
        rows.append(
            ("hosts.upload.max_hosts", "hosts", upload.max_hosts, upload.requests_per_minute / 60 / UPLOADS_OF_A_JOB)
        )
    return [
        Limit(
            quota=Quota(
                name=name,
                unit=unit,
                default=value,
                page="components/settings.py",
                remedy="raise it in the configuration",
            ),
            is_aws=False,
            allowed=value,
            jobs_a_second=value * jobs,
        )
        for name, unit, value, jobs in rows
    ]
