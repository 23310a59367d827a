"""Configurations of stacks, as strategies: every part there or not, numbers in their ranges, no contradiction."""

from hypothesis import strategies as st

from components.settings import PipelineConfig, Transform
from components.site import Alarms, Balancer, Delivery, Hosts, Network, ProcessingService, UploadService

TYPES = ("t4g.nano", "t4g.micro", "t4g.small", "t4g.xlarge", "c7g.medium", "c7g.large", "m7g.xlarge", "m7g.metal")
PEM = "-----BEGIN PUBLIC KEY-----"


@st.composite
def hosts(draw: st.DrawFn) -> Hosts:
    def sizes() -> dict[str, int]:
        least = draw(st.integers(1, 100))
        return {"min_hosts": least, "max_hosts": draw(st.integers(least, 100))}

    return Hosts(
        volume_gb=draw(st.integers(8, 1_000)),
        upload=UploadService(instance_type=draw(st.sampled_from(TYPES)), **sizes()),
        processing=ProcessingService(instance_type=draw(st.sampled_from(TYPES)), **sizes()),
    )


@st.composite
def configurations(draw: st.DrawFn) -> PipelineConfig:
    """Of a stack on AWS."""
    network = draw(
        st.none()
        | st.builds(
            Network,
            zones=st.sampled_from([("a", "b"), ("a", "b", "c"), ("a", "c", "d", "f")]),
            egress=st.sampled_from(["nat", "endpoints", "public"]),
            nat_gateways=st.sampled_from(["one", "per_zone"]),
        )
    )
    with_hosts = None if network is None else draw(st.none() | hosts())
    domain = draw(st.none() | st.just("pictures.example.com"))
    balancer = Balancer(domain=domain, hosted_zone_id=domain and "Z0000000000000000000")
    return PipelineConfig(
        network=network,
        hosts=with_hosts,
        balancer=balancer if with_hosts is not None and draw(st.booleans()) else None,
        alarms=draw(st.none() | st.builds(Alarms, dashboard=st.booleans(), queue_age_seconds=st.integers(60, 86_400))),
        delivery=draw(st.none() | st.just(Delivery(public_keys={"one": PEM}))),
        customer_key=draw(st.booleans()),
        due_shards=draw(st.integers(1, 256)),
        transform=Transform(
            concurrency=draw(st.integers(2, 1_000)),
            memory_mb=draw(st.integers(512, 10_240)),
            isolated=network is not None and draw(st.booleans()),
        ),
    )
