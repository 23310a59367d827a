"""TransformFunction: the function that works on pixels, its role, its logs, and the mapping that feeds it."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.artifact import Artifact
from components.identity import ProcessRole
from components.messaging import PipelineQueue
from components.naming import type_token
from components.settings import PipelineConfig
from components.stage import Stage
from components.storage import ImageBucket
from contracts.environment import TransformEnvironment, to_environ
from contracts.places import INLINE

HANDLER = "functions.transform.handler.handle"


class TransformFunction(pulumi.ComponentResource):
    """Takes orders from one queue, one at a time, and answers to another.

    It has two prefixes and two queues and nothing else: whoever breaks a decoder finds no table and no way to list.
    """

    arn: Output[str]
    function_name: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        config: PipelineConfig,
        artifact: Artifact,
        originals: ImageBucket,
        results: ImageBucket,
        orders: PipelineQueue,
        answers: PipelineQueue,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("function", "TransformFunction"), name, None, opts)
        child = ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{stage.name(name)}",
            retention_in_days=config.log_retention_days,
            tags=stage.tags,
            opts=child,
        )
        self.role = ProcessRole.of_function(
            name, stage=stage, purpose="Makes variants: reads pinned originals, writes results, answers.", opts=child
        )
        originals.pinned_versions_readable_by(self.role, under=INLINE)
        results.storable_by(self.role)
        answers.fed_by(self.role)
        orders.consumed_by(self.role)
        orders.measured_by(self.role)
        self.role.allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs.arn.apply(lambda arn: f"{arn}:*"))
        granted = self.role.seal()
        function = aws.lambda_.Function(
            name,
            name=stage.name(name),
            role=self.role.arn,
            runtime=f"python{config.transform.python}",
            architectures=[config.transform.architecture],
            handler=HANDLER,
            code=pulumi.FileArchive(artifact.path),
            source_code_hash=artifact.sha256,
            memory_size=config.transform.memory_mb,
            timeout=config.timing.function_timeout_seconds,
            reserved_concurrent_executions=config.transform.reserved_concurrency,
            environment={"variables": _environment(stage, config, originals, results, answers)},
            tags=stage.tags,
            # without its logs' group Lambda would make one that is kept for ever
            opts=ResourceOptions(parent=self, depends_on=[logs, granted]),
        )
        aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=orders.arn,
            function_name=function.arn,
            # one order a call: a crash then names its order, and a batch would wait for its slowest
            batch_size=1,
            scaling_config={"maximum_concurrency": config.transform.concurrency},
            tags=stage.tags,
            # Lambda checks the role's rights over the queue when the mapping is made
            opts=ResourceOptions(parent=self, depends_on=[granted]),
        )
        self.arn = function.arn
        self.function_name = function.name
        self.register_outputs({"arn": self.arn, "function_name": self.function_name, "role_arn": self.role.arn})


def _environment(
    stage: Stage, config: PipelineConfig, originals: ImageBucket, results: ImageBucket, answers: PipelineQueue
) -> Input[dict[str, str]]:
    def made(values: list[str]) -> dict[str, str]:
        originals_bucket, results_bucket, completions_queue_url = values
        return to_environ(
            TransformEnvironment(
                region=stage.region,
                endpoint_url=config.endpoint,
                log_level=config.log_level,
                originals_bucket=originals_bucket,
                results_bucket=results_bucket,
                completions_queue_url=completions_queue_url,
                timeout_seconds=config.timing.function_timeout_seconds,
                threads=config.transform.threads,
            )
        )

    return Output.all(originals.bucket_name, results.bucket_name, answers.url).apply(made)
