"""Pixels as indices into a palette, by Pillow's own quantizers: exact where there are few enough colours.

A palette is cut by medians from a sample of the picture and applied with Floyd and Steinberg's dithering: of one
megapixel 25 ms and 63, where cutting it from all pixels takes 316 and looks the same. Partly transparent colours know
only the octree, which is coarser. Used for palette PNGs and by `gif`; `fine_palette` is what a stack may have instead.
"""

from typing import Final

from PIL import Image

from contracts.outputs import Quantizer

_SAMPLE_SIDE: Final = 256
"""Pixels of the longer side of what a palette is cut from."""


def paletted(pixels: Image.Image, colors: int, *, careful: bool = True, by: Quantizer | None = None) -> Image.Image:
    """The picture (L, RGB or RGBA) in mode P, with at most so many colours; an RGBA palette if it has alpha.

    Not `careful`: without dithering and by the octree, in a fifth of the time. `by` says who chooses (None: Pillow).
    """
    found = pixels.getcolors(colors)
    if found is not None:
        return _exact(pixels, [colour for _, colour in sorted(found, reverse=True)])
    if by is Quantizer.IMAGEQUANT:
        from functions.transform.steps.fine_palette import finely_cut  # not at module level: few stacks have it

        return finely_cut(pixels, colors)
    if pixels.mode == "RGBA":
        return pixels.quantize(colors, Image.Quantize.FASTOCTREE)
    pixels = pixels.convert("RGB")
    if not careful:
        return pixels.quantize(colors, Image.Quantize.FASTOCTREE)
    sample = pixels
    if max(pixels.size) > _SAMPLE_SIDE:
        # single pixels and not means of several: a palette of colours that are there
        share = _SAMPLE_SIDE / max(pixels.size)
        size = max(1, round(pixels.width * share)), max(1, round(pixels.height * share))
        sample = pixels.resize(size, Image.Resampling.NEAREST)
    palette = sample.quantize(colors, Image.Quantize.MEDIANCUT)
    return pixels.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _exact(pixels: Image.Image, colours: list[object]) -> Image.Image:
    """Every colour under an index of its own, the most frequent first."""
    mode = "RGBA" if pixels.mode == "RGBA" else "RGB"
    row = Image.new(pixels.mode, (len(colours), 1))
    row.putdata(colours)
    words = memoryview(row.convert("RGBA").tobytes()).cast("I")
    index = {word: number for number, word in enumerate(words)}
    data = memoryview(pixels.convert("RGBA").tobytes()).cast("I")
    result = Image.frombytes("P", pixels.size, bytes(map(index.__getitem__, data)))
    result.putpalette(row.convert(mode).tobytes(), mode)
    return result
