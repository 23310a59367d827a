"""TransformFunction: the function that works on pixels, its role, its logs, and the mapping that feeds it."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.access import INTERFACES, refused_to_code
from components.artifact import Artifact
from components.identity import ProcessRole
from components.messaging import PipelineQueue
from components.naming import type_token
from components.network import Network
from components.settings import PipelineConfig
from components.stage import Stage
from components.storage import ImageBucket
from contracts.environment import TransformEnvironment, to_environ
from contracts.places import DIRECT, INLINE

HANDLER = "functions.transform.handler.handle"


class TransformFunction(pulumi.ComponentResource):
    """Takes orders from one queue, one at a time, and answers to another.

    It has its prefixes and two queues and nothing else: whoever breaks a decoder finds no table and no way to list.
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
        network: Network | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("function", "TransformFunction"), name, None, opts)
        child = ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{stage.name(name)}",
            retention_in_days=config.log_retention_days,
            kms_key_id=stage.key_arn,
            tags=stage.tags,
            opts=child,
        )
        self.role = ProcessRole.of_function(
            name, stage=stage, purpose="Makes variants: reads pinned originals, writes results, answers.", opts=child
        )
        for way in (INLINE, DIRECT):
            originals.pinned_versions_readable_by(self.role, under=way)
        results.storable_by(self.role)
        # watermarks: variants of other jobs, by keys that nobody can guess or list (docs/decisions/0040)
        results.readable_by(self.role)
        answers.fed_by(self.role)
        orders.consumed_by(self.role)
        orders.measured_by(self.role)
        self.role.allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs.arn.apply(lambda arn: f"{arn}:*"))
        place: aws.lambda_.FunctionVpcConfigArgsDict | None = None
        allowed: list[pulumi.Resource] = []
        if network is not None and config.transform.isolated:
            place = {
                "subnet_ids": network.isolated_subnet_ids,
                "security_group_ids": [network.isolated_security_group_id],
            }
            allowed = self._let_lambda_place_it(name, stage, child)
        if artifact.without is not None:
            pulumi.log.warn(
                f"the function's zip has no bytecode, for this machine has no Python {artifact.without}: a cold start "
                f"compiles every module, and a machine that has one packs another zip. Install it beside this one",
                self,
            )
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
            kms_key_arn=stage.key_arn,
            vpc_config=place,
            environment={"variables": _environment(stage, config, originals, results, answers)},
            tags=stage.tags,
            # without its logs' group Lambda would make one that is kept for ever
            opts=ResourceOptions(parent=self, depends_on=[logs, granted, *allowed]),
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

    def _let_lambda_place_it(self, name: str, stage: Stage, opts: ResourceOptions) -> list[pulumi.Resource]:
        """Lambda makes the network's interfaces with the function's role; the function's code is refused them."""
        self.role.allow(list(INTERFACES), "*")
        function = stage.arn("lambda", f"function:{stage.name(name)}")
        refused = aws.iam.RolePolicy(
            f"{name}-refused",
            name="refused",
            role=self.role.role.name,
            policy=function.apply(lambda arn: refused_to_code(INTERFACES, arn)),
            opts=opts,
        )
        return [refused]


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
                formats=config.formats,
            )
        )

    return Output.all(originals.bucket_name, results.bucket_name, answers.url).apply(made)
