"""Between what a conversation says and what httpx does: a request, its answer, and failures of the network in words."""

import ssl
from typing import Final

import httpx

from client.effects import Answer, Ask, Silence
from client.errors import BadInput

_CONNECT_SECONDS: Final = 5


def request(http: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
    try:
        return http.build_request(
            ask.method,
            ask.url,
            headers=ask.headers if ask.content is None else {**ask.headers, "Content-Type": "application/json"},
            files=list(ask.parts) or None,
            content=ask.content,
            timeout=httpx.Timeout(ask.timeout_seconds, connect=_CONNECT_SECONDS),
        )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise BadInput(f"an address cannot be used: {error}") from error


def answer(response: httpx.Response, body: bytes) -> Answer:
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def silence(error: httpx.RequestError) -> Silence:
    """What happened, in words that need no knowledge of sockets."""
    unsent = isinstance(error, httpx.ConnectTimeout | httpx.ConnectError)
    return Silence(_reason(error, unsent=unsent), unsent)


def _reason(error: httpx.RequestError, *, unsent: bool) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens there"
        if isinstance(cause, ssl.SSLError):
            return f"no secure connection: {cause.reason or cause}"
        cause = cause.__cause__ or cause.__context__
    if unsent:
        return "it cannot be reached"
    return "it took too long" if isinstance(error, httpx.TimeoutException) else "the connection broke"
