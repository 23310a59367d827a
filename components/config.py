"""The one object that tells stacks apart: `pipeline` in a stack's configuration, decoded strictly.

Code never looks at the name of a stack: what differs is a value here, and `Pulumi.<stack>.yaml` holds those that are
not the default. The region is `aws:region`, which the provider reads too. A mistake is one line: its path, what is
wrong, and what would be right.
"""

import difflib
import re
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
import pulumi
from msgspec import Meta, Struct

from components.naming import is_region
from contracts.limits import DAY_SECONDS, MAX_LIFE_SECONDS, Timing

KEY: Final = "pipeline"

MIN_ORIGINALS_DAYS: Final = MAX_LIFE_SECONDS // DAY_SECONDS + 31
"""Days after which no job can need an object any more: the longest life of a job, and a month for a late erasure."""

_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_LOOPBACK: Final = re.compile(rf"https?://(?:127(?:\.{_BYTE}){{3}}|localhost|\[::1\])(?::(?P<port>[1-9][0-9]{{0,4}}))?")
_WHERE: Final = re.compile(r"(?P<what>.*) - at (?:`key` in )?`\$(?P<path>[^`]*)`", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)

_CONTRADICTION: Final = re.compile("[a-z_.]+: ")
_EXAMPLE: Final = "write it as in Pulumi.dev.yaml; components/config.py describes every field"

LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days; CloudWatch Logs takes these and no others."""

TagKey = Annotated[str, Meta(pattern=r"^(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,128}\Z")]
TagValue = Annotated[str, Meta(pattern=r"^[A-Za-z0-9 _.:/=+@-]{0,256}\Z")]


class BadConfiguration(pulumi.RunError):
    """A mistake in a stack's configuration; Pulumi prints the message alone, without a traceback."""


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


class PipelineConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in which one stack may differ from another."""

    endpoint: str | None = None
    """Address of the embedded cloud, on loopback. None: AWS itself."""
    require_tls: bool = True
    """Whether buckets and queues refuse plain HTTP. False only beside a loopback `endpoint`."""
    auth: Literal["required", "open"] = "required"
    """Whether the API asks for a key. `open` only beside a loopback `endpoint`."""
    due_shards: Annotated[int, Meta(ge=1, le=256)] = 8
    """Shards of the index of what is due: each takes about 1,000 writes a second. Lowering it later hides rows of the
    shards that are no longer read, until their next write."""
    transform: Transform = Transform()
    timing: Timing = Timing()
    """The clockwork; see contracts/limits.py."""
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

    def __post_init__(self) -> None:
        for mistake in _contradictions(self):
            raise ValueError(mistake)


def decode(text: str) -> PipelineConfig:
    """The configuration from its JSON; raises BadConfiguration with one line for the first mistake."""
    try:
        return msgspec.json.decode(text, type=PipelineConfig)
    except msgspec.ValidationError as error:
        raise BadConfiguration(_explained(str(error))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadConfiguration(f"{KEY}: must be an object; {_EXAMPLE}") from None


def stack_config() -> tuple[PipelineConfig, str]:
    """The configuration of the stack that Pulumi runs now, and its region."""
    text = pulumi.Config().get(KEY)
    if text is None:
        stack = pulumi.get_stack()
        raise BadConfiguration(f"{KEY}: missing; write it in Pulumi.{stack}.yaml, with Pulumi.dev.yaml as the example")
    region = pulumi.Config("aws").get("region")
    if region is None or not is_region(region):
        raise BadConfiguration("aws:region: must be the name of a region, such as eu-west-1")
    return decode(text), region


def _contradictions(config: PipelineConfig) -> list[str]:
    """Mistakes that no single field shows, each as `path: what; hint`."""
    timing, transform, local = config.timing, config.transform, config.endpoint is not None
    found = []
    if config.endpoint is not None and not _is_loopback(config.endpoint):
        found.append("endpoint: must be on loopback, such as http://127.0.0.1:4566; leave it out for AWS itself")
    if not config.require_tls and not local:
        found.append("require_tls: may be false only beside a loopback endpoint; leave it out")
    if config.auth == "open" and not local:
        found.append("auth: may be open only beside a loopback endpoint; leave it out")
    if not transform.bundle_libraries and not local:
        found.append("transform.bundle_libraries: may be false only beside a loopback endpoint; leave it out")
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
    found += [
        f"tags.{key}: is set by the program; choose another key" for key in ("project", "stack") if key in config.tags
    ]
    return found


def _is_loopback(endpoint: str) -> bool:
    match = _LOOPBACK.fullmatch(endpoint)
    return match is not None and int(match["port"] or 80) <= 65_535


def _explained(message: str) -> str:
    """One line from msgspec's message: path, mistake, hint."""
    if _CONTRADICTION.match(message):
        return f"{KEY}.{message}"
    match = _WHERE.fullmatch(message)
    what, path = (match["what"], match["path"]) if match else (message, "")
    steps = [step for step in path.replace("[...]", "").split(".") if step]
    unknown = _UNKNOWN.fullmatch(what)
    if unknown is not None:
        return _line(steps, f"has no field {unknown['name']!r}", _nearest(unknown["name"], steps))
    return _line(steps, what, _allowed(steps))


def _line(steps: list[str], what: str, hint: str) -> str:
    return " ".join(f"{'.'.join([KEY, *steps])}: {what[:1].lower()}{what[1:]}; {hint}".split())


def _default(steps: list[str]) -> Any:
    """What stands at a path if nobody writes anything."""
    value: Any = PipelineConfig()
    for step in steps:
        value = getattr(value, step, None)
    return value


def _nearest(name: str, steps: list[str]) -> str:
    fields = _default(steps).__struct_fields__
    close = difflib.get_close_matches(name, fields, n=1)
    return f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(sorted(fields))}"


def _allowed(steps: list[str]) -> str:
    owner, default = type(_default(steps[:-1])), _default(steps)
    kind = get_type_hints(owner).get(steps[-1]) if steps else None
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if default is None or isinstance(default, Struct | dict):
        return _EXAMPLE
    return f"the default is {msgspec.json.encode(default).decode()}"
