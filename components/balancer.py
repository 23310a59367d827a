"""LoadBalancer: the one door to the upload hosts; with a domain to the internet, without one to the network alone."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.accesslogs import AccessLogs
from components.naming import type_token
from components.network import Network
from components.site import Balancer
from components.stage import Stage

WHAT = "upload"
"""In its name and its target group's: with the longest label of a stack exactly the 32 characters that AWS takes."""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3, and 1.2 with forward secrecy.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html"""

HTTP, HTTPS = 80, 443

READY_PATH = "/readyz"

DEREGISTRATION_SECONDS = 60
"""From taking a host out of service to cutting what is still under way on it: its own drain takes ten seconds once it
is told to stop, and nearly every upload ends in a minute. One that does not is sent again, with its idempotency key."""


class LoadBalancer(pulumi.ComponentResource):
    """An application load balancer: paid by the hour and by what it carries, and so is each of its public addresses.

    A picture of 25 MiB takes nearly half an hour on the slowest line that the service bears with (16 KiB a second). No
    time of the balancer's ends it: the idle time-out starts again with every byte, and a whole request has none. What
    ends it is the service's own patience with bodies, or that its host leaves (DEREGISTRATION_SECONDS). The idle
    time-out has to be longer than the longest wait for an answer (`?wait`) and shorter than the time after which the
    service closes an idle connection, or the balancer sends into a connection that is being closed and answers 502.
    """

    security_group_id: Output[str]
    target_group_arn: Output[str]
    url: Output[str]
    """What clients call."""
    dns_name: Output[str]
    arn_suffix: Output[str]
    target_group_arn_suffix: Output[str]
    """With `arn_suffix` the names that metrics know them by."""

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        settings: Balancer,
        network: Network,
        port: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("balancer", "LoadBalancer"), name, None, opts)
        self._name, self._stage, self._network = name, stage, network
        self._child = ResourceOptions(parent=self)
        public = settings.domain is not None
        group = self._security_group(settings, port)
        logs = AccessLogs(
            "access-logs", stage=stage, balancer=stage.name(WHAT), days=settings.access_log_days, opts=self._child
        )
        balancer = aws.lb.LoadBalancer(
            name,
            name=stage.name(WHAT),
            load_balancer_type="application",
            internal=not public,
            subnets=network.public_subnet_ids if public else network.host_subnet_ids,
            security_groups=[group.id],
            access_logs={"bucket": logs.bucket_name, "enabled": True},
            idle_timeout=settings.idle_timeout_seconds,
            enable_http2=True,
            drop_invalid_header_fields=True,
            # the strictest mode also refuses harmless clients, such as a GET that says Content-Length: 0
            desync_mitigation_mode="defensive",
            # whatever a client claims in X-Forwarded-For stands before what the balancer saw, and is not to be believed
            xff_header_processing_mode="append",
            enable_deletion_protection=stage.deletion_protection,
            tags=stage.tags,
            opts=self._child,
        )
        targets = self._target_group(port)
        self._listeners(settings, balancer, targets)
        self.security_group_id = group.id
        self.target_group_arn = targets.arn
        self.dns_name = balancer.dns_name
        self.arn_suffix = balancer.arn_suffix
        self.target_group_arn_suffix = targets.arn_suffix
        self.url = (
            Output.from_input(f"https://{settings.domain}")
            if public
            else balancer.dns_name.apply(lambda host: f"http://{host}")
        )
        self.register_outputs({"url": self.url, "dns_name": self.dns_name, "security_group_id": self.security_group_id})

    def _security_group(self, settings: Balancer, port: int) -> "aws.ec2.SecurityGroup":
        group = aws.ec2.SecurityGroup(
            self._name,
            name=self._stage.name("balancer"),
            description="Load balancer: clients in, upload hosts out",
            vpc_id=self._network.vpc_id,
            tags={**self._stage.tags, "Name": self._stage.name("balancer")},
            opts=self._child,
        )
        callers = dict.fromkeys(settings.allowed_cidrs) if settings.domain is not None else [self._network.cidr]
        for cidr in callers:
            for entry in (HTTP, HTTPS) if settings.domain is not None else (HTTP,):
                aws.vpc.SecurityGroupIngressRule(
                    f"{self._name}-{entry}-{cidr.replace('/', '-')}",
                    security_group_id=group.id,
                    description="Callers",
                    cidr_ipv4=cidr,
                    ip_protocol="tcp",
                    from_port=entry,
                    to_port=entry,
                    tags=self._stage.tags,
                    opts=self._child,
                )
        aws.vpc.SecurityGroupEgressRule(
            self._name,
            security_group_id=group.id,
            description="Upload hosts",
            # the hosts' own group names this one, and two groups cannot each wait for the other
            cidr_ipv4=self._network.cidr,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            tags=self._stage.tags,
            opts=self._child,
        )
        return group

    def _target_group(self, port: int) -> "aws.lb.TargetGroup":
        return aws.lb.TargetGroup(
            self._name,
            name=self._stage.name(WHAT),
            vpc_id=self._network.vpc_id,
            target_type="instance",
            protocol="HTTP",
            protocol_version="HTTP1",
            port=port,
            deregistration_delay=DEREGISTRATION_SECONDS,
            # uploads differ a hundredfold in length, so taking turns would pile the slow ones up on one host
            load_balancing_algorithm_type="least_outstanding_requests",
            health_check={
                "path": READY_PATH,
                "protocol": "HTTP",
                "port": "traffic-port",
                "matcher": "200",
                # in after 20 s, out after 30 s: quicker than people notice, slower than a pause for breath
                "interval": 10,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
            },
            tags=self._stage.tags,
            opts=self._child,
        )

    def _listeners(self, settings: Balancer, balancer: "aws.lb.LoadBalancer", targets: "aws.lb.TargetGroup") -> None:
        forward = aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)
        if settings.domain is None:
            self._listener("http", balancer, port=HTTP, protocol="HTTP", action=forward)
            return
        redirect = aws.lb.ListenerDefaultActionArgs(
            type="redirect",
            redirect=aws.lb.ListenerDefaultActionRedirectArgs(
                port=str(HTTPS), protocol="HTTPS", status_code="HTTP_301"
            ),
        )
        self._listener("http", balancer, port=HTTP, protocol="HTTP", action=redirect)
        certificate = settings.certificate_arn or self._certificate(settings.domain, settings.hosted_zone_id)
        self._listener("https", balancer, port=HTTPS, protocol="HTTPS", action=forward, certificate_arn=certificate)
        if settings.hosted_zone_id is not None:
            aws.route53.Record(
                f"{self._name}-address",
                zone_id=settings.hosted_zone_id,
                name=settings.domain,
                type="A",
                aliases=[{"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": False}],
                opts=self._child,
            )

    def _listener(
        self,
        what: str,
        balancer: "aws.lb.LoadBalancer",
        *,
        port: int,
        protocol: str,
        action: "aws.lb.ListenerDefaultActionArgs",
        certificate_arn: Input[str] | None = None,
    ) -> None:
        aws.lb.Listener(
            f"{self._name}-{what}",
            load_balancer_arn=balancer.arn,
            port=port,
            protocol=protocol,
            ssl_policy=None if certificate_arn is None else TLS_POLICY,
            certificate_arn=certificate_arn,
            default_actions=[action],
            tags=self._stage.tags,
            opts=self._child,
        )

    def _certificate(self, domain: str, hosted_zone_id: str | None) -> Output[str]:
        """A certificate for the domain, known once its proof was seen; AWS renews it while the proof is there."""
        if hosted_zone_id is None:
            raise ValueError(f"{domain} has neither a certificate nor a zone to prove it in")
        certificate = aws.acm.Certificate(
            self._name, domain_name=domain, validation_method="DNS", tags=self._stage.tags, opts=self._child
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{self._name}-proof",
            zone_id=hosted_zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=300,
            # one name has one proof in an account: an earlier certificate may have left it there
            allow_overwrite=True,
            opts=self._child,
        )
        valid = aws.acm.CertificateValidation(
            self._name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            # minutes where the zone is the right one; by itself it would wait 75 for a wrong one
            opts=ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(create="20m")),
        )
        return valid.certificate_arn
