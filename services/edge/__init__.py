"""What both services share at the edge: problem details, request ids, headers, health, access lines, serving.

A service makes its app with `app(routes, process=..., readiness=...)` and runs it with `serve`. Every 4xx and 5xx that
leaves it is an RFC 9457 problem, whoever raised it; the table from code to HTTP status is here and nowhere else.

    raise a PipelineError anywhere        -> its problem, with its facts
    Litestar's own 404, 405, 413, ...     -> the same, by status
    anything else                         -> logged once with its traceback, problem `internal`
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import msgspec
import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler, Guard, Receive, Scope, Send

from contracts import errors
from contracts.errors import PipelineError, Rejected, Unavailable
from contracts.wording import plainly
from services.edge.exchange import Exchange, base_of, instance_of
from services.edge.problems import (
    NEXT_STEP,
    PROBLEM_JSON,
    STATUS_OF,
    error_types,
    fault_problem,
    problem,
    status_of,
)
from services.edge.serving import Readiness, Stage, listening_socket, serve

__all__ = [
    "NEXT_STEP",
    "PROBLEM_JSON",
    "STATUS_OF",
    "ClientGone",
    "EdgeApp",
    "Readiness",
    "Stage",
    "app",
    "base_url",
    "error_types",
    "fault_problem",
    "listening_socket",
    "problem",
    "request_id",
    "say_at_the_end",
    "serve",
    "status_of",
]

SMALL_BODY_BYTES: Final = 64 * 1024
"""Body limit of every route that sets none."""
_CODES: Final[dict[int, type[PipelineError]]] = {
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    408: errors.RequestTimeout,
    411: errors.LengthRequired,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    503: errors.Overloaded,
}
_DETAILS: Final = {
    404: "there is no address like this one here",
    405: "this address does not answer this method",
    413: "the body is larger than this address takes",
}
_STATE: Final = "darkroom"
MOST_REQUESTS: Final = 2_000
"""In hand at once, waiting ones included: twice as many as may wait for news. Each holds some 50 KB."""
_HEALTH: Final = ("/healthz", "/readyz")
"""Asked for by who would replace this process, which would make it worse."""

_log: Final = structlog.get_logger()


def request_id(request: Request[Any, Any, Any]) -> str:
    """Id of this request: the client's own if it was a safe token, else made here. In the reply, the logs, the job."""
    return _exchange_of(request.scope).request_id


def is_head(request: Request[Any, Any, Any]) -> bool:
    """Whether only the head of the answer is asked for: its route sees a GET."""
    return _exchange_of(request.scope).is_head


def say_at_the_end(scope: Scope, fields: Callable[[], Sequence[tuple[str, str]]]) -> None:
    """Header fields of the reply, whatever it becomes; asked for when it begins."""
    _exchange_of(scope).fields = fields


def base_url(request: Request[Any, Any, Any]) -> str:
    """Scheme and authority that the client called us by, without a slash at the end."""
    return base_of(request.scope)


def app(
    routes: Sequence[ControllerRouterHandler],
    *,
    process: str,
    readiness: Readiness,
    lifespan: Sequence[
        AbstractAsyncContextManager[None] | Callable[[Litestar], AbstractAsyncContextManager[None]]
    ] = (),
    openapi: OpenAPIConfig | None = None,
    guards: Sequence[Guard] = (),
) -> Litestar:
    """A service: these routes, and /healthz, /readyz and /problems/<code> beside them.

    `process` names it in health; `lifespan` are context managers around its life. With `openapi` the app can
    describe itself (`app.openapi_schema`), at no address but those of `routes`. `guards` stand before `routes` alone.
    """
    if openapi is not None:
        openapi.openapi_router = _Nowhere("/", route_handlers=[])
    return EdgeApp(
        readiness=readiness,
        route_handlers=[Router("/", route_handlers=routes, guards=list(guards)), *_own_routes(process, readiness)],
        exception_handlers={Exception: _reply},
        lifespan=list(lifespan),
        openapi_config=openapi,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
        request_max_body_size=SMALL_BODY_BYTES,
    )


class EdgeApp(Litestar):
    """Litestar with the edge around it: around its router too, so that a 404 gets its id, headers and line as well."""

    def __init__(self, *, readiness: Readiness, **settings: Any) -> None:
        self.readiness = readiness
        self._inside = 0
        super().__init__(**settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self.readiness)
        if self._inside >= MOST_REQUESTS and scope["path"] not in _HEALTH:
            try:
                await exchange.refuse(errors.Overloaded("too many requests are in hand already", retry_after=1))
            finally:
                exchange.log(None)
            return
        self._inside += 1
        # a HEAD is answered as the GET it asks about, without the body; the copy keeps the server's own view
        inner: Scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        inner["state"] = {**scope.get("state", {}), _STATE: exchange}
        try:
            await super().__call__(inner, exchange.receive, exchange.send)
        except Exception as error:
            await exchange.fail(error)
        finally:
            self._inside -= 1
            exchange.log(inner.get("path_template"))


class _Nowhere(Router):
    """Takes no routes: Litestar would serve its schema with pages and a 404 of its own beside it."""

    def register(self, value: ControllerRouterHandler) -> list[Any]:
        return []


class ClientGone(Exception):
    """The client left while it was sending: there is nobody to reply to, and nothing is wrong with us."""


def _reply(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    exchange = _exchange_of(request.scope)
    if isinstance(error, ClientGone):
        exchange.code = "client-gone"
        return Response(b"", status_code=400)
    named = _named(error)
    exchange.code = named.code
    status = status_of(named)
    if isinstance(named, errors.InternalError):
        _log.error("http.failed", request_id=exchange.request_id, exc_info=error)
    elif isinstance(named, Unavailable):
        _log.warning("http.unavailable", request_id=exchange.request_id, code=named.code, detail=named.detail)
        if not named.is_told:
            named = type(named)("a service we depend on did not answer in time; nothing is lost by asking again")
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="darkroom"'
    if status in (429, 503):
        headers["Retry-After"] = str(named.facts.get("retry_after", 1))
    document = problem(
        named, base=base_of(request.scope), instance=instance_of(request.scope), request_id=exchange.request_id
    )
    return Response(msgspec.json.encode(document), status_code=status, media_type=PROBLEM_JSON, headers=headers)


def _named(error: Exception) -> PipelineError:
    """The failure of ours that an exception stands for."""
    if isinstance(error, Rejected | Unavailable | errors.InternalError):
        return error
    if isinstance(error, HTTPException) and (error.status_code < 500 or error.status_code == 503):
        kind = _CODES.get(error.status_code, errors.Malformed)
        extra = error.extra if isinstance(error.extra, list) else []
        pointed = [
            (f"#/{item.get('key', '')}", plainly(str(item.get("message", ""))))
            for item in extra
            if isinstance(item, dict)
        ]
        told = "; ".join(f"{pointer.removeprefix('#/')}: {words}" for pointer, words in pointed)
        detail = _DETAILS.get(error.status_code, told or error.detail)
        return kind(detail, errors=pointed) if pointed else kind(detail)
    return errors.InternalError("an unexpected error; it was logged")


def _own_routes(process: str, readiness: Readiness) -> list[ControllerRouterHandler]:
    @get("/healthz", include_in_schema=False, sync_to_thread=False)
    def healthz() -> dict[str, str]:
        return {"process": process, "stage": readiness.stage.value}

    @get("/readyz", include_in_schema=False, sync_to_thread=False)
    def readyz(request: Request[Any, Any, Any]) -> Response[Any]:
        body = {"process": process, "stage": readiness.stage.value}
        if readiness.is_ready:
            return Response(body)
        error = errors.Unavailable(f"{process} is {readiness.stage.value}", **body)
        document = problem(
            error, base=base_url(request), instance="/readyz", request_id=_exchange_of(request.scope).request_id
        )
        return Response(document, status_code=503, media_type=PROBLEM_JSON, headers={"Retry-After": "1"})

    @get("/problems/{code:str}", summary="What a problem code means", tags=["about"], sync_to_thread=False)
    def problems(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
        kind = error_types().get(code)
        if kind is None or code not in STATUS_OF:
            raise errors.NotFound("there is no problem of this code")
        facts = {
            "type": f"{base_url(request)}/problems/{code}",
            "code": code,
            "title": kind.title,
            "status": STATUS_OF[code],
            "retryable": kind.retryable,
            "next_step": NEXT_STEP[code],
        }
        if "text/html" in request.headers.get("accept", ""):
            return Response(_PAGE.format(**facts), media_type="text/html")
        return Response(facts, headers={"Cache-Control": "public, max-age=3600"})

    return [healthz, readyz, problems]


_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1><p><code>{code}</code>, HTTP status {status}.</p><p>{next_step}</p></html>
"""


def _exchange_of(scope: Scope) -> Exchange:
    return scope["state"][_STATE]
