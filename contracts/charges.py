"""What a job takes of its tenant's day, and how that is put right once it is known what arrived.

An upload through the service is measured before it is charged. A form for a direct upload is charged by what it allows,
and the row that it made remembers that; the write that ends the waiting (an original, a refusal, nobody, a command)
corrects the tally of the day on which the form was asked for, in one transaction. So it is corrected exactly once,
whoever sees first what arrived and whichever day that is.
"""

from msgspec import Struct


class Amounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is counted by the day; of a correction also less than nothing."""

    jobs: int = 0
    bytes: int = 0
    pixels: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(jobs=self.jobs + other.jobs, bytes=self.bytes + other.bytes, pixels=self.pixels + other.pixels)

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(jobs=self.jobs - other.jobs, bytes=self.bytes - other.bytes, pixels=self.pixels - other.pixels)

    def covers(self, other: "Amounts") -> bool:
        return self.jobs >= other.jobs and self.bytes >= other.bytes and self.pixels >= other.pixels


class Charge(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the tally of a day holds for a job: `taken` at first, and that and `corrected` once it is known."""

    day: int
    """Its midnight (UTC) in ms: that on which the form was asked for."""
    taken: Amounts
    corrected: Amounts | None = None
    """What was added, mostly less than nothing; None while nobody knows what arrives."""
    revision: int | None = None
    """Of the job: the one whose write corrected the tally."""

    def correction(self, written: int, replaced: int) -> Amounts | None:
        """What the day has to be corrected by in the very write of the job's revision `written` over `replaced`.

        None for every write but one, and for that one again, should somebody write the same revision anew.
        """
        return self.corrected if replaced < written == self.revision else None
