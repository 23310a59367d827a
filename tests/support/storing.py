"""The parts of a stack that store, declared without the rest: with a key of the customer's or not, delivered or not."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.delivery import ResultDelivery
from components.encryption import PipelineKey
from components.identity import ProcessRole
from components.ledger import JobTables
from components.messaging import PipelineQueue, pipeline_queues
from components.site import Delivery
from components.stage import Stage
from components.storage import ImageBucket
from contracts.limits import Timing
from contracts.messages import Queue
from tests.support.plan import Plan, run

STACK = "storing"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a test grants rights over."""

    stage: Stage
    originals: ImageBucket
    results: ImageBucket
    queues: dict[Queue, PipelineQueue]
    tables: JobTables
    delivery: ResultDelivery | None


def storing(
    *,
    key: bool = False,
    delivery: Delivery | None = None,
    require_tls: bool = True,
    hosts: bool = False,
    alarms: bool = False,
    roles: Mapping[str, Callable[[Stored, ProcessRole], Any]] | None = None,
) -> Plan:
    """The plan. Each of `roles` is made and granted what its function grants."""

    def program() -> None:
        child = ResourceOptions()
        stage = Stage(
            stack=STACK,
            region="eu-west-1",
            account=aws.get_caller_identity_output().account_id,
            own_tags={},
            require_tls=require_tls,
            deletion_protection=True,
            force_destroy=False,
        )
        delivered = stage.bucket_name("results") if delivery is not None else None
        if key:
            made = PipelineKey("data", stage=stage, hosts=hosts, alarms=alarms, delivered_bucket=delivered)
            stage = dataclasses.replace(stage, key_arn=made.arn)
        results = ImageBucket("results", stage=stage, days=400, delivered=delivery is not None)
        originals = ImageBucket("originals", stage=stage, days=400, versioned=True)
        stored = Stored(
            stage=stage,
            originals=originals,
            results=results,
            queues=pipeline_queues(stage, Timing(), originals.arn, child),
            tables=JobTables("tables", stage=stage),
            delivery=delivery and ResultDelivery("delivery", stage=stage, settings=delivery, results=results),
        )
        if stored.delivery is not None:
            pulumi.export("domain", stored.delivery.domain_name)
            pulumi.export("key_id", stored.delivery.key_id)
            pulumi.export("secret", stored.delivery.secret_name)
        for name, grant in (roles or {}).items():
            role = ProcessRole.of_host(name, stage=stage, purpose="What a test grants.")
            grant(stored, role)
            role.seal()

    return run({"aws:region": "eu-west-1"}, stack=STACK, program=program)
