"""Whose request it is: the key that it brings, the scope that its route asks for, and the tenant, which a request has
no other way to name.

Every route says what it asks for, in its `opt`: `needs(Scope.JOBS_READ)`, or ANYBODY. One that says nothing asks for
`admin`, so that a route nobody thought of is closed.

    missing, malformed, unknown, expired, revoked   -> 401 `unauthenticated`, one body for all of them
    a live key without the route's scope            -> 403 `scope-missing`, which names the scope
    a source of many bad keys, a tenant in a hurry  -> 429 `quota-exceeded`
"""

import re
import threading
from collections import OrderedDict
from typing import Any, Final, Protocol

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Guard
from msgspec import Struct

from contracts.errors import ScopeMissing, Unauthenticated
from contracts.identifiers import OPEN_TENANT, Tenant
from contracts.job import Instant
from contracts.keys import CACHE_SECONDS, KeyRecord, Prefix, Scope, is_key_of, prefix_of
from contracts.ports import Clock
from contracts.quotas import KeyLimits, limit_field, policy_field
from contracts.registry_ports import KeyReader
from services import edge
from services.upload.meter import Meter
from services.upload.sources import Sources, source_of
from services.upload.threads import Threads

ASKED: Final = "scope"
"""Under which a route's `opt` has its scope; None: it answers anybody."""

ANYBODY: Final[dict[str, Any]] = {ASKED: None}

HEARD: Final[dict[str, Any]] = {ASKED: None, "hears": True}
"""The `opt` of a route that answers anybody, and tells more to who brings a key."""

MOST_REMEMBERED: Final = 10_000
"""Keys, real or made up, that a host remembers; beyond it the oldest is read again."""

_BEARER: Final = re.compile("bearer +([!-~]+)", re.IGNORECASE | re.ASCII)


def needs(scope: Scope) -> dict[str, Any]:
    """The `opt` of a route that asks for this scope."""
    return {ASKED: scope}


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks."""

    tenant: Tenant
    scopes: frozenset[str]
    limits: KeyLimits | None = None
    """Of its key, beside its tenant's."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


class Door(Protocol):
    """Lets requests in."""

    is_open: bool
    """Whether it asks for no key."""

    async def caller(self, authorization: list[str], source: str = "") -> Caller:
        """Who asks, by the Authorization headers of the request, and where it came from.

        Raises Unauthenticated; QuotaExceeded for a source of too many bad keys.
        """
        ...


class OpenDoor:
    """Everybody is the open tenant and may do everything: a service that is reached on loopback alone."""

    is_open = True
    _CALLER: Final = Caller(tenant=OPEN_TENANT, scopes=frozenset(Scope))

    async def caller(self, authorization: list[str], source: str = "") -> Caller:
        return self._CALLER


class KeyDoor:
    """Asks for a key. What was read of it is remembered for `CACHE_SECONDS`, so a revoked one lives no longer here."""

    is_open = False

    def __init__(self, keys: KeyReader, pepper: bytes, clock: Clock, threads: Threads) -> None:
        self._keys = keys
        self._pepper = pepper
        self._clock = clock
        self._threads = threads
        self._sources = Sources(clock)
        self._remembered: OrderedDict[Prefix, tuple[Instant, KeyRecord | None]] = OrderedDict()
        self._remembering = threading.Lock()

    async def caller(self, authorization: list[str], source: str = "") -> Caller:
        match = _BEARER.fullmatch(authorization[0].strip(" ")) if len(authorization) == 1 else None
        key = "" if match is None else match[1]
        prefix = prefix_of(key)
        record = None if prefix is None else await self._record(prefix, source)
        if not is_key_of(record, self._pepper, key, self._clock.now()) or record is None:
            if authorization:
                self._sources.failed(source)
            raise Unauthenticated("the request brings no API key that is valid here")
        return Caller(tenant=record.tenant, scopes=frozenset(record.scopes), limits=record.key_limits)

    async def _record(self, prefix: Prefix, source: str) -> KeyRecord | None:
        """What is recorded of a key, as it was within the last `CACHE_SECONDS`; only then is its source judged."""
        asked_at = self._clock.now()
        with self._remembering:
            read_at, record = self._remembered.get(prefix, (None, None))
        if read_at is not None and 0 <= asked_at - read_at < CACHE_SECONDS * 1000:
            return record
        self._sources.check(source)
        record = await self._threads.call(self._keys.key, prefix)
        with self._remembering:
            self._remembered.pop(prefix, None)
            # as old as the question: what was answered may have been changed since
            self._remembered[prefix] = asked_at, record
            while len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return record


def guard(door: Door, meter: Meter, *, behind_balancer: bool) -> Guard:
    """Before every route: finds out who asks, whether they may, and whether they ask too often."""

    async def guarded(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        asked: Scope | None = handler.opt.get(ASKED, Scope.ADMIN)
        if connection.scope.get("method") == "OPTIONS":
            # what methods an address answers is in the description too
            return
        source = source_of(connection, behind_balancer=behind_balancer)
        given = connection.headers.getall("authorization", [])
        if asked is None:
            heard = handler.opt.get("hears", False) and (door.is_open or bool(given))
            connection.scope["auth"] = await door.caller(given, source) if heard else None
            return
        caller = await door.caller(given, source)
        edge.say_at_the_end(connection.scope, lambda: _standing(meter, caller))
        meter.admit(caller.tenant, caller.limits)
        if not caller.may(asked):
            raise ScopeMissing(f"the key has no scope {asked}", scope=str(asked))
        connection.scope["auth"] = caller

    return guarded


def _standing(meter: Meter, caller: Caller) -> list[tuple[str, str]]:
    """The fields that say how the quotas of the tenant and the key stand; none where there are none."""
    policies = meter.policies(caller.tenant, caller.limits)
    return [("RateLimit-Policy", policy_field(policies)), ("RateLimit", limit_field(policies))] if policies else []


def scopes_of(app: Litestar) -> dict[tuple[str, str], Scope]:
    """What each guarded route asks for, by its path and its method in lower case, as OpenAPI writes them."""
    return {
        (route.path_format, method.lower()): handler.opt[ASKED]
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if handler.opt.get(ASKED) is not None
    }


def may(request: Request[Any, Any, Any], scope: Scope) -> bool:
    """Whether its key has another scope too than the one that its route asks for."""
    caller: Caller = request.scope["auth"]
    return caller.may(scope)


def known_tenant(request: Request[Any, Any, Any]) -> Tenant | None:
    """Whose request it is, on a route that is HEARD; None: nobody's."""
    caller: Caller | None = request.scope["auth"]
    return None if caller is None else caller.tenant


def tenant_of(request: Request[Any, Any, Any]) -> Tenant:
    """Whose request it is; a route that answers anybody must not ask."""
    caller: Caller = request.scope["auth"]
    return caller.tenant


def limits_of(request: Request[Any, Any, Any]) -> KeyLimits | None:
    """Those of the key that the request came with; None if it has none of its own."""
    caller: Caller = request.scope["auth"]
    return caller.limits
