"""Pictures that are laid over others, where presets are compared: from files that were named, or from the service.

In a stack they are variants of jobs (`contracts/assets.py`); of stored jobs `upgrade` gets them from the results.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from client.drivers import Darkroom
from client.errors import BadInput, DarkroomError
from contracts.assets import place_of
from contracts.errors import PipelineError
from contracts.formats import SNIFF_BYTES, sniff
from contracts.limits import MAX_ASSET_PIXELS
from functions.transform.steps.decode import inspect

_HOW = "--watermark NAME=FILE, where NAME is <job id>.<variant> or the variant alone"


def named(words: Iterable[str], names: Sequence[str]) -> dict[str, bytes]:
    """Of `NAME=FILE` words: bytes by the names that overlays call them, which are `names`. Raises BadInput."""
    found: dict[str, bytes] = {}
    for word in words:
        name, equals, file = word.partition("=")
        if not (name and equals and file):
            raise BadInput(f"{word!r} names no watermark and its file", f"write it as {_HOW}")
        meant = [one for one in names if name in (one, place_of(one)[1])]
        if not meant:
            there = "the watermarks are " + ", ".join(names) if names else "they have none"
            raise BadInput(f"neither preset has a watermark {name}", there)
        if len(meant) > 1:
            raise BadInput(f"{name} may be any of {', '.join(meant)}", "write its name whole")
        found[meant[0]] = _picture(Path(file))
    return found


def fetched(names: Iterable[str], url: str, api_key: str | None) -> Mapping[str, bytes]:
    """From the service whose jobs they are variants of. Raises BadInput for one that is not to be had."""
    found: dict[str, bytes] = {}
    for name in names:
        job_id, variant = place_of(name)
        try:
            with tempfile.TemporaryDirectory() as folder, Darkroom(url, api_key) as darkroom:
                (saved,) = darkroom.download(job_id, folder, [variant])
                found[name] = Path(saved.path).read_bytes()
        except DarkroomError as error:
            raise BadInput(f"the watermark {name} is not to be had: {error}", f"name its file: {_HOW}") from error
    return found


def _picture(path: Path) -> bytes:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", _HOW) from error
    form = sniff(body[:SNIFF_BYTES])
    if form is None:
        raise BadInput(f"{path} is no picture that is read here", _HOW)
    try:
        width, height = inspect(body, form).upright
    except PipelineError as error:
        raise BadInput(f"{path} is no good picture: {error.detail}", _HOW) from error
    if width * height > MAX_ASSET_PIXELS:
        raise BadInput(f"{path} has {width * height} pixels", f"a watermark has at most {MAX_ASSET_PIXELS}")
    return body
