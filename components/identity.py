"""ProcessRole: the role that a process runs as. It collects what others grant and writes one inline policy."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.access import Statement, role_policy, trust_of_role, trust_of_service
from components.naming import type_token
from components.stage import Stage


class ProcessRole(pulumi.ComponentResource):
    """A role whose rights are exactly what was granted to it.

    Nothing is written until `seal`, so that all grants of the program end up in one policy; after it no grant is taken.
    """

    arn: Output[str]

    def __init__(
        self, name: str, *, stage: Stage, trust: Input[str], purpose: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("identity", "ProcessRole"), name, None, opts)
        self._name = name
        self._grants: list[Output[Statement]] = []
        self._policy: aws.iam.RolePolicy | None = None
        self.role = aws.iam.Role(
            name,
            name=stage.name(name),
            description=purpose,
            assume_role_policy=trust,
            permissions_boundary=stage.permissions_boundary,
            tags=stage.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = self.role.arn
        self.register_outputs({"arn": self.arn})

    @classmethod
    def of_host(
        cls, name: str, *, stage: Stage, purpose: str, opts: pulumi.ResourceOptions | None = None
    ) -> "ProcessRole":
        """The role of a process on a host of ours."""
        return cls(name, stage=stage, trust=trust_of_service("ec2.amazonaws.com"), purpose=purpose, opts=opts)

    @classmethod
    def of_function(
        cls, name: str, *, stage: Stage, purpose: str, opts: pulumi.ResourceOptions | None = None
    ) -> "ProcessRole":
        """The role of a function of this account."""
        trust = stage.account.apply(lambda account: trust_of_service("lambda.amazonaws.com", account))
        return cls(name, stage=stage, trust=trust, purpose=purpose, opts=opts)

    @classmethod
    def taken_by(
        cls,
        holder: "ProcessRole",
        name: str,
        *,
        stage: Stage,
        purpose: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> "ProcessRole":
        """A role that the holder of another one takes for a narrower task; both sides of the right are written."""
        taken = cls(name, stage=stage, trust=holder.arn.apply(trust_of_role), purpose=purpose, opts=opts)
        holder.allow(["sts:AssumeRole"], taken.arn)
        return taken

    def allow(self, actions: list[str], *resources: Input[str]) -> None:
        """Add a grant; the components' own verbs (`readable_by`, `fed_by`, ...) call this."""
        if self._policy is not None:
            raise ValueError(f"the role {self._name} is sealed: grant before")
        self._grants.append(Output.all(*resources).apply(lambda arns: Statement(frozenset(actions), frozenset(arns))))

    def seal(self) -> aws.iam.RolePolicy:
        """Write what was granted. Whatever needs the rights at its own creation depends on the answer."""
        if self._policy is None:
            self._policy = aws.iam.RolePolicy(
                self._name,
                name="granted",
                role=self.role.name,
                policy=Output.all(*self._grants).apply(role_policy),
                opts=pulumi.ResourceOptions(parent=self),
            )
        return self._policy
