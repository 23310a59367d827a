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

from contracts.job import Job, VariantRecord
from contracts.ports import Link, LinkSigner


class Links:
    """Signs the links of jobs, each for `seconds`. No call to AWS, but for the signer's renewal: run it in a thread."""

    def __init__(self, signer: LinkSigner, seconds: int) -> None:
        self._signer = signer
        self._seconds = seconds

    def of(self, job: Job) -> dict[str, Link]:
        """A link to every variant that has a result, by the variant's name."""
        signed = {record.spec.name: self.one(job, record) for record in job.variants}
        return {name: link for name, link in signed.items() if link is not None}

    def one(self, job: Job, record: VariantRecord) -> Link | None:
        """A link to this variant; None without a result."""
        if record.result is None:
            return None
        return self._signer.link(record.result.key, seconds=self._seconds, filename=filename_of(job, record))

    def analysis(self, job: Job) -> Link | None:
        """A link to what was found out about the original, where it is too long for the job's row."""
        if job.facts is None or job.facts.more is None:
            return None
        return self._signer.link(job.facts.more, seconds=self._seconds, filename=f"{_stem(job)}-analysis.json")

    def epoch(self, links: Mapping[str, Link]) -> int:
        """The epoch of these links; 0 for none."""
        death = min((link.expires_at for link in links.values()), default=0)
        return death // (self._seconds * 500)


def filename_of(job: Job, record: VariantRecord) -> str:
    """The name offered to who saves the variant: the original's stem, the variant, the new extension."""
    return f"{_stem(job)}-{record.spec.name}.{record.spec.output.format.extension}"


def _stem(job: Job) -> str:
    name = job.source.filename or "image"
    return name.rpartition(".")[0] or name
