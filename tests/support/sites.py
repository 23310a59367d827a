"""Plans of one component at a time, for a stage that needs no configuration."""

import importlib
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import pulumi_aws as aws

from components.network import Network
from components.site import Network as NetworkSettings
from components.stage import Stage
from tests.support.plan import Declared, Plan, run

REGION = "eu-west-1"

HOST_SERVICES = frozenset({"ecr.api", "ecr.dkr", "logs", "s3", "sqs", "ssm", "sts"})
"""S3 among them: it has a gateway endpoint, and needs no other."""

CONFIGURATIONS = list(product(("nat", "endpoints", "public"), ("one", "per_zone"), ("ab", "fbacde"), ("", "sqs")))
"""Egress, NAT gateways, zones, and what the isolated subnets reach beside S3."""


def planned(program: Callable[[Stage], Any], *, stack: str = "dev", **over: Any) -> Plan:
    """What the program declares for this stage; `over` replaces what the stage says otherwise."""

    def program_of_stage() -> None:
        account = aws.get_caller_identity_output().account_id
        values = {
            "stack": stack,
            "region": REGION,
            "account": account,
            "own_tags": {"environment": "test"},
            "require_tls": True,
            "deletion_protection": True,
            "force_destroy": False,
        }
        program(Stage(**{**values, **over}))

    return run({"aws:region": REGION}, stack=stack, program=program_of_stage)


def a_network(stage: Stage, settings: NetworkSettings | None = None, **arguments: Any) -> Network:
    """A network for what stands in one, with nothing that costs."""
    return Network(
        "network",
        stage=stage,
        settings=settings or NetworkSettings(egress="public"),
        **{"interface_services": frozenset(), **arguments},
    )


@cache
def network(egress: str, nat: str, zones: str, isolated: str, **more: Any) -> Plan:
    """A network alone, in one of its configurations."""
    settings = NetworkSettings(
        egress=egress, nat_gateways=nat, zones=tuple(zones), flow_logs=more.pop("flow_logs", False)
    )
    arguments = {"interface_services": HOST_SERVICES, "isolated_services": frozenset(filter(None, [isolated])), **more}
    return planned(lambda stage: a_network(stage, settings, **arguments))


def untagged(plan: Plan) -> list[Declared]:
    """What takes tags and has not those of its stack."""
    wanted = {"environment": "test", "project": "darkroom", "stack": plan.stack}.items()
    own = [one for one in plan if one.type.startswith("aws:") and _takes_tags(one)]
    return [one for one in own if not wanted <= one.inputs.get("tags", {}).items()]


def _takes_tags(one: Declared) -> bool:
    _, module, name = one.type.split(":")
    package = importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}")
    return isinstance(getattr(getattr(package, name), "tags", None), property)
