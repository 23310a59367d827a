"""Which ports the agreement machine drives, method by method, and which it cannot, with the reason."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, Final

import contracts
from contracts.errors import PipelineError

PORTS: Final = {
    "OriginalStore": "originals",
    "RangeReader": "originals",
    "OriginalRanges": "originals",
    "OriginalReader": "originals",
    "ResultStore": "results",
    "Eraser": "eraser",
    "Queues": "queues",
    "Ledger": "ledger",
    "Deliveries": "deliveries",
    "Catalogue": "catalogue",
    "Tallies": "tallies",
    "KeyReader": "keys",
    "PresetShelf": "presets",
    "Webhooks": "webhooks",
}
"""By the port: the adapter of `CloudWorld` that is held to its twin in memory."""

APART: Final = {
    "PostSigner": ("a form is signed without a call, and taken by S3 alone", "tests/adapters/test_posts.py"),
    "LinkSigner": ("a link is signed without a call", "tests/adapters/test_links.py"),
    "Outside": ("strangers' hosts are no cloud of ours", "tests/adapters/test_outside.py"),
    "Clock": ("the clock in memory is moved by hand", "tests/adapters/test_clients.py"),
    "Seekable": ("a file, which any bytes are", "tests/contracts/test_headers.py"),
}
"""Ports that are not driven: why not, and where their adapters are tested."""

ADAPTERS: Final = frozenset(PORTS.values())


def ports() -> dict[str, frozenset[str]]:
    """Every protocol of `contracts`, and the methods that it asks for."""
    found: dict[str, frozenset[str]] = {}
    for module in pkgutil.walk_packages(contracts.__path__, "contracts."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            if (
                isinstance(kind, type)
                and getattr(kind, "_is_protocol", False)
                and kind.__module__.startswith("contracts")
            ):
                found[name] = frozenset(
                    method
                    for base in kind.__mro__
                    for method, what in vars(base).items()
                    if _is_asked_for(method, what)
                )
    return found


def wanted() -> frozenset[str]:
    """`adapter.method` of everything that is to be driven."""
    return frozenset(
        f"{PORTS[port]}.{method}" for port, methods in ports().items() if port in PORTS for method in methods
    )


def outcomes(*calls: Callable[[], Any]) -> list[Any]:
    """What each call answers, or the type of the failure that the house has a name for."""
    answers = []
    for call in calls:
        try:
            answers.append(call())
        except PipelineError as failure:
            answers.append(type(failure))
    return answers


def _is_asked_for(name: str, what: object) -> bool:
    return callable(what) and not name.startswith("_")
