"""A picture through the pipeline, as a client would send it, and the table of its variants."""

import importlib
import io
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image

from client import BadInput, Darkroom, DarkroomError, Refused, Status, table
from local.problems import CannotRun
from local.state import write_whole
from local.story import Story, silence

_PATIENCE_SECONDS = 60


def sample(folder: Path) -> Path:
    """The picture that is shown when none is named: made once, then kept in the folder."""
    path = folder / "sample.jpg"
    if not path.exists():
        write_whole(path, _sample_bytes())
    return path


def show(url: str, picture: Path, story: Story, key: str | None = None) -> Status:
    """Send the picture, wait for its variants, print them; raises CannotRun if it is not taken or not made."""
    begun = time.monotonic()
    try:
        with Darkroom(url, key) as darkroom:
            accepted = darkroom.upload(picture)
            status = darkroom.wait(accepted.id, timeout=_PATIENCE_SECONDS)
    except (Refused, BadInput) as refusal:
        raise CannotRun(f"{picture} was not taken: {' '.join(str(refusal).split())}") from None
    except DarkroomError as error:
        raise CannotRun(f"{picture} did not get through: {' '.join(str(error).split())}") from None
    if status.state in ("rejected", "failed"):
        raise CannotRun(f"{picture} was {status.state}: {table.cause(status) or 'see the logs'}")
    story.step(f"{picture.name} went through the pipeline in {time.monotonic() - begun:.1f} s")
    story.line()
    try:
        table.show(status, sys.stdout)
    except BrokenPipeError:
        silence(sys.stdout)
    return status


def _sample_bytes() -> bytes:
    try:
        module: Any = importlib.import_module("benchmarks.sample")
    except ModuleNotFoundError:
        return _gradient()
    made = module.sample_photo()
    return made if isinstance(made, bytes) else Path(made).read_bytes()


def _gradient() -> bytes:
    # three gradients that cross, as large as a small camera's picture
    width, height = 2400, 1600
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    round_ = Image.radial_gradient("L").resize((width, height))
    buffer = io.BytesIO()
    Image.merge("RGB", (across, down, round_)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
