"""One original, studied while its variants are made: what it shows, what it tells, what it carries."""

from collections.abc import Callable, Collection

from msgspec.structs import replace

from contracts.analysis import Find, Seen, Trait
from contracts.messages import Facts
from functions.transform.analysis.carried import Told, told
from functions.transform.analysis.traits import seen
from functions.transform.steps.colour import profile_name
from functions.transform.steps.decode import Source
from functions.transform.steps.metadata import metadata
from functions.transform.steps.picture import Picture

NAME = "analysis"
"""Under which trouble with it is reported, beside the names of variants."""

Report = Callable[[str, BaseException], None]


class Study:
    """What was found out so far. A bug in here costs facts and is reported; it never costs a picture."""

    def __init__(self, source: Source, traits: Collection[Trait], report: Report) -> None:
        self._source = source
        self._traits = traits
        self._report = report
        self._seen: Seen | None = None
        self._told: Told | None = None

    def look(self, sample: Picture) -> None:
        """At the sample, from a thread of the run's."""
        try:
            self._seen = seen(sample.pixels, self._traits)
            self._told = told(self._source, sample)
        except Exception as error:
            self._report(NAME, error)

    def added_to(self, facts: Facts) -> Facts:
        """The facts with all that was found out; without a look at least what the bytes tell by themselves."""
        try:
            return self._added(facts)
        except Exception as error:
            self._report(NAME, error)
            return facts

    def _added(self, facts: Facts) -> Facts:
        source = self._source
        found = self._told or told(source, None)
        tells = Trait.METADATA in self._traits
        carried: tuple[Find, ...] = found.finds
        return replace(
            facts,
            icc=profile_name(source.profile) if source.profile else None,
            metadata=dict(metadata(source.exif)) if tells else {},
            iptc=found.iptc if tells else {},
            xmp=found.xmp if tells else {},
            private=found.private if tells else {},
            seen=self._seen,
            carried=carried,
        )
