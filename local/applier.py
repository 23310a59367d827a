"""Makes the cloud what the program declares, one resource at a time, and remembers it.

declared, not there          -> created
there with other inputs      -> updated, or replaced where an input takes a new resource
there with the same inputs   -> looked at; created again if the cloud lost it
there, not declared any more -> deleted at the end, unless it holds data that the program did not give up
"""

import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local import state
from local.aws import Clients
from local.handlers import TYPES
from local.handlers.resource import Handler, KeepsData, plain
from local.problems import CannotRun
from local.state import Resource

_CONFIGURES_THE_PROVIDER: Final = "pulumi:providers:"


class Applier:
    """Registered resources of one run of the program. `register` may be called from several threads."""

    def __init__(self, clients: Clients, file: Path) -> None:
        self._clients = clients
        self.region = clients.region
        self._file = file
        self._before = state.load(file)
        self._now: dict[str, Resource] = {}
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.kept: list[str] = []
        """Sentences about what was not deleted."""

    def register(self, urn: str, kind: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Apply one resource; its id and outputs. Raises CannotRun."""
        if kind.startswith(_CONFIGURES_THE_PROVIDER):
            return name, {}
        handler = self._handler(kind)
        wanted = plain(inputs)
        strange = sorted(wanted.keys() - handler.known)
        if strange:
            raise CannotRun(f"{kind} {name}: the local cloud does not apply the input {strange[0]!r}")
        known = urn if urn in self._before else _as_once_written(urn)
        try:
            applied, verb = self._apply(handler, kind, self._before.get(known), wanted)
        except (ClientError, BotoCoreError) as error:
            raise CannotRun(f"{kind} {name}: {error}") from error
        with self._lock:
            if known != urn:
                self._before.pop(known, None)
            self._now[urn] = applied
            self.counts[verb] += 1
        return applied.id, applied.outputs

    def finish(self, *, complete: bool) -> None:
        """Delete what is no longer declared, if the program ran to its end; write the state either way."""
        gone = {urn: resource for urn, resource in self._before.items() if urn not in self._now}
        if complete:
            # what was applied later hangs on what was applied before
            for urn in reversed(gone):
                if self._delete(gone[urn]):
                    self._before.pop(urn)
        remaining = {urn: resource for urn, resource in self._before.items() if urn not in self._now}
        state.save(self._file, {**self._now, **remaining})

    def _apply(
        self, handler: Handler, kind: str, before: Resource | None, wanted: dict[str, Any]
    ) -> tuple[Resource, str]:
        if before is not None and before.type == kind:
            changed = {name for name in before.inputs.keys() | wanted if before.inputs.get(name) != wanted.get(name)}
            if changed & handler.replaced_by.keys():
                handler.delete(before.id, before.inputs)
                identity, outputs = handler.create(wanted)
                return Resource(type=kind, id=identity, inputs=wanted, outputs=outputs), "replaced"
            there = handler.read(before.id, before.inputs)
            if there is not None and changed:
                outputs = handler.update(before.id, before.inputs, wanted)
                identity = outputs.get("id", before.id)
                return Resource(type=kind, id=identity, inputs=wanted, outputs=outputs), "updated"
            if there is not None:
                identity = there.get("id", before.id)
                return Resource(type=kind, id=identity, inputs=wanted, outputs=there), "unchanged"
        identity, outputs = handler.create(wanted)
        return Resource(type=kind, id=identity, inputs=wanted, outputs=outputs), "created"

    def _delete(self, resource: Resource) -> bool:
        try:
            self._handler(resource.type).delete(resource.id, resource.inputs)
        except KeepsData as why:
            self.kept.append(str(why))
            return False
        self.counts["deleted"] += 1
        return True

    def _handler(self, kind: str) -> Handler:
        handler = TYPES.get(kind)
        if handler is None:
            raise CannotRun(
                f"the local cloud does not apply resources of type {kind}; local/handlers lists those it does"
            )
        return handler(self._clients)


def _as_once_written(urn: str) -> str:
    """The URN in files of before: of the types above a resource's own, they had the nearest only."""
    head, project, types, name = urn.split("::")
    return "::".join([head, project, "$".join(types.split("$")[-2:]), name])
