"""Fleet: the hosts of both services, what stands before them, and what makes them more or fewer."""

from collections.abc import Mapping

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.alarms import rollback_names
from components.balancer import LoadBalancer
from components.host import ServiceHosts
from components.naming import type_token
from components.network import Network
from components.processes import Processes
from components.scaling import BacklogScaling, RequestScaling
from components.settings import PipelineConfig
from components.site import Hosts
from components.stage import Stage

UPLOAD_PORT, PROCESSING_PORT = 8000, 8001


class Fleet(pulumi.ComponentResource):
    """Two groups of hosts. Clients reach the upload hosts through the balancer, if there is one; nobody else reaches
    any host but through a session of SSM, so the processing API is inside only.

    What hosts need is granted to their processes' roles, so a fleet is made before those are sealed.
    """

    url: Output[str] | None
    """What clients call; None without a balancer."""

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        config: PipelineConfig,
        hosts: Hosts,
        network: Network,
        processes: Processes,
        waiting: Mapping[str, Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("fleet", "Fleet"), name, None, opts)
        child = ResourceOptions(parent=self)
        self.balancer = None
        if config.balancer is not None:
            self.balancer = LoadBalancer(
                "upload", stage=stage, settings=config.balancer, network=network, port=UPLOAD_PORT, opts=child
            )
        self.upload = ServiceHosts(
            "upload",
            stage=stage,
            settings=hosts,
            service=hosts.upload,
            role=processes.upload,
            environment=processes.upload_environment(),
            port=UPLOAD_PORT,
            network=network,
            reached_from={} if self.balancer is None else {"balancer": self.balancer.security_group_id},
            target_group_arns=[] if self.balancer is None else [self.balancer.target_group_arn],
            rollback_alarm_names=self._rollback(stage, config, "upload"),
            log_retention_days=config.log_retention_days,
            opts=child,
        )
        self.processing = ServiceHosts(
            "processing",
            stage=stage,
            settings=hosts,
            service=hosts.processing,
            role=processes.processing,
            environment=processes.processing_environment(),
            port=PROCESSING_PORT,
            network=network,
            reached_from={},
            target_group_arns=[],
            rollback_alarm_names=self._rollback(stage, config, "processing"),
            log_retention_days=config.log_retention_days,
            opts=child,
        )
        if self.balancer is not None and hosts.upload.scales:
            RequestScaling(
                "upload",
                stage=stage,
                group_name=self.upload.group_name,
                balancer=self.balancer,
                requests_a_minute=hosts.upload.requests_per_minute,
                opts=child,
            )
        if hosts.processing.scales:
            BacklogScaling(
                "processing",
                stage=stage,
                group_name=self.processing.group_name,
                queue_names=list(waiting.values()),
                messages_a_host=hosts.processing.waiting_jobs,
                opts=child,
            )
        self.url = None if self.balancer is None else self.balancer.url
        self.groups = {"upload": self.upload.group_name, "processing": self.processing.group_name}
        self.log_group_names = {
            "upload": self.upload.log_group_name,
            "processing": self.processing.log_group_name,
        }
        self.register_outputs({"groups": self.groups, "url": self.url})

    def _rollback(self, stage: Stage, config: PipelineConfig, service: str) -> list[str]:
        if config.alarms is None:
            return []
        return rollback_names(stage.stack, service, balanced=config.balancer is not None)
