"""Every bucket is nobody's but ours, and forgets in time."""

import json

from components.settings import MIN_ORIGINALS_DAYS
from contracts.limits import DAY_SECONDS, MAX_LIFE_SECONDS
from contracts.places import DIRECT, INLINE
from tests.support.plan import Declared, Plan, record

BUCKETS = {"originals", "results"}


def beside(plan: Plan, kind: str, name: str) -> Declared:
    """The resource of this kind that is about the bucket."""
    found = plan.one(kind, name)
    assert found.inputs["bucket"] == f"{name}-id"
    return found


def test_every_bucket_is_closed_to_the_public(plan: Plan) -> None:
    pictures = {one.name for one in plan.of("Bucket")} - {"access-logs"}
    assert pictures == BUCKETS
    for name in BUCKETS:
        closed = beside(plan, "BucketPublicAccessBlock", name).inputs
        assert {value for key, value in closed.items() if key != "bucket"} == {True}
        assert len(closed) == 5
        owner = beside(plan, "BucketOwnershipControls", name).inputs["rule"]
        assert owner == {"objectOwnership": "BucketOwnerEnforced"}


def test_every_bucket_is_encrypted(plan: Plan) -> None:
    how: dict[str, str] = {"sseAlgorithm": "AES256"}
    for key in plan.of("Key"):
        how = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key.state["arn"]}
    for name in BUCKETS:
        rules = beside(plan, "BucketServerSideEncryptionConfiguration", name).inputs["rules"]
        assert rules == [{"applyServerSideEncryptionByDefault": how, "bucketKeyEnabled": True}]


def test_originals_keep_their_versions_because_a_job_pins_one(plan: Plan) -> None:
    versioned = plan.of("BucketVersioning")
    assert [(one.name, one.inputs["versioningConfiguration"]) for one in versioned] == [
        ("originals", {"status": "Enabled"})
    ]


def test_every_bucket_refuses_plain_http_where_tls_is_required(dev: Plan) -> None:
    for name in BUCKETS:
        arn = dev.one("Bucket", name).state["arn"]
        statements = json.loads(beside(dev, "BucketPolicy", name).inputs["policy"])["Statement"]
        assert [(one["Effect"], one["Principal"], one["Action"], one["Resource"]) for one in statements] == [
            ("Deny", "*", "s3:*", [arn, f"{arn}/*"]),
            ("Deny", "*", "s3:*", [arn, f"{arn}/*"]),
        ]
        assert [one["Condition"] for one in statements] == [
            {"Bool": {"aws:SecureTransport": "false"}},
            {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        ]


def test_a_stack_without_tls_has_no_policy_that_would_lock_everyone_out(local: Plan) -> None:
    assert local.of("Bucket")
    assert local.of("BucketPolicy") == []


def test_what_was_left_behind_is_collected_a_month_after_the_longest_life(plan: Plan) -> None:
    days = MAX_LIFE_SECONDS // DAY_SECONDS + 31
    assert days == MIN_ORIGINALS_DAYS
    originals = beside(plan, "BucketLifecycleConfiguration", "originals").inputs["rules"]
    collected = {"expiration": {"days": days}, "noncurrentVersionExpiration": {"noncurrentDays": days}}
    assert [rule for rule in originals if rule["id"] != "unfinished"] == [
        {"id": f"collect-{prefix}", "status": "Enabled", "filter": {"prefix": f"{prefix}/"}, **collected}
        for prefix in (INLINE, DIRECT)
    ]
    results = beside(plan, "BucketLifecycleConfiguration", "results").inputs["rules"]
    assert [rule for rule in results if rule["id"] != "unfinished"] == [
        {"id": "collect-all", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": days}}
    ]


def test_an_unfinished_upload_is_thrown_away_after_a_day(plan: Plan) -> None:
    for name in BUCKETS:
        (rule,) = (
            rule
            for rule in beside(plan, "BucketLifecycleConfiguration", name).inputs["rules"]
            if rule["id"] == "unfinished"
        )
        assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
        assert rule["filter"] == {"prefix": ""}


def test_versions_are_on_before_rules_speak_of_them(plan: Plan) -> None:
    versioning = plan.one("BucketVersioning", "originals")
    assert versioning.urn in plan.one("BucketLifecycleConfiguration", "originals").depends_on


def test_days_come_from_the_configuration() -> None:
    plan = record("local", {"originals_days": 400, "results_days": 500})
    for name, days in (("originals", 400), ("results", 500)):
        rules = beside(plan, "BucketLifecycleConfiguration", name).inputs["rules"]
        assert {rule["expiration"]["days"] for rule in rules if rule["id"] != "unfinished"} == {days}
