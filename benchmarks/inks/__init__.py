"""What inks look like that come without a profile: a press that was measured, and a profile fitted to it.

    python -m benchmarks.inks [--write]      `make inks`

    FOGRA39L.ti3    1,617 patches of four inks by offset on coated paper, measured by Fogra; licence in LICENSE.txt
    measured        the patches, as paper and screen have them      fitting     patches to a regular table
    table_profile   the table as an ICC profile                     figures     how near the profile is, and others

The profile lies in `functions/transform/profiles`, written by `--write`; nothing at run time reads the measurements.
"""
