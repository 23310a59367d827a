"""The steps in their order, and how they run: a branch on a thread, its encodes on whichever is free.

    decode ─▶ LEVEL steps ─▶ (smaller levels)          one picture, many variants
                   └───────▶ FINISH steps ─▶ encode     one variant

What a step needs beside the picture is the variant's cut (and output); it returns a new picture. A new kind of work is
a new step in one of the two lists: in LEVEL if smaller variants may inherit it, else in FINISH. No storage here, and
no queue: `work` brings the bytes and takes the files, benchmarks do the same from memory.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from msgspec import Struct

from contracts.errors import PixelLimit
from contracts.formats import ImageFormat
from contracts.limits import MAX_OUTPUT_SIDE
from contracts.variants import Output, OutputFormat, Variant
from functions.transform.geometry import Cut, Size, cut, fits_output
from functions.transform.pyramid import Branch, Level, planned
from functions.transform.steps.colour import colour
from functions.transform.steps.decode import Source, decode, inspect, quiet_decoders
from functions.transform.steps.encode import encode, pad
from functions.transform.steps.orient import orient
from functions.transform.steps.picture import Picture
from functions.transform.steps.resize import resize

ENGINE: Final = "1"
"""Version of what the pixels of a variant depend on: raised when the same order would give other bytes."""

LEVEL: Final[tuple[Callable[[Picture, Cut], Picture], ...]] = (
    resize,
    lambda picture, _cut: orient(picture),
    lambda picture, _cut: colour(picture),
)
"""Once a level. Turning and colours come after the resize, when there are fewer pixels; the boxes allow for it."""

FINISH: Final[tuple[Callable[[Picture, Cut, Output], Picture], ...]] = (pad,)
"""Once a variant, after its level and before its encode."""

MAX_WAITING_PIXELS: Final = 32_000_000
"""Pixels that may wait for a thread to encode them; beyond it the thread that made them encodes them itself.

Bounds the memory of fifty large variants to that of a few (4 bytes a pixel).
"""


class Made(Struct, frozen=True, kw_only=True):
    """A variant's file; `size` in pixels."""

    name: str
    body: bytes
    size: Size
    format: OutputFormat
    elapsed_ms: float
    warnings: tuple[str, ...] = ()


class Unmade(Struct, frozen=True):
    """A variant that could not be made, and why."""

    name: str
    error: Exception


Outcome = Made | Unmade


class Rendering(Struct, frozen=True, kw_only=True):
    """All that came of one picture, in the order in which it was ready; times in milliseconds."""

    source: Source
    outcomes: tuple[Outcome, ...]
    decode_ms: float
    transform_ms: float


def render(
    data: bytes, variants: Sequence[Variant], threads: int = 2, *, form: ImageFormat = ImageFormat.JPEG
) -> Rendering:
    """All variants of an original, from memory to memory. Raises as `inspect` and `Run.wait` do."""
    outcomes: list[Outcome] = []
    with quiet_decoders():
        source = inspect(data, form)
        run = Run(source, variants, threads, outcomes.append)
        run.wait(None)
    return Rendering(source=source, outcomes=tuple(outcomes), decode_ms=run.decode_ms, transform_ms=run.transform_ms)


class Run:
    """The making of one picture's variants on threads of its own; starts at once.

    `deliver` gets each outcome as soon as it is known, from one of the threads. `wait` ends it.
    """

    decode_ms = 0.0
    """Until the first branch had its pixels."""
    transform_ms = 0.0
    """From then until everything was encoded."""

    def __init__(
        self, source: Source, variants: Sequence[Variant], threads: int, deliver: Callable[[Outcome], None]
    ) -> None:
        self._source = source
        self._variants = variants
        self._deliver = deliver
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._waiting_pixels = 0
        self._started = time.perf_counter()
        possible = [index for index, variant in enumerate(variants) if self._is_possible(variant)]
        plan = (
            planned(source.upright, [variants[index] for index in possible], threads=threads, scales=source.scales)
            if possible
            else ()
        )
        self._possible = possible
        self._pool = ThreadPoolExecutor(threads, "picture")
        self._encodes: list[Future[None]] = []
        self._branches = [self._pool.submit(self._branch, branch) for branch in plan]

    def wait(self, seconds: float | None) -> bool:
        """Until everything is delivered, or for so long: whether it is. Afterwards nothing new is begun.

        Raises ImageCorrupt or MemoryError if the original could not be decoded.
        """
        end = None if seconds is None else time.perf_counter() + seconds
        try:
            for futures in (self._branches, self._encodes):
                # encodes are only added by branches, so the second list is complete when the first is done
                left = None if end is None else max(0.0, end - time.perf_counter())
                done, late = wait(futures, left)
                for future in done:
                    future.result()
                if late:
                    return False
            return True
        finally:
            self._stopped.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
            if self.decode_ms:
                self.transform_ms = _ms_since(self._started) - self.decode_ms

    def _is_possible(self, variant: Variant) -> bool:
        width, height = cut(self._source.upright, variant.resize).canvas
        if fits_output((width, height)):
            return True
        error = PixelLimit(
            f"the variant would be {width}×{height} pixels; a side has at most {MAX_OUTPUT_SIDE}",
            limit=MAX_OUTPUT_SIDE,
            actual=max(width, height),
        )
        self._deliver(Unmade(variant.name, error))
        return False

    def _branch(self, branch: Branch) -> None:
        decoded = decode(self._source, branch.scale)
        with self._lock:
            self.decode_ms = self.decode_ms or _ms_since(self._started)
        last_use = {level.parent: index for index, level in enumerate(branch.levels)}
        levels: dict[int | None, Picture | Exception] = {None: decoded}
        del decoded
        for index, level in enumerate(branch.levels):
            if self._stopped.is_set():
                return
            began = time.perf_counter()
            parent = levels[level.parent]
            if last_use[level.parent] == index:
                del levels[level.parent]
            picture = self._level(parent, level)
            if index in last_use:
                levels[index] = picture
            if isinstance(picture, Picture):
                self._finish(picture, level, _ms_since(began))
            del parent, picture

    def _level(self, parent: Picture | Exception, level: Level) -> Picture | Exception:
        """The level's picture, or what stood in its way: then its variants are delivered as unmade."""
        picture = parent
        try:
            for step in LEVEL:
                if isinstance(picture, Picture):
                    picture = step(picture, level.cut)
        except Exception as error:
            # one variant's trouble must not be its neighbours'; `work` tells the kinds apart
            picture = error
        if isinstance(picture, Exception):
            for index in level.variants:
                self._deliver(Unmade(self._variants[self._possible[index]].name, picture))
        return picture

    def _finish(self, picture: Picture, level: Level, resize_ms: float) -> None:
        """Have the level's variants encoded: by whoever is free, or here if too much waits already."""
        pixels = picture.pixels.size[0] * picture.pixels.size[1]
        for index in level.variants:
            variant = self._variants[self._possible[index]]
            with self._lock:
                has_room = self._waiting_pixels + pixels <= MAX_WAITING_PIXELS
                if has_room:
                    self._waiting_pixels += pixels
            if has_room:
                self._encodes.append(self._pool.submit(self._encode_waiting, picture, level.cut, variant, resize_ms))
            else:
                self._encode(picture, level.cut, variant, resize_ms)

    def _encode_waiting(self, picture: Picture, cut: Cut, variant: Variant, resize_ms: float) -> None:
        try:
            self._encode(picture, cut, variant, resize_ms)
        finally:
            with self._lock:
                self._waiting_pixels -= picture.pixels.size[0] * picture.pixels.size[1]

    def _encode(self, picture: Picture, cut: Cut, variant: Variant, resize_ms: float) -> None:
        if self._stopped.is_set():
            return
        began = time.perf_counter()
        try:
            for step in FINISH:
                picture = step(picture, cut, variant.output)
            body = encode(picture, variant.output)
        except Exception as error:
            self._deliver(Unmade(variant.name, error))
            return
        self._deliver(
            Made(
                name=variant.name,
                body=body,
                size=cut.canvas,
                format=variant.output.format,
                elapsed_ms=round(resize_ms + _ms_since(began), 2),
                warnings=picture.warnings,
            )
        )


def _ms_since(moment: float) -> float:
    return round((time.perf_counter() - moment) * 1000, 2)
