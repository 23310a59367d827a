"""`darkroom review`: what stands under a change, from the stack's file alone."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from client import command
from client.errors import BadInput
from components.settings import PipelineConfig
from operations.command import app
from operations.configuration import Configuration, configuration, pipeline_configuration
from operations.review import document, main, markdown
from tests.support.configurations import configurations
from tests.support.tree import ROOT

TODAY = date(2026, 11, 23)


def written(folder: Path, config: dict[str, Any]) -> None:
    (folder / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": {"aws:region": "eu-west-1", **config}}))


@given(configurations())
def test_every_stack_has_a_price_a_first_quota_and_a_remedy(config: PipelineConfig) -> None:
    found = Configuration(stack="own", region="eu-west-1", settings=config)
    text, facts = markdown(found, TODAY), document(found, TODAY)
    assert text.startswith(f"### `own` in eu-west-1: {facts['cost']['usd_a_month_at_rest']:,.2f} USD a month at rest\n")
    assert f"The first quota it meets, in a new account: {facts['first_quota']['says']}." in text
    assert facts["first_quota"]["page"] in text
    assert json.loads(json.dumps(facts)) == facts
    # a table of Markdown: every row has its two cells
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.count("|") == 3 for line in rows)
    assert len(rows) == (len(facts["cost"]["lines"]) + 2 if facts["cost"]["lines"] else 0)


@pytest.mark.parametrize("stack", ["dev", "prod", "foundation", "local"])
def test_the_stacks_of_the_tree_can_be_reviewed(stack: str) -> None:
    found = configuration(ROOT, stack)
    assert f"`{stack}`" in markdown(found, TODAY)
    assert document(found, TODAY)["stack"] == stack


def test_a_stack_on_the_embedded_cloud_costs_nothing() -> None:
    assert markdown(configuration(ROOT, "local"), TODAY).startswith("### `local` costs nothing")


def test_it_needs_no_account_and_no_pulumi() -> None:
    script = (
        "import sys; from operations.review import main; code = main(['--stack', 'prod']); "
        "print([name for name in sys.modules if name.startswith('pulumi')], file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("### `prod` in eu-west-1: ")
    assert ran.stderr == "[]\n"


def test_the_command_and_the_module_say_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    command.app.update(app)
    for options in ([], ["--json"]):
        assert command.run(["review", "--stack", "prod", *options]) == 0
        said = capsys.readouterr().out
        assert main(["--stack", "prod", *options]) == 0
        assert capsys.readouterr().out == said


def test_a_mistake_is_one_line_with_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, {"darkroom:pipeline": {"transform": {"memory_mb": "much"}}})
    assert main(["--stack", "own"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "$.transform.memory_mb" in line
    assert line.startswith("Pulumi.own.yaml, darkroom:pipeline: ")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "is neither a pipeline nor the foundation"),
        ({"darkroom:pipeline": {}}, "is neither a pipeline nor the foundation"),
        (
            {"darkroom:pipeline": {"log_level": "info"}, "darkroom:foundation": {"budget_usd": 1}},
            "is both a pipeline and the foundation",
        ),
        ({"darkroom:pipeline": ["a"]}, "Expected `object`"),
        ({"darkroom:pipeline": {"colour": "red"}}, "unknown field `colour`"),
        ({"darkroom:pipeline": {"force_destroy": True}}, "force_destroy: contradicts deletion_protection"),
    ],
)
def test_what_the_program_refuses_is_refused(tmp_path: Path, config: dict[str, Any], says: str) -> None:
    written(tmp_path, config)
    with pytest.raises(BadInput, match=says):
        configuration(tmp_path, "own")


def test_the_foundation_is_no_pipeline() -> None:
    with pytest.raises(BadInput, match="is the foundation's"):
        pipeline_configuration(ROOT, "foundation")
