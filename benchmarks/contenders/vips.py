"""libvips by its own binding, as its documentation shows: a thumbnail straight from the file, once a variant.

Runs in the judge's environment, which has pyvips.
"""

import os
import sys
from typing import Any

from benchmarks.contenders.speech import speak

SIZES = {
    "a": {"web.jpg": 720},
    "b": {"large.jpg": 1600, "medium.webp": 800, "small.webp": 400},
    "c": {"medium.avif": 800},
    "d": {"medium.webp": 800, "small.png": 400},
}
"""Width by file, of each job."""
OPTIONS = {"jpg": {"Q": 80}, "webp": {"Q": 80}, "avif": {}, "png": {}}


def job(data: bytes) -> dict[str, bytes]:
    import pyvips  # pyrefly: ignore[missing-import]  # only the judge has it

    wanted = SIZES[sys.argv[3]]
    files = {file: _saved(pyvips.Image.thumbnail_buffer(data, width), file) for file, width in wanted.items()}
    if sys.argv[3] == "b":
        files["thumb.jpg"] = _saved(pyvips.Image.thumbnail_buffer(data, 150, height=150, crop="centre"), "thumb.jpg")
    return files


def _saved(image: Any, file: str) -> bytes:
    extension = "." + file.rpartition(".")[2]
    return image.write_to_buffer(extension, **OPTIONS[extension[1:]])


def main() -> None:
    os.environ["VIPS_CONCURRENCY"] = sys.argv[2]
    import pyvips  # pyrefly: ignore[missing-import]  # after what it reads once

    # a cached result is no work done
    pyvips.cache_set_max(0)
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    speak("pyvips", {"pyvips": pyvips.__version__, "vips": version}, job)


if __name__ == "__main__":
    main()
