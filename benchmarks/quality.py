"""How far files are from a reference, by SSIMULACRA2: 100 is the same, 90 is taken for it, 70 is good.

A program of its own, since the measure needs numpy and scipy, which nothing else here does:

    python -m benchmarks.quality PICTURE DIR    prints {file: {"score", "bytes", "width", "height"}}

The reference of a file is the picture decoded in full and reduced in one step by Pillow's Lanczos.
"""

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps


def references(picture: Path, sizes: set[tuple[int, int]]) -> dict[tuple[int, int], Image.Image]:
    """The picture at each size, cropped about the centre to its shape."""
    with Image.open(picture) as opened:
        whole = ImageOps.exif_transpose(opened).convert("RGB")
    return {size: ImageOps.fit(whole, size, Image.Resampling.LANCZOS) for size in sizes}


def scores(picture: Path, folder: Path) -> dict[str, dict[str, float]]:
    from ssimulacra2 import compute_ssimulacra2

    decoded = {}
    for path in sorted(folder.iterdir()):
        with Image.open(path) as opened:
            decoded[path] = opened.convert("RGB")
    wanted = references(picture, {image.size for image in decoded.values()})
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for path, image in decoded.items():
            files = [Path(scratch, name) for name in ("reference.png", "other.png")]
            wanted[image.size].save(files[0], compress_level=1)
            image.save(files[1], compress_level=1)
            found[path.name] = {
                "score": round(compute_ssimulacra2(*map(str, files)), 2),
                "bytes": path.stat().st_size,
                "width": image.size[0],
                "height": image.size[1],
            }
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(scores(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
