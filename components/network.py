"""Network: the VPC, its subnets in each zone, and their ways out."""

from collections.abc import Iterable
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.endpoints import Endpoints
from components.gates import trust_of_flow_logs
from components.identity import ProcessRole
from components.naming import type_token
from components.site import Network as Settings
from components.stage import Stage
from components.subnets import zone_subnets

ANYWHERE = "0.0.0.0/0"

Tier = Literal["public", "private", "isolated"]


class Network(pulumi.ComponentResource):
    """Public, private and isolated subnets in each zone; where hosts stand, and how they leave, is configuration.

        egress     hosts stand in   and leave by                                  paid by the hour
        nat        private          a NAT gateway                                 each gateway, each of their addresses
        endpoints  private          interface endpoints, to AWS and nothing else  each endpoint in each zone
        public     public           an address of their own, no port open         each host's address

    Isolated subnets have no default route. Their endpoints (`isolated_services`) are paid by the hour in each zone too.
    NAT gateways, interface endpoints and flow logs are paid by the gigabyte as well; all else here costs nothing.
    Without `with_hosts` nothing is declared that only hosts would use. The network's name server answers everywhere,
    isolated subnets included: whoever is inside can still ask it for names.
    """

    vpc_id: Output[str]
    cidr: str
    public_subnet_ids: list[Output[str]]
    host_subnet_ids: list[Output[str]]
    isolated_subnet_ids: list[Output[str]]
    """Ids that are known once the subnets' ways out are there: a host that boots before has no way to its image."""
    hosts_get_public_address: bool
    """Whether a host must be given one: no subnet gives addresses by itself."""
    isolated_security_group_id: Output[str]
    s3_prefix_list_id: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        settings: Settings,
        interface_services: frozenset[str],
        isolated_services: frozenset[str] = frozenset(),
        with_hosts: bool = True,
        log_retention_days: int = 30,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("network", "Network"), name, None, opts)
        self._name, self._stage, self._settings = name, stage, settings
        self._child = ResourceOptions(parent=self)
        self._blocks = zone_subnets(settings.cidr, settings.zones)
        self._ready: list[Output[str]] = []
        vpc = aws.ec2.Vpc(
            name,
            cidr_block=settings.cidr,
            # private names of endpoints need both
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags(name),
            opts=self._child,
        )
        self.vpc_id, self.cidr = vpc.id, settings.cidr
        self.hosts_get_public_address = settings.egress == "public"
        # what names no group falls into this one: then it reaches nothing
        aws.ec2.DefaultSecurityGroup(
            name, vpc_id=vpc.id, ingress=[], egress=[], tags=self._tags("nobody"), opts=self._child
        )
        public, private, isolated = (self._subnets(tier) for tier in ("public", "private", "isolated"))
        public_table = self._table("public", public.items())
        private_tables = {zone: self._table(f"private-{zone}", [(zone, one)]) for zone, one in private.items()}
        isolated_table = self._table("isolated", isolated.items())
        internet = self._internet(public_table)
        if with_hosts and settings.egress == "nat":
            self._nat(public, private_tables, internet)
        endpoints = Endpoints(
            name,
            stage=stage,
            vpc_id=vpc.id,
            cidr=settings.cidr,
            subnet_ids=[one.id for one in isolated.values()],
            host_table_ids=[table.id for table in (public_table, *private_tables.values())],
            isolated_table_ids=[isolated_table.id],
            host_services=interface_services if with_hosts and settings.egress == "endpoints" else frozenset(),
            isolated_services=isolated_services,
            opts=self._child,
        )
        self._ready += endpoints.made
        self.isolated_security_group_id = endpoints.isolated_security_group_id
        self.s3_prefix_list_id = endpoints.s3_prefix_list_id
        self.public_subnet_ids = self._once_ready(public)
        self.host_subnet_ids = self._once_ready(public if self.hosts_get_public_address else private)
        self.isolated_subnet_ids = self._once_ready(isolated)
        if settings.flow_logs:
            self._flow_logs(log_retention_days)
        self.register_outputs({"vpc_id": self.vpc_id, "cidr": self.cidr})

    def _subnets(self, tier: Tier) -> "dict[str, aws.ec2.Subnet]":
        return {
            zone: aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone}",
                vpc_id=self.vpc_id,
                cidr_block=getattr(blocks, tier),
                availability_zone=f"{self._stage.region}{zone}",
                map_public_ip_on_launch=False,
                tags=self._tags(f"{tier}-{zone}"),
                opts=self._child,
            )
            for zone, blocks in self._blocks.items()
        }

    def _table(self, what: str, subnets: "Iterable[tuple[str, aws.ec2.Subnet]]") -> "aws.ec2.RouteTable":
        """The table of these subnets; without more it leads no further than the network."""
        logical = f"{self._name}-{what}"
        table = aws.ec2.RouteTable(logical, vpc_id=self.vpc_id, tags=self._tags(what), opts=self._child)
        for zone, subnet in subnets:
            joined = aws.ec2.RouteTableAssociation(
                f"{logical}-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=self._child
            )
            self._ready.append(joined.id)
        return table

    def _internet(self, public: "aws.ec2.RouteTable") -> "aws.ec2.Route":
        gateway = aws.ec2.InternetGateway(self._name, vpc_id=self.vpc_id, tags=self._tags(self._name), opts=self._child)
        return self._default_route("public", public, gateway_id=gateway.id)

    def _nat(
        self,
        subnets: "dict[str, aws.ec2.Subnet]",
        tables: "dict[str, aws.ec2.RouteTable]",
        internet: "aws.ec2.Route",
    ) -> None:
        """A way out for private subnets: through their own zone, or all through the first that is configured."""
        zones = self._settings.zones
        gateways = {}
        for zone in zones if self._settings.nat_gateways == "per_zone" else zones[:1]:
            what = f"nat-{zone}"
            logical = f"{self._name}-{what}"
            # an address works, and can be given back, only while the network has its way to the internet
            after = ResourceOptions(parent=self, depends_on=[internet])
            address = aws.ec2.Eip(logical, domain="vpc", tags=self._tags(what), opts=after)
            gateways[zone] = aws.ec2.NatGateway(
                logical, subnet_id=subnets[zone].id, allocation_id=address.id, tags=self._tags(what), opts=after
            )
        for zone, table in tables.items():
            gateway = gateways.get(zone, gateways[zones[0]])
            self._default_route(f"private-{zone}", table, nat_gateway_id=gateway.id)

    def _default_route(
        self,
        what: str,
        table: "aws.ec2.RouteTable",
        *,
        gateway_id: Output[str] | None = None,
        nat_gateway_id: Output[str] | None = None,
    ) -> "aws.ec2.Route":
        route = aws.ec2.Route(
            f"{self._name}-{what}",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._child,
        )
        self._ready.append(route.id)
        return route

    def _flow_logs(self, retention_days: int) -> None:
        """What was refused, by whom, to whom: to find out why a host cannot be reached, and who knocks."""
        what, stage = "flow-logs", self._stage
        group = aws.cloudwatch.LogGroup(
            what,
            name=f"/aws/vpc/{stage.name(what)}",
            retention_in_days=retention_days,
            kms_key_id=stage.key_arn,
            tags=stage.tags,
            opts=self._child,
        )
        role = ProcessRole(
            what,
            stage=stage,
            trust=stage.account.apply(lambda account: trust_of_flow_logs(account=account, region=stage.region)),
            purpose="Writes which connections the network refused.",
            opts=self._child,
        )
        role.allow(["logs:CreateLogStream", "logs:PutLogEvents"], group.arn.apply(lambda arn: f"{arn}:*"))
        # the service looks for its group and streams first; it may not make a group, which would be kept for ever
        role.allow(["logs:DescribeLogStreams"], group.arn.apply(lambda arn: f"{arn}:*"))
        role.allow(["logs:DescribeLogGroups"], stage.arn("logs", "log-group:*"))
        granted = role.seal()
        aws.ec2.FlowLog(
            what,
            vpc_id=self.vpc_id,
            traffic_type="REJECT",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=self._tags(what),
            opts=ResourceOptions(parent=self, depends_on=[granted]),
        )

    def _once_ready(self, subnets: "dict[str, aws.ec2.Subnet]") -> list[Output[str]]:
        return [Output.all(one.id, *self._ready).apply(lambda ids: ids[0]) for one in subnets.values()]

    def _tags(self, what: str) -> dict[str, str]:
        return {**self._stage.tags, "Name": self._stage.name(what)}
