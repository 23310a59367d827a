"""Plain Pillow, as its handbook shows: open, copy, resize, save, once a variant."""

import io
import sys

import PIL
from PIL import Image, ImageOps

from benchmarks.contenders.speech import speak

SIZES = {
    "a": {"web.jpg": 720},
    "b": {"large.jpg": 1600, "medium.webp": 800, "small.webp": 400},
    "c": {"medium.avif": 800},
    "d": {"medium.webp": 800, "small.png": 400},
}
"""Width by file, of each job."""
OPTIONS = {
    "jpg": ("JPEG", {"quality": 80, "optimize": True}),
    "webp": ("WEBP", {"quality": 80}),
    "avif": ("AVIF", {}),
    "png": ("PNG", {}),
}


def job(data: bytes) -> dict[str, bytes]:
    files = {}
    for file, width in SIZES[sys.argv[3]].items():
        with Image.open(io.BytesIO(data)) as image:
            height = round(image.height * width / image.width)
            files[file] = _saved(image.resize((width, height), Image.Resampling.LANCZOS), file)
    if sys.argv[3] == "b":
        with Image.open(io.BytesIO(data)) as image:
            files["thumb.jpg"] = _saved(ImageOps.fit(image, (150, 150), Image.Resampling.LANCZOS), "thumb.jpg")
    return files


def _saved(image: Image.Image, file: str) -> bytes:
    form, options = OPTIONS[file.rpartition(".")[2]]
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


if __name__ == "__main__":
    speak("pillow", {"pillow": PIL.__version__}, job)
