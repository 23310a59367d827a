"""Endpoints: ways from the network to AWS that touch no internet, and the group of what may go nowhere else."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.gates import GATED, gate
from components.naming import type_token
from components.stage import Stage

GATEWAYS = frozenset({"s3", "dynamodb"})
"""Services that have gateway endpoints: a route, no address, no price."""

HTTPS = 443


class Endpoints(pulumi.ComponentResource):
    """Gateway endpoints for S3 and DynamoDB, interface endpoints for what is asked for.

    An interface endpoint is paid by the hour in each zone, used or not, and by the gigabyte; a gateway endpoint costs
    nothing. The name of a service with an interface endpoint leads to it from the whole network (there is one private
    name for all), so it admits the whole network, whoever asked for it; and it stands in the isolated subnets, so that
    asking for it from elsewhere too moves nothing.
    """

    s3_prefix_list_id: Output[str]
    isolated_security_group_id: Output[str]
    """Of what stands in isolated subnets: all that leads out of it is HTTPS to S3 and to the endpoints asked for."""

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        vpc_id: Output[str],
        cidr: str,
        subnet_ids: list[Output[str]],
        host_table_ids: list[Output[str]],
        isolated_table_ids: list[Output[str]],
        host_services: frozenset[str],
        isolated_services: frozenset[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("endpoints", "Endpoints"), name, None, opts)
        self._stage, self._vpc_id, self._cidr = stage, vpc_id, cidr
        self._child = ResourceOptions(parent=self)
        self.made: list[Output[str]] = []
        """Ids: who counts on an endpoint waits for them."""
        s3 = self._gateway("s3", [*host_table_ids, *isolated_table_ids])
        # the function has no table, and so no way to any
        self._gateway("dynamodb", host_table_ids)
        inner = isolated_services - GATEWAYS
        inner_group = self._interfaces("isolated-endpoints", inner, subnet_ids)
        self._interfaces("host-endpoints", host_services - inner - GATEWAYS, subnet_ids)
        self.s3_prefix_list_id = s3.prefix_list_id
        self.isolated_security_group_id = self._isolated(inner_group)
        self.register_outputs({"isolated_security_group_id": self.isolated_security_group_id})

    def _gateway(self, service: str, table_ids: list[Output[str]]) -> "aws.ec2.VpcEndpoint":
        made = aws.ec2.VpcEndpoint(
            service,
            vpc_id=self._vpc_id,
            service_name=f"com.amazonaws.{self._stage.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=table_ids,
            policy=self._gate(service),
            tags=self._tags(service),
            opts=self._child,
        )
        self.made.append(made.id)
        return made

    def _interfaces(
        self, what: str, services: frozenset[str], subnet_ids: list[Output[str]]
    ) -> "aws.ec2.SecurityGroup | None":
        """An endpoint for each service, behind one group."""
        if not services:
            return None
        group = self._group(what, "Endpoints of AWS services: HTTPS from the network")
        admitted = aws.vpc.SecurityGroupIngressRule(
            what,
            security_group_id=group.id,
            description="HTTPS from the network",
            cidr_ipv4=self._cidr,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=self._stage.tags,
            opts=self._child,
        )
        self.made.append(admitted.id)
        for service in sorted(services):
            made = aws.ec2.VpcEndpoint(
                service,
                vpc_id=self._vpc_id,
                service_name=f"com.amazonaws.{self._stage.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=subnet_ids,
                security_group_ids=[group.id],
                policy=self._gate(service),
                tags=self._tags(service),
                opts=self._child,
            )
            self.made.append(made.id)
        return group

    def _isolated(self, endpoints: "aws.ec2.SecurityGroup | None") -> Output[str]:
        group = self._group("isolated", "What may reach nothing but S3 and its endpoints")
        ways = [self._way_out(group, "s3", prefix_list_id=self.s3_prefix_list_id)]
        if endpoints is not None:
            ways.append(self._way_out(group, "endpoints", referenced_security_group_id=endpoints.id))
        return Output.all(group.id, *(way.id for way in ways)).apply(lambda ids: ids[0])

    def _way_out(
        self,
        group: "aws.ec2.SecurityGroup",
        what: str,
        *,
        prefix_list_id: Input[str] | None = None,
        referenced_security_group_id: Input[str] | None = None,
    ) -> "aws.vpc.SecurityGroupEgressRule":
        return aws.vpc.SecurityGroupEgressRule(
            f"isolated-{what}",
            security_group_id=group.id,
            description=f"HTTPS to {what}",
            prefix_list_id=prefix_list_id,
            referenced_security_group_id=referenced_security_group_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=self._stage.tags,
            opts=self._child,
        )

    def _group(self, what: str, purpose: str) -> "aws.ec2.SecurityGroup":
        return aws.ec2.SecurityGroup(
            what,
            name=self._stage.name(what),
            description=purpose,
            vpc_id=self._vpc_id,
            tags=self._tags(what),
            opts=self._child,
        )

    def _gate(self, service: str) -> Input[str] | None:
        if service not in GATED:
            return None
        return self._stage.account.apply(lambda account: gate(service, account=account, region=self._stage.region))

    def _tags(self, what: str) -> dict[str, str]:
        return {**self._stage.tags, "Name": self._stage.name(what.replace(".", "-"))}
