"""What the stack tells its processes, read as the processes read it."""

from typing import Any

from components.config import decode
from components.settings import PipelineConfig
from contracts.environment import (
    Formats,
    ProcessingEnvironment,
    Receivers,
    TransformEnvironment,
    UploadEnvironment,
    from_environ,
)
from contracts.limits import Timing
from contracts.messages import Queue
from contracts.quotas import UNLIMITED, USUAL
from tests.support.plan import Plan, record


def environment(plan: Plan, service: str) -> dict[str, str]:
    return plan.exports["services"][service]["environment"]


def common(plan: Plan) -> dict[str, Any]:
    return {
        "region": plan.region,
        "endpoint_url": "http://127.0.0.1:4566" if plan.stack == "local" else None,
        "originals_bucket": plan.one("Bucket", "originals").state["bucket"],
        "results_bucket": plan.one("Bucket", "results").state["bucket"],
    }


def urls(plan: Plan, ending: str = "") -> dict[Queue, str]:
    return {queue: plan.one("Queue", queue.value + ending).state["url"] for queue in Queue}


def delivered(plan: Plan) -> dict[str, str]:
    """How links lead through CloudFront, where it stands before the results."""
    return {
        name: value
        for one in plan.of("Distribution")
        for name, value in {
            "delivery_domain": one.state["domainName"],
            "delivery_key_id": "delivery-first-id",
            "delivery_secret_name": f"darkroom-{plan.stack}-delivery",
        }.items()
    }


def test_the_upload_service_reads_its_settings(plan: Plan) -> None:
    assert from_environ(UploadEnvironment, environment(plan, "upload")) == UploadEnvironment(
        **common(plan),
        stack=plan.stack,
        jobs_table=plan.one("Table", "jobs").state["name"],
        due_shards=8,
        queue_urls={queue: urls(plan)[queue] for queue in (Queue.JOBS, Queue.JOBS_BULK, Queue.NOTIFICATIONS)},
        link_signer_role_arn=plan.one("Role", "link-signer").state["arn"],
        registry_table=plan.one("Table", "registry").state["name"],
        receivers=Receivers(loopback=plan.stack == "local"),
        auth="open" if plan.stack == "local" else "required",
        pepper_secret_name=None if plan.stack == "local" else f"darkroom-{plan.stack}-key-pepper",
        behind_balancer=bool(plan.of("LoadBalancer")),
        quotas=UNLIMITED if plan.stack == "local" else USUAL,
        **delivered(plan),
    )


def test_the_processing_service_reads_its_settings(plan: Plan) -> None:
    assert from_environ(ProcessingEnvironment, environment(plan, "processing")) == ProcessingEnvironment(
        **common(plan),
        stack=plan.stack,
        jobs_table=plan.one("Table", "jobs").state["name"],
        due_shards=8,
        queue_urls=urls(plan),
        dead_letter_urls=urls(plan, "-dead-letters"),
        eraser_role_arn=plan.one("Role", "eraser").state["arn"],
        transform_concurrency=plan.one("EventSourceMapping", "transform").inputs["scalingConfig"]["maximumConcurrency"],
        registry_table=plan.one("Table", "registry").state["name"],
        public_url=f"https://{names[0]}" if (names := balancer_names(plan)) else None,
        receivers=Receivers(loopback=plan.stack == "local"),
    )


def balancer_names(plan: Plan) -> list[str]:
    """What clients call, where it has a name in the DNS."""
    return [one.inputs["name"] for one in plan.of("Record") if one.name.endswith("-address")]


def test_endpoints_are_told_the_name_that_clients_call() -> None:
    plan = record("prod", {"balancer": {"domain": "img.example.com", "hosted_zone_id": "Z0123456789ABCDEFGHIJ"}})
    settings = from_environ(ProcessingEnvironment, environment(plan, "processing"))
    assert settings.public_url == "https://img.example.com"


def test_the_function_reads_its_settings(plan: Plan) -> None:
    variables = plan.one("Function", "transform").inputs["environment"]["variables"]
    assert from_environ(TransformEnvironment, variables) == TransformEnvironment(
        **common(plan),
        completions_queue_url=plan.one("Queue", "completions").state["url"],
        timeout_seconds=plan.one("Function", "transform").inputs["timeout"],
        threads=2,
    )


def test_what_a_stack_changes_reaches_every_process() -> None:
    timing = {"sweep_seconds": 0.5, "function_timeout_seconds": 20}
    transform = {"threads": 1, "bundle_libraries": False}
    over = {"timing": timing, "due_shards": 3, "log_level": "debug", "transform": transform}
    plan = record("local", over | {"formats": {"heic": True, "imagequant": True}})
    upload = from_environ(UploadEnvironment, environment(plan, "upload"))
    processing = from_environ(ProcessingEnvironment, environment(plan, "processing"))
    variables = plan.one("Function", "transform").inputs["environment"]["variables"]
    function = from_environ(TransformEnvironment, variables)
    assert upload.timing == processing.timing == Timing(sweep_seconds=0.5, function_timeout_seconds=20)
    assert upload.due_shards == processing.due_shards == 3
    assert {upload.log_level, processing.log_level, function.log_level} == {"debug"}
    assert (function.threads, function.timeout_seconds) == (1, 20)
    assert upload.formats == function.formats == Formats(heic=True, imagequant=True)


def test_the_services_run_as_their_roles(plan: Plan) -> None:
    arns = {service: plan.exports["services"][service]["role_arn"] for service in ("upload", "processing")}
    assert arns == {service: plan.one("Role", service).state["arn"] for service in arns}
    processes = {one.name: one.state["arn"] for one in plan.of("Role") if one.name != "flow-logs"}
    assert plan.exports["roles"] == processes


def test_the_function_is_fed_one_order_at_a_time(plan: Plan) -> None:
    mapping = plan.one("EventSourceMapping", "transform").inputs
    assert mapping["eventSourceArn"] == plan.one("Queue", "transforms").state["arn"]
    assert mapping["functionName"] == plan.one("Function", "transform").state["arn"]
    assert mapping["batchSize"] == 1
    assert mapping["scalingConfig"]["maximumConcurrency"] == (2 if plan.stack == "local" else 10)


def test_the_function_is_what_the_configuration_says(dev: Plan) -> None:
    function, settings = dev.one("Function", "transform").inputs, decode("{}", PipelineConfig).transform
    assert function["runtime"] == f"python{settings.python}"
    assert function["architectures"] == [settings.architecture]
    assert function["memorySize"] == settings.memory_mb
    assert function["handler"] == "functions.transform.handler.handle"
    assert "reservedConcurrentExecutions" not in function


def test_the_functions_logs_are_kept_as_long_as_configured(plan: Plan) -> None:
    group = plan.one("LogGroup", "transform")
    assert group.inputs["name"] == f"/aws/lambda/{plan.one('Function', 'transform').inputs['name']}"
    assert group.inputs["retentionInDays"] == {"local": 1, "dev": 7, "prod": 90}[plan.stack]
    assert group.urn in plan.one("Function", "transform").depends_on


def test_dev_is_reached_by_tls_and_with_a_key_only(dev: Plan) -> None:
    assert dev.of("BucketPolicy")
    assert dev.of("QueuePolicy")
    assert environment(dev, "upload")["DARKROOM_AUTH"] == "required"
    assert "DARKROOM_ENDPOINT_URL" not in environment(dev, "upload")
