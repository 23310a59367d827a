"""libvips by pyvips: its `thumbnail`, which does all of it in one call. Runs in the judge's environment."""

import json
import sys
from pathlib import Path
from typing import Any

FREE = 10_000_000
"""A side that does not bind, as its documentation says."""


def answer(source: bytes, request: dict[str, Any], assets: dict[str, bytes]) -> bytes:
    output = request["output"]
    frames = "[n=-1]" if output.get("frames") == "all" else ""
    image = _resized(source, request.get("resize"), frames)
    for overlay in request.get("overlays", ()):
        image = _marked(image, overlay, assets[overlay["asset"]])
    options = {"Q": output["quality"]} if "quality" in output else {}
    options |= {"lossless": True} if output.get("lossless") else {}
    return image.write_to_buffer(f".{output['format']}", keep="none" if not frames else "other", **options)


def _marked(image: Any, overlay: dict[str, Any], asset: bytes) -> Any:
    """Its `composite`, in the colours of sRGB; a tile is `replicate`d from the corner on."""
    import pyvips  # pyrefly: ignore[missing-import]  # as below

    width = round(image.width * overlay.get("scale", 25) / 100)
    mark = pyvips.Image.thumbnail_buffer(asset, width, size="both", export_profile="srgb")
    mark = mark if mark.hasalpha() else mark.addalpha()
    across, down = image.width - mark.width, image.height - mark.height
    if overlay.get("tile") == 0:
        mark = mark.replicate(-(-image.width // mark.width), -(-image.height // mark.height))
        mark, across, down = mark.crop(0, 0, image.width, image.height), 0, 0
    elif overlay.get("anchor") == "center":
        across, down = across // 2, down // 2
    bands = image.bands
    laid = image.composite2(mark, "over", x=across, y=down, compositing_space="srgb")
    return laid if bands == 4 else laid.flatten()


def _resized(source: bytes, resize: dict[str, Any] | None, frames: str) -> Any:
    import pyvips  # pyrefly: ignore[missing-import]  # only the judge has it

    if resize is None:
        image = pyvips.Image.new_from_buffer(source, frames)
        return image if frames else image.autorot()
    width, height, fit = resize.get("width"), resize.get("height"), resize.get("fit", "inside")
    size = "force" if fit == "fill" else "both" if resize.get("enlarge") else "down"
    if fit == "outside":
        seen = pyvips.Image.new_from_buffer(source, "").autorot()
        wide = seen.width * height > seen.height * width
        width, height = (None, height) if wide else (width, None)
    image = pyvips.Image.thumbnail_buffer(
        source,
        width or FREE,
        height=height or FREE,
        size=size,
        linear=resize.get("linear", False),
        export_profile="srgb",
        option_string=frames,
        **({"crop": "centre"} if fit == "cover" else {}),
    )
    if fit == "contain":
        image = image if image.hasalpha() else image.addalpha()
        image = image.gravity("centre", width, height, extend="background", background=[0, 0, 0, 0])
    return image


def main(folder: Path) -> None:
    import pyvips  # pyrefly: ignore[missing-import]  # as above

    for case in json.loads((folder / "cases.json").read_text()):
        name = case["name"]
        try:
            source = (folder / f"{name}.source").read_bytes()
            assets = {asset: (folder / f"{name}.{asset}").read_bytes() for asset in case["assets"]}
            (folder / f"{name}.out").write_bytes(answer(source, case["request"], assets))
        except pyvips.Error as error:
            (folder / f"{name}.error").write_text(str(error).partition("\n")[0])
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    sys.stdout.write(json.dumps({"name": "libvips", "versions": {"vips": version, "pyvips": pyvips.__version__}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
