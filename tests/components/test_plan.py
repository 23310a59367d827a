"""What holds over the whole plan of every stack, whatever component declared it."""

import importlib
import json
import warnings
from pathlib import Path

import pytest

from components import naming
from contracts.messages import Queue
from tests.support.plan import ROOT, Declared, Plan, record

COMPONENTS = sorted((ROOT / "components").glob("*.py"))


def takes_tags(resource: Declared) -> bool:
    """Whether the provider's class of this type has tags."""
    _, module, name = resource.type.split(":")
    package = "lambda_" if module.startswith("lambda/") else module.partition("/")[0]
    return isinstance(getattr(getattr(importlib.import_module(f"pulumi_aws.{package}"), name), "tags", None), property)


def tags_of(resource: Declared) -> dict[str, str]:
    """A group of hosts has its own way to write them."""
    tags = resource.inputs["tags"]
    return tags if isinstance(tags, dict) else {one["key"]: one["value"] for one in tags}


def test_the_program_declares_something_of_every_kind(plan: Plan) -> None:
    counts = {kind: len(plan.of(kind)) for kind in ("Bucket", "Queue", "Table", "Function", "Role", "ImagePipeline")}
    grand = plan.stack == "prod"  # logs of the balancer, and a role for those of the network
    assert counts == {
        **{"Bucket": 3 if grand else 2, "Role": 6 if grand else 5},
        **{"Queue": 12, "Table": 2, "Function": 1, "ImagePipeline": 1},
    }


def test_every_resource_is_a_child_of_a_component(plan: Plan) -> None:
    components = {one.urn for one in plan if one.is_component}
    orphans = [one for one in plan if one.parent not in components]
    assert [(one.type, one.name) for one in orphans] == [("darkroom:pipeline:ImagePipeline", "pipeline")]


def test_every_component_registers_its_outputs(plan: Plan) -> None:
    silent = [one for one in plan if one.is_component and not plan.outputs.get(one.urn)]
    assert any(one.is_component for one in plan)
    assert silent == []


def test_every_component_has_a_token_of_this_project(plan: Plan) -> None:
    for one in plan:
        if not one.type.startswith("aws:"):
            project, module, class_name = one.type.split(":")
            assert one.type == naming.type_token(module, class_name)
            assert project == "darkroom"
            assert hasattr(importlib.import_module(f"components.{module}"), class_name)


def test_everything_that_takes_tags_is_tagged(plan: Plan) -> None:
    taggable = [one for one in plan if one.type.startswith("aws:") and takes_tags(one)]
    assert {one.type.rpartition(":")[2] for one in taggable} >= {
        "Bucket", "Queue", "Table", "Function", "Role", "LogGroup", "EventSourceMapping",
    }  # fmt: skip
    for one in taggable:
        assert {"project": "darkroom", "stack": plan.stack}.items() <= tags_of(one).items(), one


def test_tags_of_the_configuration_reach_everything(dev: Plan) -> None:
    assert {tags_of(one)["environment"] for one in dev if "tags" in one.inputs} == {"dev"}


def test_no_two_stacks_can_confuse_their_names(plan: Plan) -> None:
    """Of no resource type may one name end in a hyphen and another."""
    prefix = f"darkroom-{plan.stack}-"
    whats: dict[str, set[str]] = {}
    for one in plan:
        name = one.inputs.get("bucket" if one.type.endswith(":Bucket") else "name")
        if isinstance(name, str) and name.startswith(prefix):
            whats.setdefault(one.type, set()).add(name.removeprefix(prefix))
    assert len(whats) >= 5
    for kind, those in whats.items():
        assert naming.ambiguous(frozenset(those)) == set(), kind


def test_stacks_share_no_name_of_anything() -> None:
    def names(plan: Plan) -> set[tuple[str, str]]:
        given = ((one.type, one.inputs.get("bucket" if one.type.endswith(":Bucket") else "name")) for one in plan)
        return {(kind, name) for kind, name in given if isinstance(name, str) and "darkroom" in name}

    one, other = names(record("local", name="a")), names(record("local", name="a-jobs"))
    assert len(one) == len(other) == 23
    assert one.isdisjoint(other)


def test_what_holds_data_is_protected_where_the_configuration_says_so(dev: Plan) -> None:
    kept = record("dev", {"deletion_protection": True, "force_destroy": False})
    holding = [one for one in kept if one.type.endswith((":Bucket", ":Table"))]
    assert len(holding) == 4
    assert all(one.protected for one in holding)
    assert not any(one.protected for one in dev)
    assert all(one.inputs["deletionProtectionEnabled"] for one in kept.of("Table"))


def test_the_program_is_short_and_declares_nothing_itself() -> None:
    lines = (ROOT / "__main__.py").read_text().splitlines()
    assert len(lines) < 40
    assert not any("aws" in line for line in lines)


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_a_component_can_be_read_over_a_coffee(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250


def test_no_component_looks_at_the_name_of_a_stack() -> None:
    assert COMPONENTS
    for path in COMPONENTS:
        for name in ("local", "dev", "prod"):
            assert f'"{name}"' not in path.read_text(), path


def test_the_program_warns_of_nothing() -> None:
    """No input of ours is one that the provider's classes call deprecated."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        record("local")
    # of a file or a socket the collector tells when it comes to it, whoever left it open
    assert [str(one.message) for one in seen if not issubclass(one.category, ResourceWarning)] == []


def test_the_exports_are_what_they_were_agreed_to_be(plan: Plan) -> None:
    exports = json.loads(json.dumps(plan.exports))
    always = {"services", "function", "buckets", "queues", "tables", "roles", "hosts", "url", "alarms_topic"}
    assert set(exports) == (always if plan.stack == "local" else always | {"cost"})
    assert set(exports["hosts"]) == (set() if plan.stack == "local" else {"upload", "processing"})
    assert (exports["url"] is None) == (plan.stack in ("local", "dev"))
    assert set(exports["services"]) == {"upload", "processing"}
    assert {key for service in exports["services"].values() for key in service} == {"role_arn", "environment"}
    assert set(exports["function"]) == {"name", "arn", "role_arn"}
    assert set(exports["buckets"]) == {"originals", "results"}
    assert set(exports["queues"]) == {queue.value for queue in Queue}
    assert {key for queue in exports["queues"].values() for key in queue} == {"url", "dead_letter_url", "arn"}
    assert set(exports["tables"]) == {"jobs", "registry"}
    assert set(exports["roles"]) == {"upload", "link-signer", "processing", "eraser", "transform"}
