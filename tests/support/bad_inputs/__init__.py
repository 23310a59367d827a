"""The catalogue of bad inputs: what each is, how it is made, and what must come of it.

`tests/bad_inputs.json` says what is expected, entry by entry and case by case; the modules beside this one make the
inputs, under the same names. A case is an `Asked` (a request as bytes, which a running service and one in this process
can both be sent) or a function that does to a running stack what takes more than one request. `Bench` sends them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec import Struct

from tests.support.bad_inputs.asked import Asked
from tests.support.bad_inputs.outcome import Outcome, Seen

if TYPE_CHECKING:
    from tests.support.bad_inputs.bench import Bench

__all__ = ["TABLE", "Asked", "Entry", "Outcome", "Seen", "Sender", "expected", "requests", "senders"]

Sender = Callable[["Bench"], Seen]
"""Does something to a running stack, and says what was seen at once."""

Made = TypeVar("Made")

_FILE: Final = Path(__file__).parents[2] / "bad_inputs.json"


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the catalogue; `cases` are its spellings, each with what must come of it."""

    id: str
    what: str
    how: str
    cases: dict[str, Outcome]


TABLE: Final = {entry.id: entry for entry in msgspec.json.decode(_FILE.read_bytes(), type=list[Entry])}


def requests() -> dict[tuple[str, str], Callable[[], Asked]]:
    """What is one request each, by entry and case."""
    from tests.support.bad_inputs import addresses, files, forms, options, urls

    return _flat(forms.REQUESTS, addresses.REQUESTS, files.REQUESTS, options.REQUESTS, urls.REQUESTS)


def senders() -> dict[tuple[str, str], Sender]:
    """Everything, by entry and case, as what is done to a running stack."""
    from tests.support.bad_inputs import addresses, forms, letters, posts, urls

    asked = {case: _sending(make) for case, make in requests().items()}
    return asked | _flat(forms.SENDERS, addresses.SENDERS, posts.SENDERS, letters.SENDERS, urls.SENDERS)


def expected(entry: str, case: str) -> Outcome:
    """What the catalogue says of a case; KeyError if it has none of that name."""
    return TABLE[entry].cases[case]


def _sending(make: Callable[[], Asked]) -> Sender:
    return lambda bench: bench.sent(make())


def _flat(*tables: Mapping[str, Mapping[str, Made]]) -> dict[tuple[str, str], Made]:
    return {(entry, case): made for table in tables for entry, cases in table.items() for case, made in cases.items()}
