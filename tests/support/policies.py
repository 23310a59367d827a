"""What IAM would answer: a request judged by policy documents, as far as ours use the language.

A denial wins, then a right, and silence is a refusal. An operator that no policy of ours has is a KeyError.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

Context = Mapping[str, str | Sequence[str]]
"""What is known of a request, by key; a key that is not there is absent."""


def allowed(documents: Iterable[str], action: str, resource: str, context: Context | None = None) -> bool:
    """Whether policies of an identity allow a request."""
    answers = [
        statement["Effect"]
        for statement in statements(documents)
        if _asked(statement["Action"], action)
        and _asked(statement["Resource"], resource)
        and holds(statement.get("Condition", {}), context or {})
    ]
    return "Allow" in answers and "Deny" not in answers


def trusted(document: str, context: Context) -> bool:
    """Whether a role's trust lets somebody with these claims take it."""
    return any(
        statement["Effect"] == "Allow" and holds(statement.get("Condition", {}), context)
        for statement in statements([document])
    )


def statements(documents: Iterable[str]) -> Iterator[dict[str, Any]]:
    for document in documents:
        yield from json.loads(document)["Statement"]


def triples(documents: Iterable[str], effect: str = "Allow") -> set[tuple[str, str, str]]:
    """Everything that documents allow (or deny): action, resource, condition."""
    return {
        (action, resource, json.dumps(statement.get("Condition", {}), sort_keys=True))
        for statement in statements(documents)
        if statement["Effect"] == effect
        for action in _many(statement["Action"])
        for resource in _many(statement["Resource"])
    }


def matches(pattern: str, text: str) -> bool:
    """Whether a text is among what a pattern of IAM stands for: `*` is any signs, `?` is one."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


@cache
def meet(one: str, other: str) -> bool:
    """Whether some text is among what both patterns stand for."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and meet(one[1:], other[1:])


def holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _holds(operator, context.get(key), _many(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _holds(operator: str, given: str | Sequence[str] | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (given is None) == (wanted == ["true"])
    if operator.startswith("ForAllValues:"):
        compare = _OPERATORS[operator.removeprefix("ForAllValues:")]
        return all(any(compare(want, one) for want in wanted) for one in _many(given or []))
    if operator.startswith("ForAnyValue:"):
        compare = _OPERATORS[operator.removeprefix("ForAnyValue:")]
        return given is not None and any(compare(want, one) for want in wanted for one in _many(given))
    if operator.endswith("IfExists"):
        if given is None:
            return True
        operator = operator.removesuffix("IfExists")
    return isinstance(given, str) and any(_OPERATORS[operator](want, given) for want in wanted)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda want, given: want == given,
    "StringLike": matches,
    "Bool": lambda want, given: want.lower() == given.lower(),
    "ArnLike": matches,
    "ArnEquals": matches,
}


def _asked(patterns: str | list[str], text: str) -> bool:
    return any(matches(pattern, text) for pattern in _many(patterns))


def _many(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)
