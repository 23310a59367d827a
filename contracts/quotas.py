"""What one tenant, or one key, may ask for: quotas, what was used of them, and how both are told in header fields.

    requests      a bucket on each host: `burst_requests` at once, refilled at `requests_per_second`
    bytes         taken in on one day (UTC), leased from the registry in slices
    megapixels    of originals on one day, likewise: what the function's work, and its bill, grows with
    jobs          taken in on one day (UTC), likewise
    in-flight     jobs that wait or are worked on

The fields are those of draft-ietf-httpapi-ratelimit-headers-11: a list of policies, and how each stands.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from contracts.charges import Amounts
from contracts.limits import DAY_SECONDS, MIB

if TYPE_CHECKING:
    # the function reads its environment, and so this module, at every cold start, and no job
    from contracts.job import Instant, Source

MEGAPIXEL: Final = 1_000_000


class Quotas(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one tenant. None: as much as it likes."""

    requests_per_second: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """Of each host."""
    burst_requests: Annotated[int, Meta(ge=1, le=1_000_000)] = 200
    """At once, of each host, after a pause that is long enough."""
    bytes_per_day: Annotated[int, Meta(ge=1)] | None = None
    """Of originals, from midnight to midnight UTC."""
    megapixels_per_day: Annotated[int, Meta(ge=1)] | None = None
    """Millions of pixels of originals, every frame counted, from midnight to midnight UTC."""
    jobs_per_day: Annotated[int, Meta(ge=1)] | None = None
    """Taken in, from midnight to midnight UTC."""
    jobs_in_flight: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """That wait or are worked on."""

    @property
    def burst_seconds(self) -> int:
        """How long the bucket takes to fill."""
        return -(-self.burst_requests // (self.requests_per_second or self.burst_requests))


class KeyLimits(Struct, frozen=True, kw_only=True):
    """What one key may ask for, of what its tenant may: named by whom its tallies are of, which is no tenant's name."""

    account: str
    quotas: Quotas


UNLIMITED: Final = Quotas()
"""Where no key is asked for: everybody is on this machine."""

USUAL: Final = Quotas(
    requests_per_second=50,
    bytes_per_day=100_000 * MIB,
    megapixels_per_day=500_000,
    jobs_in_flight=10_000,
)
"""Where keys are asked for and nothing else is said. A day of 500,000 megapixels is 40,000 photographs of 12 MP, about
5 USD of the function's time at four variants each: a runaway script is stopped at the price of a lunch."""


def cost_of(source: "Source") -> Amounts:
    """What a picture takes of its tenant's day: its bytes, and the pixels of all its frames."""
    pixels = (source.width or 0) * (source.height or 0) * source.frames
    return Amounts(jobs=1, bytes=source.bytes or 0, pixels=pixels)


class Policy(Struct, frozen=True, kw_only=True):
    """One quota as it stands. `window_seconds` None: it has no window, as `in-flight`."""

    name: str
    quota: int
    unit: str | None = None
    window_seconds: int | None = None
    left: int
    seconds: int | None = None
    """Until there is more: the end of the window, or the next drop of a bucket that is empty."""


def policy_field(policies: Iterable[Policy]) -> str:
    """`RateLimit-Policy`: `"requests";q=200;w=4, "bytes";q=1000;qu="content-bytes";w=86400`."""
    return ", ".join(
        f'"{one.name}";q={one.quota}'
        + ("" if one.unit is None else f';qu="{one.unit}"')
        + ("" if one.window_seconds is None else f";w={one.window_seconds}")
        for one in policies
    )


def limit_field(policies: Iterable[Policy]) -> str:
    """`RateLimit`: `"requests";r=199;t=1, "bytes";r=0;t=3600`."""
    return ", ".join(
        f'"{one.name}";r={max(0, one.left)}' + ("" if one.seconds is None else f";t={one.seconds}") for one in policies
    )


def day_of(now: "Instant") -> "Instant":
    """The midnight (UTC) that this moment's day began with."""
    return now - now % (DAY_SECONDS * 1_000)


def seconds_left(now: "Instant") -> int:
    """Of the day, rounded up; 1 to 86,400."""
    return -(-(day_of(now) + DAY_SECONDS * 1_000 - now) // 1_000)
