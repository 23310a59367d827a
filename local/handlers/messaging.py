"""SQS: queues and the attributes that are resources of their own."""

import json
from typing import ClassVar

from local.handlers.resource import Handler, Inputs, Outputs, found

_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "maxMessageSize": "MaximumMessageSize",
    "delaySeconds": "DelaySeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "redrivePolicy": "RedrivePolicy",
}


class Queue(Handler):
    known = frozenset({"name", "tags", *_ATTRIBUTES})
    replaced_by = frozenset({"name"})

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        sqs, attributes = self.clients["sqs"], _attributes(inputs)
        url = found(lambda: sqs.get_queue_url(QueueName=inputs["name"])["QueueUrl"], *_NO_QUEUE)
        if url is None:
            url = sqs.create_queue(QueueName=inputs["name"], Attributes=attributes, tags=inputs.get("tags", {}))[
                "QueueUrl"
            ]
        else:
            if attributes:
                sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
            if inputs.get("tags"):
                sqs.tag_queue(QueueUrl=url, Tags=inputs["tags"])
        return url, self._outputs(inputs["name"], url)

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        # an attribute that is no longer named goes back to its default only if it is emptied
        emptied = {name: "" for name in ("redrivePolicy",) if name in old and name not in new}
        return self.create({**new, **emptied})[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        # the address has the cloud's port in it, which may be another one today; the name stays
        url = found(lambda: self.clients["sqs"].get_queue_url(QueueName=inputs["name"])["QueueUrl"], *_NO_QUEUE)
        return None if url is None else self._outputs(inputs["name"], url)

    def delete(self, identity: str, inputs: Inputs) -> None:
        sqs = self.clients["sqs"]
        url = found(lambda: sqs.get_queue_url(QueueName=inputs["name"])["QueueUrl"], *_NO_QUEUE)
        if url is not None:
            sqs.delete_queue(QueueUrl=url)

    def _outputs(self, name: str, url: str) -> Outputs:
        account = url.rsplit("/", 2)[1]
        return {"id": url, "url": url, "arn": f"arn:aws:sqs:{self.clients.region}:{account}:{name}"}


class QueueAttribute(Handler):
    """One attribute of a queue that the provider has a resource for."""

    replaced_by = frozenset({"queueUrl"})
    field: ClassVar[str]
    attribute: ClassVar[str]

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        self.clients["sqs"].set_queue_attributes(
            QueueUrl=inputs["queueUrl"], Attributes={self.attribute: _text(inputs[self.field])}
        )
        return inputs["queueUrl"], {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        answer = found(
            lambda: self.clients["sqs"].get_queue_attributes(QueueUrl=identity, AttributeNames=[self.attribute]),
            *_NO_QUEUE,
        )
        return {} if answer and answer.get("Attributes", {}).get(self.attribute) else None

    def delete(self, identity: str, inputs: Inputs) -> None:
        found(
            lambda: self.clients["sqs"].set_queue_attributes(QueueUrl=identity, Attributes={self.attribute: ""}),
            *_NO_QUEUE,
        )


class QueuePolicy(QueueAttribute):
    known = frozenset({"queueUrl", "policy"})
    field = "policy"
    attribute = "Policy"


class RedrivePolicy(QueueAttribute):
    known = frozenset({"queueUrl", "redrivePolicy"})
    field = "redrivePolicy"
    attribute = "RedrivePolicy"


class RedriveAllowPolicy(QueueAttribute):
    known = frozenset({"queueUrl", "redriveAllowPolicy"})
    field = "redriveAllowPolicy"
    attribute = "RedriveAllowPolicy"


def _attributes(inputs: Inputs) -> dict[str, str]:
    return {attribute: _text(inputs[name]) for name, attribute in _ATTRIBUTES.items() if name in inputs}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
