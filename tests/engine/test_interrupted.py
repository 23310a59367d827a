"""What was interrupted or failed is healed by the next `up`, and nothing is there twice."""

import signal
from pathlib import Path

import pytest

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Deployment, Failed
from tests.support.engine import Doomed, declared, deployment, doomed, everything, touched

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-interrupted"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]


def _own(clients: Clients, stack: str) -> dict[str, list[str]]:
    return {kind: [name for name in names if f"-{stack}-" in name] for kind, names in everything(clients).items()}


def _assert_whole(stack: Deployment, clients: Clients) -> None:
    """Everything is there, once, and as declared; and nothing of it stays when it is taken away."""
    assert touched(stack.up(refresh=True)) == {}
    assert {kind: len(names) for kind, names in _own(clients, stack.name).items()} == declared(stack)
    stack.destroy()
    assert not any(_own(clients, stack.name).values())


@pytest.mark.parametrize("after", [4, 28])
def test_an_up_that_is_killed_is_finished_by_the_next(
    tmp_path: Path, cloud: Cloud, clients: Clients, after: int
) -> None:
    """Engine, program and provider, in the middle: that many resources were asked for, and several are in hand."""
    name = f"killed{after}"
    killed = doomed(Doomed(folder=str(tmp_path), endpoint=cloud.endpoint, stack=name, killed_after=after))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    stack = deployment(tmp_path, cloud, stack=name)
    with pytest.raises(Failed, match="lock"):
        stack.up()
    # what a person does after a crash
    stack.cancel()
    stack.up()
    _assert_whole(stack, clients)


def test_an_up_of_which_some_resources_fail_is_finished_by_the_next(
    tmp_path: Path, cloud: Cloud, clients: Clients
) -> None:
    victims = ("aws:iam/role:Role::transform", "aws:sqs/queue:Queue::jobs")
    request = Doomed(folder=str(tmp_path), endpoint=cloud.endpoint, stack="failed", failing=victims)
    failed = doomed(request)
    assert set(failed.stdout.splitlines()) == {request.reason}, failed.stderr
    stack = deployment(tmp_path, cloud, stack="failed")
    made = stack.resources().keys()
    assert made
    assert not [urn for urn in made if urn.endswith(victims)]
    healed = stack.up()
    assert {step.urn for step in healed.changes}.isdisjoint(made)
    _assert_whole(stack, clients)
