"""The commands of this room: run, preview, permissions, calls. Exit code 2 and one line if a command cannot go on."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from local.problems import CannotRun


def main(arguments: list[str]) -> int:
    try:
        return 0 if _carry_out(_parser().parse_args(arguments)) else 1
    except CannotRun as reason:
        print(f"darkroom: {reason}", file=sys.stderr)  # noqa: T201 (this is the answer)
        return 2
    except ModuleNotFoundError as missing:
        print(f"darkroom: the library {missing.name} is missing; run: make env", file=sys.stderr)  # noqa: T201
        return 2


def _carry_out(parsed: argparse.Namespace) -> bool:
    """Whether what the command looks for is so."""
    # each command loads what it needs, so that a missing library is told and not a traceback
    if parsed.command == "run":
        from local.running import run

        run(parsed.image, parsed.port, parsed.data)
        return True
    elif parsed.command == "preview":
        from local.preview import preview

        preview(parsed.stack, as_json=parsed.json)
        return True
    elif parsed.command == "permissions":
        from local.permissions import permissions

        return permissions()
    from local.calls import calls

    return calls(parsed.jobs, parsed.at_once)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with an argument."""

    def error(self, message: str) -> NoReturn:
        raise CannotRun(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m local", description="The pipeline on the embedded cloud.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything, put a picture through, stay up")
    run.add_argument("image", type=Path, nargs="?", help="picture to put through; without it a sample")
    run.add_argument("--port", type=int, default=8000, help="of the upload service and its page")
    run.add_argument("--data", type=Path, default=Path(".data"), help="folder of everything that is kept")
    preview = commands.add_parser("preview", help="what a first deployment of a stack would make; needs no account")
    preview.add_argument("--stack", required=True, help="a stack that has a file: Pulumi.<stack>.yaml")
    preview.add_argument("--json", action="store_true", help="the plan for a program to read")
    commands.add_parser("permissions", help="permissions used, against permissions granted")
    calls = commands.add_parser("calls", help="calls to AWS that a job takes, counted at the server")
    calls.add_argument("--jobs", type=_count, default=200, help="jobs of four variants each")
    calls.add_argument("--at-once", type=_count, default=16, help="jobs in the pipeline at once")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
