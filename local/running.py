"""`python -m local run`: everything up, a picture through, and up until Ctrl-C."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from contracts.identifiers import OPEN_TENANT
from contracts.keys import Scope
from contracts.limits import DAY_SECONDS, MAX_BODY_BYTES, MIB
from local.folder import Folder, port_socket
from local.problems import CannotRun
from local.story import Story
from local.supervisor import Supervisor


class Interrupted(BaseException):
    """A signal asked the run to end."""


def run(image: Path | None, port: int, data: Path) -> None:
    """Return when the run was ended by a signal; raises CannotRun for everything that stops it earlier."""
    story = Story(sys.stdout)
    picture = None if image is None else readable(image)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    folder = Folder(data)
    folder.hold()
    try:
        listener = port_socket(port)
    except CannotRun:
        folder.release()
        raise
    supervisor = Supervisor(folder, listener, story)
    failure: CannotRun | None = None
    try:
        supervisor.up()
        threading.Thread(target=_show, args=(supervisor, picture, story), daemon=True, name="showing").start()
        failure = supervisor.supervise()
    except Interrupted:
        story.step("stopping")
    finally:
        # from here a second Ctrl-C would only leave processes behind
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        supervisor.down()
    if failure is not None:
        raise failure
    story.step("stopped; the data is kept in " + str(folder.path))


def readable(path: Path) -> Path:
    """The path of a picture that can be sent; raises CannotRun. Whether it is a picture, the service will say."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise CannotRun(f"{path} cannot be read: {error.strerror}; give a picture with IMAGE=") from None
    if size == 0:
        raise CannotRun(f"{path} is empty; give another picture with IMAGE=")
    if size > MAX_BODY_BYTES:
        raise CannotRun(f"{path} has {size} bytes; at most {MAX_BODY_BYTES // MIB} MiB are taken here")
    return path


def _show(supervisor: Supervisor, picture: Path | None, story: Story) -> None:
    # loaded while the services are starting: it brings an HTTP client and a picture library
    from local import showing

    key = _own_key(supervisor, story)
    try:
        showing.show(supervisor.url, picture or showing.sample(supervisor.folder.path), story, key)
    except CannotRun as failure:
        supervisor.stop_soon(failure)
        return
    story.line()
    story.line(f"The page is at {supervisor.url}/   (Ctrl-C stops; the data stays in {supervisor.folder.path})")


def _own_key(supervisor: Supervisor, story: Story) -> str | None:
    """A key for the run's own picture and whoever is at the terminal, who is shown it; None where none is asked for."""
    if supervisor.keys is None:
        return None
    scopes = (Scope.UPLOADS_WRITE, Scope.JOBS_READ, Scope.JOBS_WRITE)
    made = supervisor.keys.create(OPEN_TENANT, scopes, DAY_SECONDS)
    story.step(f"keys are required here; one for today: {made.key}")
    return made.key


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted
