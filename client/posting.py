"""Sending a picture that is too large for the service straight to where pictures are stored: a form, the file, a word.

    presign ──▶ a form for exactly this file ──▶ post it ──▶ complete ──▶ accepted
                  │ an earlier call was broken off: complete first, the file may be there already

Everything may be said again under the same key: only a file that was posted once need not be posted again.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from client.answers import Accepted, read_accepted
from client.asking import Asking
from client.effects import Answer, Ask, Flow
from client.errors import Refused
from client.picture import UNKNOWN_TYPE, Metered

_NOT_YET: Final = "state-conflict"
"""Of a job whose file is not there."""


class Form(Struct, frozen=True, kw_only=True):
    """What a file is posted with."""

    url: str
    fields: dict[str, str]
    complete_url: str


class Posting(Asking):
    """What a conversation says of a picture that does not fit through the service."""

    def _posted(self, file: Metered, wished: bytes, filename: str, media_type: str, key: str) -> Flow[Accepted]:
        """As `Conversation.upload`; `wished` are the options as JSON."""
        wish: dict[str, Any] = {
            **msgspec.json.decode(wished),
            "filename": filename,
            "content_type": file.media_type() if media_type == UNKNOWN_TYPE else media_type,
            "bytes": file.length,
            "sha256": file.sha256().hex(),
        }
        answer = yield from self._answered(
            Ask(
                method="POST",
                url=f"{self.address}/uploads/presign",
                headers={"Idempotency-Key": f'"{key}"'},
                content=msgspec.json.encode(wish),
            )
        )
        if answer.status == 202:
            return self._accepted(answer)
        form = self._form(answer)
        if answer.headers.get("idempotency-replayed") == "?1":
            try:
                return (yield from self._completed(form))
            except Refused as refusal:
                if refusal.code != _NOT_YET:
                    raise
        fields = tuple((name, (None, value.encode(), None)) for name, value in form.fields.items())
        # S3 reads a form in order, and nothing behind the file
        parts = (*fields, ("file", (filename, file, wish["content_type"])))
        posted = yield from self._answered(Ask(method="POST", url=form.url, parts=parts, to_storage=True))
        if posted.status not in (200, 201, 204):
            raise self._strange(posted)
        return (yield from self._completed(form))

    def _completed(self, form: Form) -> Flow[Accepted]:
        answer = yield from self._answered(Ask(method="POST", url=f"{self.address}{form.complete_url}"))
        return self._accepted(answer)

    def _form(self, answer: Answer) -> Form:
        if answer.status != 201:
            raise self._strange(answer)
        try:
            return msgspec.json.decode(answer.body, type=Form)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._strange(answer) from error

    def _accepted(self, answer: Answer) -> Accepted:
        if answer.status != 202:
            raise self._strange(answer)
        replayed = answer.headers.get("idempotency-replayed", "") == "?1"
        try:
            return read_accepted(answer.body, replayed=replayed)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._strange(answer) from error
