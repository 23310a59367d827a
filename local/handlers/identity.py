"""IAM: roles and their inline policies."""

from local.aws import ACCOUNT
from local.handlers.resource import Handler, Inputs, Outputs, found, tag_list

_NO_ROLE = ("NoSuchEntity",)


class Role(Handler):
    known = frozenset({"name", "description", "assumeRolePolicy", "maxSessionDuration", "tags", "path"})
    replaced_by = frozenset({"name", "path"})

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        iam, name, trust = self.clients["iam"], inputs["name"], inputs["assumeRolePolicy"]
        described = {"Description": inputs.get("description", "")}
        if "maxSessionDuration" in inputs:
            described["MaxSessionDuration"] = inputs["maxSessionDuration"]
        if self.read(name, inputs) is None:
            where = {"Path": inputs["path"]} if "path" in inputs else {}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tag_list(inputs), **described, **where)
        else:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
            iam.update_role(RoleName=name, **described)
            iam.tag_role(RoleName=name, Tags=tag_list(inputs))
        return name, self.read(name, inputs) or {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        answer = found(lambda: self.clients["iam"].get_role(RoleName=identity), *_NO_ROLE)
        if answer is None:
            return None
        role = answer["Role"]
        return {"id": identity, "arn": role["Arn"], "uniqueId": role["RoleId"]}

    def delete(self, identity: str, inputs: Inputs) -> None:
        iam = self.clients["iam"]
        if self.read(identity, inputs) is None:
            return
        for policy in iam.list_role_policies(RoleName=identity)["PolicyNames"]:
            iam.delete_role_policy(RoleName=identity, PolicyName=policy)
        iam.delete_role(RoleName=identity)


class RolePolicy(Handler):
    known = frozenset({"name", "role", "policy"})
    replaced_by = frozenset({"name", "role"})

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        self.clients["iam"].put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
        )
        return f"{inputs['role']}:{inputs['name']}", {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        role, _, name = identity.rpartition(":")
        answer = found(lambda: self.clients["iam"].get_role_policy(RoleName=role, PolicyName=name), *_NO_ROLE)
        return None if answer is None else {}

    def delete(self, identity: str, inputs: Inputs) -> None:
        role, _, name = identity.rpartition(":")
        found(lambda: self.clients["iam"].delete_role_policy(RoleName=role, PolicyName=name), *_NO_ROLE)


def role_name(arn: str) -> str:
    """Name of the role of this ARN."""
    return arn.rpartition("/")[2]


CALLER = {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT, "id": ACCOUNT}
"""Who the program is run as."""
