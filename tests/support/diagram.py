"""The state diagram of docs/architecture.md, made from the table in contracts/lifecycle.py.

python -m tests.support.diagram        writes it between the markers (`make docs`)
"""

from pathlib import Path
from typing import Final

from contracts.job import JobState
from contracts.lifecycle import TABLE

PAGE: Final = Path(__file__).parents[2] / "docs" / "architecture.md"
BEGIN: Final = "<!-- states:begin -->"
END: Final = "<!-- states:end -->"


def diagram() -> str:
    """Mermaid text: every move between two different states, with the events that make it."""
    moves: dict[tuple[JobState, JobState], list[str]] = {}
    for event, row in TABLE.items():
        for before, afters in row.moves.items():
            for after in afters:
                if after is not before:
                    moves.setdefault((before, after), []).append(event.__name__)
    lines = ["stateDiagram-v2", "    [*] --> awaiting_upload: Reserved"]
    lines += [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in moves.items()]
    lines.append("    deleted --> [*]")
    return "\n".join(["```mermaid", *lines, "```"])


def with_diagram(page: str) -> str:
    """The page with what stands between the markers made anew; raises ValueError where they are missing."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_diagram(PAGE.read_text()))
