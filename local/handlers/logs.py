"""CloudWatch Logs: groups."""

from typing import ClassVar

from local.aws import ACCOUNT
from local.handlers.resource import CLOUDFORMATION, Handler, Inputs, Outputs, found, no_longer


class LogGroup(Handler):
    known = frozenset({"name", "retentionInDays", "kmsKeyId", "tags"})
    # one of an account that may be a stack's own key
    unseeable = frozenset({"kmsKeyId"})
    replaced_by: ClassVar = {"name": f"{CLOUDFORMATION}/aws-resource-logs-loggroup.html"}

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        logs, name = self.clients["logs"], inputs["name"]
        found(
            lambda: logs.create_log_group(logGroupName=name, tags=inputs.get("tags", {})),
            "ResourceAlreadyExistsException",
        )
        if inputs.get("retentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
        return name, self._outputs(name)

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        logs = self.clients["logs"]
        if old.get("retentionInDays") and not new.get("retentionInDays"):
            logs.delete_retention_policy(logGroupName=identity)
        arn = self._outputs(identity)["arn"]
        if gone := no_longer(old, new):
            logs.untag_resource(resourceArn=arn, tagKeys=gone)
        if new.get("tags"):
            logs.tag_resource(resourceArn=arn, tags=new["tags"])
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        groups = self.clients["logs"].describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
        return self._outputs(identity) if any(group["logGroupName"] == identity for group in groups) else None

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        groups = self.clients["logs"].describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
        (group,) = (group for group in groups if group["logGroupName"] == identity)
        tags = self.clients["logs"].list_tags_for_resource(resourceArn=self._outputs(identity)["arn"])["tags"]
        kept = {"retentionInDays": group["retentionInDays"]} if group.get("retentionInDays") else {}
        return {"name": identity, "tags": tags, **kept}

    def delete(self, identity: str, inputs: Inputs) -> None:
        found(lambda: self.clients["logs"].delete_log_group(logGroupName=identity), "ResourceNotFoundException")

    def _outputs(self, name: str) -> Outputs:
        return {"id": name, "arn": f"arn:aws:logs:{self.clients.region}:{ACCOUNT}:log-group:{name}"}
