"""The storage that the function works on, as it sees it: apart from the other ports, so that it loads none of them.

As in `ports`, every method may raise Unavailable, and all are safe to call from several threads at once.
"""

from typing import Protocol


class OriginalReader(Protocol):
    """The function's side of the bucket of originals."""

    def get_original(self, key: str, version_id: str) -> bytes:
        """All bytes of that version; raises SourceMissing."""
        ...


class ResultStore(Protocol):
    """The bucket of results."""

    def put_result(self, key: str, body: bytes | memoryview, *, digest: str, media_type: str, hops: int = 1) -> None:
        """Store an immutable result, marked with its `hops`.

        Success also if it is there already: its key is its digest (hex SHA-256).
        """
        ...

    def get_result(self, key: str) -> bytes:
        """All bytes of a result; raises SourceMissing if it was erased."""
        ...
