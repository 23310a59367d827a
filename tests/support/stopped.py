"""The function of a running stack, told to take no orders for a while."""

from local.supervisor import Supervisor


class Stopped:
    """The function takes no orders while this lasts: a function so slow that everything waits behind it."""

    def __init__(self, stack: Supervisor) -> None:
        self._lambda = stack.clients["lambda"]
        [self._mapping] = self._lambda.list_event_source_mappings()["EventSourceMappings"]

    def __enter__(self) -> None:
        self._set(enabled=False)

    def __exit__(self, *_: object) -> None:
        self._set(enabled=True)

    def _set(self, *, enabled: bool) -> None:
        self._lambda.update_event_source_mapping(UUID=self._mapping["UUID"], Enabled=enabled)
