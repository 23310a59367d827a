"""Pictures that are laid over others: which result each is. Called by whoever makes a job, before there is one.

    {"asset": "018f3a1c-....logo"} ──▶ the row of that job ──▶ shop/018f3a1c-.../logo-<digest>.png

What was found is fixed in the job: the key holds the digest of the bytes, so an order means the same picture however
often it is carried out, and one that was erased meanwhile is missed by name.
"""

from collections.abc import Iterator, Sequence

from contracts.errors import SpecInvalid
from contracts.identifiers import JobId, Tenant, VariantName
from contracts.job import Job, JobState
from contracts.limits import MAX_ASSET_PIXELS, MAX_ASSETS
from contracts.options import invalid
from contracts.ports import Ledger
from contracts.variants import Variant, asset_names

_DEAD = frozenset({JobState.DELETING, JobState.DELETED})


def pinned_assets(ledger: Ledger, tenant: Tenant, variants: Sequence[Variant], own: int) -> dict[str, str]:
    """Keys of the pictures that the variants are marked with, by the names that overlays call them.

    The last `own` variants are the request's, those before them its preset's. Raises SpecInvalid for what is no
    completed variant of a living job of this tenant, in the same words whatever the reason, and for one that is too
    large; Unavailable if the ledger did not answer. Asks it once, and only if there is something to ask.
    """
    names = asset_names(variants)
    if not names:
        return {}
    if len(names) > MAX_ASSETS:
        detail = f"{len(names)} different pictures are laid over; a job has at most {MAX_ASSETS}"
        raise invalid(_place(variants, own, names[MAX_ASSETS]), detail)
    places = {name: place_of(name) for name in names}
    jobs = ledger.read(list(dict.fromkeys(job_id for job_id, _ in places.values())))
    found: dict[str, str] = {}
    for name, (job_id, variant) in places.items():
        try:
            found[name] = _key(jobs.get(job_id), tenant, variant)
        except SpecInvalid as error:
            raise invalid(_place(variants, own, name), error.detail) from None
    return found


def place_of(name: str) -> tuple[JobId, VariantName]:
    """Job and variant that an overlay's `asset` names: neither has a dot in it."""
    job_id, _, variant = name.partition(".")
    return job_id, variant


def _key(job: Job | None, tenant: Tenant, name: VariantName) -> str:
    """Raises SpecInvalid if it is not to be had."""
    is_ours = job is not None and job.tenant == tenant and job.state not in _DEAD
    record = next((one for one in job.variants if one.spec.name == name), None) if job and is_ours else None
    if record is None or record.result is None:
        raise SpecInvalid("no job of yours has such a completed variant")
    pixels = record.result.width * record.result.height
    if pixels > MAX_ASSET_PIXELS:
        raise SpecInvalid(f"a picture to be laid over others has at most {MAX_ASSET_PIXELS} pixels; this has {pixels}")
    return record.result.key


def _place(variants: Sequence[Variant], own: int, name: str) -> str:
    """JSON Pointer to where the request names it first: in a variant of its own, or by its preset."""
    return next(_places(variants, own, name))


def _places(variants: Sequence[Variant], own: int, name: str) -> Iterator[str]:
    for number, variant in enumerate(variants, start=own - len(variants)):
        for place, overlay in enumerate(variant.overlays):
            if overlay.asset == name:
                yield f"#/variants/{number}/overlays/{place}/asset" if number >= 0 else "#/preset"
