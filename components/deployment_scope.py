"""A stack, as the rights of those who deploy it see it: its names, its tags, its region. Pure.

AWS gives three ways to say "of this stack only", and each action takes the narrowest that it has: the name of a
resource (`darkroom-<stack>-...`), the tags `project` and `stack` that it bears (or is made with), and for what has
neither (lists, and some of CloudFront) the region.
"""

from msgspec import Struct

from components.naming import PROJECT, stack_label
from components.rights import Condition, holds


class Scope(Struct, frozen=True, kw_only=True):
    """What "of this stack only" means."""

    account: str
    region: str
    stack: str
    boundary_arn: str
    """Of the policy that every role of the stack has as its boundary."""
    hosted_zone_id: str | None = None
    domain: str | None = None
    """Whose records in the zone are the stack's."""

    @property
    def prefix(self) -> str:
        """What the names of all its things begin with."""
        return f"{PROJECT}-{stack_label(self.stack)}-"

    def arn(self, service: str, resource: str) -> str:
        """Of a thing of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def tagged(self, kind: str) -> Condition:
        """The thing bears the stack's tags (`ResourceTag`), or is given them (`RequestTag`)."""
        return holds("StringEquals", f"aws:{kind}/project", PROJECT) | holds(
            "StringEquals", f"aws:{kind}/stack", self.stack
        )

    @property
    def kept(self) -> Condition:
        """The thing is ours, and is not given to another stack."""
        return self.tagged("ResourceTag") | holds("StringEqualsIfExists", "aws:RequestTag/stack", self.stack)

    @property
    def given(self) -> Condition:
        """The thing is given our tags as it is made: it has none yet, or ours already."""
        return self.tagged("RequestTag") | holds("StringEqualsIfExists", "aws:ResourceTag/stack", self.stack)

    @property
    def here(self) -> Condition:
        return holds("StringEquals", "aws:RequestedRegion", self.region)
