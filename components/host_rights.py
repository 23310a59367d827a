"""What a host needs beside its process's own rights: to fetch its image, write its log, answer its group, be reached by
SSM. Pure; components/host.py grants it.
"""

import re
from typing import Final

from components.access import CHANNELS

REGISTRY: Final = re.compile(
    r"(?P<registry>(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com)/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]*)@sha256:[0-9a-f]{64}"
)
"""An image in ECR by its digest, as components/site.py takes it."""

LOG_IN: Final = ["ecr:GetAuthorizationToken"]

PULL: Final = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html"""

LOG: Final = ["logs:CreateLogStream", "logs:PutLogEvents"]
"""https://docs.docker.com/engine/logging/drivers/awslogs/"""

ANSWER: Final = ["autoscaling:CompleteLifecycleAction"]
"""No heartbeat: what a hook waits for is bounded on the host, below the hook's own time."""

SESSION: Final = ["ssm:UpdateInstanceInformation", *CHANNELS]
"""https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-add-permissions-to-existing-profile.html"""

CALLED: Final = frozenset({"autoscaling", "ecr.api", "ecr.dkr", "logs", "ssm", "ssmmessages"})
"""Services that a host calls beside its process's own: without a way to the internet each needs an endpoint. The
packages of Amazon Linux and the layers of images are in S3."""

CALLED_WITH_PROCESS: Final = CALLED | {"sqs", "sts"}
"""And those that both processes call (the upload service may call one more: `settings.secrets_called`)."""


def repository_arn(image: str) -> str:
    """Of the repository that an image is pulled from. Raises ValueError for one that is not in ECR by its digest."""
    found = REGISTRY.fullmatch(image)
    if found is None:
        raise ValueError(f"{image!r} is not an image in ECR by its digest")
    return f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"


def group_resource(group: str) -> str:
    """An auto scaling group's part of its ARN.

    AWS puts an id of its own before the name, and that is known only once the group is there, which needs the rights
    of its first host to be written. A name belongs to one group of an account and region.
    """
    return f"autoScalingGroup:*:autoScalingGroupName/{group}"
