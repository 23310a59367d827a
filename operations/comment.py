"""What a pipeline writes on GitHub: Markdown around what other commands printed, never longer than GitHub takes.

`python -m operations.comment plan REVIEW PLAN` and `python -m operations.comment drift DRIFT`, each to standard output.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MAX_CHARS: Final = 65_536
"""Of the body of a comment or an issue, as GitHub's API refuses longer ones."""

_MARK: Final = "<!-- darkroom: the plan -->"
_FENCE: Final = "```"


def plan_comment(review: str, plan: str) -> str:
    """The review (cost, the first quota met) above the plan, which is folded away and cut if it must be."""
    head = f"{_MARK}\n{review.strip()}\n\n<details><summary>The plan</summary>\n\n"
    return _fitted(head, plan, "\n\n</details>\n")


def drift_issue(drift: str) -> str:
    """What a person finds in the issue; nothing at all if there is no drift."""
    if not drift.strip():
        return ""
    head = (
        "AWS has something that the program does not declare, or the other way round. Somebody changed it by hand, or "
        "an `up` was stopped. `make deploy` puts the declared state back; if the change was wanted, declare it.\n\n"
    )
    return _fitted(head, drift, "\n")


def _fitted(head: str, text: str, tail: str) -> str:
    """Text in a fence, cut to what is left between head and tail. No run of backticks in it can close the fence."""
    text = text.strip("\n").replace(_FENCE, "'''")
    note = "\n(cut here; the whole of it is in the log of the job)"
    room = MAX_CHARS - len(head) - len(tail) - 2 * len(_FENCE) - 2
    if len(text) > room:
        text = text[: max(0, room - len(note))].rstrip("\n") + note
    return f"{head}{_FENCE}\n{text}\n{_FENCE}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="comment", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    plan = kinds.add_parser("plan")
    plan.add_argument("review", type=Path)
    plan.add_argument("plan", type=Path)
    kinds.add_parser("drift").add_argument("drift", type=Path)
    given = parser.parse_args(arguments)
    if given.kind == "plan":
        sys.stdout.write(plan_comment(given.review.read_text(), given.plan.read_text()))
    else:
        sys.stdout.write(drift_issue(given.drift.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
