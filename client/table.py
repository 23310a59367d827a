"""A job and its variants as a person reads them: a table on a terminal, aligned plain lines anywhere else.

`show` chooses; `variants_table` and `plain_table` are for who places them elsewhere. Used by `client.command`, and by
`local` for the first picture. Texts that came over the network are stripped of control characters and never markup.
"""

from typing import Final, TextIO

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from client.answers import Fault, JobLine, Status, VariantStatus

COLUMNS: Final = ("name", "size", "bytes", "saving", "ms", "link")
_NUMBERS: Final = frozenset({"bytes", "saving", "ms"})
_COLOURS: Final = {"completed": "green", "failed": "red", "cancelled": "yellow"}


def headline(status: Status) -> str:
    """The job in one line: what it was, where it is, how long it took, its id."""
    facts = [status.state.replace("_", " ")]
    if status.variants:
        facts.append(f"{status.progress.done} of {status.progress.total} variants")
    if status.created_at is not None and status.finished_at is not None:
        facts.append(f"{(status.finished_at - status.created_at).total_seconds() * 1000:.0f} ms")
    facts.append(f"job {status.id}")
    return clean(f"{status.source.filename or 'picture'}: {', '.join(facts)}")


def job_line(job: JobLine) -> str:
    """A job of a list in one line: when it was made, its id, where it is, its picture, what went wrong."""
    made = "" if job.created_at is None else f"{job.created_at:%Y-%m-%d %H:%M:%S}"
    facts = [made, job.id, f"{job.state.replace('_', ' '):19}", f"{job.progress.done}/{job.progress.total}"]
    facts += [job.filename or "", ", ".join(job.errors)]
    return clean("  ".join(facts)).rstrip()


def cause(status: Status) -> str | None:
    """Why the whole job came to nothing, in one line, if it says."""
    return None if status.error is None else _reason(status.error)


def variants_table(status: Status) -> Table:
    """For a terminal: coloured, links that can be clicked where the terminal knows how."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", no_wrap=column != "link")
    for variant in status.variants:
        cells = [Text(cell) for cell in _cells(variant, status.source.bytes, thousands=",")]
        cells[0].stylize(_COLOURS.get(variant.state, "default"))
        if variant.url:
            cells[-1] = Text("open", Style(link=variant.url, underline=True))
        table.add_row(*cells)
    return table


def plain_table(status: Status) -> str:
    """For a file or a pipe: columns by spaces, numbers without separators, the whole link last."""
    rows = [list(COLUMNS)] + [_cells(variant, status.source.bytes, thousands="") for variant in status.variants]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for cell, width, column in zip(row, widths, COLUMNS, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def show(status: Status, stream: TextIO) -> None:
    """Headline, reason if there is one, and the variants with their links."""
    if not stream.isatty():
        _write_lines(stream, headline(status), cause(status), plain_table(status) if status.variants else None)
        return
    console = Console(file=stream, highlight=False)
    console.print(Text(headline(status), "bold"), soft_wrap=True)
    if why := cause(status):
        console.print(Text(why, "red"), soft_wrap=True)
    if status.variants:
        console.print(variants_table(status))
    # not every terminal can click: the addresses once more, unbroken, to be copied
    _write_lines(stream, *(f"{variant.name}  {clean(variant.url)}" for variant in status.variants if variant.url))


def saving(source_bytes: int | None, variant_bytes: int | None) -> str:
    """How much smaller than the original, in whole percent; below zero where it is larger, never all of it."""
    if not source_bytes or variant_bytes is None:
        return ""
    percent = round(100 * (source_bytes - variant_bytes) / source_bytes)
    return ">99%" if percent == 100 else f"{percent}%"


def clean(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _cells(variant: VariantStatus, source_bytes: int | None, *, thousands: str) -> list[str]:
    if variant.state != "completed":
        why = "" if variant.error is None else _reason(variant.error)
        return [clean(variant.name), clean(variant.state), "", "", "", why]
    return [
        clean(variant.name),
        f"{variant.width}×{variant.height}",
        "" if variant.bytes is None else f"{variant.bytes:{thousands}}",
        saving(source_bytes, variant.bytes),
        "" if variant.elapsed_ms is None else f"{variant.elapsed_ms:.0f}",
        clean(variant.url or ""),
    ]


def _reason(error: Fault) -> str:
    text = error.detail or error.title
    return clean(f"{error.code}: {text}" if text else error.code)


def _write_lines(stream: TextIO, *lines: str | None) -> None:
    stream.write("".join(f"{line}\n" for line in lines if line is not None))
    stream.flush()
