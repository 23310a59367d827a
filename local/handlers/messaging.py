"""SQS: queues and the attributes that are resources of their own."""

import json
from typing import ClassVar

from local.handlers.resource import CLOUDFORMATION, Handler, Inputs, Outputs, found, no_longer

_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "maxMessageSize": "MaximumMessageSize",
    "delaySeconds": "DelaySeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "redrivePolicy": "RedrivePolicy",
}
_TEXTS = {"redrivePolicy", "kmsMasterKeyId"}


class Queue(Handler):
    known = frozenset({"name", "tags", *_ATTRIBUTES})
    replaced_by: ClassVar = {"name": f"{CLOUDFORMATION}/aws-resource-sqs-queue.html"}

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        sqs, attributes = self.clients["sqs"], _attributes(inputs)
        url = self._url(inputs["name"])
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
        if gone := no_longer(old, new):
            self.clients["sqs"].untag_queue(QueueUrl=self._url(new["name"]) or identity, TagKeys=gone)
        # an attribute that is no longer named goes back to its default only if it is emptied
        emptied = {name: "" for name in _TEXTS if name in old and name not in new}
        return self.create({**new, **emptied})[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        # the address has the cloud's port in it, which may be another one today; the name stays
        url = self._url(inputs["name"])
        return None if url is None else self._outputs(inputs["name"], url)

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        sqs = self.clients["sqs"]
        answer = sqs.get_queue_attributes(QueueUrl=identity, AttributeNames=["All"]).get("Attributes", {})
        attributes = {
            name: _value(name, answer[attribute]) for name, attribute in _ATTRIBUTES.items() if answer.get(attribute)
        }
        tags = sqs.list_queue_tags(QueueUrl=identity).get("Tags", {})
        return {"name": inputs["name"], "tags": tags, **attributes}

    def delete(self, identity: str, inputs: Inputs) -> None:
        url = self._url(inputs["name"])
        if url is not None:
            self.clients["sqs"].delete_queue(QueueUrl=url)

    def _url(self, name: str) -> str | None:
        return found(lambda: self.clients["sqs"].get_queue_url(QueueName=name)["QueueUrl"], *_NO_QUEUE)

    def _outputs(self, name: str, url: str) -> Outputs:
        account = url.rsplit("/", 2)[1]
        return {"id": url, "url": url, "arn": f"arn:aws:sqs:{self.clients.region}:{account}:{name}"}


class QueueAttribute(Handler):
    """One attribute of a queue that the provider has a resource for."""

    replaced_by: ClassVar = {
        "queueUrl": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"
    }
    field: ClassVar[str]
    attribute: ClassVar[str]

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        self.clients["sqs"].set_queue_attributes(
            QueueUrl=inputs["queueUrl"], Attributes={self.attribute: _text(inputs[self.field])}
        )
        return inputs["queueUrl"], {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        return {} if self._there(identity) else None

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        return {"queueUrl": identity, self.field: self._there(identity)}

    def delete(self, identity: str, inputs: Inputs) -> None:
        found(
            lambda: self.clients["sqs"].set_queue_attributes(QueueUrl=identity, Attributes={self.attribute: ""}),
            *_NO_QUEUE,
        )

    def _there(self, url: str) -> str:
        answer = found(
            lambda: self.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=[self.attribute]), *_NO_QUEUE
        )
        return (answer or {}).get("Attributes", {}).get(self.attribute, "")


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


def _value(name: str, text: str) -> object:
    """Inverse of `_text` for an attribute of the queue itself."""
    return text if name in _TEXTS else json.loads(text.lower())
