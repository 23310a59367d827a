"""Secrets Manager: secrets, without their values."""

from typing import ClassVar, Final

from local.handlers.resource import (
    CLOUDFORMATION,
    Handler,
    Inputs,
    Outputs,
    found,
    no_longer,
    tag_list,
    tags_of,
)

_GONE: Final = "ResourceNotFoundException"

_LONGEST_DAYS: Final = 30
"""The provider's own, where the program says nothing."""


class Secret(Handler):
    known = frozenset({"name", "description", "kmsKeyId", "recoveryWindowInDays", "tags"})
    # the window is said when a secret is deleted, and the key may be one that is only recorded
    unseeable = frozenset({"kmsKeyId", "recoveryWindowInDays"})
    replaced_by: ClassVar = {"name": f"{CLOUDFORMATION}/aws-resource-secretsmanager-secret.html"}

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        secrets, name = self.clients["secretsmanager"], inputs["name"]
        made = found(
            lambda: secrets.create_secret(Name=name, Description=inputs.get("description", ""), Tags=tag_list(inputs)),
            "ResourceExistsException",
        )
        if made is None:
            secrets.update_secret(SecretId=name, Description=inputs.get("description", ""))
            secrets.tag_resource(SecretId=name, Tags=tag_list(inputs))
        arn = secrets.describe_secret(SecretId=name)["ARN"]
        return arn, self._outputs(arn)

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        if gone := no_longer(old, new):
            self.clients["secretsmanager"].untag_resource(SecretId=identity, TagKeys=gone)
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        there = found(lambda: self.clients["secretsmanager"].describe_secret(SecretId=identity), _GONE)
        return None if there is None or there.get("DeletedDate") else self._outputs(there["ARN"])

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        there = self.clients["secretsmanager"].describe_secret(SecretId=identity)
        return {"name": there["Name"], "description": there.get("Description", ""), "tags": tags_of(there["Tags"])}

    def delete(self, identity: str, inputs: Inputs) -> None:
        days = inputs.get("recoveryWindowInDays", _LONGEST_DAYS)
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        found(lambda: self.clients["secretsmanager"].delete_secret(SecretId=identity, **how), _GONE)

    def _outputs(self, arn: str) -> Outputs:
        return {"id": arn, "arn": arn}
