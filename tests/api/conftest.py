"""The collection's surroundings: a stack that is up, and the pictures that its requests send."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts.formats import ImageFormat
from contracts.keys import Scope
from contracts.limits import MAX_BODY_BYTES
from local.temporary import temporary
from tests.support import pictures


class Addresses(NamedTuple):
    """Of the upload service and of the processing service; and the key that the first asks for, if it does."""

    public: str
    internal: str
    key: str = ""


@pytest.fixture(scope="session", params=["open", "required"])
def addresses(request: pytest.FixtureRequest) -> Iterator[Addresses]:
    """A stack that asks for no key, and one that does."""
    with temporary({"auth": request.param}) as stack:
        key = "" if stack.keys is None else stack.keys.create("postman", set(Scope), None).key
        yield Addresses(stack.url, stack.internal_url, key)


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files under the names that the collection sends."""
    folder = tmp_path_factory.mktemp("pictures")
    photo = pictures.encoded(pictures.photo(2000, 1500), ImageFormat.JPEG, quality=85)
    for name, data in {
        "photo.jpg": photo,
        "empty.jpg": b"",
        "text.jpg": b"This is not a picture, whatever its name says.\n",
        "png.jpg": pictures.sample(ImageFormat.PNG),
        "huge.png": pictures.png_header(50_000, 50_000),
        "heavy.jpg": photo + bytes(MAX_BODY_BYTES),
        "truncated.jpg": pictures.truncated(photo),
        "latin1.json": '{"meta": {"name": "café"}}'.encode("latin-1"),
    }.items():
        (folder / name).write_bytes(data)
    return folder
