"""Plain Pillow, as its handbook shows: open, copy, resize, save, once a variant."""

import io

import PIL
from PIL import Image, ImageOps

from benchmarks.contenders.speech import speak

SIZES = {"large.jpg": 1600, "medium.webp": 800, "small.webp": 400}


def job(data: bytes) -> dict[str, bytes]:
    files = {}
    for file, width in SIZES.items():
        with Image.open(io.BytesIO(data)) as image:
            height = round(image.height * width / image.width)
            small = image.resize((width, height), Image.Resampling.LANCZOS)
            files[file] = _saved(small, "WEBP" if file.endswith("webp") else "JPEG")
    with Image.open(io.BytesIO(data)) as image:
        files["thumb.jpg"] = _saved(ImageOps.fit(image, (150, 150), Image.Resampling.LANCZOS), "JPEG")
    return files


def _saved(image: Image.Image, form: str) -> bytes:
    target = io.BytesIO()
    image.save(target, form, quality=80, optimize=True)
    return target.getvalue()


if __name__ == "__main__":
    speak("pillow", {"pillow": PIL.__version__}, job)
