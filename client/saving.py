"""Writing a download so that a file under its final name is always whole and always the one that was promised.

Bytes go to a temporary name in the same folder, are hashed on the way, and get their name only after they were checked.
Used by `client.conversation`.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Final

from client.answers import VariantStatus, sha256_of
from client.errors import BadInput, Damaged
from contracts.identifiers import VARIANT_NAME_PATTERN
from contracts.outputs import OutputFormat

_NAME: Final = re.compile(VARIANT_NAME_PATTERN)
_EXTENSIONS: Final = {fmt.media_type: fmt.extension for fmt in OutputFormat}


class Saved:
    """One variant on its way to `path`: a context manager; what is not finished by `keep` leaves nothing behind."""

    def __init__(self, folder: Path, variant: VariantStatus) -> None:
        # the name came over the network: it must not be able to leave the folder
        if _NAME.fullmatch(variant.name) is None:
            raise Damaged(f"{variant.name!r} cannot be the name of a variant")
        self._variant = variant
        self._digest = sha256_of(variant.digest)
        if self._digest is None:
            raise Damaged(f"the status names no sha-256 digest of {variant.name}, so its bytes cannot be checked")
        extension = _EXTENSIONS.get(variant.media_type or "", "bin")
        self.path = folder / f"{variant.name}.{extension}"
        self._temporary = folder / f".{self.path.name}.{secrets.token_hex(8)}.part"

    def __enter__(self) -> "Saved":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._temporary, "xb")
        except OSError as error:
            raise self._unwritable(error) from error
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def restart(self) -> None:
        """Forget what came: the next bytes are the first ones again."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, block: bytes) -> None:
        """Take the next bytes. Raises Damaged as soon as there are more than the status names."""
        self.bytes += len(block)
        if self._variant.bytes is not None and self.bytes > self._variant.bytes:
            raise Damaged(f"{self._variant.name} is longer than the {self._variant.bytes} bytes it should have")
        self._hash.update(block)
        try:
            self._file.write(block)
        except OSError as error:
            raise self._unwritable(error) from error

    def keep(self) -> Path:
        """Check what came and give it its name, in one step; raises Damaged if it is not what the status names."""
        if self._hash.digest() != self._digest:
            raise Damaged(f"{self._variant.name} came with other bytes than its digest names ({self.bytes} bytes)")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._temporary, self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        return self.path

    def _unwritable(self, error: OSError) -> BadInput:
        return BadInput(f"{self.path} cannot be written: {error.strerror or error}")
