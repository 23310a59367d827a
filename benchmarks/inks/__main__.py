"""`python -m benchmarks.inks [--write]`: fits the profile of inks without one, and says how near it is to the press.

Needs numpy, scipy and pyvips (`requirements.in`). The same measurements give the same profile, but for the last bit.
"""

import argparse
import sys

from benchmarks.circumstances import ROOT, say
from benchmarks.inks.figures import figures
from benchmarks.inks.fitting import SIDE, fitted, grid
from benchmarks.inks.measured import paper, patches
from benchmarks.inks.table_profile import table_profile

PROFILE = ROOT / "functions" / "transform" / "profiles" / "FOGRA39L.icc"
NAME = "Offset on coated paper, fitted to FOGRA39L"
COPYRIGHT = "Apache-2.0; fitted to measurements by Fogra, from icc-profiles-free under the zlib licence"


def profile() -> bytes:
    table = fitted(list(patches().values()), grid(SIDE))
    return table_profile(table, SIDE, white=paper(), name=NAME, copyright_=COPYRIGHT)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.inks", description=(__doc__ or "").partition(": ")[2].partition("\n")[0]
    )
    parser.add_argument("--write", action="store_true", help=f"write {PROFILE.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    made = profile()
    if options.write:
        PROFILE.write_bytes(made)
    say(f"{'CIEDE2000 from 1,588 measured patches':46}{'mean':>8}{'95 %':>8}{'worst':>8}")
    for one in figures(list(patches().values()), made):
        say(str(one))
    same = PROFILE.exists() and PROFILE.read_bytes() == made
    say(f"{len(made)} bytes; {PROFILE.name} is {'the very same' if same else 'another'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
