"""What one pipeline stack may say of itself: the fields of the `pipeline` object, their units and their defaults.

Strict: an unknown field, a value out of range and fields that contradict each other are refused (components/config.py
makes the message). A part that is left out is not declared: a stack without `hosts` has no hosts and no network.
Network, hosts and what stands before them have their own page, components/site.py.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from components.site import Alarms, Balancer, Delivery, Hosts, Network, site_contradictions
from components.words import TagKey, TagValue, is_loopback, tag_contradictions
from contracts.environment import Fetch, Formats, Receivers
from contracts.identifiers import Tenant
from contracts.limits import DAY_SECONDS, MAX_LIFE_SECONDS, Timing
from contracts.quotas import UNLIMITED, USUAL, Quotas

MIN_ORIGINALS_DAYS: Final = MAX_LIFE_SECONDS // DAY_SECONDS + 31
"""Days after which no job can need an object any more: the longest life of a job, and a month for a late erasure."""

LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days; CloudWatch Logs takes these and no others."""


class Transform(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The transform function."""

    memory_mb: Annotated[int, Meta(ge=512, le=10_240)] = 3_008
    """MB; processors come with it (1,769 MB is one). The most that a new account may ask for: 1.7 processors for two
    encoding threads, and room for the 200 MB of the largest picture and its variants."""
    concurrency: Annotated[int, Meta(ge=2, le=1_000)] = 10
    """Functions at work at once: the mapping's maximum concurrency, whose range this is. Ten is what a new account has;
    the rest waits in the queue, where it can be seen and cancelled."""
    reserved_concurrency: Annotated[int, Meta(ge=2, le=1_000)] | None = None
    """Of the account's concurrency, kept for this function and its upper bound. None: an account that has only ten can
    reserve nothing."""
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    """Of the processor. The SIMD resizer has wheels for x86-64; on arm64 it is built from its source."""
    python: Literal["3.11", "3.12", "3.13"] = "3.13"
    """Version of the function's Python: the newest that all its libraries have wheels for."""
    threads: Annotated[int, Meta(ge=1, le=6)] = 2
    """Encoding threads: what the default memory has processors for."""
    bundle_libraries: bool = True
    """Whether the zip holds the libraries. False only where the cloud lends its own interpreter with everything in it,
    as the embedded one does: packing them again would cost the start of a run seconds for nothing."""
    isolated: bool = False
    """Whether the function stands in subnets with no way out but endpoints for S3 and SQS. Needs `network`; the
    endpoint for SQS is paid by the hour."""


class PipelineConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in which one stack may differ from another."""

    endpoint: str | None = None
    """Address of the embedded cloud, on loopback. None: AWS itself."""
    require_tls: bool = True
    """Whether buckets and queues refuse plain HTTP. False only beside a loopback `endpoint`."""
    auth: Literal["required", "open"] = "required"
    """Whether the API asks for a key. `open` only beside a loopback `endpoint`."""
    only_presets: bool = False
    """Whether the API makes presets only, and refuses variants that a request brings itself: whoever has a key then
    cannot ask for sizes without end."""
    quotas: Quotas | None = None
    """What each tenant may ask for; see contracts/quotas.py. None: what is usual where keys are required, and anything
    where `auth` is open."""
    tenant_quotas: dict[Tenant, Quotas] = {}
    """Of single tenants, in the place of `quotas`."""
    due_shards: Annotated[int, Meta(ge=1, le=256)] = 8
    """Shards of the index of what is due: each takes about 1,000 writes a second. Lowering it later hides rows of the
    shards that are no longer read, until their next write."""
    transform: Transform = Transform()
    receivers: Receivers = Receivers()
    """Whose hosts are called: of webhooks, and of pictures that are named by their address."""
    fetch: Fetch = Fetch()
    """Whether an upload may name its picture by an address, and how long that takes; see contracts/environment.py."""
    formats: Formats = Formats()
    """Plug-ins of the function, each by a library under terms of its own; see contracts/environment.py. None is on; one
    that is needs `make artifact PLUGINS=...` where the stack is deployed from, which `STACK=` says by itself."""
    timing: Timing = Timing()
    """The clockwork; see contracts/limits.py."""
    network: Network | None = None
    """Where hosts stand. None: there are none."""
    hosts: Hosts | None = None
    """The machines that both services run on. None: the services run elsewhere (a laptop)."""
    balancer: Balancer | None = None
    """In front of the upload hosts. None: they are reached through `make tunnel` alone."""
    delivery: Delivery | None = None
    """CloudFront in front of the results. None: links lead to S3."""
    alarms: Alarms | None = None
    """What a person is told. None: nobody is called and there is no dashboard."""
    customer_key: bool = False
    """Whether a KMS key of the account's own encrypts what is stored, instead of keys that AWS keeps. Costs 1 USD a
    month and a call for each queue's five minutes; gives a key policy, a log of its use, and the power to shut it."""
    permissions_boundary: (
        Annotated[str, Meta(pattern=r"^arn:aws:iam::[0-9]{12}:policy/[A-Za-z0-9+=,.@_/-]+\Z")] | None
    ) = None
    """ARN of the policy that no role of this stack may go beyond: the foundation's, where a workflow deploys."""
    originals_days: Annotated[int, Meta(ge=MIN_ORIGINALS_DAYS, le=3_650)] = MIN_ORIGINALS_DAYS
    """Days after which S3 collects an original that no job erased. Never before a living job could need it."""
    results_days: Annotated[int, Meta(ge=MIN_ORIGINALS_DAYS, le=3_650)] = MIN_ORIGINALS_DAYS
    """Days after which S3 collects a result that no job erased."""
    log_retention_days: LogRetention = 30
    """Days that logs are kept: long enough to look into last month's incident."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Of every process. `info` tells the story of a job in about six lines."""
    deletion_protection: bool = True
    """Whether tables and buckets refuse to be deleted, by AWS and by `pulumi destroy`: what they hold has no copy."""
    force_destroy: bool = False
    """Whether deleting a bucket deletes what is in it. Only without `deletion_protection`."""
    tags: dict[TagKey, TagValue] = {}
    """On everything that takes tags, beside `project` and `stack`."""

    @property
    def usual_quotas(self) -> Quotas:
        """Of a tenant that has none of its own."""
        if self.quotas is not None:
            return self.quotas
        return UNLIMITED if self.auth == "open" else USUAL

    def __post_init__(self) -> None:
        for mistake in _contradictions(self):
            raise ValueError(mistake)


def secrets_called(config: PipelineConfig) -> frozenset[str]:
    """The service that a process reads its secrets from, if it has any: the pepper of API keys, the key of links."""
    has_secrets = config.auth == "required" or config.delivery is not None
    return frozenset({"secretsmanager"}) if has_secrets else frozenset()


def _contradictions(config: PipelineConfig) -> list[str]:
    """Mistakes that no single field shows, each as `path: what; hint`."""
    timing, transform, local = config.timing, config.transform, config.endpoint is not None
    found = []
    if config.endpoint is not None and not is_loopback(config.endpoint):
        found.append("endpoint: must be on loopback, such as http://127.0.0.1:4566; leave it out for AWS itself")
    if not config.require_tls and not local:
        found.append("require_tls: may be false only beside a loopback endpoint; leave it out")
    if config.auth == "open" and not local:
        found.append("auth: may be open only beside a loopback endpoint; leave it out")
    if config.receivers.loopback and not local:
        found.append("receivers.loopback: may be true only beside a loopback endpoint; leave it out")
    if config.fetch.enabled and config.network is not None and config.network.egress == "endpoints":
        found.append(
            "fetch.enabled: its hosts have no way to the world with network.egress endpoints; write egress: nat, or"
            " leave fetch out"
        )
    if not transform.bundle_libraries and not local:
        found.append("transform.bundle_libraries: may be false only beside a loopback endpoint; leave it out")
    if transform.isolated and config.network is None:
        found.append("transform.isolated: needs a network to be isolated in; write network: {} beside transform")
    if transform.reserved_concurrency is not None and transform.reserved_concurrency < transform.concurrency:
        found.append(
            "transform.reserved_concurrency: must not be below transform.concurrency; raise it or leave it out"
        )
    if timing.transforms_visibility_seconds < timing.function_timeout_seconds:
        found.append(
            "timing.transforms_visibility_seconds: must not be below timing.function_timeout_seconds; raise it"
        )
    if timing.dead_letter_retention_seconds <= timing.queue_retention_seconds:
        found.append("timing.dead_letter_retention_seconds: must be above timing.queue_retention_seconds; raise it")
    if config.force_destroy and config.deletion_protection:
        found.append("force_destroy: contradicts deletion_protection; set deletion_protection: false beside it")
    found += site_contradictions(config.network, config.hosts, config.balancer)
    return found + tag_contradictions(config.tags)
