"""Everything that can be declared, in production and in its foundation, deployed whole: what has a handler on the
embedded cloud, the rest recorded. Of what is recorded nothing is claimed but that the engine can carry it."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.aws import Clients
from local.cloud import Cloud
from local.handlers import TYPES
from local.stack import laid_over
from tests.support.engine import deployment, everything, touched, written
from tests.support.everything import EVERYTHING
from tests.support.founded import WHOLE

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-whole"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]

BOUNDARY = "darkroom-boundary"
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _production(cloud: Cloud) -> dict[str, Any]:
    """As in its file, with everything beside it; but the embedded cloud speaks plain HTTP, lends its libraries, and is
    taken down again."""
    here = {
        "endpoint": cloud.endpoint,
        "require_tls": False,
        "deletion_protection": False,
        "force_destroy": True,
        "transform": {"bundle_libraries": False},
        "permissions_boundary": f"arn:aws:iam::000000000000:policy/{BOUNDARY}",
    }
    config = written("prod")
    pipeline = laid_over(laid_over(config["darkroom:pipeline"], EVERYTHING), here)
    return {**config, "darkroom:pipeline": pipeline}


def _foundation(cloud: Cloud) -> dict[str, Any]:
    return {"aws:region": "eu-west-1", "darkroom:foundation": {**WHOLE, "deletion_protection": False}}


@pytest.mark.parametrize(("name", "config"), [("prod", _production), ("foundation", _foundation)])
def test_the_whole_comes_up_is_left_alone_and_goes_again(
    tmp_path: Path, cloud: Cloud, clients: Clients, name: str, config: Any
) -> None:
    if name == "prod":
        clients["iam"].create_policy(PolicyName=BOUNDARY, PolicyDocument=json.dumps(ANYTHING))
    before = everything(clients)
    stack = deployment(tmp_path, cloud, stack=name, config=config(cloud))
    made = stack.up()
    print(f"up of {name}, everything: {len(made.changes)} resources in {made.seconds:.1f} s")  # noqa: T201
    applied = [step for step in made.changes if step.type in TYPES]
    assert stack.provider.answered == {"applied": len(applied), "recorded": len(made.changes) - len(applied)}
    assert touched(stack.up(refresh=True)) == {}
    assert set(stack.destroy().counts) == {"delete"}
    assert everything(clients) == before
    assert stack.exported().get("resources", []) == []
