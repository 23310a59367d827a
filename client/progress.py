"""How far it is, on standard error: bars on a terminal, a line for each change elsewhere, nothing with `--json`.

Used by `client.command`; standard output stays free for results.
"""

from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from client.answers import Status
from client.table import clean


class Reporter(Protocol):
    """Hears what happens to each file (or job), by the name it goes under."""

    def __enter__(self) -> "Reporter": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def sending(self, name: str, sent: int, total: int) -> None:
        """Bytes that went out, of all."""
        ...

    def seen(self, name: str, status: Status) -> None:
        """A status that is news."""
        ...

    def failed(self, name: str) -> None:
        """There will be no more of this one."""
        ...


class Quiet:
    """Says nothing."""

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def sending(self, name: str, sent: int, total: int) -> None:
        pass

    def seen(self, name: str, status: Status) -> None:
        pass

    def failed(self, name: str) -> None:
        pass


class Lines(Quiet):
    """A line for every change, and for no more: it may end in a log file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: dict[str, str] = {}

    def sending(self, name: str, sent: int, total: int) -> None:
        self._say(name, f"sending {human_bytes(total)}")

    def seen(self, name: str, status: Status) -> None:
        self._say(name, _stage(status))

    def _say(self, name: str, text: str) -> None:
        if self._last.get(name) != text:
            self._last[name] = text
            self._stream.write(f"{clean(name)}: {text}\n")
            self._stream.flush()


class Bars(Quiet):
    """A bar for each file: bytes while it goes out, then variants."""

    def __init__(self, stream: TextIO) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[stage]}"),
            TimeElapsedColumn(),
            console=Console(file=stream, highlight=False),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def sending(self, name: str, sent: int, total: int) -> None:
        self._show(name, sent, total, f"{human_bytes(sent)} of {human_bytes(total)}")

    def seen(self, name: str, status: Status) -> None:
        self._show(name, status.progress.done, status.progress.total, _stage(status))

    def failed(self, name: str) -> None:
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))

    def _show(self, name: str, done: int, total: int, stage: str) -> None:
        if name not in self._tasks:
            # escaped: a file may be named like markup
            description = Text(clean(name)).markup
            self._tasks[name] = self._progress.add_task(description, stage="")
        self._progress.update(self._tasks[name], completed=done, total=max(total, 1), stage=stage)


def reporter(stream: TextIO, *, quiet: bool) -> Reporter:
    """The one that suits where the text goes."""
    if quiet:
        return Quiet()
    return Bars(stream) if stream.isatty() else Lines(stream)


def human_bytes(count: int) -> str:
    """Decimal units, three digits or so: 829 kB, 3.4 MB."""
    if count < 1_000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def _stage(status: Status) -> str:
    state = clean(status.state.replace("_", " "))
    if status.progress.total and not status.is_final:
        return f"{state}, {status.progress.done} of {status.progress.total} variants"
    return state
