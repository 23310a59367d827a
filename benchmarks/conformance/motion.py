"""Animations: what is seen in each frame, for how long, and how often. Source: GIF89a, section 23.

What is cleared, or was never drawn, is transparent; frames that leave such places name a transparent index, without
which readers differ between that and the screen's background.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Coloured, Moving, Sized, Still
from benchmarks.conformance.pictures import BLUE, GREEN, RED, YELLOW, GifFrame, gif, part
from benchmarks.conformance.tolerances import Tolerance
from contracts.formats import ImageFormat

_SIZE: Final = (64, 64)
_PALETTE: Final = (RED, GREEN, BLUE, YELLOW, (0, 0, 0))
_WHOLE, _LEFT, _RIGHT = (0, 0, 64, 64), (0, 0, 32, 64), (32, 0, 64, 64)
_CLEAR: Final = (0, 0, 0, 0)
_HOLE: Final = 4


def _halves(left: tuple[int, ...], right: tuple[int, ...]) -> tuple:
    return (part(0, 0, 0.5, 1), left), (part(0.5, 0, 1, 1), right)


_FILMS: Final = {
    # each: frames as stored, and (left, right) as seen
    "keep": (
        (GifFrame(_WHOLE, 0, 10, 1), GifFrame(_LEFT, 1, 20, 1), GifFrame(_RIGHT, 2, 30, 1)),
        ((RED, RED), (GREEN, RED), (GREEN, BLUE)),
    ),
    "background": (
        (GifFrame(_WHOLE, 0, 10, 1, _HOLE), GifFrame(_LEFT, 1, 20, 2, _HOLE), GifFrame(_RIGHT, 2, 30, 1, _HOLE)),
        ((RED, RED), (GREEN, RED), (_CLEAR, BLUE)),
    ),
    "previous": (
        (GifFrame(_WHOLE, 0, 10, 1), GifFrame(_LEFT, 1, 20, 3), GifFrame(_RIGHT, 2, 30, 1)),
        ((RED, RED), (GREEN, RED), (RED, BLUE)),
    ),
    "unspecified": (
        (GifFrame(_WHOLE, 0, 10, 0), GifFrame(_LEFT, 1, 20, 0), GifFrame(_RIGHT, 2, 30, 0)),
        ((RED, RED), (GREEN, RED), (GREEN, BLUE)),
    ),
    "hole": (
        (GifFrame(_WHOLE, 0, 10, 1), GifFrame(_WHOLE, 0, 20, 1, _HOLE, ((1,) * 32 + (_HOLE,) * 32) * 64)),
        ((RED, RED), (GREEN, RED)),
    ),
    "whole-cleared": (
        (GifFrame(_LEFT, 0, 10, 2, _HOLE), GifFrame(_RIGHT, 2, 20, 2, _HOLE), GifFrame(_LEFT, 1, 30, 1, _HOLE)),
        ((RED, _CLEAR), (_CLEAR, BLUE), (GREEN, _CLEAR)),
    ),
}


def cases() -> Iterator[Case]:
    for name, (frames, seen) in _FILMS.items():
        source = gif(_SIZE, _PALETTE, frames, 0)
        times = tuple(10 * frame.centiseconds for frame in frames)
        shown = tuple(_halves(*sides) for sides in seen)
        for form in ("webp", "gif"):
            lossless = {"lossless": True} if form == "webp" else {}
            yield Case(
                name=f"film-{name}-{form}",
                group="animation",
                promise=f"a GIF's frames with disposal {name} are seen as they are, in {form.upper()}",
                source=source,
                format=ImageFormat.GIF,
                request={"output": {"format": form, "frames": "all", **lossless}},
                checks=(Sized(*_SIZE), Moving(shown, times, 0, Tolerance.EXACT)),
            )
    keep, seen = _FILMS["keep"]
    times = tuple(10 * frame.centiseconds for frame in keep)
    yield Case(
        name="film-smaller",
        group="animation",
        promise="an animation is resized frame by frame, its timing kept",
        source=gif(_SIZE, _PALETTE, keep, 0),
        format=ImageFormat.GIF,
        request={"resize": {"width": 32}, "output": {"format": "webp", "frames": "all", "lossless": True}},
        checks=(
            Sized(32, 32),
            Moving(tuple(_halves(*sides) for sides in seen), times, 0, Tolerance.ROUNDED),
        ),
    )
    yield Case(
        name="film-loops-three-times",
        group="animation",
        promise="how often an animation is played is kept",
        source=gif(_SIZE, _PALETTE, keep, 3),
        format=ImageFormat.GIF,
        request={"output": {"format": "gif", "frames": "all"}},
        checks=(Moving(tuple(_halves(*sides) for sides in seen), times, 3, Tolerance.EXACT),),
    )
    yield Case(
        name="film-still",
        group="animation",
        promise="of an animation a still format has the first frame, whole",
        source=gif(_SIZE, _PALETTE, (GifFrame(_RIGHT, 2, 10, 1, _HOLE), GifFrame(_LEFT, 1, 10, 1, _HOLE)), 0),
        format=ImageFormat.GIF,
        request={"output": {"format": "png"}},
        checks=(Sized(*_SIZE), Still(), Coloured(_halves(_CLEAR, BLUE), Tolerance.EXACT)),
    )
    yield Case(
        name="film-first",
        group="animation",
        promise="one frame of an animation is one frame, in a format that could have more",
        source=gif(_SIZE, _PALETTE, keep, 0),
        format=ImageFormat.GIF,
        request={"output": {"format": "webp", "frames": "first", "lossless": True}},
        checks=(Sized(*_SIZE), Still(), Coloured(_halves(RED, RED), Tolerance.EXACT)),
    )
