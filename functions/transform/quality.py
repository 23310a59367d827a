"""Which quality a variant gets where that is to be found out: by likeness to the picture, or within a budget of bytes.

    quality: "auto"    ≤ 5 probes of a proxy of at most 512 px: the lowest quality that is like enough
    max_bytes          ≤ 6 encodes of the whole: the highest quality that fits; then ≤ 6 smaller pictures; then refused

Both together: the budget may lower what likeness chose. Every try is told in the status. Called by `pipeline` for such
variants alone; deterministic.
"""

import math
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from PIL import Image

from contracts.errors import BudgetUnreachable
from contracts.outputs import AUTO, Output, OutputFormat
from contracts.quality import Choice, Probe, Reason
from functions.transform.ssim import Likeness
from functions.transform.steps.encode import encode, opened, shrunk
from functions.transform.steps.picture import straight

TARGET: Final = 0.97
"""Likeness that `auto` aims at: what JPEG reaches at about 70 to 80, WebP at 80 to 90."""
_SEARCHED: Final = {OutputFormat.JPEG: (30, 92), OutputFormat.WEBP: (30, 92), OutputFormat.AVIF: (25, 80)}
_PROXY_SIDE: Final = 512
_PROBES: Final = 5

_LOWEST: Final = {OutputFormat.JPEG: 25, OutputFormat.WEBP: 20, OutputFormat.AVIF: 15}
"""Below it a smaller picture looks better than a worse one."""
_ENCODES: Final = 6
_SIZES: Final = 6
_LEAST_STEP: Final = 0.9
_LEAST_SIDE: Final = 16
"""Pixels of the longer side under which nobody would know the picture again."""

SCALED: Final = "scaled-for-budget"
"""Warning of a variant that is smaller than asked for, because only so it keeps within its budget."""

Size = tuple[int, int]
Encoder = Callable[[int | None, float], tuple[bytes, Size]]
"""A file at this quality, of the picture at this share of its size; and the size in pixels that it has."""


class File(Struct, frozen=True):
    """A variant's bytes, their size in pixels, and how they were found."""

    body: bytes
    size: Size
    choice: Choice | None = None
    warnings: tuple[str, ...] = ()


def found(output: Output, first: Callable[[], Image.Image], make: Encoder) -> File:
    """The file that `make` gives at the right quality. `first` gives the picture, or its first frame, before encoding.

    Raises BudgetUnreachable, and what `make` raises.
    """
    quality, choice = output.effective_quality, Choice(quality=output.effective_quality, why=Reason.ASKED)
    if output.quality == AUTO:
        choice = _like_enough(output, first())
        quality = choice.quality
    if output.max_bytes is None:
        body, size = make(quality, 1.0)
        return File(body, size, choice)
    return _within(output, output.max_bytes, choice, make)


def _like_enough(output: Output, pixels: Image.Image) -> Choice:
    """The lowest quality at which the proxy is as like as it should be."""
    proxy = straight(pixels)
    side = max(proxy.size)
    if side > _PROXY_SIDE:
        proxy = shrunk(proxy, _PROXY_SIDE / side)
    likeness = Likeness(_brightness(proxy))
    plain = Output(format=output.format, effort=output.effective_effort)
    low, high = _SEARCHED[output.format]
    best, probes = high, list[Probe]()
    reached = False
    for _ in range(_PROBES):
        if low > high:
            break
        quality = (low + high) // 2
        body = encode(proxy, plain, quality)
        ssim = round(likeness.of(_brightness(opened(body, output.format))), 4)
        probes.append(Probe(quality, len(body), proxy.width, ssim))
        if ssim >= TARGET:
            best, high, reached = quality, quality - 1, True
        else:
            low = quality + 1
    why = Reason.LIKENESS if reached else Reason.HIGHEST
    return Choice(quality=best, why=why, target=TARGET, probes=tuple(probes))


def _within(output: Output, budget: int, choice: Choice, make: Encoder) -> File:
    """The best file of at most so many bytes: of lower quality first, then of fewer pixels."""
    probes = list(choice.probes)
    ceiling, lowest = choice.quality, _LOWEST.get(output.format, 0)

    def tried(quality: int | None, scale: float = 1.0) -> tuple[bytes, Size]:
        body, size = make(quality, scale)
        probes.append(Probe(quality or 0, len(body), size[0]))
        return body, size

    body, size = tried(ceiling)
    if len(body) <= budget:
        return File(body, size, replace(choice, probes=tuple(probes)))
    if ceiling is not None:
        low, high = min(lowest, ceiling), ceiling - 1
        best: tuple[bytes, Size, int] | None = None
        for _ in range(_ENCODES - 1):
            if low > high:
                break
            quality = (low + high) // 2
            body, size = tried(quality)
            if len(body) <= budget:
                best, low = (body, size, quality), quality + 1
            else:
                high = quality - 1
        if best is not None:
            kept = replace(choice, quality=best[2], why=Reason.BUDGET, probes=tuple(probes))
            return File(best[0], best[1], kept)
    quality = None if ceiling is None else min(lowest, ceiling)
    scale = 1.0
    for _ in range(_SIZES):
        # bytes follow the area, but the head of a file does not: a little more than the share
        scale *= min(_LEAST_STEP, 0.97 * math.sqrt(budget / len(body)))
        before = size
        body, size = tried(quality, scale)
        if len(body) <= budget:
            kept = replace(choice, quality=quality, why=Reason.SIZE, probes=tuple(probes))
            return File(body, size, kept, (SCALED,))
        if max(size) <= _LEAST_SIDE or size == before:
            break
    raise BudgetUnreachable(
        f"even {size[0]}×{size[1]} pixels at the lowest quality take {len(body)} bytes, more than {budget}",
        max_bytes=budget,
        actual=len(body),
    )


def _brightness(pixels: Image.Image) -> Image.Image:
    """As it is seen on white."""
    if pixels.mode == "RGBA":
        ground = Image.new("RGB", pixels.size, (255, 255, 255))
        ground.paste(pixels, mask=pixels.getchannel("A"))
        pixels = ground
    return pixels.convert("L")
