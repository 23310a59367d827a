"""ImagePipeline: everything of one stack, wired."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.artifact import transform_artifact
from components.delivery import ResultDelivery
from components.encryption import PipelineKey
from components.fleet import Fleet
from components.function import TransformFunction
from components.host_rights import CALLED_WITH_PROCESS
from components.keys import KeyPepper
from components.ledger import JobTables
from components.messaging import pipeline_queues
from components.naming import type_token
from components.network import Network
from components.observability import Observability
from components.processes import WORK, Processes
from components.settings import PipelineConfig, secrets_called
from components.stage import Stage
from components.storage import ImageBucket
from components.watched import BalancerNames, watched_stack
from contracts.messages import Queue
from contracts.places import DIRECT, INLINE

ROOT = Path(__file__).parent.parent


class ImagePipeline(pulumi.ComponentResource):
    """Two buckets, five queues, two tables, a function, a role for each process, and the site that it stands on.

    `exports` is what a stack exports: `services` has each service's role and environment.
    """

    def __init__(self, name: str, *, config: PipelineConfig, region: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(type_token("pipeline", "ImagePipeline"), name, None, opts)
        self._config = config
        stage = Stage(
            stack=pulumi.get_stack(),
            region=region,
            account=aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id,
            own_tags=config.tags,
            require_tls=config.require_tls,
            deletion_protection=config.deletion_protection,
            force_destroy=config.force_destroy,
            permissions_boundary=config.permissions_boundary,
        )
        child = ResourceOptions(parent=self)
        if config.customer_key:
            key = PipelineKey(
                "key",
                stage=stage,
                hosts=config.hosts is not None,
                alarms=config.alarms is not None,
                delivered_bucket=None if config.delivery is None else stage.bucket_name("results"),
                announcing_bucket=stage.bucket_name("originals"),
                opts=child,
            )
            stage = replace(stage, key_arn=key.arn)
        self._stage = stage
        self.network = self._network(child)
        self.originals = ImageBucket(
            "originals", stage=stage, days=config.originals_days, versioned=True, prefixes=(INLINE, DIRECT), opts=child
        )
        self.results = ImageBucket(
            "results", stage=stage, days=config.results_days, delivered=config.delivery is not None, opts=child
        )
        self.delivery = None
        if config.delivery is not None:
            self.delivery = ResultDelivery(
                "delivery", stage=stage, settings=config.delivery, results=self.results, opts=child
            )
        self.queues = pipeline_queues(stage, config.timing, self.originals.arn, child)
        self.originals.announced_to(self.queues[Queue.INGEST], under=DIRECT)
        self.tables = JobTables("tables", stage=stage, opts=child)
        self.transform = TransformFunction(
            "transform",
            stage=stage,
            config=config,
            artifact=transform_artifact(ROOT, config.transform, config.formats),
            originals=self.originals,
            results=self.results,
            orders=self.queues[Queue.TRANSFORMS],
            answers=self.queues[Queue.COMPLETIONS],
            network=self.network,
            opts=child,
        )
        pepper = KeyPepper("key-pepper", stage=stage, opts=child) if config.auth == "required" else None
        self.processes = Processes(
            stage=stage,
            config=config,
            originals=self.originals,
            results=self.results,
            queues=self.queues,
            tables=self.tables,
            delivery=self.delivery,
            pepper=pepper,
            opts=child,
        )
        self.fleet = self._fleet(child)
        self.processes.seal()
        self.observability = self._observability(child)
        self.exports = self._exports()
        self.register_outputs(self.exports)

    def _network(self, opts: ResourceOptions) -> Network | None:
        config = self._config
        if config.network is None:
            return None
        return Network(
            "network",
            stage=self._stage,
            settings=config.network,
            interface_services=CALLED_WITH_PROCESS | secrets_called(config),
            isolated_services=frozenset({"sqs"}) if config.transform.isolated else frozenset(),
            with_hosts=config.hosts is not None,
            log_retention_days=config.log_retention_days,
            opts=opts,
        )

    def _fleet(self, opts: ResourceOptions) -> Fleet | None:
        config = self._config
        if config.hosts is None or self.network is None:
            return None
        return Fleet(
            "fleet",
            stage=self._stage,
            config=config,
            hosts=config.hosts,
            network=self.network,
            processes=self.processes,
            waiting={queue.value: self._stage.name(queue.value) for queue in WORK},
            opts=opts,
        )

    def _observability(self, opts: ResourceOptions) -> Observability | None:
        if self._config.alarms is None:
            return None
        balancer = None if self.fleet is None else self.fleet.balancer
        names = None if balancer is None else BalancerNames(balancer.arn_suffix, balancer.target_group_arn_suffix)
        return Observability(
            "observability",
            stage=self._stage,
            settings=self._config.alarms,
            watched=watched_stack(self._config, self._stage.name, balancer=names),
            logs={} if self.fleet is None else self.fleet.log_group_names,
            opts=opts,
        )

    def _exports(self) -> dict[str, Any]:
        processes = self.processes
        roles = {
            "upload": processes.upload.arn,
            "link-signer": processes.link_signer.arn,
            "processing": processes.processing.arn,
            "eraser": processes.eraser.arn,
            "transform": self.transform.role.arn,
        }
        return {
            "services": {
                "upload": {"role_arn": processes.upload.arn, "environment": processes.upload_environment()},
                "processing": {"role_arn": processes.processing.arn, "environment": processes.processing_environment()},
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
            "hosts": {} if self.fleet is None else self.fleet.groups,
            "url": None if self.fleet is None else self.fleet.url,
            "alarms_topic": None if self.observability is None else self.observability.topic_arn,
        }
