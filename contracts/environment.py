"""Each process's settings: one Struct that a component encodes and the process decodes at its start.

The environment holds one variable a field, `DARKROOM_<FIELD>`; text stands as it is, everything else as JSON. A field
without a value (None) has no variable. So a renamed setting is a type error where the component builds the Struct.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.inspect import EnumType, LiteralType, NoneType, StrType, Type, UnionType, type_info

from contracts.formats import READ, ImageFormat
from contracts.identifiers import Tenant
from contracts.limits import Timing
from contracts.messages import Queue
from contracts.outputs import Quantizer
from contracts.quotas import UNLIMITED, Quotas

PREFIX: Final = "DARKROOM_"


class BadEnvironment(Exception):
    """A setting is missing or wrong; the message names the variable and says what it needs."""


class CloudEnvironment(Struct, frozen=True, kw_only=True):
    """What every process needs to reach AWS."""

    region: str
    endpoint_url: str | None = None
    """Of the embedded cloud; AWS itself has none."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Receivers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which hosts of others are called: endpoints of webhooks, and pictures by their address."""

    ports: Annotated[tuple[Annotated[int, Meta(ge=1, le=65_535)], ...], Meta(min_length=1, max_length=16)] = (443,)
    """What is called by default; any other port is another protocol's until somebody says so."""
    loopback: bool = False
    """Whether this very machine may be called, by plain HTTP too and on any port. Only beside a loopback endpoint."""

    def check(self, endpoint_url: str | None) -> None:
        """Raises BadEnvironment for a process on AWS that would call its own machine."""
        if self.loopback and endpoint_url is None:
            raise BadEnvironment(
                "DARKROOM_RECEIVERS: loopback may be called only beside an embedded cloud; leave it out"
            )


class Fetch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether, and how, pictures are fetched that an upload names by their address. `Receivers` says from where."""

    enabled: bool = False
    """Off until somebody decides it: the service then calls hosts that its clients name."""
    seconds: Annotated[float, Meta(gt=0, le=60)] = 10
    """For one file, from resolving its host's name to its last byte, redirects included: a picture of 25 MiB comes in
    time at 21 Mbit/s, and a client of ours waits longer than that."""
    at_once: Annotated[int, Meta(ge=1, le=256)] = 8
    """Files fetched at once by one host, each by a thread of its own: a quarter of the uploads that it has room for."""


class Formats(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a stack may choose beside what every stack has: each by a library that comes under terms of its own.

    A field has the name of its plug-in: `functions/transform/requirements-NAME.txt` pins it, `make artifact
    PLUGINS=NAME` installs it, and the function's zip holds it only where the field is true.
    """

    heic: bool = False
    """Whether HEIC is read, as phones write it. Off: its decoder comes under the LGPL, and HEVC under patents
    (docs/decisions/0043)."""
    imagequant: bool = False
    """Whether palettes of PNGs and still GIFs are made by libimagequant. Off: it comes under the GPL, version 3 or
    later, and a function that holds it may be passed on under that licence alone (docs/decisions/0044)."""

    @property
    def plugins(self) -> tuple[str, ...]:
        """Names of those that are chosen."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name))

    @property
    def palettes(self) -> Quantizer:
        return Quantizer.IMAGEQUANT if self.imagequant else Quantizer.PILLOW

    @property
    def read(self) -> frozenset[ImageFormat]:
        """All that is read."""
        return READ | {ImageFormat.HEIC} if self.heic else READ


class UploadEnvironment(CloudEnvironment, frozen=True, kw_only=True):
    """Settings of the upload service."""

    stack: str
    """Name shown on the page and in logs."""
    originals_bucket: str
    results_bucket: str
    jobs_table: str
    due_shards: Annotated[int, Meta(ge=1, le=256)]
    queue_urls: dict[Queue, str]
    """`jobs`, `jobs-bulk` and `notifications`."""
    link_signer_role_arn: str
    auth: Literal["required", "open"]
    """`open` is accepted on loopback only."""
    registry_table: str
    pepper_secret_name: str | None = None
    """Of the secret with the pepper of API keys; there if `auth` is required."""
    spool_uploads: Annotated[int, Meta(ge=1, le=1_024)] = 32
    """Uploads in hand at once on one host; each holds at most 1 MiB of memory and one file on the spool's disk."""
    spool_directory: str | None = None
    """Not a tmpfs: the spool would count as memory. None: the system's temporary directory."""
    only_presets: bool = False
    """Whether uploads with variants of their own are refused."""
    behind_balancer: bool = False
    """Whether a balancer of ours stands before the service: it says whom a request came from, and nobody else does."""
    quotas: Quotas = UNLIMITED
    """Of every tenant that has none of its own."""
    tenant_quotas: dict[Tenant, Quotas] = {}
    delivery_domain: str | None = None
    """Of CloudFront before the results. Set together with the next two; None: links lead to S3."""
    delivery_key_id: str | None = None
    """That CloudFront gave the public key which links are checked with."""
    delivery_secret_name: str | None = None
    """Of the secret with the private half of that key, in PEM."""
    receivers: Receivers = Receivers()
    fetch: Fetch = Fetch()
    formats: Formats = Formats()
    timing: Timing = Timing()

    @property
    def delivery(self) -> tuple[str, str, str] | None:
        """Domain, id of the key, name of the secret; None: links lead to S3. Raises BadEnvironment if only some are."""
        values = self.delivery_domain, self.delivery_key_id, self.delivery_secret_name
        domain, key_id, secret_name = values
        if domain is not None and key_id is not None and secret_name is not None:
            return domain, key_id, secret_name
        if values == (None, None, None):
            return None
        names = ("DELIVERY_DOMAIN", "DELIVERY_KEY_ID", "DELIVERY_SECRET_NAME")
        missing = [PREFIX + name for name, value in zip(names, values, strict=True) if value is None]
        raise BadEnvironment(f"{' and '.join(missing)}: not set, but links through CloudFront need all three settings")


class ProcessingEnvironment(CloudEnvironment, frozen=True, kw_only=True):
    """Settings of the processing service."""

    stack: str
    originals_bucket: str
    results_bucket: str
    jobs_table: str
    due_shards: Annotated[int, Meta(ge=1, le=256)]
    queue_urls: dict[Queue, str]
    dead_letter_urls: dict[Queue, str]
    eraser_role_arn: str
    transform_concurrency: Annotated[int, Meta(ge=2, le=1_000)]
    """Maximum concurrency of the function's mapping; twice this is the most that `transforms` is filled to."""
    registry_table: str
    public_url: str | None = None
    """The API's address as endpoints are told it; None: they are told paths alone."""
    receivers: Receivers = Receivers()
    timing: Timing = Timing()


class TransformEnvironment(CloudEnvironment, frozen=True, kw_only=True):
    """Settings of the transform function."""

    originals_bucket: str
    results_bucket: str
    completions_queue_url: str
    timeout_seconds: Annotated[int, Meta(ge=5, le=900)]
    """Of the function; its own deadline is two seconds before."""
    threads: Annotated[int, Meta(ge=1, le=6)] = 2
    """Encoding threads; more than the function's share of processors gives nothing."""
    formats: Formats = Formats()


Settings = TypeVar("Settings", bound=CloudEnvironment)


def to_environ(settings: CloudEnvironment) -> dict[str, str]:
    """The variables that `from_environ` reads back as the same settings."""
    variables = {}
    for name, value in msgspec.to_builtins(settings).items():
        if value is not None:
            variables[PREFIX + name.upper()] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return variables


def from_environ(kind: type[Settings], environ: Mapping[str, str]) -> Settings:
    """Settings of a process; variables of other names are not looked at.

    Raises BadEnvironment naming the first variable that is missing or wrong.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        variable = PREFIX + field.name.upper()
        text = environ.get(variable)
        if text is None:
            if field.required:
                raise BadEnvironment(f"{variable} is not set; the deployment makes it for {kind.__name__}")
            continue
        try:
            raw = text if _is_text(type_info(field.type)) else msgspec.json.decode(text)
            values[field.name] = msgspec.convert(raw, field.type)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadEnvironment(f"{variable}: {error}") from error
    return kind(**values)


def _is_text(info: Type) -> bool:
    if isinstance(info, UnionType):
        return all(isinstance(kind, NoneType) or _is_text(kind) for kind in info.types)
    if isinstance(info, LiteralType):
        return all(isinstance(value, str) for value in info.values)
    return isinstance(info, StrType | EnumType)
