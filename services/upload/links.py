"""Presigned links to a job's results, and the epoch that says when links given out earlier are due for renewal.

A status answer holds links that die. Its ETag is `"<revision>-<epoch>"`, and a 304 says: what you have still holds. So
the epoch must change while the links of the earlier answer are still alive:

    life of a link, as long as its signer's credentials allow      |-----------------------|
    epoch = its death, counted in half lives                       |           |           |
                                                                 given     other epoch    dead

Two answers of one epoch hold links that die within half a life of each other, so after a 304 a link has at least half
a life less than a fresh one. It is counted from the links' real death, because credentials may end before a full life.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from contracts.errors import NotFound, StateConflict
from contracts.filenames import disposition, safe_filename
from contracts.job import Job, VariantRecord
from contracts.ports import Clock, Link, LinkSigner

Download: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="Have a browser save it, under this name with the variant's extension; empty: under its own.",
        required=False,
    ),
]


class Links:
    """Signs the links of jobs, each for `seconds`. No call to AWS, but for the signer's renewal: run it in a thread."""

    def __init__(self, signer: LinkSigner, seconds: int, clock: Clock) -> None:
        self._signer = signer
        self._seconds = seconds
        self._clock = clock

    def of(self, job: Job) -> dict[str, Link]:
        """A link to every variant that has a result, by the variant's name."""
        signed = {record.spec.name: self.one(job, record) for record in job.variants}
        return {name: link for name, link in signed.items() if link is not None}

    def one(self, job: Job, record: VariantRecord, download: str | None = None) -> Link | None:
        """A link to this variant; None without a result. With `download` a browser saves it, under a name like this."""
        if record.result is None:
            return None
        return self._signer.link(
            record.result.key,
            seconds=self._seconds,
            filename=filename_of(job, record, download),
            saved=download is not None,
        )

    def keeping_seconds(self, link: Link) -> int:
        """How long an answer with this link may be kept: whoever has it from there, has as long again to follow it."""
        return max(0, (link.expires_at - self._clock.now()) // 2_000)

    @property
    def kept_seconds(self) -> int:
        """The same of an answer without a link."""
        return self._seconds // 2

    def analysis(self, job: Job) -> Link | None:
        """A link to what was found out about the original, where it is too long for the job's row."""
        if job.facts is None or job.facts.more is None:
            return None
        return self._signer.link(job.facts.more, seconds=self._seconds, filename=f"{_stem(job)}-analysis.json")

    def epoch(self, links: Mapping[str, Link]) -> int:
        """The epoch of these links; 0 for none."""
        death = min((link.expires_at for link in links.values()), default=0)
        return death // (self._seconds * 500)


def variant_of(job: Job, name: str) -> VariantRecord:
    """Raises NotFound."""
    record = next((record for record in job.variants if record.spec.name == name), None)
    if record is None:
        raise NotFound("the job has no variant of this name")
    return record


def not_there(record: VariantRecord) -> StateConflict:
    """Of a variant that has no result: it is not made yet, or never will be."""
    return StateConflict(f"the variant is {record.state}", state=str(record.state))


def filename_of(job: Job, record: VariantRecord, wanted: str | None = None) -> str:
    """The name offered to who saves the variant: the original's stem, the variant, the new extension.

    Or the one that is wanted, cleaned and with that extension: nobody is made to save a picture as a program.
    """
    extension = f".{record.spec.output.format.extension}"
    name = safe_filename(wanted)
    if name is None:
        return f"{_stem(job)}-{record.spec.name}{extension}"
    return name if name.lower().endswith(extension) else f"{name}{extension}"


def offered(job: Job, record: VariantRecord, download: str | None) -> str:
    """The Content-Disposition that a link to the variant brings."""
    return disposition(filename_of(job, record, download), saved=download is not None)


def _stem(job: Job) -> str:
    name = job.source.filename or "image"
    return name.rpartition(".")[0] or name
