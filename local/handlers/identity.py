"""IAM: roles, their inline policies, and policies that stand by themselves."""

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


class Policy(Handler):
    """A policy of the account's own, which roles are given or bounded by."""

    known = frozenset({"name", "description", "path", "policy", "tags"})
    replaced_by: ClassVar = dict.fromkeys(
        ("name", "description", "path"), f"{CLOUDFORMATION}/aws-resource-iam-managedpolicy.html"
    )

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        arn = f"arn:aws:iam::{ACCOUNT}:policy{inputs.get('path', '/')}{inputs['name']}"
        if self.read(arn, inputs) is None:
            self.clients["iam"].create_policy(
                PolicyName=inputs["name"],
                Path=inputs.get("path", "/"),
                Description=inputs.get("description", ""),
                PolicyDocument=inputs["policy"],
                Tags=tag_list(inputs),
            )
        else:
            self._write(arn, inputs)
        return arn, {"id": arn, "arn": arn}

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        if gone := no_longer(old, new):
            self.clients["iam"].untag_policy(PolicyArn=identity, TagKeys=gone)
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        answer = found(lambda: self.clients["iam"].get_policy(PolicyArn=identity), *_NO_ROLE)
        return None if answer is None else {"id": identity, "arn": identity}

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        iam = self.clients["iam"]
        there = iam.get_policy(PolicyArn=identity)["Policy"]
        version = iam.get_policy_version(PolicyArn=identity, VersionId=there["DefaultVersionId"])["PolicyVersion"]
        return {
            "name": there["PolicyName"],
            "path": there["Path"],
            "description": there.get("Description", ""),
            "policy": _text(version["Document"]),
            "tags": tags_of(there.get("Tags", [])),
        }

    def delete(self, identity: str, inputs: Inputs) -> None:
        if self.read(identity, inputs) is not None:
            self._forget(identity)
            self.clients["iam"].delete_policy(PolicyArn=identity)

    def _write(self, arn: str, inputs: Inputs) -> None:
        iam = self.clients["iam"]
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=inputs["policy"], SetAsDefault=True)
        # IAM keeps five of them
        self._forget(arn)
        if inputs.get("tags"):
            iam.tag_policy(PolicyArn=arn, Tags=tag_list(inputs))

    def _forget(self, arn: str) -> None:
        """Delete every version but the one that holds."""
        iam = self.clients["iam"]
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


class RolePolicyAttachment(Handler):
    known = frozenset({"role", "policyArn"})
    replaced_by: ClassVar = dict.fromkeys(
        ("role", "policyArn"), "https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html"
    )

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        self.clients["iam"].attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}", {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        role, _, arn = identity.partition("/")
        answer = found(lambda: self.clients["iam"].list_attached_role_policies(RoleName=role), *_NO_ROLE)
        there = [one["PolicyArn"] for one in (answer or {}).get("AttachedPolicies", [])]
        return {} if arn in there else None

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        return inputs

    def delete(self, identity: str, inputs: Inputs) -> None:
        role, _, arn = identity.partition("/")
        found(lambda: self.clients["iam"].detach_role_policy(RoleName=role, PolicyArn=arn), *_NO_ROLE)


CALLER = {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT, "id": ACCOUNT}
"""Who the program is run as."""
