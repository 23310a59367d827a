"""Planted faults in what may be asked of a picture, and in where its pixels come from."""

from typing import Final

from tests.support.mutant import Mutant, one

_OPTIONS: Final = "contracts/options.py"
_COMPACT: Final = "contracts/compact.py"
_GEOMETRY: Final = "functions/transform/geometry.py"
_PYRAMID: Final = "functions/transform/pyramid.py"
_RESIZE: Final = "functions/transform/steps/resize.py"
_SIGHT: Final = "functions/transform/steps/sight.py"
_EFFECTS: Final = "functions/transform/steps/effects.py"

_OPTION_TESTS: Final = "tests/contracts/test_options.py"
_COMPACT_TESTS: Final = "tests/contracts/test_compact.py"
_GEOMETRY_TESTS: Final = "tests/functions/test_geometry.py"
_STEP_TESTS: Final = "tests/functions/test_steps.py"
_COLOUR_TESTS: Final = "tests/functions/test_colours_named.py"
_INK_TESTS: Final = "tests/functions/test_inks.py"
_PALETTE_TESTS: Final = "tests/functions/test_palettes.py"
_MARK_TESTS: Final = "tests/functions/test_watermarks.py"

PICTURES: Final[tuple[Mutant, ...]] = (
    # --- what may be asked ---
    one("a variant may contradict itself", _OPTIONS, "in objections(variant):", "in ():", _OPTION_TESTS),
    one("variants may fill the row", _OPTIONS, "if spec_bytes > MAX_SPEC_BYTES:", "if False:", _OPTION_TESTS),
    one("a key of a line may stand twice", _COMPACT, "    if last in document:\n", "    if False:\n", _COMPACT_TESTS),
    one(
        "an upload's crop may lie beyond it",
        "services/upload/intake.py",
        "            if beyond is not None:\n",
        "            if False:\n",
        "tests/services/upload/test_raw.py",
    ),
    one(
        "a crop may leave the picture",
        _GEOMETRY,
        "if box[2] > oriented[0] or box[3] > oriented[1]:",
        "if False:",
        _GEOMETRY_TESTS,
    ),
    # --- where pixels come from ---
    one("what was cropped away has a part", _RESIZE, "if cut.region is not None:", "if False:", _STEP_TESTS),
    one(
        "light is averaged from a reduced decode",
        _PYRAMID,
        "scales and not any(one.cut.is_exact for one in wanted)",
        "scales",
        _STEP_TESTS,
    ),
    one(
        "a level is cut from one made another way",
        _PYRAMID,
        "return parent.is_whole and same_way and",
        "return parent.is_whole and",
        _STEP_TESTS,
    ),
    one("a trim takes whatever it likes", _SIGHT, "if max(gone) * 100 > trim.most:", "if False:", _STEP_TESTS),
    one(
        "a smart cut has an answer where there is none",
        _SIGHT,
        "if max(sums) - min(sums) <= _FLAT * window:",
        "if False:",
        _STEP_TESTS,
    ),
    one(
        "a blur shows what is hidden",
        _EFFECTS,
        """    pixels = pixels.convert("RGBa") if pixels.mode == "RGBA" else pixels\n    return pixels.filter""",
        "    return pixels.filter",
        _STEP_TESTS,
    ),
    one(
        "a profile for gray goes with colours",
        "functions/transform/finish.py",
        '    if picture.pixels.mode == "L" and picture.profile is not None',
        "    if False and picture.profile is not None",
        _COLOUR_TESTS,
    ),
    one(
        "a named colour is in the picture's own space",
        "functions/transform/steps/colour.py",
        "    if profile is not None:\n        patch =",
        "    if False:\n        patch =",
        _COLOUR_TESTS,
    ),
    # --- its colours ---
    one(
        "inks that nobody described are taken for ideal ones",
        "functions/transform/steps/colour.py",
        "        profile, said = _inks(profile, target)\n        warnings += said\n",
        "        pixels, profile = pixels.convert('RGB'), None\n",
        _INK_TESTS,
    ),
    one(
        "inks are taken for those of a press, and nobody is told",
        "functions/transform/steps/colour.py",
        "        warnings += said\n",
        "",
        _INK_TESTS,
    ),
    one(
        "a fine palette takes as long as it likes",
        "functions/transform/steps/fine_palette.py",
        "pixels <= _MOST_PIXELS and _library() is not None",
        "_library() is not None",
        _PALETTE_TESTS,
    ),
    one(
        "a palette is told to be finer than it is",
        "functions/transform/steps/encode.py",
        "Quantizer.IMAGEQUANT if can_cut(pixels) else Quantizer.PILLOW",
        "Quantizer.IMAGEQUANT",
        _PALETTE_TESTS,
    ),
    # --- what is laid over it ---
    one(
        "another tenant's variant is laid over",
        "contracts/assets.py",
        "job.tenant == tenant and job.state not in _DEAD",
        "job.state not in _DEAD",
        "tests/contracts/test_assets.py",
    ),
    one(
        "a variant of a deleted job is laid over",
        "contracts/assets.py",
        "job.tenant == tenant and job.state not in _DEAD",
        "job.tenant == tenant",
        "tests/contracts/test_assets.py",
    ),
    one(
        "an order reaches another tenant's results",
        "functions/transform/marks.py",
        "if any(place.tenant != tenant for place in places.values()):",
        "if False:",
        _MARK_TESTS,
    ),
    one(
        "a mark keeps the colours of its own space",
        "functions/transform/steps/colour.py",
        "    if picture.profile == profile:\n        return picture.of(pixels)",
        "    if True:\n        return picture.of(pixels)",
        _MARK_TESTS,
    ),
    one(
        "a tile begins at the edge and not before it",
        "functions/transform/marking.py",
        "    start = first % step - step\n",
        "    start = first % step\n",
        "tests/functions/test_marking.py",
    ),
    # --- HEIC: what its decoder would believe ---
    one(
        "a grid's own word on its size is not compared",
        "contracts/headers/heic.py",
        "    if tiles != len(item.parts) or not are_coded or size != _size(reader, item):",
        "    if tiles != len(item.parts) or not are_coded:",
        "tests/contracts/test_heic_headers.py",
    ),
    one(
        "a configuration may say another depth than is coded",
        "contracts/headers/hevc.py",
        "if any((each.chroma, each.depth, each.chroma_depth) != said for each in found):",
        "if False:",
        "tests/contracts/test_heic_headers.py",
    ),
    one(
        "a picture that its decoder has turned is turned again",
        "functions/transform/steps/decode.py",
        "_TURNED: Final = frozenset({ImageFormat.TIFF, ImageFormat.HEIC})",
        "_TURNED: Final = frozenset({ImageFormat.TIFF})",
        "tests/functions/test_heic.py",
    ),
)
