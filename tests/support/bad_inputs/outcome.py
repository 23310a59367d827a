"""What comes of an input: as the catalogue expects it, and as it was seen. The two are compared whole."""

from typing import Literal

from msgspec import Struct


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of one case. What does not apply is left out."""

    status: int | None = None
    """HTTP status of our answer; None: there was nobody to answer any more, or nothing was asked."""
    code: str | None = None
    """Of the problem."""
    s3: int | None = None
    """HTTP status of S3's answer to a form."""
    state: str | None = None
    """How the job ended."""
    error: str | None = None
    """Code of the job's own error."""
    filename: str | None = None
    """What was kept of a file's name."""
    letters: int = 0
    """Messages that lie in the dead letters, each with a reason."""
    leaves: Literal["nothing", "row", "job"] = "nothing"
    """New in table, buckets and queues once all is quiet: nothing, a row alone, or a row and its objects."""


class Seen(Struct, frozen=True, kw_only=True):
    """What was seen at once; the end of the job and what is left are looked for afterwards."""

    status: int | None = None
    code: str | None = None
    s3: int | None = None
    letters: int = 0
    job_id: str | None = None
    """A job that now exists, and whose end is waited for."""
    waits: bool = True
    """Whether that job comes to an end by itself soon."""
    names: bool = False
    """Whether what was kept of the file's name is looked at."""
