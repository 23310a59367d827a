"""Forms for a direct upload, put to a use that they were not signed for (B49 to B56)."""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import httpx

from contracts.formats import ImageFormat
from tests.support import pictures
from tests.support.bad_inputs.asked import Answer, Asked
from tests.support.bad_inputs.forms import JPEG
from tests.support.bad_inputs.outcome import Seen

if TYPE_CHECKING:
    from tests.support.bad_inputs.bench import Bench

Form = dict[str, Any]
OPTIONS: Final = {"variants": [{"name": "a", "resize": {"width": 8}}]}


def presigned(bench: "Bench", **wanted: Any) -> Form:
    """A form for one JPEG."""
    wish = {"content_type": "image/jpeg", "bytes": len(JPEG), **OPTIONS, **wanted}
    said = json.dumps({name: value for name, value in wish.items() if value is not None}).encode()
    answer = bench.ask(Asked(path="/uploads/presign", headers=(("Content-Type", "application/json"),), body=said))
    assert answer.status == 201, answer.document
    return answer.document


def posted(form: Form, body: bytes = JPEG, *, without: str = "", **fields: str) -> int:
    """S3's status for the form, filled in with these fields instead of or beside its own."""
    filled = {name: value for name, value in {**form["fields"], **fields}.items() if name != without}
    return httpx.post(form["url"], data=filled, files={"file": ("a", body, "image/jpeg")}, timeout=60).status_code


def completed(bench: "Bench", form: Form, key: str | None = None) -> Answer:
    return bench.ask(Asked(path=form["complete_url"]), key)


def misused(use: Callable[[Form], int], **wanted: Any) -> "Callable[[Bench], Seen]":
    """S3 refuses it; nothing is there to be completed."""

    def send(bench: "Bench") -> Seen:
        form = presigned(bench, **wanted)
        s3 = use(form)
        answer = completed(bench, form)
        return Seen(s3=s3, status=answer.status, code=answer.code, job_id=form["id"], waits=False)

    return send


def _late(bench: "Bench") -> Seen:
    form = bench.early["late"]()
    s3 = posted(form)
    answer = completed(bench, form)
    return Seen(s3=s3, status=answer.status, code=answer.code, job_id=form["id"])


def _swapped(bench: "Bench") -> Seen:
    """What was completed is what is made into variants, whatever is posted over it."""
    form = presigned(bench, bytes=None, max_bytes=1_000_000)
    first = posted(form)
    answer = completed(bench, form)
    second = posted(form, pictures.encoded(pictures.photo(80, 60), ImageFormat.JPEG))
    assert second == first
    source = bench.ended(form["id"])["source"]
    assert source["sha256"] == hashlib.sha256(JPEG).hexdigest()
    return Seen(s3=second, status=answer.status, code=answer.code, job_id=form["id"])


def _as_signed(without: str) -> "Callable[[Bench], Seen]":
    def send(bench: "Bench") -> Seen:
        form = presigned(bench)
        s3 = posted(form, without=without)
        answer = completed(bench, form)
        return Seen(s3=s3, status=answer.status, code=answer.code, job_id=form["id"])

    return send


def _nothing_posted(bench: "Bench") -> Seen:
    form = presigned(bench)
    answer = completed(bench, form)
    return Seen(status=answer.status, code=answer.code, job_id=form["id"], waits=False)


def _another_tenants(bench: "Bench") -> Seen:
    form = presigned(bench)
    s3 = posted(form)
    answer = completed(bench, form, bench.other_key)
    return Seen(s3=s3, status=answer.status, code=answer.code, job_id=form["id"])


def _twice(bench: "Bench") -> Seen:
    form = presigned(bench)
    s3 = posted(form)
    answers = [completed(bench, form) for _ in range(2)]
    assert answers[0].status == answers[1].status
    return Seen(s3=s3, status=answers[1].status, code=answers[1].code, job_id=form["id"])


def _of_another_kind(body: bytes) -> "Callable[[Bench], Seen]":
    def send(bench: "Bench") -> Seen:
        form = presigned(bench, bytes=len(body))
        s3 = posted(form, body)
        answer = completed(bench, form)
        return Seen(s3=s3, status=answer.status, code=answer.code, job_id=form["id"])

    return send


SENDERS: Final = {
    "B49": {
        "another job's": misused(lambda form: posted(form, key="direct/other/x/original")),
        "above its own": misused(lambda form: posted(form, key=form["fields"]["key"] + "/../../x")),
    },
    "B50": {
        "one byte more": misused(lambda form: posted(form, JPEG + b"1")),
        "one byte less": misused(lambda form: posted(form, JPEG[:-1])),
        "more than at most": misused(lambda form: posted(form), bytes=None, max_bytes=len(JPEG) - 1),
    },
    "B51": {
        "HTML": misused(lambda form: posted(form, **{"Content-Type": "text/html"})),
        "PNG": misused(lambda form: posted(form, **{"Content-Type": "image/png"})),
    },
    "B52": {
        "x-amz-acl": misused(lambda form: posted(form, **{"x-amz-acl": "public-read"})),
        "a redirect": misused(lambda form: posted(form, success_action_redirect="https://evil.example/")),
        "meta data": misused(lambda form: posted(form, **{"x-amz-meta-evil": "1"})),
        "other bytes than the digest's": misused(
            lambda form: posted(form, bytes(len(JPEG))), sha256=hashlib.sha256(JPEG).hexdigest()
        ),
    },
    "B53": {"after its time": _late},
    "B54": {"posted over": _swapped},
    "B55": {"no word of encryption": _as_signed("x-amz-server-side-encryption")},
    "B56": {
        "nothing posted": _nothing_posted,
        "of another tenant": _another_tenants,
        "twice": _twice,
        "a PNG": _of_another_kind(pictures.sample(ImageFormat.PNG)),
        "no picture": _of_another_kind(b"no picture at all"),
    },
}
