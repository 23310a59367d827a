"""What the policy of a resource says of one request: as much of IAM's evaluation as our buckets and keys use."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final


def says(document: str, *, who: str, action: str, resource: str = "*", context: Mapping[str, Any] | None = None) -> str:
    """`deny`, `allow`, or `nothing` if no statement speaks of the request.

    `who` is an ARN of a principal or the name of a service, `context` the request's condition keys. A statement for the
    account speaks of each of its principals: what IAM says of them is another question.
    """
    known = {name.lower(): value for name, value in (context or {}).items()}
    effects = [
        statement["Effect"]
        for statement in json.loads(document)["Statement"]
        if _principal(statement["Principal"], who)
        and any(_like(action, pattern) for pattern in _many(statement["Action"]))
        and any(_like(resource, pattern) for pattern in _many(statement["Resource"]))
        and all(
            _holds(operator, known.get(name.lower()), _many(wanted))
            for operator, pairs in statement.get("Condition", {}).items()
            for name, wanted in pairs.items()
        )
    ]
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "nothing"


def _principal(principal: str | Mapping[str, Any], who: str) -> bool:
    if principal == "*" or principal == {"AWS": "*"}:
        return True
    named = [name for names in dict(principal).values() for name in _many(names)]
    account = re.match(r"arn:aws:(?:iam|sts)::(\d{12}):", who)
    return who in named or (account is not None and f"arn:aws:iam::{account[1]}:root" in named)


def _holds(operator: str, value: Any, wanted: Sequence[str]) -> bool:
    if operator == "Null":
        return wanted == [str(value is None).lower()]
    if value is None:
        return False
    return any(_OPERATORS[operator](str(value), one) for one in wanted)


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) is not None


_OPERATORS: Final = {
    "StringEquals": str.__eq__,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": str.__eq__,
    "NumericLessThan": lambda value, limit: float(value) < float(limit),
}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
