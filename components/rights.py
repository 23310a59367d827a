"""Rights with conditions, and the documents they are written in: for roles that are not processes. Pure.

A process's role is plainer, and is written by components/access.py. What holds there holds here: no allowed action has
a wildcard, and the order in which rights are collected changes nothing in a plan.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from components.access import ANYWHERE, VERSION

MAX_POLICY_CHARS: Final = 6_144
"""Of a managed policy, white space not counted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

MAX_POLICIES: Final = 10
"""Managed policies of one role, before one asks for more (same page)."""

Condition = frozenset[tuple[str, str, tuple[str, ...]]]
"""All of these hold: (operator, key, values), and of the values one."""

_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]*")
_DENIED: Final = re.compile(r"[a-z0-9-]+:[A-Z]?[A-Za-z0-9]*\*?")


def holds(operator: str, key: str, *values: str) -> Condition:
    """One condition; `|` joins conditions that must hold together."""
    return frozenset({(operator, key, tuple(sorted(values)))})


class Right(Struct, frozen=True):
    """These actions are allowed on these resources while the condition holds.

    Raises ValueError for a wildcard of actions, and for `*` without a condition unless AWS knows nothing narrower.
    """

    actions: frozenset[str]
    resources: frozenset[str]
    condition: Condition = frozenset()

    def __post_init__(self) -> None:
        if not self.actions or not self.resources:
            raise ValueError("a right names at least one action and one resource")
        for action in self.actions:
            if _ACTION.fullmatch(action) is None:
                raise ValueError(f"{action!r} is not one action of one service")
        if "*" in self.resources and not self.condition and not self.actions <= ANYWHERE.keys():
            raise ValueError(f"{', '.join(sorted(self.actions))} on every resource, and under no condition")


class Denial(Struct, frozen=True):
    """These actions are refused on these resources while the condition holds, whatever is allowed elsewhere."""

    sid: str
    actions: frozenset[str]
    resources: frozenset[str]
    condition: Condition = frozenset()

    def __post_init__(self) -> None:
        for action in self.actions:
            if _DENIED.fullmatch(action) is None:
                raise ValueError(f"{action!r} is not an action, nor the beginning of one and a wildcard")


def merged(rights: Iterable[Right]) -> tuple[Right, ...]:
    """The one way to write what the rights allow together: resources with the same actions share a statement."""
    actions: defaultdict[tuple[str, Condition], set[str]] = defaultdict(set)
    for right in rights:
        for resource in right.resources:
            actions[resource, right.condition] |= right.actions
    resources: defaultdict[tuple[frozenset[str], Condition], set[str]] = defaultdict(set)
    for (resource, condition), allowed in actions.items():
        resources[frozenset(allowed), condition].add(resource)
    found = [Right(allowed, frozenset(those), condition) for (allowed, condition), those in resources.items()]
    return tuple(sorted(found, key=lambda one: (sorted(one.actions), sorted(one.resources), sorted(one.condition))))


def policy(rights: Iterable[Right], denials: Iterable[Denial] = ()) -> str:
    """A managed policy; raises ValueError if IAM would refuse it for its size."""
    statements = [_statement("Allow", one) for one in merged(rights)]
    statements += [{"Sid": one.sid, **_statement("Deny", one)} for one in denials]
    text = json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))
    size = len("".join(text.split()))
    if size > MAX_POLICY_CHARS:
        raise ValueError(f"a policy has {size} characters; IAM takes {MAX_POLICY_CHARS}")
    return text


def _statement(effect: str, one: Right | Denial) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": effect, "Action": sorted(one.actions), "Resource": sorted(one.resources)}
    condition: dict[str, dict[str, str | list[str]]] = {}
    for operator, key, values in sorted(one.condition):
        condition.setdefault(operator, {})[key] = values[0] if len(values) == 1 else list(values)
    if condition:
        statement["Condition"] = condition
    return statement
