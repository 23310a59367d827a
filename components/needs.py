"""What of a stack is paid by the hour or the month, used or not, and how much of it there is at rest. Pure.

At rest a group has its least hosts. What a price is, components/cost.py finds in the price file.
"""

from typing import Final, NamedTuple

from components.alarms import alarms
from components.host_rights import CALLED_WITH_PROCESS
from components.price_file import INSTANCE
from components.settings import PipelineConfig, secrets_called
from components.site import Network
from components.watched import BalancerNames, watched_stack

HOURS: Final = 730
"""Of a month, as AWS's own calculator takes it."""

SCALING_METRICS: Final = {"upload": 2, "processing": 10}
"""Metrics that the alarms of a scaling policy look at, and AWS bills: two alarms each, over one metric, or over four
queues and the hosts."""


class Need(NamedTuple):
    """So many units a month of something that has a price."""

    what: str
    item: str
    count: float
    units: float = 1
    """Of each one: hours, gigabytes, or one month."""


def needs(config: PipelineConfig) -> list[Need]:
    """Everything that a pipeline stack pays for at rest."""
    return [*_of_hosts(config), *_of_network(config), *_of_site(config), *_of_alarms(config)]


def _of_hosts(config: PipelineConfig) -> list[Need]:
    if config.hosts is None:
        return []
    needs, hosts = [], 0
    for name, service in (("upload", config.hosts.upload), ("processing", config.hosts.processing)):
        later = "" if service.image else ", once there is an image"
        what = f"{_many(service.min_hosts, f'{name} host')} {service.instance_type}{later}"
        needs.append(Need(what, INSTANCE + service.instance_type, service.min_hosts, HOURS))
        hosts += service.min_hosts
    disks = f"{_many(hosts, 'disk')} of {config.hosts.volume_gb} GB"
    return [*needs, Need(disks, "gp3-storage", hosts, config.hosts.volume_gb)]


def _of_network(config: PipelineConfig) -> list[Need]:
    network = config.network
    if network is None:
        return []
    zones, addresses, needs = len(network.zones), 0, []
    if config.hosts is not None and network.egress == "nat":
        gateways = nat_gateways(network)
        needs.append(Need(_many(gateways, "NAT gateway"), "nat-gateway", gateways, HOURS))
        addresses += gateways
    if config.hosts is not None and network.egress == "public":
        addresses += config.hosts.upload.min_hosts + config.hosts.processing.min_hosts
    if config.balancer is not None and config.balancer.domain is not None:
        addresses += zones
    if addresses:
        needs.append(Need(_many(addresses, "public address"), "public-ipv4", addresses, HOURS))
    endpoints = len(interface_services(config))
    if endpoints:
        what = f"{_many(endpoints, 'interface endpoint')} in {_many(zones, 'zone')}"
        needs.append(Need(what, "interface-endpoint", endpoints * zones, HOURS))
    return needs


def nat_gateways(network: Network) -> int:
    """How many there are, with hosts that leave by them; each has a public address."""
    return 1 if network.nat_gateways == "one" else len(network.zones)


def interface_services(config: PipelineConfig) -> frozenset[str]:
    """Services with an interface endpoint."""
    found: frozenset[str] = frozenset({"sqs"}) if config.transform.isolated else frozenset()
    without_internet = config.hosts is not None and config.network is not None and config.network.egress == "endpoints"
    return found | CALLED_WITH_PROCESS | secrets_called(config) if without_internet else found


def _of_site(config: PipelineConfig) -> list[Need]:
    needs = []
    if config.balancer is not None:
        needs.append(Need("load balancer", "load-balancer", 1, HOURS))
    if config.customer_key:
        needs.append(Need("key of what is stored (2 more USD after two yearly rotations)", "kms-key", 1))
    if config.auth == "required":
        needs.append(Need("secret of the API keys' pepper", "secret", 1))
    if config.delivery is not None:
        needs.append(Need("secret of the links' private key", "secret", 1))
    return needs


def _of_alarms(config: PipelineConfig) -> list[Need]:
    needs = []
    if config.hosts is not None:
        scaling = SCALING_METRICS["processing"] if config.hosts.processing.scales else 0
        scaling += SCALING_METRICS["upload"] if config.balancer is not None and config.hosts.upload.scales else 0
        if scaling:
            needs.append(Need(f"alarms of scaling, over {_many(scaling, 'metric')}", "alarm-metric", scaling))
    if config.alarms is not None:
        balancer = BalancerNames("balancer", "targets") if config.balancer is not None else None
        rows = alarms(watched_stack(config, str, balancer=balancer))
        metrics = sum(len(alarm.metrics) for alarm in rows)
        needs.append(Need(f"{_many(len(rows), 'alarm')} over {_many(metrics, 'metric')}", "alarm-metric", metrics))
        if not config.customer_key:
            needs.append(Need("key of the alarms' topic", "kms-key", 1))
        if config.alarms.dashboard:
            needs.append(Need("dashboard (an account's first three are free)", "dashboard", 1))
    return needs


def _many(count: int, what: str) -> str:
    if count == 1:
        return f"1 {what}"
    return f"{count} {what}es" if what.endswith("ss") else f"{count} {what}s"
