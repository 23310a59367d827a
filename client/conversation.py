"""What the client says to Darkroom and how it reads the answers: no sockets, no clocks, no sleeping in here.

Each verb is a generator. It yields what it wants done (an `Ask` or a `Pause`), is sent what came of it (an `Answer` or
a `Silence`), and returns the result or raises a `DarkroomError`. `client.drivers` carries it out, blocking or not, so
both clients say the same things in the same order.

Here are the verbs around a picture; a large one goes out by `posting`, those over a job that is there are in
`directing`, over endpoints in `endpoints`, and what is sent again after a failure is in `asking`.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypedDict
from urllib.parse import urljoin

import msgspec
from msgspec import Struct

from client import picture, saving
from client.answers import Accepted, Status, VariantStatus
from client.asking import DEFAULT_ADDRESS
from client.directing import Directing, ListFilters, checked_key
from client.effects import Ask, Flow, Pause
from client.endpoints import Telling
from client.errors import BadInput, NotFinished, Refused
from client.posting import Posting
from client.presets import Shelving
from contracts.limits import MAX_BODY_BYTES
from contracts.variants import Variant

__all__ = ["DEFAULT_ADDRESS", "Conversation", "Downloaded", "JobOptions", "ListFilters", "UploadOptions"]

POLL_SECONDS: Final = 20
"""Of one long poll: well inside the idle time-out of common proxies."""
UNHELD_POLL_SECONDS: Final = 1.0
"""A poll that comes back sooner than this with no news was not held by the server: wait this long before the next."""

_LINK_REFUSED: Final = 403
"""What S3 answers to a link whose time is over."""


class JobOptions(TypedDict, total=False):
    """What may be asked for beside the picture; what is absent is decided by the server.

    `expires_in` is in seconds. `idempotency_key` names the upload: the same key and the same picture and options are
    the same job, for a day at least; without one each call is an upload of its own (retries inside a call are not).
    """

    preset: str
    variants: Sequence[Variant | Mapping[str, Any]]
    priority: Literal["normal", "bulk"]
    expires_in: int
    analyse: Sequence[str]
    meta: Mapping[str, str]
    webhook: str
    public: bool
    filename: str
    idempotency_key: str


class UploadOptions(JobOptions, total=False):
    """And of a file: what it is, and who hears how far it has gone out."""

    content_type: str
    on_progress: picture.OnProgress


class Downloaded(Struct, frozen=True, kw_only=True):
    """A variant that is on this disk, checked against its digest."""

    name: str
    path: Path
    bytes: int
    digest: str


class Conversation(Directing, Posting, Shelving, Telling):
    """Every verb against one address."""

    def upload(self, given: picture.Given, options: UploadOptions) -> Flow[Accepted]:
        """Send a picture: a path, its bytes, or a binary file. Answers as soon as the server owns the job.

        Raises BadInput, Refused (the server will not have it), Busy, ServerFault, Unreachable or StrangeAnswer.
        """
        key = checked_key(options.get("idempotency_key", str(uuid.uuid4())))
        filename = options.get("filename") or picture.name_of(given)
        media_type = options.get("content_type") or picture.type_of(filename)
        wished = _wished(options)
        with picture.opened(given, options.get("on_progress")) as file:
            if file.length > MAX_BODY_BYTES:
                return (yield from self._posted(file, wished, filename, media_type, key))
            ask = Ask(
                method="POST",
                url=f"{self.address}/uploads",
                headers={"Idempotency-Key": f'"{key}"'},
                parts=(
                    ("options", (None, wished, "application/json")),
                    ("file", (filename, file, media_type)),
                ),
            )
            return self._accepted((yield from self._answered(ask)))

    def upload_url(self, url: str, options: JobOptions) -> Flow[Accepted]:
        """Have the server fetch a picture: an https address on a public host. Answers once it is stored.

        Raises as `upload`; Refused too where the server fetches nothing, and ServerFault if that host does not answer.
        """
        key = checked_key(options.get("idempotency_key", str(uuid.uuid4())))
        scheme = url.partition("://")[0].lower()
        if scheme != "https":
            hint = "write https://, or send the file itself"
            raise BadInput(f"{url!r} is not fetched: only https addresses are", hint)
        named = {"filename": options["filename"]} if options.get("filename") else {}
        wish = {"url": url, **named, **msgspec.json.decode(_wished(options))}
        ask = Ask(
            method="POST",
            url=f"{self.address}/uploads",
            headers={"Idempotency-Key": f'"{key}"'},
            content=_json(wish),
            # a stack may give the other host a minute
            timeout_seconds=90,
        )
        return self._accepted((yield from self._answered(ask)))

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

    def _fetched(self, variant: VariantStatus, folder: Path) -> Flow[Downloaded]:
        url = urljoin(f"{self.address}/", variant.url or "")
        with saving.Saved(folder, variant) as saved:
            ask = Ask(method="GET", url=url, headers={"Accept-Encoding": "identity"}, sink=saved.write)
            answer = yield from self._answered(ask, before=saved.restart)
            if answer.status != 200:
                raise self._strange(answer)
            path = saved.keep()
        return Downloaded(name=variant.name, path=path, bytes=saved.bytes, digest=variant.digest or "")


def _wished(options: JobOptions) -> bytes:
    """The `options` part: only what was asked for, so that the server's own defaults hold for the rest."""
    names = ("preset", "variants", "priority", "expires_in", "analyse", "meta", "webhook", "public")
    return _json({name: options[name] for name in names if options.get(name) is not None})


def _json(wish: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(wish)
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise BadInput(f"these options cannot be written as JSON: {error}") from error


def _chosen(status: Status, wanted: list[str] | None) -> list[str]:
    """Names to fetch, in the order asked for; raises BadInput for one that is not there to be fetched."""
    there = [variant.name for variant in status.variants if variant.url]
    if wanted is None:
        if not there:
            why = f"darkroom status {status.id}"
            advice = f"see why with: {why}" if status.is_final else f"wait for it with: {why} --watch"
            raise BadInput(f"job {status.id} is {status.state} and has no variant to fetch", advice)
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
