"""The function's own engine, as the function runs it."""

import sys

import PIL

from benchmarks.contenders.speech import speak
from benchmarks.jobs import JOBS
from functions.transform.allocator import keep_pages
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps.resize import simd


def job(data: bytes) -> dict[str, bytes]:
    wanted = JOBS[sys.argv[3]]
    outcomes = render(data, wanted.variants, int(sys.argv[2]), form=wanted.format).outcomes
    made = [outcome for outcome in outcomes if isinstance(outcome, Made)]
    if len(made) != len(wanted.variants):
        raise SystemExit("a variant was not made")
    return {f"{one.name}.{one.format.extension}": one.body for one in made}


if __name__ == "__main__":
    keep_pages()
    speak("darkroom", {"pillow": PIL.__version__, "simd": str(simd() is not None).lower()}, job)
