"""What a tier of the provider must answer, and the tier that answers through the handlers of this room."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from local.aws import Clients
from local.handlers import TYPES
from local.handlers.resource import Handler, Inputs, Outputs
from local.provider_values import has_unknown, is_archive, same

Failure = tuple[str, str]
"""An input, and what is wrong with it."""


class Tier(ABC):
    """Resources by their type. Inputs and outputs are plain values with the provider's names (camelCase)."""

    name: ClassVar[str]

    @abstractmethod
    def check(self, kind: str, inputs: Inputs) -> Iterator[Failure]:
        """What is wrong with the inputs; some of them may not be known yet."""

    @abstractmethod
    def replaced_by(self, kind: str) -> frozenset[str]:
        """Inputs whose change takes a new resource."""

    @abstractmethod
    def create(self, kind: str, urn: str, inputs: Inputs) -> tuple[str, Outputs]:
        """Make it; its id and outputs."""

    @abstractmethod
    def read(self, kind: str, identity: str, inputs: Inputs, outputs: Outputs) -> tuple[str, Inputs, Outputs] | None:
        """Id, inputs and outputs as they are now, or None if it is gone; given what was applied last."""

    @abstractmethod
    def update(self, kind: str, identity: str, old: Inputs, new: Inputs, outputs: Outputs) -> Outputs:
        """Make it what `new` says; `outputs` are those it had."""

    @abstractmethod
    def delete(self, kind: str, identity: str, inputs: Inputs) -> None:
        """Remove it; gone already is success."""


class Applied(Tier):
    """Types that have a handler, on an embedded cloud."""

    name = "applied"

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def takes(self, kind: str) -> bool:
        return kind in TYPES

    def check(self, kind: str, inputs: Inputs) -> Iterator[Failure]:
        for name in sorted(inputs.keys() - TYPES[kind].known):
            if not name.startswith("__"):
                yield name, "the embedded cloud does not apply this input; local/handlers lists those it does"

    def replaced_by(self, kind: str) -> frozenset[str]:
        return frozenset(TYPES[kind].replaced_by)

    def create(self, kind: str, urn: str, inputs: Inputs) -> tuple[str, Outputs]:
        return self._handler(kind).create(_handled(inputs))

    def read(self, kind: str, identity: str, inputs: Inputs, outputs: Outputs) -> tuple[str, Inputs, Outputs] | None:
        handler, handled = self._handler(kind), _handled(inputs)
        made = handler.read(identity, handled)
        if made is None:
            return None
        there = handler.seen(made.get("id", identity), handled)
        # what nobody declared is not looked at: the defaults of AWS are not ours to know
        seen: Inputs = {}
        for name, value in inputs.items():
            if name in handler.unseeable or name.startswith("__") or (value in ([], {}, "") and name not in there):
                seen[name] = value
            elif name in there:
                # in the program's own words where they mean the same
                seen[name] = value if same(value, there[name]) else there[name]
        return made.get("id", identity), seen, made

    def update(self, kind: str, identity: str, old: Inputs, new: Inputs, outputs: Outputs) -> Outputs:
        return self._handler(kind).update(identity, _handled(old), _handled(new))

    def delete(self, kind: str, identity: str, inputs: Inputs) -> None:
        self._handler(kind).delete(identity, _handled(inputs))

    def _handler(self, kind: str) -> Handler:
        return TYPES[kind](self._clients)


def _handled(inputs: Inputs) -> Inputs:
    """Inputs as handlers take them: an archive by its path, and nothing that the provider noted for itself."""
    if has_unknown(inputs):
        raise AssertionError("the engine deploys only what it knows")
    return {
        # where the engine only compares, it leaves the path out
        name: {"path": value.get("path", ""), "sha256": value["hash"]} if is_archive(value) else value
        for name, value in inputs.items()
        if not name.startswith("__")
    }
