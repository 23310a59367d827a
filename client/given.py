"""Variants as a command is given them: a JSON list, or a file with one."""

from pathlib import Path
from typing import Any

import msgspec

from client.errors import BadInput
from contracts.canonical import said
from contracts.compact import parse
from contracts.errors import SpecInvalid


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


def variants_in_lines(lines: list[str]) -> list[Any]:
    """Variants in their compact form, one or more in each line. Raises BadInput for what cannot be read."""
    try:
        return [said(variant) for line in lines for variant in parse(line)]
    except SpecInvalid as error:
        raise BadInput(f"--variant: {error.detail}", "docs/api.md lists the keys of the compact form") from error
