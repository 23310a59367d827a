"""Webhook endpoints in the registry, on moto and on the embedded cloud: the same as in memory."""

import os
from typing import Any

import pytest

from adapters.clients import AwsClient
from adapters.webhooks import DynamoWebhooks
from contracts.errors import RevisionMoved
from contracts.limits import DAY_SECONDS, DELIVERY_DAYS
from contracts.tables import webhook_key
from contracts.webhooks import Webhook, deleted, disabled, new_webhook, rotated
from tests.support.agreement_cloud import fresh_registry, maker
from tests.support.memory import MemoryWebhooks

NOW = 1_790_000_000_000
TABLE = "registry-of-webhooks"


@pytest.fixture(params=["moto", "embedded"])
def client(request: pytest.FixtureRequest) -> AwsClient:
    if request.param == "moto":
        request.getfixturevalue("moto")
        return fresh_registry(maker(None), TABLE)
    return fresh_registry(maker(request.getfixturevalue("ministack_url")), TABLE)


def is_kept(port: Any, webhook: Webhook, expected: int) -> bool:
    try:
        port.keep(webhook, expected)
    except RevisionMoved:
        return False
    return True


def test_the_registry_keeps_what_memory_keeps(client: AwsClient) -> None:
    ours, theirs = MemoryWebhooks(), DynamoWebhooks(client, TABLE)
    first = new_webhook("default", "https://a.example/", NOW, os.urandom)
    second = new_webhook("default", "https://b.example/", NOW, os.urandom)
    others = new_webhook("default-2", "https://c.example/", NOW, os.urandom)
    off = disabled(first, NOW, "why")
    steps = [
        (first, 0),
        (first, 0),
        (second, 0),
        (others, 0),
        (off, 2),
        (off, 1),
        (off, 1),
        (rotated(off, NOW, os.urandom), 2),
        (deleted(second, NOW), 1),
        (rotated(others, NOW, os.urandom), 9),
    ]
    for webhook, expected in steps:
        assert is_kept(theirs, webhook, expected) == is_kept(ours, webhook, expected)
    for tenant in ("default", "default-2", "nobody"):
        assert theirs.webhooks(tenant) == ours.webhooks(tenant)
        for webhook in (first, second, others):
            assert theirs.webhook(tenant, webhook.id) == ours.webhook(tenant, webhook.id)


def test_what_is_left_of_a_deleted_one_is_forgotten_with_its_deliveries(client: AwsClient) -> None:
    webhook = new_webhook("default", "https://a.example/", NOW, os.urandom)
    webhooks = DynamoWebhooks(client, TABLE)

    def row() -> dict[str, Any]:
        key = {"pk": {"S": webhook_key("default")}, "sk": {"S": webhook.id}}
        return client.get_item(TableName=TABLE, Key=key)["Item"]

    webhooks.keep(webhook, 0)
    assert "ttl" not in row()
    webhooks.keep(deleted(webhook, NOW), 1)
    assert int(row()["ttl"]["N"]) == NOW // 1000 + DELIVERY_DAYS * DAY_SECONDS
    assert webhook.secrets[0].value.encode() not in row()["document"]["B"]
