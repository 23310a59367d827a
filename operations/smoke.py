"""Whether a deployed stack does its work: one picture through the public API, every variant fetched and checked.

`python -m operations.smoke ADDRESS PICTURE`; `make smoke STACK=...` knows both. The API key is DARKROOM_KEY.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from client.drivers import Darkroom
from client.errors import DarkroomError

PATIENCE_SECONDS: Final = 120
"""For the picture, once it was taken: a cold function and a queue that others use too."""


def smoke(address: str, picture: Path, key: str | None = None, patience: float = PATIENCE_SECONDS) -> str:
    """One line about what was seen; raises DarkroomError for whatever did not work.

    The client checks the digest of each variant against the one that the job tells.
    """
    began = time.monotonic()
    with Darkroom(address, key) as darkroom, tempfile.TemporaryDirectory() as folder:
        accepted = darkroom.upload(picture)
        status = darkroom.wait(accepted.id, timeout=patience)
        if not status.is_success:
            raise DarkroomError(f"job {status.id} ended as {status.state}")
        fetched = darkroom.download(status, folder)
    return f"{len(fetched)} variants of {picture.name} in {time.monotonic() - began:.1f} s, job {status.id}"


def main(arguments: Sequence[str] | None = None, key: str | None = None) -> int:
    parser = argparse.ArgumentParser(prog="smoke", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("picture", type=Path)
    given = parser.parse_args(arguments)
    try:
        said = smoke(given.address, given.picture, key)
    except DarkroomError as error:
        sys.stderr.write(f"{given.address}: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(key=os.environ.get("DARKROOM_KEY")))
