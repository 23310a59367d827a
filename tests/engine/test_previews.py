"""Every stack that has a file is planned by the real engine, with no account; and the plan is the same each way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local import state
from local.cli import engine_path
from local.cloud import Cloud
from local.deployment import Outcome
from local.preview import ANSWERED_BY, as_data, as_text, configuration_of
from local.problems import CannotRun
from local.program import apply
from local.provider_values import UNKNOWN
from local.stack import Request
from tests.support import plan
from tests.support.engine import bare, deployment, stacks, touched
from tests.support.plan import ROOT

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-previews"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]

OURS_TO_KNOW = "000000000000"
"""Number of the account that the local provider answers with; the recorder of plans has another."""

PACKED = frozenset({"code", "sourceCodeHash"})
"""Inputs with the function's zip: its bytes hang on the libraries that are installed."""


@pytest.fixture(scope="module", params=stacks())
def previewed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Outcome]]:
    with bare(tmp_path_factory.mktemp("bare")):
        yield request.param, deployment(tmp_path_factory.mktemp("stack"), None, stack=request.param).preview()


def test_every_stack_is_planned_with_no_account(previewed: tuple[str, Outcome]) -> None:
    name, outcome = previewed
    assert set(outcome.counts) == {"create"}
    assert {step.type for step in outcome.changes}
    print(f"preview of {name}: {len(outcome.changes)} resources in {outcome.seconds:.1f} s")  # noqa: T201


def test_the_engine_plans_what_the_recorder_of_plans_records(previewed: tuple[str, Outcome]) -> None:
    """Same URNs, parents and inputs, but for what only AWS can name."""
    name, outcome = previewed
    recorded = _by_urn(plan.record(name))
    planned = {step.urn: step for step in outcome.steps if not step.type.startswith("pulumi:")}
    assert planned.keys() == recorded.keys()
    for urn, step in planned.items():
        declared = recorded[urn]
        assert step.type == declared.type
        if not declared.is_component:
            ours = json.loads(json.dumps(declared.inputs, default=str).replace(plan.ACCOUNT, OURS_TO_KNOW))
            assert _differing(step.inputs, ours) == [], urn


def test_a_plan_can_be_read_by_a_person_and_by_a_program(previewed: tuple[str, Outcome]) -> None:
    name, outcome = previewed
    text = as_text(name, "eu-west-1", outcome)
    for step in outcome.changes:
        assert f" {step.name}" in text
    assert f"{len(outcome.changes)} resources to create" in text
    assert ANSWERED_BY in text
    assert UNKNOWN not in text
    data = msgspec.json.decode(as_data(name, "eu-west-1", outcome))
    assert len(data["resources"]) == data["counts"]["create"] == len(text.split("+ ")) - 1
    assert UNKNOWN not in json.dumps(data)


def test_our_own_applier_makes_what_the_engine_makes(tmp_path: Path, cloud: Cloud) -> None:
    """Deployed by each in turn on one cloud: the second finds everything there, and inputs are the same."""
    made = deployment(tmp_path / "engine", cloud)
    made.up()
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "state.json"
    apply(Request(root=str(ROOT), endpoint=cloud.endpoint, state_file=str(file)))
    own = state.load(file)
    theirs = made.resources()
    assert own.keys() == theirs.keys()
    for urn, resource in own.items():
        assert (resource.type, resource.id) == (theirs[urn]["type"], theirs[urn]["id"])
        assert _differing(_present(theirs[urn]["inputs"]), resource.inputs) == [], urn
    # and neither has changed anything of the other's
    assert touched(made.up(refresh=True)) == {}


def test_the_command_prints_the_plan_and_needs_nothing_of_the_persons(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "nobody's"}
    # what the library between engine and provider has to say of its threads is not the command's word
    environment["GRPC_VERBOSITY"] = "NONE"
    command = [sys.executable, "-m", "local", "preview", "--stack", "local", "--json"]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    data = msgspec.json.decode(answer.stdout)
    assert (data["stack"], data["region"], data["answered_by"]) == ("local", "eu-west-1", ANSWERED_BY)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_planned_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "local", "preview", "--stack", "nobody"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == [
        "darkroom: Pulumi.nobody.yaml cannot be read: No such file or directory; run this in a checkout of the project"
    ]
    with pytest.raises(CannotRun, match="run: make engine"):
        engine_path(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: darkroom\n")
    (tmp_path / "Pulumi.sealed.yaml").write_text("config:\n  darkroom:pipeline:\n    key:\n      secure: v1:abc\n")
    monkeypatch.setattr("local.preview.ROOT", tmp_path)
    with pytest.raises(CannotRun, match="darkroom:pipeline is secret"):
        configuration_of("sealed")


def _by_urn(recorded: plan.Plan) -> dict[str, plan.Declared]:
    """Pulumi's mocks forget the grandparents, of which a URN has the types."""
    types: dict[str, str] = {}
    found = {}
    for one in recorded:
        above = f"{types[one.parent]}$" if one.parent in types else ""
        types[one.urn] = f"{above}{one.type}"
        found["::".join([f"urn:pulumi:{recorded.stack}", "darkroom", types[one.urn], one.name])] = one
    return found


def _differing(planned: Any, ours: Any, path: str = "") -> list[str]:
    """Paths at which what is planned is known and another than ours."""
    if planned == UNKNOWN or path in PACKED:
        return []
    if isinstance(planned, dict) and isinstance(ours, dict):
        names = sorted(planned.keys() | ours.keys())
        return [one for name in names for one in _differing(planned.get(name), ours.get(name), name)]
    if isinstance(planned, list) and isinstance(ours, list) and len(planned) == len(ours):
        return [one for pair in zip(planned, ours, strict=True) for one in _differing(*pair, f"{path}[]")]
    return [] if planned == ours else [f"{path}: {planned!r} is not {ours!r}"]


def _present(inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if not name.startswith("__")}
