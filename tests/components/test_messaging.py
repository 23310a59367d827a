"""Every queue has dead letters of its own, is encrypted, and gives its reader the time it needs."""

import json

from contracts.limits import MAX_MESSAGE_BYTES, Timing
from contracts.messages import Queue
from tests.support.plan import ACCOUNT, Plan, record

QUEUES = [queue.value for queue in Queue]
LETTERS = [f"{queue}-dead-letters" for queue in QUEUES]


def test_the_queues_are_those_of_the_contracts(plan: Plan) -> None:
    assert sorted(one.name for one in plan.of("Queue")) == sorted(QUEUES + LETTERS)


def test_every_queue_has_dead_letters_that_only_it_may_fill(plan: Plan) -> None:
    for name in QUEUES:
        queue, letters = plan.one("Queue", name), plan.one("Queue", f"{name}-dead-letters")
        assert json.loads(queue.inputs["redrivePolicy"])["deadLetterTargetArn"] == letters.state["arn"]
        allowed = plan.one("RedriveAllowPolicy", name).inputs
        assert allowed["queueUrl"] == letters.state["url"]
        assert json.loads(allowed["redriveAllowPolicy"]) == {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [queue.state["arn"]],
        }
        assert "redrivePolicy" not in letters.inputs


def test_a_message_is_received_more_than_once_before_it_is_dead(plan: Plan) -> None:
    receives = {name: json.loads(plan.one("Queue", name).inputs["redrivePolicy"])["maxReceiveCount"] for name in QUEUES}
    assert receives == {"ingest": 5, "jobs": 5, "jobs-bulk": 5, "transforms": 3, "completions": 5, "notifications": 5}


def test_a_dead_letter_is_kept_longer_than_a_message(plan: Plan) -> None:
    for name in QUEUES:
        kept = plan.one("Queue", f"{name}-dead-letters").inputs["messageRetentionSeconds"]
        assert kept > plan.one("Queue", name).inputs["messageRetentionSeconds"]


def test_an_order_is_hidden_at_least_as_long_as_the_function_may_work(plan: Plan) -> None:
    hidden = plan.one("Queue", "transforms").inputs["visibilityTimeoutSeconds"]
    assert hidden >= plan.one("Function", "transform").inputs["timeout"]


def test_every_queue_is_encrypted_and_bounded(plan: Plan) -> None:
    keys = [key.state["arn"] for key in plan.of("Key")]
    for queue in plan.of("Queue"):
        # either, never both: SQS refuses that
        assert queue.inputs.get("sqsManagedSseEnabled", False) is not bool(keys)
        assert [queue.inputs["kmsMasterKeyId"]] == keys if keys else "kmsMasterKeyId" not in queue.inputs
        assert queue.inputs["maxMessageSize"] == MAX_MESSAGE_BYTES
        assert queue.inputs["receiveWaitTimeSeconds"] == 20


def test_every_queue_refuses_plain_http_where_tls_is_required(dev: Plan, local: Plan) -> None:
    policies = dev.of("QueuePolicy")
    assert sorted(one.name for one in policies) == sorted(QUEUES + LETTERS)
    for policy in policies:
        queue = dev.one("Queue", policy.name)
        assert policy.inputs["queueUrl"] == queue.state["url"]
        assert json.loads(policy.inputs["policy"])["Statement"][:1] == [
            {
                "Sid": "RefusePlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": [queue.state["arn"]],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
    assert local.of("Queue")
    assert [one.name for one in local.of("QueuePolicy")] == ["ingest"]
    assert "Deny" not in local.one("QueuePolicy", "ingest").inputs["policy"]


def test_s3_sends_what_it_says_of_our_bucket_to_one_queue_and_nobody_else_sends(plan: Plan) -> None:
    policy = plan.one("QueuePolicy", "ingest")
    queue, bucket = plan.one("Queue", "ingest"), plan.one("Bucket", "originals")
    allowed = [one for one in json.loads(policy.inputs["policy"])["Statement"] if one["Effect"] == "Allow"]
    assert allowed == [
        {
            "Sid": "BucketAnnounces",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue.state["arn"],
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnEquals": {"aws:SourceArn": bucket.state["arn"]},
            },
        }
    ]
    (announced,) = plan.of("BucketNotification")
    assert announced.inputs == {
        "bucket": "originals-id",
        "queues": [
            {
                "id": "direct",
                "queueArn": queue.state["arn"],
                "events": ["s3:ObjectCreated:*"],
                "filterPrefix": "direct/",
            }
        ],
    }
    # S3 tries the way at once
    assert policy.urn in announced.depends_on


def test_nobody_gets_a_right_from_a_resource_itself(plan: Plan) -> None:
    """Rights come from roles alone: whoever has none can neither poison a queue nor read a bucket.

    Three services of AWS do without a role of ours: the balancer writes its log, CloudFront reads results, and S3 says
    what was posted to it.
    """
    policies = plan.of("QueuePolicy") + plan.of("BucketPolicy")
    statements = [(one.name, part) for one in policies for part in json.loads(one.inputs["policy"])["Statement"]]
    allowed = {(name, json.dumps(part["Principal"])) for name, part in statements if part["Effect"] == "Allow"}
    services = {
        ("access-logs", '{"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}'),
        ("results", '{"Service": "cloudfront.amazonaws.com"}'),
        ("ingest", '{"Service": "s3.amazonaws.com"}'),
    }
    assert allowed <= services
    for name, part in statements:
        assert part["Effect"] == "Deny" or "aws:SourceArn" in json.dumps(part["Condition"]), name
    assert not any("policy" in one.inputs for one in plan.of("Queue"))


def test_the_clockwork_comes_from_the_configuration() -> None:
    timing = {
        "queue_visibility_seconds": 2,
        "queue_receives": 4,
        "transforms_visibility_seconds": 21,
        "function_timeout_seconds": 20,
        "transforms_receives": 2,
        "queue_retention_seconds": 600,
        "dead_letter_retention_seconds": 601,
    }
    plan = record("local", {"timing": timing})
    jobs, transforms = plan.one("Queue", "jobs").inputs, plan.one("Queue", "transforms").inputs
    assert (jobs["visibilityTimeoutSeconds"], transforms["visibilityTimeoutSeconds"]) == (2, 21)
    assert [json.loads(one["redrivePolicy"])["maxReceiveCount"] for one in (jobs, transforms)] == [4, 2]
    assert jobs["messageRetentionSeconds"] == 600
    assert plan.one("Queue", "jobs-dead-letters").inputs["messageRetentionSeconds"] == 601
    assert plan.one("Function", "transform").inputs["timeout"] == 20
    assert Timing().function_timeout_seconds != 20
