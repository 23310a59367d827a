"""`python -m local preview`: what a first deployment of a stack would make, planned by the real engine with no account.

Nothing is asked of AWS: the plan starts from nothing, and every resource is answered by the recorded tier. With an
account, `pulumi preview` says the same of a new stack, and of a deployed one what would change.
"""

import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import msgspec

from local.cloud import ROOT
from local.deployment import Deployment, Outcome, Step
from local.problems import CannotRun
from local.provider import Provider
from local.provider_values import UNKNOWN
from local.stack import region_of, written

ANSWERED_BY: Final = (
    "recorded: no account was asked; names of inputs are checked against the provider's, values are not"
)
_PRICE: Final = "price"
_UNTOLD: Final = frozenset({"pulumi:pulumi:Stack", "pulumi:providers:aws"})


def preview(stack: str, *, as_json: bool) -> None:
    """Print the plan; raises CannotRun if there is none."""
    # what the provider's library says about its own deprecated parts is not about the stack
    warnings.simplefilter("ignore", DeprecationWarning)
    config, region = configuration_of(stack), region_of(ROOT, stack)
    with tempfile.TemporaryDirectory(prefix="darkroom-preview-") as folder:
        deployment = Deployment(Path(folder), root=ROOT, stack=stack, config=config, provider=Provider(region))
        outcome = deployment.preview()
    text = as_data(stack, region, outcome) if as_json else as_text(stack, region, outcome)
    sys.stdout.write(text + "\n")


def configuration_of(stack: str) -> dict[str, Any]:
    """What the stack's file says; raises CannotRun if a part of it is secret."""
    config = written(ROOT, stack)
    for key, value in config.items():
        if _has_secret(value):
            raise CannotRun(
                f"Pulumi.{stack}.yaml: {key} is secret, and only the stack's own key opens it; run: pulumi preview"
            )
    return config


def as_data(stack: str, region: str, outcome: Outcome) -> str:
    """The plan as JSON: the resources in the order of their registration, with their inputs; null is not known yet."""
    resources = [
        {"op": step.op, "type": step.type, "name": step.name, "urn": step.urn, "parent": step.parent or None}
        | {"inputs": _without_marks(step.inputs)}
        for step in _told(outcome)
    ]
    plan = {
        "stack": stack,
        "region": region,
        "answered_by": ANSWERED_BY,
        "counts": dict(Counter(step.op for step in _told(outcome))),
        "exports": _without_marks(outcome.exports),
        "messages": outcome.messages,
        "seconds": round(outcome.seconds, 1),
        "resources": resources,
    }
    return msgspec.json.format(msgspec.json.encode(plan)).decode()


def as_text(stack: str, region: str, outcome: Outcome) -> str:
    """The plan as a tree of components and what they hold, then how much there is of what, the price, and the notes."""
    steps = _told(outcome)
    children: defaultdict[str, list[Step]] = defaultdict(list)
    urns = {step.urn for step in steps}
    for step in steps:
        children[step.parent if step.parent in urns else ""].append(step)
    lines = [f"{stack} in {region}: what a first deployment would make", ""]
    lines += _branch(children, "", 0)
    made = [step for step in steps if step.type.startswith("aws:")]
    kinds = Counter(_short(step.type) for step in made)
    lines += ["", f"{len(made)} resources to create, in {len(steps) - len(made)} components:"]
    lines += [f"  {count:4}  {kind}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0]))]
    for name, value in sorted(outcome.exports.items()):
        if _PRICE in name:
            lines += ["", *_priced(name, value)]
    if outcome.messages:
        lines += ["", *outcome.messages]
    return "\n".join([*lines, "", f"planned in {outcome.seconds:.1f} s, answered by {ANSWERED_BY}"])


def _priced(name: str, value: Any) -> list[str]:
    title = name.replace("_", " ")
    if isinstance(value, dict):
        return [f"{title}:", *(f"  {part.replace('_', ' ')}: {_plain(one)}" for part, one in value.items())]
    return [f"{title}: {_plain(value)}"]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _branch(children: dict[str, list[Step]], parent: str, depth: int) -> list[str]:
    lines = []
    for step in sorted(children.get(parent, []), key=lambda step: (step.type.startswith("aws:"), step.urn)):
        given = next((step.inputs[key] for key in ("name", "bucket") if _is_told(step.inputs.get(key))), "")
        named = f"  {given}" if given and given != step.name and step.type.startswith("aws:") else ""
        lines.append(f"{'  ' * depth}+ {_short(step.type)} {step.name}{named}")
        lines += _branch(children, step.urn, depth + 1)
    return lines


def _short(kind: str) -> str:
    """`aws:sqs:Queue` for `aws:sqs/queue:Queue`; a component by its module and class."""
    package, module, name = kind.split(":")
    return f"{module.partition('/')[0]}:{name}" if package != "aws" else f"aws:{module.partition('/')[0]}:{name}"


def _told(outcome: Outcome) -> list[Step]:
    return [step for step in outcome.steps if step.type not in _UNTOLD]


def _is_told(value: object) -> bool:
    return isinstance(value, str) and value != UNKNOWN


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_marks(one) for name, one in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [_without_marks(one) for one in value]
    return None if value == UNKNOWN else value


def _has_secret(value: object) -> bool:
    if isinstance(value, dict):
        return "secure" in value or any(map(_has_secret, value.values()))
    return isinstance(value, list) and any(map(_has_secret, value))
