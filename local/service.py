"""Entry point of a service's process: `python -m local.service <module> <parent>`. Started by the supervisor.

It loads the service, which takes most of its start and needs nothing, and then waits on standard input for the
environment that the program makes meanwhile: one line of JSON. From there on it is `python -m <module>`, but that it
ends with its parent, however that ends.
"""

import contextlib
import importlib
import json
import os
import runpy
import signal
import sys

from local.lifeline import follow_parent


def main() -> None:
    module, parent = sys.argv[1:3]
    # the job is safe without it: the ledger and the queues know everything that a killed service knew
    follow_parent(int(parent), signal.SIGKILL)
    with contextlib.suppress(ImportError):
        # whatever is wrong with it is told when it is run
        importlib.import_module(f"{module}.__main__")
    # what it loaded stays; itself is run below as if it were new
    sys.modules.pop(f"{module}.__main__", None)
    line = sys.stdin.readline()
    if not line:
        return
    os.environ.update(json.loads(line))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
