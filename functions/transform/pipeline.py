"""The steps in their order, and how they run on threads.

    decode ─▶ levelled ─▶ (smaller levels)          one picture, many variants
                 └──────▶ finish ─▶ encode           one variant
    frames ─▶ levelled ─▶ finish ─▶ ... ─▶ encode    one animation

A new kind of work is a new step in `levels` if smaller variants may inherit it, else in `finish`. No storage here, and
no queue: `work` brings the bytes and takes the files, benchmarks do the same from memory.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.errors import OutOfTime
from contracts.formats import ImageFormat
from contracts.outputs import ColorSpace, Quantizer
from contracts.variants import Variant
from functions.transform.analysis.sample import Stand, sample_cut, stand
from functions.transform.finish import finish, needs_sight
from functions.transform.geometry import UNSEEN, Cut, Extent, Frame, Sight, draft_scale, frame, why_not
from functions.transform.levels import levelled
from functions.transform.making import Outcome, Rendering, Unmade, Witness, moves, moving, nobody, still
from functions.transform.marks import NO_ASSETS, NOWHERE, Fetch, Marks, remembered
from functions.transform.plan import Strand
from functions.transform.pyramid import Branch, planned
from functions.transform.steps.decode import Source, decode, inspect, quiet_decoders
from functions.transform.steps.picture import Picture

ENGINE: Final = "4"
"""Version of what the pixels of a variant depend on: raised when the same order would give other bytes."""


class _Alike(Struct, frozen=True):
    """Variants that are made of the same colours, and so may be made of each other's pixels."""

    variants: tuple[Variant, ...]
    space: ColorSpace


def render(
    data: bytes,
    variants: Sequence[Variant],
    threads: int = 2,
    *,
    form: ImageFormat = ImageFormat.JPEG,
    assets: Mapping[str, bytes] = NO_ASSETS,
    witness: Witness = nobody,
    palettes: Quantizer = Quantizer.PILLOW,
) -> Rendering:
    """All variants of an original, from memory to memory, `assets` too. Raises as `inspect` and `Run.wait` do."""
    outcomes: list[Outcome] = []
    with quiet_decoders():
        source = inspect(data, form)
        run = Run(source, variants, threads, outcomes.append, None, remembered(assets), witness, palettes)
        run.wait(None)
    return Rendering(source=source, outcomes=tuple(outcomes), decode_ms=run.decode_ms, transform_ms=run.transform_ms)


class Run:
    """The making of one picture's variants on threads of its own; starts at once.

    `deliver` gets each outcome as soon as it is known, from one of the threads. `wait` ends it.

    Whoever makes a level encodes it at once and leaves the rest of the branch to whoever is free: the longest encodes
    start first, and there are never more levels in memory than threads, and the ones that smaller ones are cut from.

        thread 1   decode 1/2 ─ 1600w ─ jpeg ────────── 400w ─ webp ─ 150w ─ jpeg
        thread 2   decode 1/4 ─ 800w ─ webp ─────────────────────────────
    """

    decode_ms = 0.0
    """Until the first branch had its pixels."""
    transform_ms = 0.0
    """From then until everything was encoded."""

    def __init__(
        self,
        source: Source,
        variants: Sequence[Variant],
        threads: int,
        deliver: Callable[[Outcome], None],
        look: Callable[[Picture], None] | None = None,
        fetch: Fetch = NOWHERE,
        witness: Witness = nobody,
        palettes: Quantizer = Quantizer.PILLOW,
    ) -> None:
        """`look` gets the sample (`analysis.sample`), upright and in sRGB, on one of the threads; it never raises.

        `fetch` brings the pictures that variants are marked with, `palettes` is who makes them, where it is there.
        `witness` is called on the threads as well.
        """
        self._palettes = palettes
        self._marks = Marks(fetch)
        self._source = source
        self._deliver = deliver
        self._look = look
        self._witness = witness
        self._stand: tuple[_Alike, Stand] | None = None
        self.planned: list[Strand] = []
        """What is carried out, once it is known."""
        self._variants = [variant for variant in variants if self._is_possible(variant, UNSEEN)]
        self._sights: dict[str, Sight] = {}
        self._decoded: dict[int, Picture] = {}
        self._stopped = threading.Event()
        self._started = time.perf_counter()
        self._pool = ThreadPoolExecutor(threads, "picture")
        self._threads = threads
        self._tasks: list[Future[None]] = []
        if any(needs_sight(variant) for variant in self._variants):
            self._begin(self._see)
        else:
            self._plan()

    def wait(self, seconds: float | None) -> bool:
        """Until everything is delivered, or for so long: whether it is. Afterwards nothing new is begun.

        Raises ImageCorrupt or MemoryError if the original could not be decoded.
        """
        end = None if seconds is None else time.perf_counter() + seconds
        known = 0
        try:
            # a task begins others before it ends: when all that are known have ended and none is new, there are no more
            while known < len(self._tasks):
                known = len(self._tasks)
                done, late = wait(self._tasks[:known], None if end is None else max(0.0, end - time.perf_counter()))
                for task in done:
                    task.result()
                if late:
                    return False
            return True
        finally:
            self._stopped.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
            if self.decode_ms:
                self.transform_ms = _ms_since(self._started) - self.decode_ms

    def _begin(self, task: Callable[..., None], *arguments: object) -> None:
        if not self._stopped.is_set():
            self._tasks.append(self._pool.submit(task, *arguments))

    def _is_possible(self, variant: Variant, sight: Sight) -> bool:
        """Whether there is such a variant of this picture; delivers why not."""
        error = why_not(self._source.upright, variant, sight)
        if error is not None:
            self._deliver(Unmade(variant.name, error))
        return error is None

    def _see(self) -> None:
        """See what the geometry of some variants depends on, and then plan."""
        from functions.transform.steps import sight  # what few ask for

        upright, asking = self._source.upright, [one for one in self._variants if needs_sight(one)]
        needed: list[Extent] = [sight.sample_size(upright, variant) for variant in asking]
        scale = draft_scale(upright, needed) if self._source.scales else 1
        self._decoded[scale] = decoded = decode(self._source, scale)
        self.decode_ms = _ms_since(self._started)
        for variant in asking:
            try:
                self._sights[variant.name] = found = sight.seen(decoded, upright, variant)
            except Exception as error:
                # as with a level: one variant's trouble is its own
                self._deliver(Unmade(variant.name, error))
                self._variants.remove(variant)
                continue
            if not self._is_possible(variant, found):
                self._variants.remove(variant)
        self._plan()

    def _plan(self) -> None:
        source = self._source
        animations = [variant for variant in self._variants if moves(source, variant.output)]
        for space in dict.fromkeys(variant.output.color for variant in self._variants):
            alike = tuple(one for one in self._variants if one.output.color is space and one not in animations)
            if alike:
                self._plant(_Alike(alike, space))
        for variant in animations:
            self._begin(self._animate, variant)
        if animations and self._look is not None and self._stand is None:
            self._begin(lambda: self._sample(decode(source)))

    def _plant(self, group: _Alike) -> None:
        source = self._source
        branches = planned(
            source.upright, group.variants, threads=self._threads, scales=source.scales, sights=self._sights
        )
        self.planned.append((group.variants, branches))
        if self._look is not None and self._stand is None:
            self._stand = group, stand(branches)
        # the smaller decode first: while a decoder is given memory for a large picture it keeps the interpreter's
        # lock, 4 ms in which no other thread begins (6 MP, web@1, 2 threads: 82 -> 79 ms)
        for branch in reversed(branches):
            self._begin(self._branch, group, branch)

    def _branch(self, group: _Alike, branch: Branch) -> None:
        decoded = self._decoded.pop(branch.scale, None) or decode(self._source, branch.scale)
        self.decode_ms = self.decode_ms or _ms_since(self._started)
        self._look_from(group, branch, None, decoded)
        self._go_on(group, branch, 0, {None: decoded})

    def _go_on(
        self, group: _Alike, branch: Branch, index: int, pictures: dict[int | None, Picture | Exception]
    ) -> None:
        """Make one level, leave the next ones to another task, and encode it.

        `pictures` are those that this level and later ones are cut from, by index; only one task at a time has it.
        """
        if self._stopped.is_set():
            return
        began = time.perf_counter()
        level = branch.levels[index]
        pictures[index] = picture = self._level(pictures[level.parent], level.cut, group.space)
        resize_ms = _ms_since(began)
        self._look_from(group, branch, index, picture)
        later = branch.levels[index + 1 :]
        for unneeded in pictures.keys() - {other.parent for other in later}:
            del pictures[unneeded]
        if later:
            self._begin(self._go_on, group, branch, index + 1, pictures)
        longest, *others = (group.variants[number] for number in level.variants)
        for variant in others:
            self._begin(self._finish, picture, variant, resize_ms)
        self._finish(picture, longest, resize_ms)

    def _look_from(self, group: _Alike, branch: Branch, index: int | None, picture: Picture | Exception) -> None:
        """Let the analysis look, if this is what it looks from."""
        if self._stand == (group, Stand(branch, index)):
            self._begin(self._sample, picture)

    def _sample(self, picture: Picture | Exception) -> None:
        """Let the analysis look at a small picture made from this one; what cannot be made is not looked at."""
        if self._stopped.is_set() or self._look is None:
            return
        small = self._level(picture, sample_cut(self._source.upright), ColorSpace.SRGB)
        if isinstance(small, Picture):
            self._look(small)

    def _level(self, parent: Picture | Exception, cut: Cut, space: ColorSpace) -> Picture | Exception:
        """The level's picture, or what stands in its way."""
        if isinstance(parent, Exception):
            return parent
        try:
            return levelled(parent, cut, space)
        except Exception as error:
            # one variant's trouble must not be its neighbours'; `work` tells the kinds apart
            return error

    def _finish(self, picture: Picture | Exception, variant: Variant, resize_ms: float) -> None:
        if self._stopped.is_set():
            return
        if isinstance(picture, Exception):
            self._deliver(Unmade(variant.name, picture))
            return
        began = time.perf_counter()
        try:
            framed, sight = self._framed(variant)
            done = finish(picture, variant, framed, self._marks)
            self._witness(variant, done)
            made = still(self._source, done, framed, variant, self._palettes)
        except Exception as error:
            self._deliver(Unmade(variant.name, error))
            return
        elapsed_ms = round(resize_ms + _ms_since(began), 2)
        self._deliver(replace(made, elapsed_ms=elapsed_ms, warnings=made.warnings + sight.warnings))

    def _animate(self, variant: Variant) -> None:
        """Every frame of one variant; what a frame cannot be made of is this variant's trouble alone."""
        if self._stopped.is_set():
            return
        began = time.perf_counter()
        try:
            framed, sight = self._framed(variant)

            def steps(picture: Picture) -> Picture:
                done = finish(levelled(picture, framed.cut, variant.output.color), variant, framed, self._marks)
                self._witness(variant, done)
                return done

            made = moving(self._source, steps, framed, variant, self._stopped.is_set)
        except OutOfTime:
            return
        except Exception as error:
            self._deliver(Unmade(variant.name, error))
            return
        finally:
            self.decode_ms = self.decode_ms or _ms_since(self._started)
        self._deliver(replace(made, elapsed_ms=_ms_since(began), warnings=made.warnings + sight.warnings))

    def _framed(self, variant: Variant) -> tuple[Frame, Sight]:
        sight = self._sights.get(variant.name, UNSEEN)
        return frame(self._source.upright, variant, sight), sight


def _ms_since(moment: float) -> float:
    return round((time.perf_counter() - moment) * 1000, 2)
