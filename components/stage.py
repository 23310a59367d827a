"""What every component of a stack is told: whose it is, where it stands, and how its things are named and tagged."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Output

from components.naming import PROJECT, bucket_name, physical_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A stack as its components see it."""

    stack: str
    region: str
    account: Output[str]
    """Number of the account; asked of AWS, because no configuration should repeat it."""
    own_tags: Mapping[str, str]
    require_tls: bool
    """Whether policies refuse plain HTTP; the embedded cloud speaks nothing else."""
    deletion_protection: bool
    """Whether what holds data refuses to be deleted."""
    force_destroy: bool
    """Whether a bucket may be deleted with everything in it."""
    key_arn: Output[str] | None = None
    """Of the customer's key that encrypts what is stored; None: AWS's own keys do."""
    permissions_boundary: str | None = None
    """ARN of the policy that no role of this stack may go beyond; None: there is none."""

    @property
    def tags(self) -> dict[str, str]:
        """On everything that takes tags: deployment permissions are written in terms of them."""
        return {**self.own_tags, "project": PROJECT, "stack": self.stack}

    def name(self, what: str) -> str:
        """Physical name of anything but a bucket."""
        return physical_name(self.stack, what)

    def bucket_name(self, what: str) -> Output[str]:
        """Physical name of a bucket."""
        return self.account.apply(lambda account: bucket_name(self.stack, what, account, self.region))

    def arn(self, service: str, resource: str) -> Output[str]:
        """Of a thing of this account and region that is known by its name before it is there."""
        return self.account.apply(lambda account: f"arn:aws:{service}:{self.region}:{account}:{resource}")
