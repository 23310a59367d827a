"""A stack's API keys, as its operator makes, lists, renews and ends them: over the registry and the pepper in AWS.

Renewal never has a gap: `rotate` makes the new key first, and the old one lives on beside it for as long as its holders
need to change over.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from adapters.clock import SystemClock
from adapters.pepper import initialise, pepper, write_pepper
from adapters.registry import DynamoKeys
from client.errors import BadInput
from components.naming import physical_name
from contracts.environment import BadEnvironment
from contracts.errors import AlreadyStored, PipelineError
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.keys import NO_LIMITS, KeyRecord, Limits, Prefix, Scope, new_key, revoked
from contracts.limits import DAY_SECONDS
from contracts.ports import Clock
from operations.asking import AwsRefused, asking

_LIFE: Final = re.compile(r"([1-9][0-9]{0,4})([dhm])")
_UNITS: Final = {"d": DAY_SECONDS, "h": 3_600, "m": 60}
_LIMIT: Final = re.compile(r"([1-9][0-9]{0,11})/(s|day)")
_LIMITED: Final = {"s": "requests_per_second", "day": "jobs_per_day"}
_PREFIXES: Final = 4
"""Made until one is free. The first is, as good as always: there are 2^60."""


class Made(Struct, frozen=True, kw_only=True):
    """A new key, which nobody can be shown again, and what is kept of it."""

    key: str
    record: KeyRecord

    def __repr__(self) -> str:
        # whatever shows it does not show the key
        return f"Made(prefix={self.record.prefix!r})"


class KeyRing:
    """The keys of one stack."""

    def __init__(self, keys: DynamoKeys, pepper_: bytes, clock: Clock) -> None:
        self._keys = keys
        self._pepper = pepper_
        self._clock = clock

    def create(
        self,
        tenant: Tenant,
        scopes: Iterable[Scope],
        life_seconds: int | None,
        limits: Limits = NO_LIMITS,
    ) -> Made:
        """Make a key; without `life_seconds` it does not expire."""
        wanted = frozenset(scopes)
        for _ in range(_PREFIXES):
            key, record = new_key(
                self._pepper,
                tenant,
                wanted,
                now=self._clock.now(),
                life_seconds=life_seconds,
                randomness=os.urandom,
                limits=limits,
            )
            try:
                self._keys.create(record)
            except AlreadyStored:
                continue
            return Made(key=key, record=record)
        raise AssertionError("random prefixes are not random")

    def all(self, tenant: Tenant | None = None) -> list[KeyRecord]:
        """Every key that is not forgotten yet."""
        return self._keys.all(tenant)

    def revoke(self, prefix: Prefix) -> KeyRecord:
        """End a key now; once it has ended this changes nothing. Raises BadInput if there is no such key."""
        record = self._found(prefix)
        if not record.is_live(self._clock.now()):
            return record
        return self._ended(record, self._clock.now())

    def rotate(self, prefix: Prefix, grace_seconds: int) -> tuple[Made, KeyRecord]:
        """A new key for the same, and the old one as it is now: it ends after that time. Raises BadInput."""
        record, now = self._found(prefix), self._clock.now()
        if not record.is_live(now):
            raise BadInput(f"the key {prefix} has ended", "make a new one: darkroom keys create")
        scopes = [Scope(name) for name in record.scopes if name in set(Scope)]
        life = None if record.expires_at is None else (record.expires_at - record.created_at) // 1000
        made = self.create(record.tenant, scopes, life, record.limits)
        return made, self._ended(record, now + grace_seconds * 1000)

    def _found(self, prefix: Prefix) -> KeyRecord:
        record = self._keys.key(prefix)
        if record is None:
            raise BadInput(f"there is no key {prefix!r}", "darkroom keys list shows the prefixes")
        return record

    def _ended(self, record: KeyRecord, at: Instant) -> KeyRecord:
        ended = revoked(record, at)
        if ended != record:
            self._keys.replace(ended)
        return ended


@contextmanager
def ring(region: str, stack: str) -> Iterator[KeyRing]:
    """The keys of a stack in AWS. What goes wrong within is a DarkroomError of one line."""
    with _registry(region, stack) as keys, asking("secretsmanager", region) as secrets:
        try:
            found = pepper(secrets, secret_name(stack), stack)
        except BadEnvironment as error:
            raise BadInput(str(error), f"log in to the account of {stack}; then: {initialise(stack)}") from error
        yield KeyRing(keys, found, SystemClock())


@contextmanager
def _registry(region: str, stack: str) -> Iterator[DynamoKeys]:
    with asking("dynamodb", region) as dynamodb:
        try:
            yield DynamoKeys(dynamodb, physical_name(stack, "registry"))
        except PipelineError as error:
            raise AwsRefused(f"the registry of {stack} did not do it ({error.detail})", "try again") from error


def initialised(region: str, stack: str) -> bool:
    """Give a stack its pepper; False: it has one, and keeps it."""
    with asking("secretsmanager", region) as secrets:
        return write_pepper(secrets, secret_name(stack))


def secret_name(stack: str) -> str:
    """Of the secret with a stack's pepper."""
    return physical_name(stack, "key-pepper")


def seconds_of(text: str) -> int:
    """A length of time as it is written: 90d, 12h, 30m. Raises BadInput."""
    match = _LIFE.fullmatch(text)
    if match is None:
        raise BadInput(f"{text!r} is no length of time", "write days, hours or minutes: 90d, 12h, 30m")
    return int(match[1]) * _UNITS[match[2]]


def tenant_of(text: str) -> Tenant:
    """The name of a tenant. Raises BadInput."""
    try:
        return msgspec.convert(text, Tenant)
    except msgspec.ValidationError as error:
        advice = "at most 40 lower-case letters, digits and hyphens, no hyphen first"
        raise BadInput(f"{text!r} is no name for a tenant", advice) from error


def scopes_of(names: Iterable[str]) -> list[Scope]:
    """Scopes by their names. Raises BadInput for one that there is not, and for none at all."""
    known = {scope.value for scope in Scope}
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise BadInput(f"there is no scope {name!r}", f"one of {', '.join(sorted(known))}")
    if not wanted:
        raise BadInput("no scope is named", f"write --scope, as often as needed: {', '.join(sorted(known))}")
    return [Scope(name) for name in wanted]


def limits_of(texts: Iterable[str]) -> Limits:
    """Limits as they are written, `5/s` requests and `1000/day` jobs, each at most once. Raises BadInput."""
    found: dict[str, int] = {}
    for text in texts:
        match = _LIMIT.fullmatch(text)
        if match is None:
            raise BadInput(f"{text!r} is no limit", "write requests a second, 5/s, or jobs a day, 1000/day")
        name = _LIMITED[match[2]]
        if name in found:
            raise BadInput(f"{text!r} is a second limit of its kind", "write each at most once: 5/s, 1000/day")
        found[name] = int(match[1])
    try:
        return msgspec.convert(found, Limits)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"a limit is too high ({error})", "leave it out: a key without limits has its tenant's"
        ) from error


def written(limits: Limits) -> list[str]:
    """Inverse of `limits_of`."""
    said = {unit: getattr(limits, name) for unit, name in _LIMITED.items()}
    return [f"{number}/{unit}" for unit, number in said.items() if number is not None]


def document(record: KeyRecord, now: Instant) -> dict[str, Any]:
    """What may be shown of a key: everything but its digest."""
    return {
        "prefix": record.prefix,
        "tenant": record.tenant,
        "scopes": list(record.scopes),
        "state": state_of(record, now),
        "created_at": moment(record.created_at),
        "ends_at": None if record.ends_at is None else moment(record.ends_at),
        "limits": written(record.limits),
    }


def state_of(record: KeyRecord, now: Instant) -> str:
    """`live`, `ending` (it was rotated, and lives for a while yet), `revoked` or `expired`."""
    if record.is_live(now):
        return "live" if record.revoked_at is None else "ending"
    return "expired" if record.revoked_at is None or record.revoked_at > now else "revoked"


def moment(instant: Instant) -> str:
    """An instant, in UTC, to the second."""
    return datetime.fromtimestamp(instant // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
