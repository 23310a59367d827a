"""The dated price file, components/prices.json: what it says, and a way to look into it. Nothing here asks AWS.

A row is one price: what of, for which unit, in which region (`global` if it is the same in all), in USD, from where
and of which day. A price for which no source was at hand stays null: an estimate then names what it did not count. With
an account, `darkroom prices --update` asks AWS's own price list.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from components.words import Date

FILE: Final = Path(__file__).with_name("prices.json")

GLOBAL: Final = "global"

STALE_DAYS: Final = 180
"""Age from which an estimate says that its prices are old. AWS changes few of them, and seldom upwards."""

INSTANCE: Final = "instance:"
"""Before the type of a host, such as t4g.small: a Linux host on demand."""


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row."""

    item: str
    unit: str
    region: str
    usd: Annotated[float, Meta(ge=0)] | None
    """None: nobody at hand could say."""
    source: str | None
    date: Date | None

    def __post_init__(self) -> None:
        if len({self.usd is None, self.source is None, self.date is None}) != 1:
            raise ValueError(f"{self.item} in {self.region}: a price has a source and a date, or it is none")

    @property
    def day(self) -> date | None:
        return None if self.date is None else date.fromisoformat(self.date)


_ROWS: Final = msgspec.json.Decoder(list[Price])


class Prices:
    """The rows, by what they price. Raises ValueError if two say the same."""

    def __init__(self, rows: Iterable[Price]) -> None:
        self._rows: dict[tuple[str, str], Price] = {}
        for row in rows:
            if (row.item, row.region) in self._rows:
                raise ValueError(f"{row.item} in {row.region} has two prices")
            self._rows[row.item, row.region] = row

    def __iter__(self) -> Iterator[Price]:
        return iter(self._rows.values())

    def find(self, item: str, region: str) -> Price | None:
        """The price of an item there, if it is known."""
        found = self._rows.get((item, region)) or self._rows.get((item, GLOBAL))
        return None if found is None or found.usd is None else found


def parse(text: bytes) -> Prices:
    """Raises msgspec.ValidationError for what is no price file."""
    return Prices(_ROWS.decode(text))


def read(path: Path = FILE) -> Prices:
    return parse(path.read_bytes())


def written(rows: Iterable[Price]) -> str:
    """The file: a line for each price, the dear ones of all regions first, then by region, hosts last."""

    def place(row: Price) -> tuple[bool, str, bool, str]:
        return row.region != GLOBAL, row.region, row.item.startswith(INSTANCE), row.item

    lines = (f"  {_line(row)}" for row in sorted(rows, key=place))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _line(row: Price) -> str:
    fields = msgspec.structs.asdict(row)
    pairs = ((name, _number(value) if name == "usd" else _text(value)) for name, value in fields.items())
    return "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"


def _text(value: str | None) -> str:
    return msgspec.json.encode(value).decode()


def _number(usd: float | None) -> str:
    """In full: a person reads 0.000005 sooner than 5e-06."""
    return "null" if usd is None else f"{usd:.12f}".rstrip("0").rstrip(".")
