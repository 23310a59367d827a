"""Pillow writes and reads many formats more than are taken here: what it writes in any of them is not let in."""

import contextlib
import io

import pytest
from PIL import Image

from contracts.errors import UnsupportedMediaType
from contracts.formats import READ, SNIFF_BYTES, ImageFormat, check_declared, sniff

Image.init()
TAKEN = {form.name for form in READ}
STUBS = {"BUFR", "GRIB", "HDF5", "WMF"}
"""Names that Pillow registers for somebody else to write."""
OTHERS = sorted(Image.SAVE.keys() - TAKEN - STUBS)


def written(form: str) -> bytes:
    """A small picture in this format, in the first mode that it has."""
    for mode in ("RGB", "L", "P", "1"):
        file = io.BytesIO()
        with contextlib.suppress(OSError, ValueError, KeyError):
            Image.new(mode, (32, 32)).save(file, form)
            return file.getvalue()
    raise AssertionError(f"{form} has none of the modes that are tried")


# Pillow means to drop writers; as long as it has them, what they write must not be let in
@pytest.mark.filterwarnings("ignore:.*image format is deprecated:DeprecationWarning")
@pytest.mark.parametrize("form", OTHERS)
def test_what_pillow_writes_in_another_format_is_unsupported(form: str) -> None:
    data = written(form)
    if form == "MPO":
        # a JPEG with more pictures behind it, which nobody reads
        assert sniff(data[:SNIFF_BYTES]) is ImageFormat.JPEG
        return
    for declared, name in (("image/jpeg", "a.jpg"), ("application/octet-stream", f"a.{form.lower()}"), (None, None)):
        with pytest.raises(UnsupportedMediaType):
            check_declared(data[:SNIFF_BYTES], declared, name)
