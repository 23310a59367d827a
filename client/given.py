"""Variants as a command is given them: a JSON list, or a file with one."""

from pathlib import Path
from typing import Any

import msgspec

from client.errors import BadInput


def given_variants(text: str, where: str = "the list") -> list[Any]:
    """The list in the text, or in the file that `@FILE` names; a preset as it is shown has one in it.

    `where` is what to call the text. Raises BadInput.
    """
    if text.startswith("@"):
        where = text[1:]
        try:
            text = Path(where).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        given = msgspec.json.decode(text)
        return msgspec.convert(given["variants"] if isinstance(given, dict) else given, list[Any])
    except (KeyError, msgspec.MsgspecError) as error:
        raise BadInput(f"{where} has no JSON list of variants: {error}") from error
