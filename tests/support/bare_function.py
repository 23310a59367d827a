"""Run by the function's own Python, with nothing but the unpacked zip to import from: a whole life of the function.

`python -I -S bare_function.py ZIP_FOLDER PICTURES` works every picture of a folder (named by its format) into every
format, makes the clients, lets one call fail for want of a server, and prints as JSON what was made and was opened.
"""

import json
import os
import sys
from pathlib import Path

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"
STEPS = [
    {
        "name": "geometry",
        "crop": {"x": 0.1, "y": 0.1, "width": 0.8, "height": 0.8, "unit": "fraction"},
        "trim": {"tolerance": 8},
        "resize": {"width": 90, "height": 60, "fit": "cover"},
        "gravity": "smart",
        "rotate": 7,
        "flip": "hv",
        "output": {"format": "png", "metadata": "all"},
    },
    {
        "name": "looks",
        "resize": {"width": 80, "linear": True},
        "adjust": {"brightness": 5, "contrast": 5, "saturation": 5, "gamma": 1.1},
        "filters": {
            "blur": 1,
            "pixelate": 4,
            "sharpen": {"radius": 1},
            "duotone": {"shadow": "#000000", "highlight": "#ffffff"},
        },
        "mask": {"radius": 9},
        "overlays": [{"text": "mark"}],
        "output": {"format": "webp", "quality": "auto"},
    },
    {"name": "colours", "resize": {"width": 80}, "output": {"format": "jpeg", "color": "p3", "max_bytes": 20000}},
]
"""What every picture is made into besides: a step that needs a library of its own has to find it."""


class Objects:
    """Both stores: one original, and what is made of it."""

    def __init__(self, original: bytes) -> None:
        self.original = original
        self.made: dict[str, int] = {}

    def get_original(self, key: str, version_id: str) -> bytes:
        return self.original

    def put_result(self, key: str, body: bytes, *, digest: str, media_type: str, hops: int) -> None:
        self.made[media_type] = len(body)


def work(path: Path) -> dict[str, int]:
    import msgspec

    from contracts.formats import ImageFormat
    from contracts.messages import Done, Transform
    from contracts.outputs import OutputFormat
    from contracts.places import INLINE, OriginalPlace
    from functions.transform.work import Stores, carry_out

    data = path.read_bytes()
    objects = Objects(data)
    order = {
        "job_id": JOB,
        "request_id": "request",
        "tenant": "default",
        "part": 1,
        "token": 7,
        "key": OriginalPlace(INLINE, "default", JOB).key,
        "version_id": "v",
        "bytes": len(data),
        "format": path.name,
        "variants": [
            {"name": form.value, "resize": {"width": 100}, "output": {"format": form.value}} for form in OutputFormat
        ]
        + STEPS,
    }

    def report(name: str, error: BaseException) -> None:
        raise AssertionError(name) from error

    answer = carry_out(
        msgspec.convert(order, Transform),
        Stores(objects, objects),
        threads=2,
        seconds=600,
        report=report,
        read=frozenset(ImageFormat),
    )
    assert answer.undecodable is None, answer
    assert all(isinstance(each, Done) for each in answer.answers), answer
    return objects.made


def main() -> None:
    folder, pictures = map(Path, sys.argv[1:])
    opened: set[str] = set()
    sys.path.insert(0, str(folder))
    sys.addaudithook(lambda event, arguments: opened.add(str(arguments[0])) if event == "open" else None)
    import functions.transform.handler
    from adapters import clients
    from contracts.errors import PipelineError

    assert functions.transform.handler.__file__.startswith(str(folder))
    made = {path.name: work(path) for path in sorted(pictures.iterdir())}
    os.environ |= {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    for service in ("s3", "sqs", "sts"):
        clients.make(service, region="eu-west-1")
    from adapters.objects import S3Originals

    # port 9 has no server on any machine that tests run on
    nowhere = clients.make("s3", region="eu-west-1", endpoint_url="http://127.0.0.1:9", attempts=1)
    try:
        S3Originals(nowhere, "bucket").get_original("key", "version")
    except PipelineError as error:
        made["a call"] = type(error).__name__
    modules = {str(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)}
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
    used = {path.removeprefix(f"{folder}/") for path in opened | modules | mapped if path.startswith(f"{folder}/")}
    json.dump({"made": made, "used": sorted(used), "version": sys.version_info[:2]}, sys.stdout)


if __name__ == "__main__":
    main()
