"""A whole stack in a folder of its own for as long as a `with` lasts: for the counters and for tests."""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.folder import Folder, port_socket
from local.story import Story
from local.supervisor import Supervisor


@contextmanager
def temporary(
    overrides: dict[str, Any] | None = None, story: Story | None = None, kind: type[Supervisor] = Supervisor
) -> Iterator[Supervisor]:
    """A stack that is up, and is kept up; the folder goes with it. It may be taken `down` earlier, to read its logs.

    `overrides` are laid over the `pipeline` object of the stack's configuration: shorter times, say. `kind` is for who
    gives its processes something else than what the program made.
    """
    place = Path(tempfile.mkdtemp(prefix="darkroom-"))
    folder = Folder(place)
    folder.hold()
    supervisor = kind(folder, port_socket(0), story or Story(None), overrides)
    # a process ends with the thread that started it, so this one stays until everything is down
    finished = threading.Event()

    def supervise() -> None:
        supervisor.supervise()
        finished.wait()

    keeping = threading.Thread(target=supervise, name="keeping")
    try:
        supervisor.up()
        keeping.start()
        yield supervisor
    finally:
        supervisor.stop_soon()
        supervisor.down()
        finished.set()
        if keeping.ident is not None:
            keeping.join()
        shutil.rmtree(place, ignore_errors=True)
