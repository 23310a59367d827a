"""What a look at the account found: one line each, with what to do about it. Shown as a table or as JSON."""

from collections.abc import Sequence
from typing import Final, Literal, TextIO

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

Level = Literal["ok", "warning", "problem"]

_COLOURS: Final[dict[Level, str]] = {"ok": "green", "warning": "yellow", "problem": "red"}


class Finding(Struct, frozen=True, kw_only=True):
    level: Level
    check: str
    """What was looked at, in a word or two."""
    says: str
    fix: str = ""
    """What to do, in one line; empty where all is well."""


def ok(check: str, says: str) -> Finding:
    return Finding(level="ok", check=check, says=says)


def warning(check: str, says: str, fix: str) -> Finding:
    """The stack comes up, and it will matter later; or it could not be looked at."""
    return Finding(level="warning", check=check, says=says, fix=fix)


def problem(check: str, says: str, fix: str) -> Finding:
    """`pulumi up` would fail, or what comes up would not work."""
    return Finding(level="problem", check=check, says=says, fix=fix)


def worst(findings: Sequence[Finding]) -> Level:
    levels = {finding.level for finding in findings}
    return "problem" if "problem" in levels else "warning" if "warning" in levels else "ok"


def summary(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level == level for finding in findings) for level in ("problem", "warning", "ok")}
    return ", ".join(f"{count} {level}{'s' * (count != 1 and level != 'ok')}" for level, count in counts.items())


def show(findings: Sequence[Finding], stream: TextIO) -> None:
    """A table on a terminal; elsewhere a line each, and the fix under what needs one."""
    if stream.isatty():
        Console(file=stream, highlight=False).print(_table(findings))
        return
    width = max((len(finding.check) for finding in findings), default=0)
    for finding in findings:
        stream.write(f"{finding.level:<8} {finding.check:<{width}}  {finding.says}\n")
        if finding.fix:
            stream.write(f"{'':<8} {'':<{width}}  -> {finding.fix}\n")


def to_json(findings: Sequence[Finding]) -> str:
    answer = {"level": worst(findings), "findings": list(findings)}
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("", "check", "found"):
        table.add_column(column, no_wrap=column != "found")
    for finding in findings:
        says = Text(finding.says)
        if finding.fix:
            says.append(f"\n-> {finding.fix}", Style(bold=True))
        table.add_row(Text(finding.level, _COLOURS[finding.level]), Text(finding.check), says)
    return table
