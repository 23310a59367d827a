"""Stacks in the hands of the real Pulumi engine, on an embedded cloud with IAM enforced or on none.

The engine is the one that `make engine` provides; without it every test that asks for it fails and says so.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import yaml
from msgspec import Struct

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Deployment, Failed, Outcome, Program
from local.folder import Folder, port_socket
from local.problems import CannotRun
from local.provider import Provider
from local.stack import laid_over
from local.story import Story
from local.supervisor import Supervisor
from tests.support.embedded import REGION
from tests.support.plan import ROOT

DATA = frozenset({"aws:s3/bucket:Bucket", "aws:sqs/queue:Queue", "aws:dynamodb/table:Table"})
"""Types that hold what cannot be made again."""


def stacks() -> list[str]:
    """Every stack that has a file."""
    return sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))


def written(stack: str) -> dict[str, Any]:
    """What a stack's file says."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]


def local_config(endpoint: str, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The local stack's configuration on that cloud, with `over` laid over its `pipeline` object."""
    config = written("local")
    pipeline = laid_over(config["darkroom:pipeline"], {"endpoint": endpoint, **(over or {})})
    return {**config, "darkroom:pipeline": pipeline}


def deployment(
    folder: Path,
    cloud: Cloud | None,
    *,
    stack: str = "local",
    config: Mapping[str, Any] | None = None,
    program: Program | None = None,
) -> Deployment:
    """A stack of the checkout's program, or of another one, that is not deployed yet."""
    if config is None:
        config = written(stack) if cloud is None else local_config(cloud.endpoint)
    clients = None if cloud is None else Clients(cloud.endpoint, REGION)
    return Deployment(
        folder, root=ROOT, stack=stack, config=config, provider=Provider(REGION, clients), program=program
    )


def ops(outcome: Outcome) -> dict[str, str]:
    """What is done to each resource that is not left alone: `type/name` -> operation, the sorts of a replacement as
    `replace`."""
    named = {"create-replacement": "replace", "delete-replaced": "replace"}
    return {f"{step.type}/{step.name}": named.get(step.op, step.op) for step in outcome.changes}


def touched(outcome: Outcome) -> dict[str, str]:
    """All that was not left alone, or not found as it was left: `type/name` -> operation and paths."""
    return {
        f"{step.type}/{step.name}": f"{step.op} {' '.join(step.differences)}".strip()
        for step in outcome.steps
        if step.op not in ("same", "refresh")
    }


LISTED: dict[str, Callable[[Clients], list[str]]] = {
    "s3/bucket:Bucket": lambda clients: [one["Name"] for one in clients["s3"].list_buckets()["Buckets"]],
    "sqs/queue:Queue": lambda clients: [
        url.rpartition("/")[2] for url in clients["sqs"].list_queues().get("QueueUrls", [])
    ],
    "dynamodb/table:Table": lambda clients: clients["dynamodb"].list_tables()["TableNames"],
    "secretsmanager/secret:Secret": lambda clients: [
        one["Name"] for one in clients["secretsmanager"].list_secrets()["SecretList"]
    ],
    "iam/role:Role": lambda clients: [one["RoleName"] for one in clients["iam"].list_roles()["Roles"]],
    "iam/policy:Policy": lambda clients: [
        one["PolicyName"] for one in clients["iam"].list_policies(Scope="Local")["Policies"]
    ],
    "lambda/function:Function": lambda clients: [
        one["FunctionName"] for one in clients["lambda"].list_functions()["Functions"]
    ],
    "lambda/eventSourceMapping:EventSourceMapping": lambda clients: [
        one["EventSourceArn"] for one in clients["lambda"].list_event_source_mappings()["EventSourceMappings"]
    ],
    "cloudwatch/logGroup:LogGroup": lambda clients: [
        one["logGroupName"] for one in clients["logs"].describe_log_groups()["logGroups"]
    ],
}
"""How each applied type is listed that stands by itself; the others hang on one of these."""


def everything(clients: Clients) -> dict[str, list[str]]:
    """The names of all that is there, by type."""
    return {kind: sorted(names(clients)) for kind, names in LISTED.items()}


def declared(stack: Deployment) -> dict[str, int]:
    """How many of each of those types the state of a stack has."""
    kinds = Counter(one["type"].removeprefix("aws:") for one in stack.resources().values())
    return {kind: kinds[kind] for kind in LISTED}


class EngineMade(Supervisor):
    """A run whose stack the engine deploys, and not our own applier."""

    deployment: Deployment
    outcome: Outcome
    """Of the `up` that made it."""
    earlier: Mapping[str, Any] | None = None
    """State of the stack as it was deployed before, if it was."""

    def configure(self, over: Mapping[str, Any]) -> None:
        self.deployment.configure(local_config(self.cloud.endpoint, laid_over(self._overrides, over)))

    def _apply(self) -> Any:
        return None

    def _applied(self, process: Any) -> None:
        config = local_config(self.cloud.endpoint, self._overrides)
        self.deployment = deployment(self.folder.path / "engine", self.cloud, config=config)
        if self.earlier is not None:
            self.deployment.imported(self.earlier)
        self.outcome = self.deployment.up()
        self.exports = self.outcome.exports


@contextlib.contextmanager
def engine_made(
    place: Path, overrides: Mapping[str, Any] | None = None, *, earlier: Mapping[str, Any] | None = None
) -> Iterator[EngineMade]:
    """A run in that folder, up and kept up; what is in the folder is there already."""
    folder = Folder(place)
    folder.hold()
    run = EngineMade(folder, port_socket(0), Story(None), dict(overrides or {}))
    run.earlier = earlier
    # a process ends with the thread that started it, so this one stays until everything is down
    finished = threading.Event()

    def supervise() -> None:
        run.supervise()
        finished.wait()

    keeping = threading.Thread(target=supervise, name="keeping")
    try:
        run.up()
        keeping.start()
        yield run
    finally:
        run.stop_soon()
        run.down()
        finished.set()
        if keeping.ident is not None:
            keeping.join()


def bare(root: Path) -> contextlib.AbstractContextManager[Any]:
    """The function's zip is packed from as little as possible: a plan needs no installed libraries."""
    from tests.support.plan import bare_root

    return mock.patch("components.pipeline.ROOT", bare_root(root))


class Doomed(Struct, frozen=True, kw_only=True):
    """An `up` of the checkout's program that will not end well."""

    folder: str
    endpoint: str
    stack: str
    killed_after: int | None = None
    """The process and the engine end by SIGKILL when more than that many resources were asked for."""
    failing: tuple[str, ...] = ()
    """The creation of a resource whose URN ends so fails."""
    reason: str = "the cloud had a bad day"


def doomed(request: Doomed) -> subprocess.CompletedProcess[str]:
    """Run it, in a process of its own: Pulumi leaves loops and sockets open in one whose program was cut short.

    Its standard output has the failure.
    """
    command = [sys.executable, "-m", "tests.support.engine", msgspec.json.encode(request).decode()]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _up(request: Doomed) -> None:
    clients = Clients(request.endpoint, REGION)
    config = local_config(request.endpoint)
    provider = Provider(REGION, clients)
    made = Deployment(Path(request.folder), root=ROOT, stack=request.stack, config=config, provider=provider)
    asked, lock = 0, threading.Lock()

    def interfere(verb: str, urn: str) -> None:
        nonlocal asked
        with lock:
            asked += 1
            if request.killed_after is not None and asked > request.killed_after:
                made.kill()
                os.kill(os.getpid(), signal.SIGKILL)
        if request.failing and verb == "create" and urn.endswith(request.failing):
            raise CannotRun(request.reason)

    provider.before = interfere
    try:
        made.up()
    except Failed as failure:
        sys.stdout.write(str(failure))


if __name__ == "__main__":
    _up(msgspec.json.decode(sys.argv[1], type=Doomed))
