"""What runs is read from a stack's history; deployments and rollbacks set images, apply once, and watch to the end."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.rollout import CONFIG, Images, Mistake, Stack, act, before, images_of, read_images, running, unmade


def images(letter: str) -> Images:
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/darkroom"
    return Images(
        upload=f"{registry}/upload@sha256:{letter * 64}", processing=f"{registry}/processing@sha256:{'0' * 64}"
    )


A, B, C = (images(letter) for letter in "abc")


def update(of: Images | None, result: str = "succeeded", kind: str = "update", commit: str = "") -> dict[str, Any]:
    """As `pulumi stack history --json` of 3.259.0 writes one."""
    hosts = {"upload": {"image": of.upload}, "processing": {"image": of.processing}} if of else {}
    config = {"log_level": "info", "hosts": hosts}
    return {
        "kind": kind,
        "result": result,
        "environment": {"git.head": commit} if commit else {},
        "config": {CONFIG: {"value": json.dumps(config), "objectValue": config, "secret": False}},
    }


class Cli:
    """Stands in for the Pulumi CLI: notes what it is told, answers from a history."""

    def __init__(self, history: list[dict[str, Any]], *, fails: str = "", code: int = 1) -> None:
        self.history, self.fails, self.code = history, fails, code
        self.told: list[str] = []

    def __call__(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        said = " ".join(arguments)
        assert said.endswith(" --stack prod")
        self.told.append(said.removesuffix(" --stack prod"))
        if self.fails and said.startswith(self.fails):
            return subprocess.CompletedProcess(arguments, self.code, "changes\n", "error: what went wrong\n")
        answers = {
            "stack history": json.dumps(self.history),
            "stack output": '{"hosts": {"upload": "g1", "processing": "g2"}, "url": "https://d.example"}',
            "config get": "eu-west-1\n",
            "preview --diff": "the plan\n",
        }
        return subprocess.CompletedProcess(arguments, 0, answers.get(" ".join(arguments[:2]), ""), "")

    @property
    def changes(self) -> list[str]:
        return [said for said in self.told if said.startswith(("config set", "up "))]


def done(verb: str, cli: Cli, file: str | None = None, failures: Sequence[str] = ()) -> str:
    return act(verb, Stack("prod", cli), file, lambda groups, region: [f"{region} {one}" for one in failures])


def set_and_up(of: Images) -> list[str]:
    path = f"config set --path {CONFIG}.hosts"
    return [
        f"{path}.upload.image {of.upload}",
        f"{path}.processing.image {of.processing}",
        "up --yes --skip-preview --non-interactive",
    ]


def file_of(folder: Path, of: Images) -> str:
    path = folder / "images.json"
    path.write_text(json.dumps({"upload": of.upload, "processing": of.processing}))
    return str(path)


def test_what_runs_is_what_the_last_good_update_was_given() -> None:
    assert running([]) is None
    assert running([update(B, "failed"), update(None), update(A), update(C)]) == A
    assert running([update(B, kind="destroy"), update(A)]) == A


def test_an_update_without_both_images_runs_nothing() -> None:
    assert images_of(update(None)) is None
    assert images_of({"config": {}}) is None
    one = {"hosts": {"upload": {"image": A.upload}}}
    assert images_of({"config": {CONFIG: {"value": json.dumps(one)}}}) is None


@pytest.mark.parametrize(
    ("history", "since", "earlier"),
    [
        ([update(B, "failed"), update(A)], None, A),
        ([update(B), update(B), update(A)], None, A),
        ([update(B, "failed"), update(A)], B, A),
        ([update(A), update(C)], B, None),
        ([update(A)], None, None),
        ([update(A, "failed")], A, None),
        ([], None, None),
    ],
    ids=["failed", "up but bad", "as tried", "never began", "the first", "the first failed", "no stack"],
)
def test_a_rollback_goes_to_what_was_up_before_the_last_attempt(
    history: list[dict[str, Any]], since: Images | None, earlier: Images | None
) -> None:
    assert before(history, since) == earlier


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from(["succeeded", "failed"])), max_size=8))
def test_a_rollback_never_goes_to_what_never_worked_or_to_where_it_is(attempts: list[tuple[Images, str]]) -> None:
    earlier = before([update(*attempt) for attempt in attempts])
    if earlier is not None:
        assert (earlier, "succeeded") in attempts
        assert earlier != attempts[0][0]


def test_a_deployment_sets_both_images_and_applies_once(tmp_path: Path) -> None:
    cli = Cli([update(A)])
    assert done("deploy", cli, file_of(tmp_path, B)) == "prod is up"
    assert cli.changes == set_and_up(B)


def test_without_images_a_deployment_takes_those_that_run() -> None:
    cli = Cli([update(A)])
    done("deploy", cli)
    assert cli.changes == set_and_up(A)


def test_a_stack_without_images_is_applied_as_its_file_says() -> None:
    cli = Cli([])
    done("deploy", cli, failures=["nobody waits for hosts that there are none of"])
    assert cli.changes == ["up --yes --skip-preview --non-interactive"]


def test_old_images_are_not_deployed_under_new_code() -> None:
    history = [update(A, commit="f" * 40)]
    assert unmade(history, lambda commit: ["docs/api.md", "components/network.py"]) is None
    assert unmade(history, lambda commit: None) is None
    assert unmade([update(A)], lambda commit: pytest.fail("no commit to compare with")) is None
    refusal = unmade(history, lambda commit: ["components/network.py", "contracts/environment.py"])
    assert refusal is not None
    assert refusal.startswith("contracts/environment.py changed since the images that run were made (ffffffffffff)")


def test_a_refresh_that_failed_fails_the_deployment(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"^eu-west-1 upload: refresh Failed$"):
        done("deploy", Cli([update(A)]), file_of(tmp_path, B), ["upload: refresh Failed"])


def test_a_rollback_is_a_deployment_of_what_was_up_before(tmp_path: Path) -> None:
    cli = Cli([update(B, "failed"), update(A)])
    assert A.upload in done("rollback", cli, file_of(tmp_path, B))
    assert cli.changes == set_and_up(A)


def test_a_rollback_with_nothing_before_changes_nothing(tmp_path: Path) -> None:
    for history in ([update(A)], [update(A), update(C)]):
        cli = Cli(history)
        assert done("rollback", cli, file_of(tmp_path, B)) == "prod: nothing to go back to"
        assert cli.changes == []


def test_a_plan_and_a_drift_are_of_what_runs_and_apply_nothing() -> None:
    for verb, said in (("plan", "the plan\n"), ("drift", "")):
        cli = Cli([update(A)])
        assert done(verb, cli) == said
        assert cli.changes == set_and_up(A)[:2]


def test_drift_is_told_and_an_error_is_an_error() -> None:
    assert done("drift", Cli([update(A)], fails="preview", code=7)) == "changes\n"
    with pytest.raises(Mistake, match=r"^pulumi preview --refresh failed \(1\): error: what went wrong$"):
        done("drift", Cli([update(A)], fails="preview"))


def test_a_stack_that_was_never_made_has_no_history() -> None:
    with pytest.raises(Mistake, match="runs no images yet"):
        done("running", Cli([], fails="stack history", code=6))


def test_what_runs_is_printed_as_make_images_prints_it(tmp_path: Path) -> None:
    path = tmp_path / "running.json"
    path.write_text(done("running", Cli([update(A)])))
    assert read_images(str(path)) == A


@pytest.mark.parametrize("text", ["", "{}", '{"upload": "latest", "processing": "latest"}', '["a", "b"]'])
def test_a_file_without_two_digests_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "images.json"
    path.write_text(text)
    with pytest.raises(Mistake, match="write it with: make images"):
        read_images(str(path))
