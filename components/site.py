"""Where a stack stands and what it is reached through: `network`, `hosts`, `balancer`, `delivery`, `alarms`.

Each is a part of the `pipeline` object (components/settings.py), and what is left out is not declared. Values that only
AWS knows, such as the id of a machine image, carry the place and the day they come from; where one is missing the
program refuses, with the command that fetches it.
"""

import ipaddress
from typing import Annotated, Literal

from msgspec import Meta, Struct

from components.subnets import LARGEST_PREFIX, SMALLEST_PREFIX, is_legal
from components.words import Date, Domain, Email

Architecture = Literal["arm64", "x86_64"]

MAX_COMMON_NAME_CHARS = 64
"""Of the name that a certificate is made for.
https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"""

Cidr = Annotated[str, Meta(pattern=r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}\Z")]
AmiId = Annotated[str, Meta(pattern=r"^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})\Z")]
InstanceType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+\Z")]
KeyName = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")]
ImageReference = Annotated[
    str,
    Meta(pattern=r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{64}\Z"),
]
"""A container image in ECR, by its digest: a tag may mean another image tomorrow."""


class Network(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A VPC with public, private and isolated subnets in each of its zones."""

    cidr: Cidr = "10.60.0.0/16"
    """Block of private addresses, /16 to /20. Give stacks that will ever be joined blocks that do not overlap."""
    zones: Annotated[tuple[Annotated[str, Meta(pattern=r"^[a-f]\Z")], ...], Meta(min_length=2, max_length=6)] = (
        "a",
        "b",
    )
    """Letters of the region's zones: a balancer needs two. Zones that come or go move no other; the first one has the
    NAT gateway where there is one for all."""
    egress: Literal["nat", "endpoints", "public"] = "nat"
    """How hosts reach AWS. `nat`: private addresses, NAT gateways. `endpoints`: no way to the internet at all, an
    interface endpoint for each service they call (no webhooks leave, then). `public`: a public address on each host and
    no open port; the cheapest, for a developer's stack."""
    nat_gateways: Literal["one", "per_zone"] = "one"
    """`one` costs half and goes down with its zone; `per_zone` keeps each zone to itself."""
    flow_logs: bool = False
    """Whether refused connections are written down, in CloudWatch Logs."""


class Ami(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine image, by id: an alias would change under a running group, and no refresh could roll it back."""

    id: AmiId
    source: str
    """Where the id was read."""
    date: Date
    """The day it was current there."""


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hosts of one service."""

    image: ImageReference | None = None
    """What they run. None: its group is declared and stays empty, and the preview says how an image is made."""
    instance_type: InstanceType = "t4g.small"
    min_hosts: Annotated[int, Meta(ge=1, le=100)] = 1
    max_hosts: Annotated[int, Meta(ge=1, le=100)] = 2

    @property
    def scales(self) -> bool:
        """Whether there can ever be another number of hosts than the least; if not, nothing is paid to watch for it."""
        return self.max_hosts > self.min_hosts


class UploadService(Service, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hosts that take pictures in."""

    requests_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = 600
    """What one host is meant to carry before another is added: ten requests a second leave a small host half idle."""


class ProcessingService(Service, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hosts that plan jobs and fold answers."""

    waiting_jobs: Annotated[int, Meta(ge=1, le=1_000_000)] = 200
    """Messages waiting for one host before another is added: about ten seconds of its work."""


class Hosts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Amazon Linux 2023, one container a host, no SSH: a session comes through SSM."""

    amis: dict[Annotated[str, Meta(pattern=r"^[a-z]{2,3}(?:-[a-z]+)+-[0-9]\Z")], Ami] = {}
    """Machine image by region, of the hosts' architecture. `make amis` fetches the current ones."""
    architecture: Architecture = "arm64"
    """Of the hosts and of the images they run; both instance types must have it."""
    volume_gb: Annotated[int, Meta(ge=8, le=1_000)] = 16
    """GB of each host's encrypted disk: the system, two images, and the spool of 32 uploads of 25 MiB."""
    upload: UploadService = UploadService()
    processing: ProcessingService = ProcessingService()


class Balancer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The application load balancer before the upload hosts.

    With a `domain` it stands on the internet and speaks HTTPS alone (HTTP is sent there). Without one it can have no
    certificate, so it is reached from inside the network only.
    """

    domain: Domain | None = None
    """Name that clients call."""
    hosted_zone_id: Annotated[str, Meta(pattern=r"^Z[A-Z0-9]{1,31}\Z")] | None = None
    """Route 53 zone of the domain, in which the program writes the address and the proof for the certificate."""
    certificate_arn: (
        Annotated[str, Meta(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+\Z")] | None
    ) = None
    """A certificate there is already, for a domain whose zone is kept elsewhere."""
    idle_timeout_seconds: Annotated[int, Meta(ge=40, le=70)] = 60
    """Seconds without a byte before a connection is closed: above the longest `?wait` (30), below the 75 after which
    the service closes it, because a balancer that sends into a connection being closed answers 502."""
    allowed_cidrs: Annotated[tuple[Cidr, ...], Meta(min_length=1, max_length=30)] = ("0.0.0.0/0",)
    """Who may call where there is a domain; everybody, unless it says otherwise. A security group takes 60 rules, and
    each block needs two."""
    access_log_days: Annotated[int, Meta(ge=1, le=3_650)] = 30


class Delivery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """CloudFront in front of the results: nearer to whoever looks, and immutable, so cached for a year."""

    public_keys: Annotated[dict[KeyName, str], Meta(min_length=1)]
    """Keys (PEM, RSA 2048) that links are checked with, by name: two during a rotation."""
    signing_key: KeyName | None = None
    """Name of the one whose private half signs. None: the first in the order of names."""
    private_key_secret: str | None = None
    """Name of the secret in Secrets Manager that holds that private half. None: `darkroom-<stack>-delivery`."""
    domain: Domain | None = None
    certificate_arn: (
        Annotated[str, Meta(pattern=r"^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/.+\Z")] | None
    ) = None
    """For the domain; CloudFront takes certificates of us-east-1 only."""
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = "PriceClass_100"


class Alarms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person is told, and when."""

    emails: list[Email] = []
    """Whom the topic writes to; each confirms once. Empty: subscribe something of your own to the topic."""
    queue_age_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 900
    """Age of the oldest waiting message that is too old."""
    dashboard: bool = True
    """A dashboard of one page: three are free, each further one costs 3 USD a month."""


def site_contradictions(network: Network | None, hosts: Hosts | None, balancer: Balancer | None) -> list[str]:
    """Mistakes that no single field shows, each as `path: what; hint`."""
    found = []
    if network is not None:
        found += _network_contradictions(network)
    if hosts is not None:
        if network is None:
            found.append("hosts: need a network to stand in; write network: {} beside hosts")
        for name, service in (("upload", hosts.upload), ("processing", hosts.processing)):
            if service.max_hosts < service.min_hosts:
                found.append(f"hosts.{name}.max_hosts: must not be below min_hosts; raise it")
    if balancer is not None:
        if hosts is None:
            found.append("balancer: has no hosts to stand before; write hosts beside it or leave it out")
        found += _balancer_contradictions(balancer)
    return found


def _network_contradictions(network: Network) -> list[str]:
    found = []
    if not is_legal(network.cidr):
        found.append(
            f"network.cidr: must be a block of private addresses, /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}, and not"
            " Docker's own 172.17.0.0/16; write such as 10.60.0.0/16"
        )
    if len(set(network.zones)) < len(network.zones):
        found.append("network.zones: names a zone twice; write each once")
    return found


def _balancer_contradictions(balancer: Balancer) -> list[str]:
    found = []
    proofs = (balancer.hosted_zone_id, balancer.certificate_arn)
    if balancer.domain is not None and all(proof is None for proof in proofs):
        found.append(
            "balancer.domain: needs a certificate; write hosted_zone_id (Route 53 proves the domain) or certificate_arn"
        )
    if balancer.domain is None and any(proof is not None for proof in proofs):
        found.append("balancer.domain: is missing; write the name that clients call, or leave the certificate out")
    if (
        balancer.domain is not None
        and balancer.certificate_arn is None
        and len(balancer.domain) > MAX_COMMON_NAME_CHARS
    ):
        found.append(
            f"balancer.domain: AWS makes no certificate for a name above {MAX_COMMON_NAME_CHARS} characters; write"
            " certificate_arn or a shorter name"
        )
    for cidr in balancer.allowed_cidrs:
        try:
            ipaddress.IPv4Network(cidr)
        except ValueError:
            found.append(f"balancer.allowed_cidrs: {cidr} is not a block of addresses; write such as 203.0.113.0/24")
    return found
