"""What the client says to Darkroom and how it reads the answers: no sockets, no clocks, no sleeping in here.

Each verb is a generator. It yields what it wants done (an `Ask` or a `Pause`), is sent what came of it (an `Answer` or
a `Silence`), and returns the result or raises a `DarkroomError`. `client.drivers` carries it out, blocking or not, so
both clients say the same things in the same order.

What is sent again, at most `TRIES` times: a request that nobody answered, and one answered with 429 or 503. Both are
safe: reads change nothing, and an upload carries an Idempotency-Key, under which it exists once however often it comes.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypedDict
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec
from msgspec import Struct

from client import picture, saving
from client.answers import (
    Accepted,
    Commanded,
    JobPage,
    Status,
    VariantStatus,
    read_accepted,
    read_commanded,
    read_page,
    read_status,
)
from client.effects import TIMEOUT_SECONDS, Answer, Ask, Flow, Pause
from client.errors import BadInput, NotFinished, Problem, Refused, StrangeAnswer, Unreachable, problem
from contracts.limits import MAX_IDEMPOTENCY_KEY_CHARS, MAX_WAIT_SECONDS
from contracts.variants import Variant

DEFAULT_ADDRESS: Final = "http://127.0.0.1:8000"

TRIES: Final = 4
FIRST_BACK_OFF_SECONDS: Final = 0.25
"""Mean wait before the second try where the server names none; doubles."""
LONGEST_RETRY_AFTER_SECONDS: Final = 30
"""A server that asks for more patience than this is given up at once: the caller knows better how to spend it."""
POLL_SECONDS: Final = 20
"""Of one long poll: well inside the idle time-out of common proxies."""
UNHELD_POLL_SECONDS: Final = 1.0
"""A poll that comes back sooner than this with no news was not held by the server: wait this long before the next."""

_KEY: Final = re.compile(rf"[ !#-\[\]-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARS}}}")
_LINK_REFUSED: Final = 403
"""What S3 answers to a link whose time is over."""


class UploadOptions(TypedDict, total=False):
    """What may be asked for beside the picture; what is absent is decided by the server.

    `expires_in` is in seconds. `idempotency_key` names the upload: the same key and the same picture and options are
    the same job, for a day at least; without one each call is an upload of its own (retries inside a call are not).
    """

    preset: str
    variants: Sequence[Variant | Mapping[str, Any]]
    priority: Literal["normal", "bulk"]
    expires_in: int
    meta: Mapping[str, str]
    filename: str
    content_type: str
    idempotency_key: str
    on_progress: picture.OnProgress


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


class Downloaded(Struct, frozen=True, kw_only=True):
    """A variant that is on this disk, checked against its digest."""

    name: str
    path: Path
    bytes: int
    digest: str


class Conversation:
    """Verbs against one address. `clock` is in seconds from anywhere; `jitter` gives random factors, 0.5 to 1.5."""

    def __init__(self, address: str, *, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        try:
            named = urlsplit(address)
            usable = named.scheme in ("http", "https") and bool(named.hostname) and named.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise BadInput(f"{address!r} is not an address; one looks like {DEFAULT_ADDRESS}")
        self.address = address.rstrip("/")
        self._clock = clock
        self._jitter = jitter

    def upload(self, given: picture.Given, options: UploadOptions) -> Flow[Accepted]:
        """Send a picture: a path, its bytes, or a binary file. Answers as soon as the server owns the job.

        Raises BadInput, Refused (the server will not have it), Busy, ServerFault, Unreachable or StrangeAnswer.
        """
        key = _checked_key(options.get("idempotency_key", str(uuid.uuid4())))
        filename = options.get("filename") or picture.name_of(given)
        media_type = options.get("content_type") or picture.type_of(filename)
        with picture.opened(given, options.get("on_progress")) as file:
            ask = Ask(
                method="POST",
                url=f"{self.address}/uploads",
                headers={"Idempotency-Key": f'"{key}"'},
                parts=(
                    ("options", (None, _wished(options), "application/json")),
                    ("file", (filename, file, media_type)),
                ),
            )
            answer = yield from self._answered(ask)
        if answer.status != 202:
            raise self._strange(answer)
        replayed = answer.headers.get("idempotency-replayed", "") == "?1"
        try:
            return read_accepted(answer.body, replayed=replayed)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._strange(answer) from error

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

    def wait(
        self, job_id: str, timeout: float | None = None, on_change: Callable[[Status], None] | None = None
    ) -> Flow[Status]:
        """The status in which the job ends, whichever that is. `on_change` sees every status on the way, and the last.

        Raises NotFinished when `timeout` seconds are over, else as `status` does.
        """
        begun = self._clock()
        last = yield from self._current(job_id)
        while True:
            if on_change is not None:
                on_change(last)
            fresh = None
            while fresh is None:
                if last.is_final:
                    return last
                left = None if timeout is None else begun + timeout - self._clock()
                if timeout is not None and left is not None and left <= 0:
                    raise NotFinished(last, timeout)
                asked = self._clock()
                patience = POLL_SECONDS if left is None else max(1, min(POLL_SECONDS, int(left)))
                fresh = yield from self.status(job_id, patience, last.etag or None)
                if (fresh is None or fresh.revision == last.revision) and self._clock() - asked < UNHELD_POLL_SECONDS:
                    yield Pause(UNHELD_POLL_SECONDS)
            last = fresh

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
        headers = {"Idempotency-Key": f'"{_checked_key(key or str(uuid.uuid4()))}"'}
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

    def download(
        self, job: str | Status, to: str | Path, variants: Iterable[str] | None = None
    ) -> Flow[list[Downloaded]]:
        """Fetch variants into a folder (made if need be) as `<variant>.<extension>`; without `variants`, all there are.

        `job` is an id, or a status that was just read. Each file is checked against its digest and then put in place in
        one step. Raises BadInput (no such variant, folder not writable), Damaged, else as `status` does.
        """
        status = job if isinstance(job, Status) else (yield from self._current(job))
        names = _chosen(status, None if variants is None else list(variants))
        fetched = []
        for name in names:
            try:
                done = yield from self._fetched(_variant(status, name), Path(to))
            except Refused as refusal:
                if refusal.status != _LINK_REFUSED:
                    raise
                # the link's time was over before its turn came: a fresh status has a fresh one
                status = yield from self._current(status.id)
                done = yield from self._fetched(_variant(status, name), Path(to))
            fetched.append(done)
        return fetched

    def _current(self, job_id: str) -> Flow[Status]:
        status = yield from self.status(job_id)
        if status is None:
            raise StrangeAnswer(self.address, 304, "no status, though none was known")
        return status

    def _fetched(self, variant: VariantStatus, folder: Path) -> Flow[Downloaded]:
        url = urljoin(f"{self.address}/", variant.url or "")
        with saving.Saved(folder, variant) as saved:
            ask = Ask(method="GET", url=url, headers={"Accept-Encoding": "identity"}, sink=saved.write)
            answer = yield from self._answered(ask, before=saved.restart)
            if answer.status != 200:
                raise self._strange(answer)
            path = saved.keep()
        return Downloaded(name=variant.name, path=path, bytes=saved.bytes, digest=variant.digest or "")

    def _answered(self, ask: Ask, before: Callable[[], None] | None = None) -> Flow[Answer]:
        """An answer below 400, after as many tries as are reasonable; raises for every other end."""
        for attempt in range(1, TRIES + 1):
            if before is not None:
                before()
            answer = yield ask
            last_try = attempt == TRIES
            back_off = FIRST_BACK_OFF_SECONDS * 2 ** (attempt - 1) * self._jitter()
            if isinstance(answer, Answer):
                if answer.status < 400:
                    return answer
                failure = self._failure(answer, ask)
                asked = _retry_after(answer)
                if answer.status not in (429, 503) or last_try or (asked or 0) > LONGEST_RETRY_AFTER_SECONDS:
                    raise failure
                yield Pause((asked or 0) + back_off)
            elif last_try:
                raise self._unreachable(ask, answer.reason if answer is not None else "nothing was sent")
            else:
                yield Pause(back_off)
        raise AssertionError("the last try returns or raises")

    def _failure(self, answer: Answer, ask: Ask) -> Problem | StrangeAnswer:
        if answer.headers.get("content-type", "").partition(";")[0].strip() == "application/problem+json":
            try:
                document = msgspec.json.decode(answer.body, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return self._strange(answer)
            return problem(answer.status, document, _retry_after(answer))
        if ask.sink is not None:
            # results come from S3, which speaks XML
            return problem(answer.status, {"title": f"the link answered {answer.status}", "code": ""})
        if answer.status in (429, 502, 503, 504):
            return problem(answer.status, {"title": f"the server answered {answer.status}"}, _retry_after(answer))
        return self._strange(answer)

    def _unreachable(self, ask: Ask, reason: str) -> Unreachable:
        if ask.sink is None:
            return Unreachable(self.address, reason)
        host = urlsplit(ask.url)
        where = f"{host.scheme}://{host.netloc}"
        return Unreachable(where, reason, "the links lead there; make it reachable from here and try again")

    def _strange(self, answer: Answer) -> StrangeAnswer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
        return StrangeAnswer(self.address, answer.status, kind)


def _checked_key(key: str) -> str:
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


def _wished(options: UploadOptions) -> bytes:
    """The `options` part: only what was asked for, so that the server's own defaults hold for the rest."""
    names = ("preset", "variants", "priority", "expires_in", "meta")
    try:
        return msgspec.json.encode({name: options[name] for name in names if options.get(name) is not None})
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise BadInput(f"these options cannot be written as JSON: {error}") from error


def _chosen(status: Status, wanted: list[str] | None) -> list[str]:
    """Names to fetch, in the order asked for; raises BadInput for one that is not there to be fetched."""
    there = [variant.name for variant in status.variants if variant.url]
    if wanted is None:
        if not there:
            raise BadInput(f"job {status.id} is {status.state} and has no variant to fetch")
        return there
    for name in wanted:
        if name not in there:
            known = ", ".join(there) or "none yet"
            raise BadInput(f"job {status.id} has no variant {name!r} to fetch; there are: {known}")
    return list(dict.fromkeys(wanted))


def _variant(status: Status, name: str) -> VariantStatus:
    found = next((variant for variant in status.variants if variant.name == name and variant.url), None)
    if found is None:
        raise BadInput(f"job {status.id} has no variant {name!r} to fetch any more")
    return found


def _retry_after(answer: Answer) -> float | None:
    """Seconds that the server asked for; the date form of the header is not used by Darkroom."""
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isdecimal() and len(text) < 8 else None
