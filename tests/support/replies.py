"""Faults on the way between a client and its cloud: what each request meets, in order.

    Replies(client, SLOW_DOWN, LOST, PASS)     throttled, then done with its reply lost, then as ever

Requests beyond the script pass. Works on moto, which `LOST` needs to carry the request out.
"""

import json
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from moto.core.models import botocore_stubber

from adapters.clients import AwsClient

PASS: Final = None
LOST: Final = "carried out, its reply lost"


class Answer:
    """An answer that the cloud never gave; `code` makes it one of AWS's errors in the service's own protocol."""

    def __init__(
        self, status: int, body: bytes = b"", *, code: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.body = body
        self.headers = headers or {}

    def as_response(self, request: Any) -> AWSResponse:
        body = self.body
        if self.code is not None and "json" in str(request.headers.get("Content-Type", "")):
            body = json.dumps({"__type": f"com.amazonaws#{self.code}", "message": "said so"}).encode()
        elif self.code is not None and request.method != "HEAD":
            body = f"<Error><Code>{self.code}</Code><Message>said so</Message></Error>".encode()
        return AWSResponse(request.url, self.status, self.headers, _Body(body))


SLOW_DOWN: Final = Answer(503, code="SlowDown")


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body

    def read(self, amount: int | None = None) -> bytes:
        taken = self._body if amount is None else self._body[:amount]
        self._body = self._body[len(taken) :]
        return taken

    def close(self) -> None:
        pass


class Replies:
    """Stands before the network of one client; `seen` lists (operation, request) of every attempt."""

    def __init__(self, client: AwsClient, *script: Any) -> None:
        self._script = list(script)
        self._client = client
        self.seen: list[tuple[str, Any]] = []
        self._moto_was_on = False
        client.meta.events.register_first("before-send", self._meet)
        client.meta.events.register_last("before-send", self._met)

    def stop(self) -> None:
        self._client.meta.events.unregister("before-send", self._meet)
        self._client.meta.events.unregister("before-send", self._met)

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.seen]

    def _meet(self, request: Any, event_name: str, **rest: Any) -> AWSResponse | None:
        self.seen.append((event_name.rpartition(".")[2], request))
        met = self._script.pop(0) if self._script else PASS
        if met is LOST:
            botocore_stubber(event_name, request, **rest)
            raise ConnectionClosedError(endpoint_url="https://nowhere.invalid")
        if isinstance(met, Exception):
            raise met
        if not isinstance(met, Answer):
            return None
        # botocore asks every handler whatever the first one answers: moto would carry out what is refused here
        self._moto_was_on, botocore_stubber.enabled = botocore_stubber.enabled, False
        return met.as_response(request)

    def _met(self, **_: Any) -> None:
        botocore_stubber.enabled = botocore_stubber.enabled or self._moto_was_on
        self._moto_was_on = False
