"""The function's own engine, as the function runs it."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import PIL

from contracts.errors import PipelineError
from contracts.formats import ImageFormat
from contracts.variants import Variant
from functions.transform.making import Made
from functions.transform.pipeline import ENGINE, render


def answer(source: bytes, form: ImageFormat, request: dict[str, Any], assets: dict[str, bytes]) -> bytes:
    """The file. Raises ValidationError for a request that the API would refuse, and what `render` raises."""
    variant = msgspec.convert({"name": "answer", **request}, Variant)
    (outcome,) = render(source, (variant,), form=form, assets=assets).outcomes
    if isinstance(outcome, Made):
        return outcome.body
    raise outcome.error


def main(folder: Path) -> None:
    for case in json.loads((folder / "cases.json").read_text()):
        name = case["name"]
        source, form = (folder / f"{name}.source").read_bytes(), ImageFormat(case["format"])
        assets = {asset: (folder / f"{name}.{asset}").read_bytes() for asset in case["assets"]}
        try:
            body = answer(source, form, case["request"], assets)
        except (PipelineError, msgspec.ValidationError, ValueError, OSError) as error:
            (folder / f"{name}.error").write_text(f"{type(error).__name__}: {error}")
        else:
            (folder / f"{name}.out").write_bytes(body)
    sys.stdout.write(json.dumps({"name": "darkroom", "versions": {"engine": ENGINE, "pillow": PIL.__version__}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
