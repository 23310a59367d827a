"""What is asked of a job that is there, and done to it: status, lists, cancel, retry, delete."""

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypedDict
from urllib.parse import quote, urlencode

import msgspec

from client.answers import Commanded, JobPage, Status, read_commanded, read_page, read_status
from client.asking import Asking
from client.effects import TIMEOUT_SECONDS, Ask, Flow
from client.errors import BadInput, StrangeAnswer
from contracts.limits import MAX_IDEMPOTENCY_KEY_CHARS, MAX_WAIT_SECONDS

_KEY: Final = re.compile(rf"[ !#-\[\]-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARS}}}")


class ListFilters(TypedDict, total=False):
    """Which jobs to list: those for which all of it holds. `tag` is a key of `meta`, or `key:value`; times are aware.

    `limit` is how many a page has at most, 1 to 100.
    """

    state: Sequence[str]
    preset: str
    error: str
    tag: str
    created_after: datetime
    created_before: datetime
    limit: int


class Directing(Asking):
    """Verbs over jobs that are there."""

    def status(self, job_id: str, wait: int | None = None, etag: str | None = None) -> Flow[Status | None]:
        """What the job is now. With `wait` (1 to 30 seconds) the server holds its answer until there is news.

        With the `etag` of an earlier status: None if nothing changed since. Raises as `upload` does.
        """
        address = _id_in_address(job_id)
        if wait is not None and not 1 <= wait <= MAX_WAIT_SECONDS:
            raise BadInput(f"wait is 1 to {MAX_WAIT_SECONDS} seconds")
        question = "" if wait is None else f"?wait={wait}"
        answer = yield from self._answered(
            Ask(
                method="GET",
                url=f"{self.address}/status/{address}{question}",
                headers={"If-None-Match": etag} if etag else {},
                timeout_seconds=TIMEOUT_SECONDS + (wait or 0),
            )
        )
        if answer.status == 304 and etag:
            return None
        if answer.status != 200:
            raise self._strange(answer)
        try:
            return read_status(answer.body, etag=answer.headers.get("etag", ""))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._strange(answer) from error

    def cancel(self, job_id: str, key: str | None = None) -> Flow[Commanded]:
        """Stop a job; variants that are done stay. Cancelling it again is no error.

        `key` names the command: the same command under the same key is carried out once, however often it is sent.
        Raises Refused (code `state-conflict` where all is over, `gone` if it is deleted), else as `status` does.
        """
        return (yield from self._commanded("POST", f"/jobs/{_id_in_address(job_id)}/cancel", key, job_id))

    def retry(self, job_id: str, revision: int | None = None, key: str | None = None) -> Flow[Commanded]:
        """Make the failed variants again, if the job is still at `revision`; without one, as it is now.

        Raises Refused (`state-conflict`) if nothing failed, or the job has moved on.
        """
        if revision is None:
            revision = (yield from self._current(job_id)).revision
        body = msgspec.json.encode({"revision": revision})
        return (yield from self._commanded("POST", f"/jobs/{_id_in_address(job_id)}/retry", key, job_id, body))

    def delete(self, job_id: str, key: str | None = None) -> Flow[Commanded]:
        """Have a job and all its bytes erased; again is no error. `deleted` once nothing of it is left."""
        return (yield from self._commanded("DELETE", f"/jobs/{_id_in_address(job_id)}", key, job_id))

    def page(self, cursor: str | None, filters: ListFilters) -> Flow[JobPage]:
        """One page of jobs, newest first; `cursor` is `next` of the page before, under the same filters."""
        question = [(name, text) for name, value in filters.items() for text in _spelt(value)]
        if cursor is not None:
            question.append(("cursor", cursor))
        url = f"{self.address}/jobs" + (f"?{urlencode(question)}" if question else "")
        answer = yield from self._answered(Ask(method="GET", url=url))
        if answer.status != 200:
            raise self._strange(answer)
        try:
            return read_page(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise self._strange(answer) from error

    def _commanded(
        self, method: Literal["POST", "DELETE"], path: str, key: str | None, job_id: str, body: bytes | None = None
    ) -> Flow[Commanded]:
        headers = {"Idempotency-Key": f'"{checked_key(key or str(uuid.uuid4()))}"'}
        ask = Ask(method=method, url=f"{self.address}{path}", headers=headers, content=body)
        answer = yield from self._answered(ask)
        if answer.status == 204:
            return Commanded(id=job_id, state="deleted", as_sent={"id": job_id, "state": "deleted"})
        if answer.status not in (200, 202):
            raise self._strange(answer)
        replayed = answer.headers.get("idempotency-replayed", "") == "?1"
        try:
            return read_commanded(answer.body, replayed=replayed)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._strange(answer) from error

    def _current(self, job_id: str) -> Flow[Status]:
        status = yield from self.status(job_id)
        if status is None:
            raise StrangeAnswer(self.address, 304, "no status, though none was known")
        return status


def checked_key(key: str) -> str:
    """An Idempotency-Key as it may be sent; raises BadInput."""
    if _KEY.fullmatch(key) is None:
        raise BadInput(
            f"a key has 1 to {MAX_IDEMPOTENCY_KEY_CHARS} printable ASCII characters, without quotes or backslashes"
        )
    return key


def _id_in_address(job_id: str) -> str:
    if not job_id or len(job_id) > 100:
        raise BadInput("that is not the id of a job")
    return quote(job_id, safe="")


def _spelt(value: object) -> list[str]:
    """A filter as the address has it; a list is several of it, and nothing at all is no filter."""
    if value is None:
        return []
    if isinstance(value, datetime):
        return [value.isoformat()]
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return [str(value)]
