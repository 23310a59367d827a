"""JSON lines on stdout, one a fact: `job.completed` and its numbers. Called once, by each composition root.

What a user sent must not get here; as a second wall, bytes are replaced by their length and long text is cut.
"""

import json
import logging
import sys
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

MAX_TEXT_CHARS: Final = 300
MAX_TRACEBACK_LINES: Final = 60
MAX_ITEMS: Final = 20
"""Of a list or dict in a line; deeper than one level only their number is told."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(process: str, level: str) -> None:
    """Send every line of structlog, and warnings of libraries, to stdout. `process` is told in each line.

    `level` is debug, info, warning or error: lines below it cost next to nothing.
    """

    def named(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["process"] = process
        return line

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            named,
            guarded,
            structlog.processors.format_exc_info,
            cut_traceback,
            structlog.processors.JSONRenderer(serializer=_serialized),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def logger() -> Any:
    """The logger; bind `job_id` and `request_id` to it wherever they are known."""
    return structlog.get_logger()


def guarded(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Cuts long text, replaces bytes by their number, keeps small lists and dicts of such values."""
    for name, value in line.items():
        if name not in ("exc_info", "stack_info"):
            line[name] = _cut(value, deep=True)
    return line


def cut_traceback(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """A traceback keeps its last lines, each cut like any other text: an exception's message may quote its input."""
    traceback = line.get("exception")
    if isinstance(traceback, str):
        line["exception"] = "\n".join(_cut(text) for text in traceback.splitlines()[-MAX_TRACEBACK_LINES:])
    return line


def _cut(value: Any, *, deep: bool = False) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARS else f"{value[:MAX_TEXT_CHARS]}… ({len(value)} characters)"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    if isinstance(value, dict):
        if not deep:
            return f"({len(value)} entries)"
        return {_cut(str(name)): _cut(one) for name, one in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cut(one) for one in list(value)[:MAX_ITEMS]] if deep else f"({len(value)} items)"
    if isinstance(value, BaseException):
        return _cut(f"{type(value).__name__}: {value}")
    return _cut(str(value))


def _serialized(line: EventDict, **_: Any) -> bytes:
    try:
        return msgspec.json.encode(line)
    except (TypeError, ValueError, OverflowError):
        # half a surrogate pair, a number of a hundred digits: slower, but a line is never lost
        return json.dumps(line, default=str).encode()


class _Bridge(logging.Handler):
    """What libraries have to say (botocore, uvicorn, warnings), as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            # a library may have levels of its own between the usual ones
            min(record.levelno // 10 * 10, logging.CRITICAL),
            "library.spoke",
            library=record.name,
            text=record.getMessage(),
            exc_info=record.exc_info or None,
        )
