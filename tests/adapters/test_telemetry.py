"""Lines are JSON, one a fact, and carry no more of what a user sent than a label."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry import MAX_ITEMS, MAX_TEXT_CHARS, MAX_TRACEBACK_LINES, _serialized, cut_traceback, guarded

ROOT = Path(__file__).parents[2]


def lines(program: str, level: str = "info") -> list[dict[str, Any]]:
    """What a process writes that is configured so and runs this."""
    setup = f"from adapters import telemetry; telemetry.configure('tester', {level!r}); log = telemetry.logger()\n"
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", setup + program], cwd=ROOT, capture_output=True, check=True, env={}
    )
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_fact_is_one_line_of_json() -> None:
    (line,) = lines("log.bind(job_id='j').info('job.completed', variants=4, elapsed_ms=21.5, note=None, text='é\\n')")
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "job.completed",
        "level": "info",
        "process": "tester",
        "job_id": "j",
        "variants": 4,
        "elapsed_ms": 21.5,
        "note": None,
        "text": "é\n",
    }


def test_lines_below_the_level_are_not_written() -> None:
    program = "log.debug('a'); log.info('b'); log.warning('c'); log.error('d')"
    assert [line["event"] for line in lines(program, "debug")] == ["a", "b", "c", "d"]
    assert [line["event"] for line in lines(program, "warning")] == ["c", "d"]
    assert [line["event"] for line in lines(program, "error")] == ["d"]


def test_a_bug_is_one_line_with_its_traceback() -> None:
    (line,) = lines(
        """
def deep(count): return 1 / 0 if not count else deep(count - 1)
try: deep(100)
except ZeroDivisionError: log.exception('reader.crashed', queue='jobs')
"""
    )
    assert (line["event"], line["level"], line["queue"]) == ("reader.crashed", "error", "jobs")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")
    assert len(line["exception"].splitlines()) <= MAX_TRACEBACK_LINES


def test_an_exceptions_message_is_cut_like_any_text() -> None:
    line = cut_traceback(None, "", {"exception": "Traceback\n" + "ValueError: " + "x" * 10_000})
    assert len(line["exception"]) < 2 * MAX_TEXT_CHARS


def test_libraries_speak_through_the_same_lines() -> None:
    program = "import logging, warnings; logging.getLogger('botocore.credentials').warning('%s is late', 'it')\n"
    (spoke, warned) = lines(program + "warnings.warn('old', stacklevel=1); logging.getLogger('x').info('not this')")
    assert (spoke["event"], spoke["level"], spoke["library"], spoke["text"]) == (
        "library.spoke",
        "warning",
        "botocore.credentials",
        "it is late",
    )
    assert (warned["library"], "old" in warned["text"]) == ("py.warnings", True)


def test_a_level_of_a_librarys_own_is_the_one_below_it() -> None:
    (line,) = lines("import logging; logging.getLogger('x').log(35, 'notice')")
    assert line["level"] == "warning"


def test_what_a_context_binds_is_in_every_line() -> None:
    program = "import structlog; structlog.contextvars.bind_contextvars(request_id='r'); log.info('a')"
    assert [line["request_id"] for line in lines(program)] == ["r"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.text()))


@given(values)
def test_whatever_is_logged_is_short_json_without_bytes(value: object) -> None:
    line = json.loads(_serialized(guarded(None, "", {"event": "e", "value": value})))
    assert len(json.dumps(line)) < MAX_ITEMS * 2 * (6 * MAX_TEXT_CHARS + 100)
    if isinstance(value, bytes):
        assert line["value"] == f"({len(value)} bytes)"
    if isinstance(value, str) and len(value) <= MAX_TEXT_CHARS:
        assert line["value"] == value


@given(st.text(min_size=MAX_TEXT_CHARS + 1, max_size=2 * MAX_TEXT_CHARS))
def test_long_text_is_cut_and_says_so(text: str) -> None:
    cut = guarded(None, "", {"value": text})["value"]
    assert cut == f"{text[:MAX_TEXT_CHARS]}… ({len(text)} characters)"


@given(st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=1) | st.integers(min_value=2**70))
def test_what_json_can_hardly_carry_loses_no_line(value: object) -> None:
    assert json.loads(_serialized({"event": "e", "value": value}))["value"] == value


def test_configuring_changes_nothing_at_import() -> None:
    """Presence is shown above; and in a process of its own, as in this one others may have configured something."""
    program = (
        "import logging, structlog, warnings; shown = warnings.showwarning; import adapters.telemetry\n"
        "print(logging.getLogger().handlers, warnings.showwarning is shown, structlog.is_configured())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, env={})
    assert done.stdout == b"[] True False\n"
