"""The pipelines: linted by three programs and held to rules of this house, each shown to see what breaks it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pages import make_targets
from tests.support.tree import ROOT

PINNED = re.compile(r"(?P<action>[\w-]+/[\w-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)")
ACTIONLINT = ROOT / "build" / "bin" / "actionlint"
MAKE = re.compile(r"\bmake((?: --?[\w-]+)*)((?: [a-z][a-z-]*)+)")

READS = {("contents", "read"), ("pull-requests", "read")}
FOR_AWS = {("id-token", "write")}
FOR_ATTESTATIONS = {("attestations", "write")}


@pytest.fixture(scope="module", autouse=True)
def _actionlint() -> None:
    subprocess.run(["make", "--silent", str(ACTIONLINT.relative_to(ROOT))], cwd=ROOT, check=True)


def workflows(root: Path = ROOT) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((root / ".github" / "workflows").glob("*.yml"))}


def jobs(text: str) -> dict[str, dict[str, Any]]:
    return yaml.safe_load(text)["jobs"]


def steps(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs(text).items():
        for step in job.get("steps", []):
            yield name, step


def linted(root: Path) -> str:
    """What the linters have against the workflows of a tree; empty if nothing."""
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    finds = []
    zizmor = ["zizmor", "--offline", "--no-progress", "--persona", "pedantic", "--quiet", "--format", "plain"]
    for command in (
        [str(ACTIONLINT), "-no-color", *sorted(map(str, (root / ".github" / "workflows").glob("*.yml")))],
        [*zizmor, "--config", str(ROOT / "zizmor.yml"), str(root / ".github")],
    ):
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        finds.append(done.stdout + done.stderr if done.returncode else "")
    return "".join(finds)


def house_rules(root: Path) -> list[str]:
    """What the workflows of a tree do that this house does not."""
    found = []
    for name, text in workflows(root).items():
        document = yaml.safe_load(text)
        events = document[True] if True in document else document["on"]
        found += [f"{name}: {event}" for event in ("pull_request_target", "workflow_run") if event in events]
        # the one there is opens nothing of AWS: it sends a picture to what was just deployed, as tenant `smoke`
        found += [f"{name}: a secret" for _ in re.findall(r"\bsecrets\b(?!\.DARKROOM_KEY )", text)]
        found += [] if document.get("permissions") == {} else [f"{name}: permissions are not {{}} for all jobs"]
        for line in text.splitlines():
            used = re.search(r"uses:\s*(.+)", line)
            if used and not used[1].startswith("./") and not PINNED.fullmatch(used[1].strip()):
                found.append(f"{name}: {used[1].strip()} is not pinned by commit, with its version")
        for job, body in document["jobs"].items():
            found += [f"{name}: {job} {why}" for why in _job_rules(body)]
    return found


def _job_rules(job: dict[str, Any]) -> Iterator[str]:
    if "permissions" not in job:
        yield "does not say what it may"
        return
    permissions = set(job["permissions"].items())
    runs = [step["run"] for step in job.get("steps", []) if "run" in step]
    if permissions - READS - FOR_AWS - FOR_ATTESTATIONS and MAKE.search("\n".join(runs)):
        yield "may write to the repository and runs its code"
    if ("attestations", "write") in permissions and "actions/attest" not in str(job):
        yield "may keep attestations and makes none"
    if (("id-token", "write") in permissions) != ("configure-aws-credentials" in str(job)):
        yield "may take a role and takes none, or the other way round"
    if "uses" in job:
        return
    if "timeout-minutes" not in job:
        yield "may run for six hours"
    if not re.fullmatch(r"ubuntu-\d\d\.\d\d(-arm)?", job["runs-on"]):
        yield f"runs on {job['runs-on']}, which is another system tomorrow"
    for step in job["steps"]:
        if "actions/checkout" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
            yield "leaves its token in the checkout"
        if "${{" in step.get("run", ""):
            yield f"builds a command from what others wrote: {step['run'].strip()}"


def test_the_linters_and_the_house_have_nothing_against_the_workflows() -> None:
    assert set(workflows()) == {"app.yml", "infra.yml", "test.yml"}
    assert linted(ROOT) == ""
    assert house_rules(ROOT) == []


def test_every_commit_of_an_action_has_its_source_written_down() -> None:
    used = {
        match.group("action", "version", "commit") for text in workflows().values() for match in PINNED.finditer(text)
    }
    page = (ROOT / ".github" / "actions.md").read_text()
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in page.splitlines() if "/" in line[:60]]
    assert used == {tuple(row[:3]) for row in rows if len(row) == 4}
    assert all(row[3] for row in rows if len(row) == 4)


def test_what_runs_is_a_make_target_that_there_is() -> None:
    called = {
        target
        for text in workflows().values()
        for _job, step in steps(text)
        for _options, targets in MAKE.findall(step.get("run", ""))
        for target in targets.split()
    }
    assert {"check", "deploy", "smoke", "rollback", "drift", "images", "amis", "pulumi", "comment"} <= called
    assert called - make_targets() == set()


def test_a_stacks_code_is_never_run_but_by_make() -> None:
    """Everything else in a workflow speaks to GitHub, or moves a file: nothing that a person could not do at a desk."""
    allowed = {"gh", "git", "jq", "make", "mkdir", "sudo"}
    for text in workflows().values():
        for _job, step in steps(text):
            lines = [line.strip() for line in step.get("run", "").splitlines()]
            words = [line.split()[0] for line in lines if re.match(r"[a-z]+ ", line)]
            shell = {"if", "elif", "else", "fi", "echo"}
            assert set(words) <= allowed | shell, step


def test_a_forks_code_never_meets_the_account() -> None:
    for text in workflows().values():
        for name, job in jobs(text).items():
            takes_a_role = "configure-aws-credentials" in str(job)
            condition = " ".join(str(job.get("if", "")).split())
            if takes_a_role and "pull_request'" in condition:
                assert "github.event.pull_request.head.repo.full_name == github.repository &&" in condition, name
                assert job["environment"] == "preview"
    preview = jobs(workflows()["infra.yml"])["preview"]
    assert "configure-aws-credentials" in str(preview)


def test_what_changes_the_stack_stands_behind_an_environment_and_alone() -> None:
    changing = [
        job
        for text in workflows().values()
        for job in jobs(text).values()
        if any(re.search(r"make (deploy|rollback)", step.get("run", "")) for step in job.get("steps", []))
    ]
    assert len(changing) == 2
    for job in changing:
        assert job["environment"] == "production"
        assert job["concurrency"] == {"group": "up-prod", "cancel-in-progress": False}


def test_a_failed_deployment_is_taken_back_with_a_fresh_role() -> None:
    """Watching hosts may take the hour that a role lasts."""
    deploy = jobs(workflows()["app.yml"])["deploy"]["steps"]
    on_failure = [step for step in deploy if step.get("if") == "failure()"]
    assert ["configure-aws-credentials" in str(step) for step in on_failure] == [True, False]
    assert on_failure[-1]["run"] == 'make rollback STACK="$STACK" IMAGES=build/images.json'
    assert deploy[-1] == on_failure[-1]


def test_one_push_is_tested_and_applied_by_one_pipeline() -> None:
    app, infra = jobs(workflows()["app.yml"]), jobs(workflows()["infra.yml"])
    assert app["test"]["if"] == "needs.changes.outputs.kind != 'infrastructure'"
    assert infra["test"]["if"] == "needs.changes.outputs.kind == 'infrastructure'"
    assert infra["up"]["needs"] == "test"
    assert app["images"]["if"].startswith("needs.changes.outputs.kind == 'application' && ")


PLANTED = {
    "an unpinned action": ("actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "actions/checkout@v6"),
    "a commit without its version": ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", f"@{'de' * 20}"),
    "a script injection": ("make comment", 'echo "${{ github.event.pull_request.title }}"; make comment'),
    "a missing permissions block": ("permissions: {}\n", ""),
    "a job that does not say what it may": (
        "    permissions:\n      contents: read # to check the code out\n"
        "      id-token: write # to take the role `deploy`\n",
        "",
    ),
    "everything allowed": ("permissions: {}", "permissions: write-all"),
    "a pull request's code with the repository's rights": ("  pull_request:\n", "  pull_request_target:\n"),
    "a secret": ("${{ vars.AWS_DEPLOY_ROLE }}", "${{ secrets.AWS_DEPLOY_ROLE }}"),
    "credentials left in the checkout": (
        "        with:\n          persist-credentials: false\n      - uses: actions/setup-python",
        "      - uses: actions/setup-python",
    ),
    "a system that changes under us": ("runs-on: ubuntu-24.04", "runs-on: ubuntu-latest"),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_seen_by_the_house(tmp_path: Path, mistake: str) -> None:
    assert house_rules(planted(tmp_path, *PLANTED[mistake]))


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        ("an unpinned action", "unpinned-uses"),
        ("a script injection", "template-injection"),
        ("a missing permissions block", "excessive-permissions"),
        ("everything allowed", "excessive-permissions"),
        ("a pull request's code with the repository's rights", "dangerous-triggers"),
        ("credentials left in the checkout", "artipacked"),
    ],
)
def test_a_planted_mistake_is_named_by_a_linter(tmp_path: Path, mistake: str, named: str) -> None:
    assert named in linted(planted(tmp_path, *PLANTED[mistake]))


@pytest.mark.parametrize(
    ("good", "bad", "named"),
    [
        ("needs: preview", "needs: previews", "previews"),
        ("needs.changes.outputs.kind ==", "needs.changes.outputs.king ==", "king"),
        ('-n "$open" ]; then\n            gh issue edit', "-n $open ]; then\n            gh issue edit", "SC2070"),
    ],
    ids=["a job that is not there", "an output that is not there", "a slip in the shell"],
)
def test_actionlint_and_shellcheck_see_what_they_are_for(tmp_path: Path, good: str, bad: str, named: str) -> None:
    assert named in linted(planted(tmp_path, good, bad))


def planted(folder: Path, good: str, bad: str) -> Path:
    """A copy of the tree's pipelines with a mistake in infra.yml."""
    shutil.copytree(ROOT / ".github", folder / ".github")
    path = folder / ".github" / "workflows" / "infra.yml"
    text = path.read_text()
    assert good in text
    path.write_text(text.replace(good, bad))
    return folder
