"""What was found out about an original, as the status shows it: its facts, its words, and what it carried."""

from typing import Any

import msgspec

from contracts.job import Job
from contracts.messages import Facts


def analysis(facts: Facts | None) -> dict[str, Any]:
    """What the picture is, and what its pixels show; without a decode nothing."""
    if facts is None:
        return {}
    told = {
        "width": facts.width,
        "height": facts.height,
        "frames": facts.frames,
        "animated": facts.frames > 1,
        "has_alpha": facts.has_alpha,
        "icc": facts.icc,
    }
    return told | (msgspec.to_builtins(facts.seen) if facts.seen else {})


def metadata(facts: Facts | None, *, private: bool) -> dict[str, Any]:
    """What the original told about itself; what is private in it only for whom may see it."""
    if facts is None:
        return {}
    further = {"iptc": facts.iptc, "xmp": facts.xmp, "private": facts.private if private else {}}
    return dict(facts.metadata) | {name: told for name, told in further.items() if told}


def found(facts: Facts) -> tuple[dict[str, Any], ...]:
    """What the upload carried; bytes where they can be said."""
    return tuple(msgspec.to_builtins(find) for find in facts.carried or ())


def carried(job: Job) -> dict[str, tuple[str, ...]]:
    """What the results that were parsed again carry beside their pixels, by variant; nothing is nothing."""
    results = {record.spec.name: record.result for record in job.variants if record.result is not None}
    return {name: result.carries for name, result in results.items() if result.carries is not None}
