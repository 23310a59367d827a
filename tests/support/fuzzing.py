"""A coverage-guided fuzzer on what reads bytes of strangers: `python -m tests.support.fuzzing TARGET`.

Atheris (libFuzzer) mutates a corpus and keeps what reaches new branches; the corpus begins with generated good files
and with everything hostile that is catalogued, and grows in `build/fuzz`. A target raises for whatever is no named
refusal, no header within the limits, or took more work than it may. The last line is the figure; a finding ends with
its traceback, the bytes in `build/fuzz/found`, and another status than 0.
"""

import argparse
import contextlib
import hashlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
FOUND: Final = "found"
MOST_BYTES: Final = 4_096
"""Of one input: headers are short, and what is longer only makes each run slower."""
_MOST_READS: Final = 1_000


class _Counted(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)


def headers() -> Callable[[bytes], None]:
    """What a file is by its header: the upload service's first and only look at it."""
    from contracts.errors import Rejected
    from contracts.formats import SNIFF_BYTES, ImageFormat, check_declared, check_limits, measure
    from contracts.limits import MAX_FRAMES, MAX_PIXELS, MAX_SIDE

    every = frozenset(ImageFormat)

    def one(data: bytes) -> None:
        file = _Counted(data)
        try:
            found = check_declared(data[:SNIFF_BYTES], None, None, every)
            header = measure(file, len(data), every)
            check_limits(header)
        except Rejected:
            return
        finally:
            assert file.reads <= _MOST_READS
        assert header.format is found
        assert 1 <= header.width * header.height <= header.largest_pixels <= MAX_PIXELS
        assert 1 <= min(header.width, header.height) <= header.longest_side <= MAX_SIDE
        assert 1 <= header.frames <= MAX_FRAMES

    return one


def options() -> Callable[[bytes], None]:
    """What is wanted of a picture: decoded, encoded and decoded again it means the same."""
    from contracts.errors import Rejected
    from contracts.options import decode_options, encode_options, fingerprint

    def one(data: bytes) -> None:
        try:
            wanted = decode_options(data)
        except Rejected:
            return
        again = decode_options(encode_options(wanted))
        assert fingerprint(again) == fingerprint(wanted)

    return one


def messages() -> Callable[[bytes], None]:
    """What lies in a queue, ours and S3's."""
    from contracts.errors import BadMessage
    from contracts.messages import decode, encode
    from contracts.notices import decode_notices

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        for read in (lambda: encode(decode(text)), lambda: decode_notices(text, "originals")):
            with contextlib.suppress(BadMessage):
                read()

    return one


def planted() -> Callable[[bytes], None]:
    """A fault that only one word in some 300 million leads to: whether coverage guides to it."""
    import atheris

    @atheris.instrument_func
    def one(data: bytes) -> None:
        if data[:1] == b"d" and data[1:2] == b"a" and data[2:3] == b"r" and data[3:4] == b"k":
            raise AssertionError("the planted fault")

    return one


TARGETS: Final[dict[str, Callable[[], Callable[[bytes], None]]]] = {
    "headers": headers,
    "options": options,
    "messages": messages,
    "planted": planted,
}


def seeds(target: str) -> Iterable[bytes]:
    """What the corpus begins with."""
    if target == "planted":
        yield b"...."
    elif target == "headers":
        from contracts.formats import ImageFormat
        from tests.support import headers as catalogue
        from tests.support import heics, pictures

        yield from (pictures.sample(form, 16, 12) for form in ImageFormat)
        animated = (ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.GIF, ImageFormat.AVIF)
        yield from (pictures.animated(form, 2, 8, 8) for form in animated)
        for table in (catalogue.BOMBS, catalogue.TOO_MANY_FRAMES, catalogue.CORRUPT, catalogue.UNSUPPORTED):
            yield from table.values()
        yield from heics.everything().values()
    elif target == "options":
        yield b'{"preset":"web@1","expires_in":604800,"priority":"bulk","meta":{"sku":"A-17"}}'
        yield b'{"variants":[{"name":"a","resize":{"width":8,"height":9,"fit":"cover"},"output":{"quality":7}}]}'
        yield b'{"digest":"sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:"}'
    else:
        yield from (path.read_bytes() for path in sorted((ROOT / "tests/contracts/golden").rglob("*.json")))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.fuzzing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--runs", type=int, help="so many inputs instead: the same seed gives the same ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=ROOT / "build/fuzz", help="where it grows")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.within:
        _fuzz(asked)
    return _watched(asked)


def _watched(asked: argparse.Namespace) -> int:
    """Run the fuzzer in a process of its own, which libFuzzer ends as it likes, and tell the figure."""
    corpus = asked.corpus / asked.target
    corpus.mkdir(parents=True, exist_ok=True)
    (asked.corpus / FOUND).mkdir(exist_ok=True)
    for data in seeds(asked.target):
        (corpus / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data[:MOST_BYTES])
    limit = ["--runs", str(asked.runs)] if asked.runs else ["--seconds", str(asked.seconds)]
    command = [sys.executable, "-m", __spec__.name, asked.target, *limit, "--seed", str(asked.seed)]
    # a fuzzer whose hashes differ from run to run would not do the same twice
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with subprocess.Popen(
        [*command, "--corpus", str(asked.corpus), "--within"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        lines = [line.rstrip("\n") for line in process.stdout]
    if process.returncode:
        lines = [*lines[-60:], f"fuzz {asked.target}: found something; its bytes are in {asked.corpus / FOUND}"]
        sys.stdout.write("\n".join(lines) + "\n")
        return process.returncode
    sys.stdout.write(_figure(asked.target, lines) + "\n")
    return 0


def _figure(target: str, lines: list[str]) -> str:
    runs = next((line for line in lines if line.startswith("Done ")), "")
    covered = [found[1] for line in lines if (found := re.search(r"cov: (\d+)", line))]
    corpus = [found[1] for line in lines if (found := re.search(r"corp: (\d+)", line))]
    done, _, seconds = runs.removeprefix("Done ").removesuffix(" second(s)").partition(" runs in ")
    return (
        f"fuzz {target}: {done} inputs in {seconds} s, {covered[-1] if covered else 0} branches, "
        f"corpus of {corpus[-1] if corpus else 0}, 0 findings"
    )


def _fuzz(asked: argparse.Namespace) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["contracts"]):
        one = TARGETS[asked.target]()
    given: list[Any] = [
        sys.argv[0],
        f"-seed={asked.seed}",
        f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={asked.corpus / FOUND}/",
        # a loop is one after a minute too, and a machine that stands still for some seconds is none
        "-timeout=60",
        "-print_final_stats=0",
        f"-runs={asked.runs}" if asked.runs else f"-max_total_time={asked.seconds}",
        str(asked.corpus / asked.target),
    ]
    atheris.Setup(given, one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
