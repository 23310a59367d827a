"""The function's own engine, as the function runs it."""

import sys

import PIL

from benchmarks.contenders.speech import speak
from contracts.presets import preset
from functions.transform.allocator import keep_pages
from functions.transform.pipeline import Made, render
from functions.transform.steps.resize import simd

VARIANTS = preset("web@1")


def job(data: bytes) -> dict[str, bytes]:
    outcomes = render(data, VARIANTS, int(sys.argv[2])).outcomes
    made = [outcome for outcome in outcomes if isinstance(outcome, Made)]
    if len(made) != len(VARIANTS):
        raise SystemExit("a variant was not made")
    return {f"{one.name}.{one.format.extension}": one.body for one in made}


if __name__ == "__main__":
    keep_pages()
    speak("darkroom", {"pillow": PIL.__version__, "simd": str(simd() is not None).lower()}, job)
