"""Ends with 0 if the service in this container answers, else with 1 and a line."""

import os
import sys

from services.health import check

if __name__ == "__main__":
    sys.exit(check(os.environ))
