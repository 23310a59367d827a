"""Rights that roles were granted, against those they used: two lists, both of which should be empty. Pure.

A right is an action on the resources of a pattern. It was used if the cloud was asked for that action on a resource
that the pattern covers; a use without a right is one that no pattern covers, or that was denied.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct


class Right(Struct, frozen=True, order=True):
    """An action on what a pattern covers (`*` and `?`, as IAM reads them), of a role."""

    role: str
    action: str
    resource: str


class Use(Struct, frozen=True, order=True):
    """An action that a role asked for on one resource."""

    role: str
    action: str
    resource: str
    allowed: bool


class Report(Struct, frozen=True, kw_only=True):
    """What came out. `used` has how often each right was used; the two lists are sorted."""

    used: dict[Right, int]
    used_but_not_granted: list[Use]
    granted_but_never_used: list[Right]


def uses_of(audit: Iterable[dict[str, Any]], names: Mapping[str, str]) -> Counter[Use]:
    """Uses in the cloud's audit by the roles that `names` gives their short names; others are left out."""
    uses: Counter[Use] = Counter()
    for line in audit:
        role = names.get(line["role"])
        if role is not None:
            uses[Use(role, line["action"], line["resource"], line["decision"] == "allow")] += 1
    return uses


def report(granted: Iterable[Right], uses: Mapping[Use, int], unobservable: Iterable[tuple[str, str]]) -> Report:
    """Compare; pairs of role and action in `unobservable` are not missed when nobody used them."""
    rights, unseen = sorted(set(granted)), set(unobservable)
    used: Counter[Right] = Counter()
    not_granted = []
    for use, count in sorted(uses.items()):
        covering = [right for right in rights if use.allowed and covers(right, use)]
        if not covering:
            not_granted.append(use)
        for right in covering:
            used[right] += count
    never = [right for right in rights if right not in used and (right.role, right.action) not in unseen]
    return Report(used=dict(used), used_but_not_granted=not_granted, granted_but_never_used=never)


def covers(right: Right, use: Use) -> bool:
    """Whether the right is for this use."""
    same = (right.role, right.action) == (use.role, use.action)
    return same and _pattern(right.resource).fullmatch(use.resource) is not None


@functools.cache
def _pattern(resource: str) -> re.Pattern[str]:
    return re.compile(re.escape(resource).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
