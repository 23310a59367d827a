"""The client's name for a file: data for people, never part of a key or a path."""

import unicodedata
from typing import Final
from urllib.parse import quote

from contracts.limits import MAX_FILENAME_BYTES

_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of what nobody sees: controls, format and direction marks, lone surrogates, line separators."""


def safe_filename(text: str | None) -> str | None:
    """The last part of the path, composed (NFC), without what cannot be seen, cut to the limit between characters.

    None if nothing is left. Applying it again changes nothing.
    """
    if text is None:
        return None
    last = text.replace("\\", "/").rpartition("/")[2]
    seen = "".join(character for character in last if unicodedata.category(character) not in _DROPPED)
    composed = unicodedata.normalize("NFC", seen).strip()
    name = composed.encode()[:MAX_FILENAME_BYTES].decode(errors="ignore").rstrip()
    return None if name in ("", ".", "..") else name


def disposition(filename: str, *, saved: bool = False) -> str:
    """Content-Disposition that shows the picture, or has it `saved`, and offers `filename` to who saves it.

    Both forms of RFC 6266, section 4.3: plain ASCII for the old, RFC 8187 for everyone else. Nothing in `filename` can
    end the quoted form or the header.
    """
    kind = "attachment" if saved else "inline"
    printable = "".join(char for char in filename if char.isprintable())
    plain = "".join(char if char.isascii() and char not in '"\\%;' else "_" for char in printable)
    if not printable:
        return kind
    encoded = quote(printable.encode("utf-8", "replace"), safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
