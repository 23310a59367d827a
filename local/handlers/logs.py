"""CloudWatch Logs: groups."""

from local.aws import ACCOUNT
from local.handlers.resource import Handler, Inputs, Outputs, found


class LogGroup(Handler):
    known = frozenset({"name", "retentionInDays", "tags"})
    replaced_by = frozenset({"name"})

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        logs, name = self.clients["logs"], inputs["name"]
        found(
            lambda: logs.create_log_group(logGroupName=name, tags=inputs.get("tags", {})),
            "ResourceAlreadyExistsException",
        )
        if inputs.get("retentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
        return name, self._outputs(name)

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        groups = self.clients["logs"].describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
        return self._outputs(identity) if any(group["logGroupName"] == identity for group in groups) else None

    def delete(self, identity: str, inputs: Inputs) -> None:
        found(lambda: self.clients["logs"].delete_log_group(logGroupName=identity), "ResourceNotFoundException")

    def _outputs(self, name: str) -> Outputs:
        return {"id": name, "arn": f"arn:aws:logs:{self.clients.region}:{ACCOUNT}:log-group:{name}"}
