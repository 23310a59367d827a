"""What the foundation of an account may say of itself: the fields of the `foundation` object.

The foundation is what all stacks of an account share and what must be there before the first of them. It is made once,
by a person; what it gives (docs/operations.md) is written into the configuration of the stacks that workflows deploy.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from components.words import Domain, Email, TagKey, TagValue, tag_contradictions

Part = Literal["network", "flow_logs", "hosts", "balancer", "delivery", "alarms", "customer_key"]
"""A part of a stack that its configuration declares or leaves out, by the field that declares it (`network.flow_logs`
is `flow_logs`)."""

NEEDS: Final[dict[Part, Part]] = {"flow_logs": "network", "hosts": "network", "balancer": "network"}
"""What stands in what."""

MAX_EMAILS: Final = 10
"""Subscribers of one notification of a budget.
https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html"""

StackName = Annotated[str, Meta(pattern=r"^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,15}\Z")]
"""A name that stands for itself in the names of a stack's things: see components/naming.py."""

_REPOSITORY: Final = (
    r"^(?:[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"
    r"|[A-Za-z0-9-]{1,39}@[0-9]{1,20}/[A-Za-z0-9._-]{1,100}@[0-9]{1,20})\Z"
)

Environment = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")]
"""Of a repository on GitHub. Signs that GitHub's token would write otherwise are not taken."""


class DeployedStack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stack that workflows preview and deploy."""

    environment: Environment
    """Environment on GitHub that a deploying run is in; let only the branch main deploy to it. Of this stack alone."""
    preview_environment: Environment = "preview"
    """Environment on GitHub that a previewing run of a pull request is in; give it a reviewer, who looks at the change
    before its code meets the account."""
    parts: tuple[Part, ...] = ("network", "hosts", "balancer", "alarms")
    """What the stack's configuration declares: its roles may make these things and no others."""
    hosted_zone_id: Annotated[str, Meta(pattern=r"^Z[A-Z0-9]{1,31}\Z")] | None = None
    """The stack's `balancer.hosted_zone_id`. None: its roles may write no zone and ask for no certificate."""
    domain: Domain | None = None
    """The stack's `balancer.domain`, beside `hosted_zone_id`: of the zone its roles write this name's records alone."""


class FoundationConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in which one account may differ from another."""

    repository: Annotated[str, Meta(pattern=_REPOSITORY)] | None = None
    """The repository on GitHub whose workflows deploy, in the very letters of GitHub's tokens: what
    `gh api repos/OWNER/NAME/actions/oidc/customization/sub --jq .sub_claim_prefix` shows behind `repo:`. That is
    `owner@123/name@456` for one that was made or renamed since 15 July 2026, and `owner/name` for an older one. None:
    no workflow may, and there are no roles for one.
    https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims"""
    stacks: dict[StackName, DeployedStack] = {}
    """What they deploy, by the name of the stack. Stacks that only people deploy, such as a developer's own, are not
    named here."""
    oidc_provider_arn: (
        Annotated[
            str,
            Meta(pattern=r"^arn:aws:iam::[0-9]{12}:oidc-provider/token\.actions\.githubusercontent\.com\Z"),
        ]
        | None
    ) = None
    """The account's provider for GitHub's tokens, if something else made it already: an account has only one. None: it
    is made here."""
    block_public_s3: bool = True
    """Whether no bucket of the whole account may ever be public. False only where something else in the account has a
    public bucket; those of this project are closed one by one in any case."""
    state_version_days: Annotated[int, Meta(ge=1, le=3_650)] = 90
    """Days that an older version of a stack's state is kept after a newer one was written."""
    untagged_image_days: Annotated[int, Meta(ge=1, le=365)] = 7
    """Days after which an image without a tag is thrown away: a push that was never finished."""
    kept_images: Annotated[int, Meta(ge=10, le=1_000)] = 100
    """Images of each service that are kept, the newest. What runs must be among them: a host that starts pulls it."""
    budget_usd: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    """USD a month for everything tagged as this project's; told at half, at four fifths, and when the forecast is
    above it."""
    budget_emails: Annotated[list[Email], Meta(max_length=MAX_EMAILS)] = []
    """Whom the budget writes to. Empty: it is kept, and read in the console."""
    deletion_protection: bool = True
    """Whether what cannot be made again (state, keys, images) refuses to be deleted."""
    tags: dict[TagKey, TagValue] = {}
    """On everything that takes tags, beside `project` and `stack`."""

    def __post_init__(self) -> None:
        for mistake in _contradictions(self):
            raise ValueError(mistake)


def _contradictions(config: FoundationConfig) -> list[str]:
    """Mistakes that no single field shows, each as `path: what; hint`."""
    found = []
    if config.repository is None and config.stacks:
        found.append("stacks: are deployed by nobody without a repository; write repository: owner/name beside stacks")
    if config.repository is None and config.oidc_provider_arn is not None:
        found.append("oidc_provider_arn: is for nobody without a repository; write repository: owner/name beside it")
    found += _stack_contradictions(config.stacks)
    return found + tag_contradictions(config.tags)


def _stack_contradictions(stacks: dict[str, DeployedStack]) -> list[str]:
    found = []
    deploying: dict[str, str] = {}
    for name, stack in stacks.items():
        other = deploying.setdefault(stack.environment, name)
        if other != name:
            found.append(
                f"stacks.{name}.environment: is also that of {other}; give each stack an environment of its own"
            )
        for part in stack.parts:
            need = NEEDS.get(part)
            if need is not None and need not in stack.parts:
                found.append(f"stacks.{name}.parts: has {part} without {need}, which it stands in; add {need}")
        if stack.hosted_zone_id is not None and "balancer" not in stack.parts:
            found.append(f"stacks.{name}.hosted_zone_id: is for a balancer; add balancer to parts, or leave it out")
        if (stack.hosted_zone_id is None) != (stack.domain is None):
            found.append(f"stacks.{name}.domain: goes with hosted_zone_id; write both, or neither")
        for longer in stacks:
            if longer.startswith(f"{name}-"):
                found.append(
                    f"stacks.{longer}: its names begin as those of {name} do, whose roles would reach them; "
                    "choose another name"
                )
    for name, stack in stacks.items():
        if stack.preview_environment in deploying:
            found.append(
                f"stacks.{name}.preview_environment: deploys {deploying[stack.preview_environment]}; choose another"
            )
    return found
