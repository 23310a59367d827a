"""`darkroom upgrade --what-changes`: stored jobs made anew by the present engine, beside what is stored.

Reads the table, originals and results with the operator's own credentials; writes nothing anywhere but the page.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Final

import msgspec
from botocore.exceptions import ClientError

from contracts.debts import ordered
from contracts.errors import PipelineError
from contracts.job import Job, JobState, VariantRecord, decode_job
from contracts.variants import Variant
from operations.comparison import Pair
from operations.renders import Render, judged, rendered
from operations.scoring import Judge
from operations.standing import Standing

_MADE: Final = frozenset({JobState.COMPLETED, JobState.PARTIALLY_COMPLETED})


def sample(stack: Standing, most: int) -> tuple[list[Job], int]:
    """So many jobs that have results, whichever they are but the same ones each time; and how many there are in all."""
    chosen: list[tuple[bytes, Job]] = []
    count = 0
    for page in stack.rows():
        for item in page:
            job = _job(item["document"]["B"]) if item.get("kind", {}).get("S") == "job" else None
            if job is None or job.state not in _MADE or job.original is None or job.source.format is None:
                continue
            count += 1
            chosen.append((hashlib.sha256(job.id.encode()).digest(), job))
        chosen = sorted(chosen, key=lambda one: one[0])[:most]
    return [job for _, job in chosen], count


def pairs(stack: Standing, jobs: Iterable[Job], judge: Judge | None = None) -> Iterator[Pair]:
    """Every result of the jobs as it is stored, and as it would be made now, marked with what it was marked with."""
    threads, palettes = stack.settings.transform.threads, stack.settings.formats.palettes
    for job in jobs:
        original, form = job.original, job.source.format
        assert original is not None  # as `sample` chose it
        assert form is not None
        stored = {record.spec.name: record for record in job.variants if record.result is not None}
        title = f"{job.source.filename or 'a picture'} ({job.id})"
        data = _object(stack, stack.originals, original.key, original.version_id)
        if data is None:
            for name, record in stored.items():
                gone = Render(name=name, trouble="its original is not there any more")
                yield Pair(picture=title, variant=name, before=_stored(stack, record), after=gone)
            continue
        groups, assets = together(job, stored), _marks(stack, job)
        made = rendered(data, form, groups, assets=assets, threads=threads, palettes=palettes)
        for name, record in stored.items():
            encoded, now = made.encoded.get(name), made.renders.get(name)
            old = judged(_stored(stack, record), encoded, judge)
            new = None if now is None else judged(now, encoded, judge)
            yield Pair(picture=title, variant=name, before=old, after=new)


def together(job: Job, stored: dict[str, VariantRecord]) -> list[Sequence[Variant]]:
    """The variants in the groups that they were made in, as far as the job still knows."""
    groups: dict[str, tuple[str, ...]] = {}
    for part in job.parts:
        if part.outcome == "finished":
            groups |= dict.fromkeys(part.variants, part.variants)
    whole = tuple(name for name in stored if name not in groups)
    named = dict.fromkeys([*groups.values(), *([whole] if whole else [])])
    there = {record.spec.name for record in job.variants}
    return [ordered(job, [name for name in names if name in there]) for names in named]


def _marks(stack: Standing, job: Job) -> dict[str, bytes]:
    """The pictures that the job's variants are marked with, by the keys that were fixed when it was taken in.

    One that is not there any more is left out: the variants that want it then say so.
    """
    found = {name: _object(stack, stack.results, key) for name, key in job.assets.items()}
    return {name: body for name, body in found.items() if body is not None}


def _stored(stack: Standing, record: VariantRecord) -> Render:
    result = record.result
    assert result is not None  # as the caller chose it
    body = _object(stack, stack.results, result.key)
    if body is None:
        return Render(name=record.spec.name, trouble="its result is not there any more")
    size = (result.width, result.height)
    return Render(name=record.spec.name, body=body, format=result.format, size=size, ms=result.elapsed_ms)


def engines(jobs: Iterable[Job]) -> list[str]:
    """Versions of the engines that made the jobs' results."""
    return sorted({record.result.engine or "?" for job in jobs for record in job.variants if record.result is not None})


def _object(stack: Standing, bucket: str, key: str, version_id: str | None = None) -> bytes | None:
    place = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
    try:
        answer = stack.s3.get_object(**place)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "NoSuchVersion", "AccessDenied", "404", "403"}:
            return None
        raise
    with closing(answer["Body"]) as body:
        return body.read()


def _job(document: bytes) -> Job | None:
    try:
        return decode_job(document)
    except (msgspec.MsgspecError, PipelineError):
        return None
