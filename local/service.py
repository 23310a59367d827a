"""Entry point of a service's process: `python -m local.service <module> <parent>`. Started by the supervisor.

It ends with its parent, however that ends; apart from that it is `python -m <module>`.
"""

import runpy
import signal
import sys

from local.lifeline import follow_parent


def main() -> None:
    module, parent = sys.argv[1:3]
    # the job is safe without it: the ledger and the queues know everything that a killed service knew
    follow_parent(int(parent), signal.SIGKILL)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
