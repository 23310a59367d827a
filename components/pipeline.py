"""ImagePipeline: everything of one stack, wired. Who may do what is read here from top to bottom."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.artifact import transform_artifact
from components.function import TransformFunction
from components.identity import ProcessRole
from components.ledger import JobTables
from components.messaging import pipeline_queues
from components.naming import type_token
from components.settings import PipelineConfig
from components.stage import Stage
from components.storage import ImageBucket
from contracts.environment import ProcessingEnvironment, UploadEnvironment, to_environ
from contracts.messages import Queue
from contracts.places import DIRECT, INLINE

ROOT = Path(__file__).parent.parent

PLANNING = (Queue.JOBS, Queue.JOBS_BULK)
"""Where jobs wait to be planned."""

READ = (*PLANNING, Queue.COMPLETIONS)
"""What the processing service reads; the function reads the other."""


class ImagePipeline(pulumi.ComponentResource):
    """Two buckets, four queues, two tables, a function, and a role for each process.

    `exports` is what a stack exports: `services` has each service's role and environment.
    """

    def __init__(self, name: str, *, config: PipelineConfig, region: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(type_token("pipeline", "ImagePipeline"), name, None, opts)
        self._config = config
        self._stage = stage = Stage(
            stack=pulumi.get_stack(),
            region=region,
            account=aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id,
            own_tags=config.tags,
            require_tls=config.require_tls,
            deletion_protection=config.deletion_protection,
            force_destroy=config.force_destroy,
        )
        child = ResourceOptions(parent=self)
        self.originals = ImageBucket(
            "originals", stage=stage, days=config.originals_days, versioned=True, prefixes=(INLINE, DIRECT), opts=child
        )
        self.results = ImageBucket("results", stage=stage, days=config.results_days, opts=child)
        self.queues = pipeline_queues(stage, config.timing, child)
        self.tables = JobTables("tables", stage=stage, opts=child)
        self.transform = TransformFunction(
            "transform",
            stage=stage,
            config=config,
            artifact=transform_artifact(ROOT, config.transform),
            originals=self.originals,
            results=self.results,
            orders=self.queues[Queue.TRANSFORMS],
            answers=self.queues[Queue.COMPLETIONS],
            opts=child,
        )
        self.upload = self._upload_role(child)
        self.link_signer = self._link_signer(child)
        self.processing = self._processing_role(child)
        self.eraser = self._eraser(child)
        for role in (self.upload, self.link_signer, self.processing, self.eraser):
            role.seal()
        self.exports = self._exports()
        self.register_outputs(self.exports)

    def _upload_role(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.of_host(
            "upload", stage=self._stage, purpose="Takes pictures in, answers for jobs.", opts=opts
        )
        self.originals.storable_by(role, under=INLINE)
        self.originals.checkable_by(role, under=INLINE)
        self.tables.jobs.kept_by(role)
        for queue in PLANNING:
            self.queues[queue].fed_by(role)
        return role

    def _link_signer(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.taken_by(
            self.upload, "link-signer", stage=self._stage, purpose="Signs links to results.", opts=opts
        )
        self.results.readable_by(role)
        return role

    def _processing_role(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.of_host("processing", stage=self._stage, purpose="Plans jobs, folds answers.", opts=opts)
        self.originals.checkable_by(role, under=INLINE)
        self.tables.jobs.kept_by(role)
        self.tables.jobs.swept_by(role)
        for queue in READ:
            self.queues[queue].consumed_by(role)
            self.queues[queue].measured_by(role)
            self.queues[queue].dead_letters.fed_by(role)
        for made in self.queues.values():
            # shown to operators; and a purge looks like empty queues, as does work that died: both have to be empty
            made.dead_letters.measured_by(role)
        for queue in PLANNING:
            self.queues[queue].fed_by(role)
        transforms = self.queues[Queue.TRANSFORMS]
        transforms.fed_by(role)
        transforms.measured_by(role)
        transforms.dead_letters.consumed_by(role)
        return role

    def _eraser(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.taken_by(
            self.processing, "eraser", stage=self._stage, purpose="Deletes the bytes of one job at a time.", opts=opts
        )
        self.originals.erasable_by(role)
        self.results.erasable_by(role)
        return role

    def _exports(self) -> dict[str, Any]:
        roles = {
            "upload": self.upload.arn,
            "link-signer": self.link_signer.arn,
            "processing": self.processing.arn,
            "eraser": self.eraser.arn,
            "transform": self.transform.role.arn,
        }
        return {
            "services": {
                "upload": {"role_arn": self.upload.arn, "environment": self._upload_environment()},
                "processing": {"role_arn": self.processing.arn, "environment": self._processing_environment()},
            },
            "function": {
                "name": self.transform.function_name,
                "arn": self.transform.arn,
                "role_arn": self.transform.role.arn,
            },
            "buckets": {"originals": self.originals.bucket_name, "results": self.results.bucket_name},
            "queues": {
                queue.value: {"url": made.url, "dead_letter_url": made.dead_letters.url, "arn": made.arn}
                for queue, made in self.queues.items()
            },
            "tables": {"jobs": self.tables.jobs.table_name, "registry": self.tables.registry.table_name},
            "roles": roles,
        }

    def _upload_environment(self) -> Output[dict[str, str]]:
        def made(values: Mapping[str, Any]) -> dict[str, str]:
            return to_environ(
                UploadEnvironment(
                    region=self._stage.region,
                    endpoint_url=self._config.endpoint,
                    log_level=self._config.log_level,
                    stack=self._stage.stack,
                    originals_bucket=values["originals"],
                    results_bucket=values["results"],
                    jobs_table=values["jobs"],
                    due_shards=self._config.due_shards,
                    queue_urls=values["urls"],
                    link_signer_role_arn=values["link_signer"],
                    auth=self._config.auth,
                    timing=self._config.timing,
                )
            )

        urls = {queue: self.queues[queue].url for queue in PLANNING}
        return self._known(urls=urls, link_signer=self.link_signer.arn).apply(made)

    def _processing_environment(self) -> Output[dict[str, str]]:
        def made(values: Mapping[str, Any]) -> dict[str, str]:
            return to_environ(
                ProcessingEnvironment(
                    region=self._stage.region,
                    endpoint_url=self._config.endpoint,
                    log_level=self._config.log_level,
                    stack=self._stage.stack,
                    originals_bucket=values["originals"],
                    results_bucket=values["results"],
                    jobs_table=values["jobs"],
                    due_shards=self._config.due_shards,
                    queue_urls=values["urls"],
                    dead_letter_urls=values["dead_letter_urls"],
                    eraser_role_arn=values["eraser"],
                    transform_concurrency=self._config.transform.concurrency,
                    timing=self._config.timing,
                )
            )

        urls = {queue: made.url for queue, made in self.queues.items()}
        letters = {queue: made.dead_letters.url for queue, made in self.queues.items()}
        return self._known(urls=urls, dead_letter_urls=letters, eraser=self.eraser.arn).apply(made)

    def _known(self, **more: Any) -> Output[Mapping[str, Any]]:
        """What both services are told, and more, once AWS has named it all."""
        return Output.all(
            originals=self.originals.bucket_name,
            results=self.results.bucket_name,
            jobs=self.tables.jobs.table_name,
            **more,
        )
