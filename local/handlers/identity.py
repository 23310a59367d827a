"""IAM: roles and their inline policies."""

import json
from typing import Any, ClassVar

from local.aws import ACCOUNT
from local.handlers.resource import CLOUDFORMATION, Handler, Inputs, Outputs, found, no_longer, tag_list, tags_of

_NO_ROLE = ("NoSuchEntity",)


class Role(Handler):
    known = frozenset(
        {"name", "description", "assumeRolePolicy", "maxSessionDuration", "permissionsBoundary", "tags", "path"}
    )
    replaced_by: ClassVar = dict.fromkeys(("name", "path"), f"{CLOUDFORMATION}/aws-resource-iam-role.html")

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
        if "permissionsBoundary" in inputs:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=inputs["permissionsBoundary"])
        return name, self.read(name, inputs) or {}

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        iam = self.clients["iam"]
        if gone := no_longer(old, new):
            iam.untag_role(RoleName=identity, TagKeys=gone)
        if "permissionsBoundary" in old and "permissionsBoundary" not in new:
            iam.delete_role_permissions_boundary(RoleName=identity)
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        answer = found(lambda: self.clients["iam"].get_role(RoleName=identity), *_NO_ROLE)
        if answer is None:
            return None
        role = answer["Role"]
        return {"id": identity, "arn": role["Arn"], "uniqueId": role["RoleId"]}

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        role = self.clients["iam"].get_role(RoleName=identity)["Role"]
        return {
            "name": identity,
            "description": role.get("Description", ""),
            "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
            "maxSessionDuration": role["MaxSessionDuration"],
            "path": role["Path"],
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "tags": tags_of(self.clients["iam"].list_role_tags(RoleName=identity)["Tags"]),
        }

    def delete(self, identity: str, inputs: Inputs) -> None:
        iam = self.clients["iam"]
        if self.read(identity, inputs) is None:
            return
        for policy in iam.list_role_policies(RoleName=identity)["PolicyNames"]:
            iam.delete_role_policy(RoleName=identity, PolicyName=policy)
        iam.delete_role(RoleName=identity)


class RolePolicy(Handler):
    known = frozenset({"name", "role", "policy"})
    replaced_by: ClassVar = dict.fromkeys(("name", "role"), f"{CLOUDFORMATION}/aws-resource-iam-rolepolicy.html")

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        self.clients["iam"].put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
        )
        return f"{inputs['role']}:{inputs['name']}", {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        role, _, name = identity.rpartition(":")
        answer = found(lambda: self.clients["iam"].get_role_policy(RoleName=role, PolicyName=name), *_NO_ROLE)
        return None if answer is None else {}

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        role, _, name = identity.rpartition(":")
        answer = self.clients["iam"].get_role_policy(RoleName=role, PolicyName=name)
        return {"name": name, "role": role, "policy": _text(answer["PolicyDocument"])}

    def delete(self, identity: str, inputs: Inputs) -> None:
        role, _, name = identity.rpartition(":")
        found(lambda: self.clients["iam"].delete_role_policy(RoleName=role, PolicyName=name), *_NO_ROLE)


def _text(document: Any) -> str:
    """A policy as text; boto3 takes it apart."""
    return document if isinstance(document, str) else json.dumps(document)


CALLER = {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT, "id": ACCOUNT}
"""Who the program is run as."""
