"""Verbs over webhook endpoints and what was sent to them, and their answers as types. What an endpoint then gets is
checked by `client.webhooks`.
"""

from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from client.answers import without_nulls
from client.asking import Asking
from client.effects import Answer, Ask, Flow
from client.errors import BadInput, Refused
from contracts.limits import MAX_PAGE

_ADVICE: Final = {
    "source-forbidden": "name an https address on port 443 of a public host",
    "state-conflict": "delete one that you do not need: darkroom webhooks delete ID",
}
_NO_ENDPOINT: Final = "`darkroom webhooks list` shows those that there are"
_NO_DELIVERY: Final = "`darkroom webhooks show ID` shows the latest"
_GONE: Final = "nothing of the event is left to send"
_MADE_PERHAPS: Final = "it may have been made all the same: look with `darkroom webhooks list` before you try again"
_ROTATED_PERHAPS: Final = (
    "it may have been changed all the same: rotate it again, and give the receiver the new secret at once; "
    "what it refuses until then is sent again"
)


class Endpoint(Struct, frozen=True, kw_only=True):
    """An endpoint that is told of jobs. `secret` is there in the answer that made it, and never again."""

    id: str
    url: str = ""
    state: str = "enabled"
    """`enabled`, or `disabled` since it answered 410."""
    created_at: datetime | None = None
    disabled_at: datetime | None = None
    disabled_why: str | None = None
    secret: str | None = None
    as_sent: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        # a log that shows an endpoint shall not show what signs for it
        return f"Endpoint(id={self.id!r}, url={self.url!r}, state={self.state!r})"


class Attempt(Struct, frozen=True, kw_only=True):
    """One try: the status that the endpoint answered, or the code of why there was no answer."""

    at: datetime | None = None
    elapsed_ms: int = 0
    status: int | None = None
    error: str | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """An event on its way to an endpoint; `event` is what the endpoint gets as `webhook-id`."""

    event: str
    type: str = ""
    job_id: str = ""
    run: int = 1
    state: str = "pending"
    """`pending`, `delivered` or `exhausted`; then `reason` says why."""
    created_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    attempts: tuple[Attempt, ...] = ()
    """The last ones, the newest at the end."""
    as_sent: dict[str, Any] = field(default_factory=dict)


Kind = TypeVar("Kind", Endpoint, Delivery)


class Telling(Asking):
    """All of it asks for a key with the scope `admin`, where keys are asked for."""

    def create_webhook(self, url: str) -> Flow[Endpoint]:
        """A new endpoint, with its secret: keep it. `url` is https, on port 443 of a public host.

        Raises Refused (`source-forbidden` for an address that is not called from there, `state-conflict` if there are
        as many as there may be). It is asked for once: after Unreachable nobody knows whether it was made.
        """
        try:
            body = msgspec.json.encode({"url": url})
        except UnicodeEncodeError as error:
            raise BadInput("that is no address", "name an https address") from error
        ask = Ask(method="POST", url=f"{self.address}/webhooks", content=body, once=_MADE_PERHAPS)
        return _read((yield from self._told(ask)), Endpoint, self)

    def webhooks(self) -> Flow[list[Endpoint]]:
        """Every endpoint of the tenant, the oldest first."""
        answer = yield from self._told(Ask(method="GET", url=f"{self.address}/webhooks"))
        return _listed(answer, "webhooks", Endpoint, self)

    def webhook(self, webhook_id: str) -> Flow[Endpoint]:
        """One endpoint, without its secret. Raises Refused (`not-found`), as all that follow."""
        return _read((yield from self._told(Ask(method="GET", url=self._endpoint(webhook_id)))), Endpoint, self)

    def rotate_webhook(self, webhook_id: str) -> Flow[Endpoint]:
        """A new secret: keep it. For a day events are signed with it and with the one before it.

        It is asked for once: after Unreachable nobody knows whether it was changed.
        """
        ask = Ask(method="POST", url=f"{self._endpoint(webhook_id)}/secret", once=_ROTATED_PERHAPS)
        return _read((yield from self._told(ask)), Endpoint, self)

    def enable_webhook(self, webhook_id: str) -> Flow[Endpoint]:
        """Send to it again, after it answered 410."""
        ask = Ask(method="POST", url=f"{self._endpoint(webhook_id)}/enable")
        return _read((yield from self._told(ask)), Endpoint, self)

    def delete_webhook(self, webhook_id: str) -> Flow[None]:
        """Send nothing more to it; again is no error."""
        answer = yield from self._told(Ask(method="DELETE", url=self._endpoint(webhook_id)))
        if answer.status != 204:
            raise self._strange(answer)

    def deliveries(self, webhook_id: str, limit: int = 20) -> Flow[list[Delivery]]:
        """What was sent to it lately and is to be sent, newest first; `limit` is 1 to 100."""
        if not 1 <= limit <= MAX_PAGE:
            raise BadInput(f"a list has 1 to {MAX_PAGE} deliveries")
        answer = yield from self._told(
            Ask(method="GET", url=f"{self._endpoint(webhook_id)}/deliveries?limit={limit}"),
        )
        return _listed(answer, "deliveries", Delivery, self)

    def redeliver(self, webhook_id: str, event: str) -> Flow[Delivery]:
        """Send an event once more, within seconds, under the id that it had, from the beginning of the schedule.

        Raises Refused: `not-found`, or `gone` if its job was deleted.
        """
        if not event or len(event) > 100:
            raise BadInput("that is not the id of an event", _NO_DELIVERY)
        url = f"{self._endpoint(webhook_id)}/deliveries/{quote(event, safe='')}/redeliver"
        ask = Ask(method="POST", url=url)
        return _read((yield from self._told(ask, {"not-found": _NO_DELIVERY, "gone": _GONE})), Delivery, self)

    def _endpoint(self, webhook_id: str) -> str:
        if not webhook_id or len(webhook_id) > 100:
            raise BadInput("that is not the id of a webhook endpoint", _NO_ENDPOINT)
        return f"{self.address}/webhooks/{quote(webhook_id, safe='')}"

    def _told(self, ask: Ask, advice: dict[str, str] | None = None) -> Flow[Answer]:
        """An answer; a refusal advises what helps with endpoints, not with pictures."""
        try:
            return (yield from self._answered(ask))
        except Refused as refusal:
            known = {"not-found": _NO_ENDPOINT, **_ADVICE, **(advice or {})}
            refusal.advice = known.get(refusal.code, refusal.advice)
            raise


def _read(answer: Answer, kind: type[Kind], asking: Telling) -> Kind:
    if answer.status not in (200, 201, 202):
        raise asking._strange(answer)
    try:
        return _one(msgspec.json.decode(answer.body, type=dict[str, Any]), kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise asking._strange(answer) from error


def _listed(answer: Answer, name: str, kind: type[Kind], asking: Telling) -> list[Kind]:
    if answer.status != 200:
        raise asking._strange(answer)
    try:
        document = msgspec.json.decode(answer.body, type=dict[str, list[dict[str, Any]]])
        return [_one(one, kind) for one in document[name]]
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise asking._strange(answer) from error


def _one(document: dict[str, Any], kind: type[Kind]) -> Kind:
    return msgspec.structs.replace(msgspec.convert(without_nulls(document), kind), as_sent=document)
