"""A conformance kit for services that make variants of pictures: generated pictures whose right answer is arithmetic.

    python -m benchmarks.conformance [--json FILE] [--judge PYTHON]      `make conformance`

    case        one picture, one request, what must hold of the answer      checks      what may be asked of an answer
    pictures    files from code: JPEG, PNG, GIF, TIFF by truth               profiles    ICC profiles from arithmetic
    tolerances  how far an answer may be off, and why: set beforehand     adapters    who answers: ours, sharp, libvips
    places, colours, inks, transparency, motion, leaks      the cases

A request is in the words of our own API (contracts/variants.py); an adapter says it in the words of its library, as
that library documents it. No expected value was measured: each is computed from a definition, which stands beside it.
"""
