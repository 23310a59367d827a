"""Names, by arithmetic: type tokens of components and physical names of resources. Pure.

A physical name is `darkroom-<stack>-<what>`. Stacks share an account, so two stacks must never arrive at one name; the
`what`s of one resource type are chosen so that none ends in a hyphen and another (tests/components asserts it over the
plan), which leaves the stack's label as the only part that has to be unambiguous.
"""

import hashlib
import re
from typing import Final

PROJECT: Final = "darkroom"

MAX_LABEL_CHARS: Final = 16
"""Of a stack in a name: with account and the longest region the name of a bucket then ends below S3's 63 characters."""

MAX_NAME_CHARS: Final = 64
"""Of a role or function (IAM, Lambda); queues and tables take longer ones."""

MAX_BUCKET_CHARS: Final = 63

_HASH_CHARS: Final = 10
_PLAIN: Final = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9]))*")
_HASHED: Final = re.compile(rf".*-[0-9a-f]{{{_HASH_CHARS}}}")
_WHAT: Final = _PLAIN
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-[0-9]")
_MODULE: Final = re.compile(r"[a-z]+")
_CLASS: Final = re.compile(r"[A-Z][A-Za-z]*")


def type_token(module: str, class_name: str) -> str:
    """The type of a component: part of every child's URN, so it never changes once a stack was deployed."""
    if _MODULE.fullmatch(module) is None or _CLASS.fullmatch(class_name) is None:
        raise ValueError(f"{module}:{class_name} is no module and class")
    return f"{PROJECT}:{module}:{class_name}"


def stack_label(stack: str) -> str:
    """A stack's part of its names: lower-case letters, digits and single hyphens, at most MAX_LABEL_CHARS.

    A short plain name stands for itself. Any other keeps its first letters and takes a hash, and a plain name that
    looks as if it had one is hashed too: so different stacks have different labels (but for a collision of 40 bits).
    """
    plain = _PLAIN.fullmatch(stack) is not None and len(stack) <= MAX_LABEL_CHARS
    if plain and _HASHED.fullmatch(stack) is None:
        return stack
    letters = "".join(re.findall(r"[a-z0-9]", stack.lower()))[: MAX_LABEL_CHARS - _HASH_CHARS - 1]
    readable = letters if letters[:1].isalpha() else "s" + letters[:-1]
    return f"{readable}-{hashlib.sha256(stack.encode()).hexdigest()[:_HASH_CHARS]}"


def physical_name(stack: str, what: str) -> str:
    """`darkroom-<stack>-<what>`, unique within an account and region."""
    return _bounded(f"{PROJECT}-{stack_label(stack)}-{_checked(what)}", MAX_NAME_CHARS)


def bucket_name(stack: str, what: str, account: str, region: str) -> str:
    """`darkroom-<stack>-<what>-<account>-<region>`: the names of buckets are shared by all accounts of the world."""
    if _ACCOUNT.fullmatch(account) is None:
        raise ValueError(f"{account!r} is not the number of an account")
    if not is_region(region):
        raise ValueError(f"{region!r} is not a region")
    return _bounded(f"{PROJECT}-{stack_label(stack)}-{_checked(what)}-{account}-{region}", MAX_BUCKET_CHARS)


def is_region(text: str) -> bool:
    """Whether it has the shape of a region's name."""
    return _REGION.fullmatch(text) is not None


def ambiguous(whats: frozenset[str]) -> set[tuple[str, str]]:
    """Pairs of `what`s that two stacks could confuse: the first ends in a hyphen and the second.

    With `jobs-bulk` and `bulk`, stack `a` with the one and stack `a-jobs` with the other would share a name.
    """
    return {(long, short) for long in whats for short in whats if long.endswith(f"-{short}")}


def _checked(what: str) -> str:
    if _WHAT.fullmatch(what) is None:
        raise ValueError(f"{what!r} is not made of lower-case letters, digits and single hyphens")
    return what


def _bounded(name: str, longest: int) -> str:
    if len(name) > longest:
        raise ValueError(f"{name} is longer than {longest} characters")
    return name
