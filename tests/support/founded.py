"""The foundation of an account as it would be declared, and what its roles are written to be allowed."""

import json
from typing import Any

import pulumi

from components.config import decode
from components.foundation import Foundation
from components.foundation_settings import FoundationConfig
from tests.support.plan import ACCOUNT, Plan, run

REGION = "eu-west-1"
REPOSITORY = "octo/Darkroom"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/darkroom-foundation-boundary-prod"

EVERYTHING: dict[str, Any] = {
    "environment": "production",
    "hosted_zone_id": "Z0123456789",
    "domain": "pictures.example.com",
    "parts": ["network", "flow_logs", "hosts", "balancer", "delivery", "alarms", "customer_key"],
}
"""A deployed stack of every part."""

WHOLE: dict[str, Any] = {
    "repository": REPOSITORY,
    "stacks": {"prod": EVERYTHING, "staging": {**EVERYTHING, "environment": "staging", "hosted_zone_id": "Z9"}},
    "budget_emails": ["money@example.com"],
}


def founded(config: dict[str, Any], *, stack: str = "foundation", region: str = REGION) -> Plan:
    """The plan of a foundation with this configuration."""

    def program() -> None:
        made = Foundation("foundation", config=decode(json.dumps(config), FoundationConfig), region=region)
        for name, value in made.exports.items():
            pulumi.export(name, value)

    return run({"aws:region": region}, stack=stack, program=program)


def documents(plan: Plan, role: str) -> list[str]:
    """The policies of a role, by its logical name."""
    name = plan.one("Role", role).inputs["name"]
    attached = {one.inputs["policyArn"] for one in plan.of("RolePolicyAttachment") if one.inputs["role"] == name}
    return [one.inputs["policy"] for one in plan.of("Policy") if one.state["arn"] in attached]


def trust(plan: Plan, role: str) -> str:
    return plan.one("Role", role).inputs["assumeRolePolicy"]
