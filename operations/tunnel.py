"""A way to a service on a host that has no open port: a session of SSM that forwards a port of this machine.

The session is of whoever is logged in to AWS: it is they who need `ssm:StartSession`, and CloudTrail says who came.
"""

import json
import shutil
from typing import Any, Final

from client.errors import BadInput
from components.naming import physical_name
from operations.asking import AwsRefused, asking

PORTS: Final = {"upload": 8_000, "processing": 8_001}
"""What each service listens on."""

DOCUMENT: Final = "AWS-StartPortForwardingSession"

TOOLS: Final = {
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": (
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
    ),
}
"""What a tunnel is made with, and how each is installed."""


def check_tools() -> None:
    """Raises BadInput naming the first tool that is not on the PATH."""
    for tool, page in TOOLS.items():
        if shutil.which(tool) is None:
            raise BadInput(f"{tool} is not installed", f"{page} says how")


def serving_host(region: str, stack: str, service: str) -> str:
    """Id of a host that serves. Raises DarkroomError if there is none."""
    group = physical_name(stack, service)
    with asking("autoscaling", region) as autoscaling:
        groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    if not groups:
        raise AwsRefused(f"there is no group {group} in {region}", f"run: pulumi up --stack {stack}")
    serving = sorted(host["InstanceId"] for host in groups[0]["Instances"] if _serves(host))
    if not serving:
        never = groups[0]["MaxSize"] == 0
        raise AwsRefused(
            f"no host of {service} is in service in {stack}",
            f"it has no image yet; run: make images STACK={stack}" if never else "wait for one; it takes two minutes",
        )
    return serving[0]


def command(region: str, host: str, service: str, port: int) -> list[str]:
    """What forwards `port` of this machine to the service on the host."""
    ports = {"portNumber": [str(PORTS[service])], "localPortNumber": [str(port)]}
    return [
        *("aws", "ssm", "start-session", "--region", region, "--target", host),
        *("--document-name", DOCUMENT, "--parameters", json.dumps(ports, separators=(",", ":"))),
    ]


def _serves(host: dict[str, Any]) -> bool:
    return host["LifecycleState"] == "InService" and host["HealthStatus"] == "Healthy"
