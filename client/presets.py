"""Verbs over presets: those of the service, and a tenant's own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from client.asking import Asking
from client.effects import Answer, Ask, Flow
from client.errors import BadInput
from contracts.variants import Variant

Given = Sequence[Variant | Mapping[str, Any]]

_DOCUMENT: Final = msgspec.json.Decoder(dict[str, Any])


class Shelving(Asking):
    """What is answered is the document as it was sent: the service decides what is in it."""

    def presets(self) -> Flow[list[dict[str, Any]]]:
        """Every preset that may be named here, the service's own first."""
        document = self._document((yield from self._answered(Ask(method="GET", url=f"{self.address}/presets"))))
        return list(document["presets"])

    def preset(self, name: str) -> Flow[dict[str, Any]]:
        """One preset. Raises Refused (`not-found`)."""
        return self._document((yield from self._answered(Ask(method="GET", url=self._place(name)))))

    def put_preset(self, name: str, variants: Given) -> Flow[dict[str, Any]]:
        """Keep variants under `name@version`. Raises Refused: `state-conflict` for one that is used and differs."""
        try:
            body = msgspec.json.encode({"variants": variants})
        except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
            raise BadInput(f"these variants cannot be written as JSON: {error}") from error
        headers = {"Content-Type": "application/json"}
        ask = Ask(method="PUT", url=self._place(name), headers=headers, content=body)
        return self._document((yield from self._answered(ask)))

    def delete_preset(self, name: str) -> Flow[None]:
        """Jobs that were made with it stay. Raises Refused (`not-found`)."""
        answer = yield from self._answered(Ask(method="DELETE", url=self._place(name)))
        if answer.status != 204:
            raise self._strange(answer)

    def _place(self, name: str) -> str:
        if not name or len(name) > 100:
            raise BadInput("that is not the name of a preset; one looks like product@1")
        return f"{self.address}/presets/{quote(name, safe='@')}"

    def _document(self, answer: Answer) -> dict[str, Any]:
        if answer.status not in (200, 201):
            raise self._strange(answer)
        try:
            return _DOCUMENT.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._strange(answer) from error
