"""Requests that are well written and ask for what is not theirs, or not there (B23 to B30)."""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.support import pictures
from tests.support.bad_inputs.asked import Asked
from tests.support.bad_inputs.forms import JPEG, LIGHT, Maker, form
from tests.support.bad_inputs.outcome import Seen
from tests.support.upload_room import file_part, options_part

if TYPE_CHECKING:
    from tests.support.bad_inputs.bench import Bench

UNKNOWN: Final = "0192f0c4-7d1e-7c3a-9a55-3f1f0c9d2b77"


def read(path: str, *headers: tuple[str, str], **more: object) -> Asked:
    return Asked(method="GET", path=path, headers=headers, **more)


def keyed(key: str) -> Maker:
    """An upload under this Idempotency-Key."""
    return lambda: form(options_part(LIGHT), file_part(JPEG), headers=(("Idempotency-Key", key),))


def status_of(job_id: str) -> Maker:
    return partial(read, "/status/" + job_id)


REQUESTS: Final[dict[str, dict[str, Maker]]] = {
    "B27": {
        "dots": status_of(".."),
        "dots in per cent": status_of("%2e%2e"),
        "10 kB": status_of("9" * 10_000),
        "SQL": status_of("'%20OR%201=1%20--"),
        "NUL": status_of("%00"),
        "other digits": status_of("%D9%A3" * 8),
        "upper case": status_of(UNKNOWN.upper()),
        "a line break behind it": status_of(UNKNOWN + "%0a"),
        "in braces": status_of("%7B" + UNKNOWN + "%7D"),
        "of no job": status_of(UNKNOWN),
        "a variant of no job": partial(read, f"/jobs/{UNKNOWN}/variants/a"),
        "no address at all": partial(read, "/nothing"),
    },
    "B28": {
        "empty": keyed(""),
        "empty in quotes": keyed('""'),
        "blank": keyed("   "),
        "256 characters": keyed("k" * 256),
        "a tab": keyed("a\tb"),
        "an open quote": keyed('"open'),
        "not ASCII": keyed("schlüssel"),
        "two of them": lambda: form(
            options_part(LIGHT), file_part(JPEG), headers=(("Idempotency-Key", "a"), ("Idempotency-Key", "b"))
        ),
    },
}


def refused(make: "Callable[[Bench], Asked]") -> "Callable[[Bench], Seen]":
    """One request that is made of what the bench has."""

    def send(bench: "Bench") -> Seen:
        answer = bench.ask(make(bench))
        return Seen(status=answer.status, code=answer.code)

    return send


def _with(key: str | None) -> Asked:
    headers = () if key is None else (("Authorization", f"Bearer {key}"),)
    return form(options_part(LIGHT), file_part(JPEG), headers=headers, is_keyed=False)


def _wrong(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def _many_sources(bench: "Bench") -> Seen:
    """A thousand wrong keys from a thousand addresses that the sender made up: none of them is a way in."""
    seen = set()
    for number in range(1_000):
        source = f"198.51.{number // 250}.{number % 250}"
        asked = read(
            "/jobs", ("X-Forwarded-For", source), ("Authorization", f"Bearer {_wrong(bench.key)}"), is_keyed=False
        )
        answer = bench.ask(asked)
        assert "www-authenticate" in answer.headers or answer.status == 429
        seen.add(answer.status)
    assert seen <= {401, 429}
    return Seen(status=401, code="unauthenticated")


def _no_host(bench: "Bench") -> Seen:
    answer = bench.ask(read("/nothing", ("X-Forwarded-Host", "evil.example"), host=None))
    assert b"evil" not in answer.body
    return Seen(status=answer.status, code=answer.code)


def _forwarded_host(bench: "Bench") -> Seen:
    answer = bench.ask(read("/nothing", ("X-Forwarded-Host", "evil.example")))
    assert b"evil" not in answer.body
    return Seen(status=answer.status, code=answer.code)


def _origin(origin: str) -> "Callable[[Bench], Seen]":
    """No other site's page may read what is answered."""

    def send(bench: "Bench") -> Seen:
        answer = bench.ask(read(f"/status/{bench.job_id}", ("Origin", origin)))
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        return Seen(status=answer.status, code=answer.code)

    return send


def _reused(bench: "Bench") -> Asked:
    other = pictures.encoded(pictures.photo(40, 30, seed=7), "jpeg")
    return form(options_part(LIGHT), file_part(other), headers=(("Idempotency-Key", bench.TAKEN),))


def _two_tenants(bench: "Bench") -> Seen:
    """Two jobs, and neither hears of the other."""
    asked = form(options_part(LIGHT), file_part(JPEG), headers=(("Idempotency-Key", f"B29 {time.time_ns()}"),))
    mine, theirs = bench.ask(asked), bench.ask(asked, bench.other_key)
    ids = mine.document["id"], theirs.document["id"]
    assert ids[0] != ids[1]
    assert theirs.status == mine.status
    assert bench.ended(ids[1], bench.other_key)["state"] == "completed"
    return Seen(status=mine.status, job_id=ids[0])


def _lines_in_the_log(bench: "Bench") -> Seen:
    """What is asked for is never a line of its own in what the service writes down."""
    answer = bench.ask(read('/status/a%0d%0a{"event":"forged","injected":true}'))
    lines = bench.log_lines()
    assert all(isinstance(json.loads(line), dict) for line in lines if line)
    assert not [line for line in lines if "forged" in line or "injected" in line]
    return Seen(status=answer.status, code=answer.code)


SENDERS: Final = {
    "B23": {
        "none": refused(lambda bench: _with(None)),
        "wrong": refused(lambda bench: _with(_wrong(bench.key))),
        "expired": refused(lambda bench: _with(bench.expired_key)),
        "revoked": refused(lambda bench: _with(bench.revoked_key)),
        "in lower case": refused(lambda bench: _with(bench.key.replace("dk_", "dk_A"))),
        "in upper case": refused(lambda bench: _with(bench.key.upper())),
        "of 8 kB": refused(lambda bench: _with("x" * 8_000)),
        "without the scope": refused(lambda bench: _with(bench.reading_key)),
    },
    "B24": {"1 000 made-up sources": _many_sources},
    "B25": {"no Host": _no_host, "another X-Forwarded-Host": _forwarded_host},
    "B26": {
        origin: _origin(origin)
        for origin in ("https://evil.example", "null", "http://127.0.0.1.evil.example", "https://a.b$.example")
    },
    "B27": {
        "another tenant's": refused(lambda bench: read(f"/status/{bench.other_job_id}")),
        "a variant of another tenant's": refused(lambda bench: read(f"/jobs/{bench.other_job_id}/variants/a")),
        "another tenant's, deleted": refused(lambda bench: Asked(method="DELETE", path=f"/jobs/{bench.other_job_id}")),
    },
    "B28": {"another body": refused(_reused)},
    "B29": {"the same key": _two_tenants},
    "B30": {"in per cent": _lines_in_the_log},
}
