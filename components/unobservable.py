"""The one table of permissions that the embedded cloud does not check, so that no local run can show them used.

Each rests on the page of AWS that asks for it; a test asserts it on the policy documents of the plan, and that every
other permission of a role is of a service that the embedded cloud does check.
"""

from typing import Final

from msgspec import Struct

from components.access import INTERFACES
from components.host_rights import ANSWER, LOG, LOG_IN, PULL, SESSION


class Unobservable(Struct, frozen=True, kw_only=True):
    """Permissions of one role that are used by AWS on its behalf, out of our sight."""

    role: str
    actions: tuple[str, ...]
    reason: str
    source: str


UNOBSERVABLE: Final = (
    Unobservable(
        role="transform",
        actions=("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
        reason="Lambda polls a mapping's queue with the function's role; the embedded cloud polls with no role",
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    ),
    Unobservable(
        role="transform",
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        reason="Lambda writes a function's logs with its role; the embedded cloud keeps them without asking",
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    ),
)

_HOST: Final = (
    (
        (*LOG_IN, *PULL),
        "docker pulls the image with the host's role before there is a process",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html",
    ),
    (
        tuple(LOG),
        "docker writes what the process prints",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/permissions-reference-cwl.html",
    ),
    (
        tuple(ANSWER),
        "a host answers its group when it is ready and when it is drained",
        "https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html",
    ),
    (
        tuple(SESSION),
        "the agent of SSM keeps the way open that sessions come by",
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-add-permissions-to-existing-profile.html",
    ),
)

UNOBSERVABLE_OF_HOSTS: Final = tuple(
    Unobservable(role=role, actions=actions, reason=reason, source=source)
    for role in ("upload", "processing")
    for actions, reason, source in _HOST
)
"""Beside the others, in a stack whose services have hosts with an image. The embedded cloud starts none: the supervisor
runs the services itself."""

UNOBSERVABLE_OF_SITE: Final = (
    *UNOBSERVABLE_OF_HOSTS,
    Unobservable(
        role="transform",
        actions=INTERFACES,
        reason="Lambda puts an isolated function into its subnets with the function's role",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    ),
    *(
        Unobservable(
            role=role,
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            reason="what it stores is under the customer's key; the embedded cloud keeps keys and asks nobody for them",
            source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
        )
        for role in ("upload", "processing", "transform")
    ),
    Unobservable(
        role="link-signer",
        actions=("kms:Decrypt",),
        reason="what its links lead to is under the customer's key",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    ),
    Unobservable(
        role="upload",
        actions=("secretsmanager:GetSecretValue",),
        reason="links through CloudFront are signed with a key that is read at the start; the local stack has none",
        source="https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html",
    ),
)
"""All that a site adds: hosts, a network, the customer's key, CloudFront."""
