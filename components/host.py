"""ServiceHosts: the machines of one service. An auto scaling group, what it starts, and who reaches it.

What a host does at its first boot is text in components/user_data.py; what it may do is in components/host_rights.py.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.config import BadConfiguration
from components.host_group import DRAINED, READY, hosts_group
from components.host_rights import ANSWER, LOG, LOG_IN, PULL, SESSION, group_resource, repository_arn
from components.identity import ProcessRole
from components.naming import type_token
from components.network import Network
from components.site import Ami, Hosts, Service
from components.stage import Stage
from components.user_data import HostText, user_data

ROOT_DEVICE: Final = "/dev/xvda"
"""Of Amazon Linux's images."""

PAUSE_SECONDS: Final = 20
"""Behind a balancer, between the word that a host goes and its drain. The group lets it go there first:
https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html"""


class ServiceHosts(pulumi.ComponentResource):
    """One service's hosts: each is its image of Amazon Linux and one container, by digest, under systemd.

    It grants what a host needs to the process's role, which is the host's too (the container asks for it on the host's
    network), and then seals it: whatever else the role may do is granted before. A service without an image has a
    group that stays empty. Raises BadConfiguration if the region has no machine image.

    `reached_from` are the security groups that may call `port`, by a label; nothing else comes in, not even SSH, and
    without any the process listens on loopback alone. What goes out is HTTPS alone (names, time and metadata are the
    network's own and pass every security group). Where the network has no way to the internet, that leads to its
    endpoints and nowhere else.
    """

    group_name: Output[str]
    group_arn: Output[str]
    security_group_id: Output[str]
    log_group_name: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        settings: Hosts,
        service: Service,
        role: ProcessRole,
        environment: Input[Mapping[str, str]],
        port: int,
        network: Network,
        reached_from: Mapping[str, Input[str]],
        target_group_arns: Sequence[Input[str]],
        rollback_alarm_names: Sequence[str],
        log_retention_days: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        ami = _ami(settings, stage)
        super().__init__(type_token("host", "ServiceHosts"), name, None, opts)
        self._name, self._stage, self._child = name, stage, ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            name,
            name=stage.name(name),
            retention_in_days=log_retention_days,
            kms_key_id=stage.key_arn,
            tags=stage.tags,
            opts=self._child,
        )
        security, rules = self._security_group(network, port, reached_from)
        granted = self._grants(role, service, logs)
        profile = aws.iam.InstanceProfile(
            name, name=stage.name(name), role=role.role.name, tags=stage.tags, opts=self._child
        )
        template = aws.ec2.LaunchTemplate(
            name,
            name=stage.name(name),
            description=f"A host of the {name} service.",
            image_id=ami.id,
            instance_type=service.instance_type,
            iam_instance_profile={"arn": profile.arn},
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
                "http_protocol_ipv6": "disabled",
                "instance_metadata_tags": "disabled",
            },
            block_device_mappings=[_disk(settings, stage)],
            network_interfaces=[
                {
                    "device_index": 0,
                    "associate_public_ip_address": str(network.hosts_get_public_address).lower(),
                    "security_groups": [security.id],
                    "delete_on_termination": "true",
                }
            ],
            # one a minute is paid for by the metric, and nothing here scales on processors
            monitoring={"enabled": False},
            user_data=None
            if service.image is None
            else self._user_data(
                service.image, port, bool(reached_from), environment, PAUSE_SECONDS if target_group_arns else 0
            ),
            tag_specifications=[
                {"resource_type": kind, "tags": {**stage.tags, "Name": stage.name(name)}}
                for kind in ("instance", "volume", "network-interface")
            ],
            tags=stage.tags,
            opts=self._child,
        )
        group = hosts_group(
            name,
            stage=stage,
            service=service,
            template=template,
            subnet_ids=network.host_subnet_ids,
            target_group_arns=target_group_arns,
            rollback_alarm_names=rollback_alarm_names,
            parent=self,
            # the first host pulls its image as soon as there is a group to hold it
            after=[granted, *rules],
        )
        self.group_name = group.name
        self.group_arn = group.arn
        self.security_group_id = security.id
        self.log_group_name = logs.name
        self.register_outputs(
            {
                "group_name": self.group_name,
                "group_arn": self.group_arn,
                "security_group_id": self.security_group_id,
                "log_group_name": self.log_group_name,
            }
        )

    def _security_group(
        self, network: Network, port: int, reached_from: Mapping[str, Input[str]]
    ) -> "tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]":
        name, stage = self._name, self._stage
        group = aws.ec2.SecurityGroup(
            name,
            name=stage.name(name),
            description=f"Hosts of the {name} service",
            vpc_id=network.vpc_id,
            tags={**stage.tags, "Name": stage.name(name)},
            opts=self._child,
        )
        rules: list[pulumi.Resource] = [
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-{label}",
                security_group_id=group.id,
                description=f"The service, from {label}",
                referenced_security_group_id=source,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                tags=stage.tags,
                opts=self._child,
            )
            for label, source in reached_from.items()
        ]
        https = aws.vpc.SecurityGroupEgressRule(
            f"{name}-https",
            security_group_id=group.id,
            description="HTTPS",
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags=stage.tags,
            opts=self._child,
        )
        return group, [*rules, https]

    def _grants(self, role: ProcessRole, service: Service, logs: "aws.cloudwatch.LogGroup") -> "aws.iam.RolePolicy":
        if service.image is None:
            pulumi.log.warn(
                f"pipeline.hosts.{self._name}.image: is empty, so no host is started; "
                f"run: make images STACK={self._stage.stack}",
                resource=self,
            )
        else:
            role.allow(LOG_IN, "*")
            role.allow(PULL, repository_arn(service.image))
        role.allow(LOG, logs.arn.apply(lambda arn: f"{arn}:*"))
        role.allow(ANSWER, self._stage.arn("autoscaling", group_resource(self._stage.name(self._name))))
        role.allow(SESSION, "*")
        return role.seal()

    def _user_data(
        self, image: str, port: int, reached: bool, environment: Input[Mapping[str, str]], pause_seconds: int
    ) -> Output[str]:
        def encoded(variables: Mapping[str, str]) -> str:
            text = user_data(
                HostText(
                    service=self._name,
                    image=image,
                    port=port,
                    reached=reached,
                    region=self._stage.region,
                    group=self._stage.name(self._name),
                    launching_hook=READY,
                    terminating_hook=DRAINED,
                    pause_seconds=pause_seconds,
                    log_group=self._stage.name(self._name),
                    environment=variables,
                )
            )
            return base64.b64encode(text.encode()).decode()

        return Output.from_input(environment).apply(encoded)


def _ami(settings: Hosts, stage: Stage) -> Ami:
    ami = settings.amis.get(stage.region)
    if ami is None:
        raise BadConfiguration(
            f"pipeline.hosts.amis: has no image for {stage.region}; run: make amis STACK={stage.stack}"
        )
    return ami


def _disk(settings: Hosts, stage: Stage) -> "aws.ec2.LaunchTemplateBlockDeviceMappingArgs":
    disk = aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
        volume_type="gp3",
        volume_size=settings.volume_gb,
        encrypted="true",
        kms_key_id=stage.key_arn,
        delete_on_termination="true",
    )
    return aws.ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=ROOT_DEVICE, ebs=disk)
