"""What the provider answers the engine: names, secrets, refusals; asked through the engine's own protocol."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Failed
from local.provider import Provider, serving
from local.provider_names import NAMED_BY, named
from local.provider_values import ARCHIVE, SIGNATURE, UNKNOWN, changes, decoded, encoded
from local.recorded import ID_PREFIXES, REPLACED_BY, Recorded
from tests.support.embedded import REGION
from tests.support.engine import deployment, local_config, touched

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-provider"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]

QUEUE = "urn:pulumi:test::darkroom::aws:sqs/queue:Queue::letters"
VPC = "urn:pulumi:test::darkroom::aws:ec2/vpc:Vpc::net"


@pytest.fixture(scope="module")
def offline() -> Iterator[Any]:
    yield from _stub(Provider(REGION))


@pytest.fixture(scope="module")
def online(clients: Clients) -> Iterator[Any]:
    yield from _stub(Provider(REGION, clients))


def _stub(provider: Provider) -> Iterator[Any]:
    with serving(provider) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def _checked(stub: Any, urn: str, news: dict[str, Any], olds: dict[str, Any] | None = None, seed: bytes = b"") -> Any:
    request = provider_pb2.CheckRequest(urn=urn, news=encoded(news), olds=encoded(olds or {}), randomSeed=seed)
    return stub.Check(request)


def _failures(answer: Any) -> list[tuple[str, str]]:
    return [(one.property, one.reason) for one in answer.failures]


def test_a_resource_without_a_name_is_given_one_and_keeps_it(offline: Any) -> None:
    first = decoded(_checked(offline, QUEUE, {}, seed=b"1").inputs)
    assert first["name"].startswith("letters-")
    assert len(first["name"]) == len("letters-") + 7
    assert decoded(_checked(offline, QUEUE, {}, seed=b"2").inputs)["name"] != first["name"]
    assert decoded(_checked(offline, QUEUE, {}, first, seed=b"2").inputs) == first
    given_one = decoded(_checked(offline, QUEUE, {"name": "mine"}, first, seed=b"2").inputs)
    assert given_one == {"name": "mine"}
    # and one that is given up is not kept
    assert decoded(_checked(offline, QUEUE, {}, given_one, seed=b"1").inputs) == first


@given(st.sampled_from(sorted(NAMED_BY)), st.text("abz-", min_size=1, max_size=300), st.binary(max_size=4))
def test_a_made_name_is_never_longer_than_aws_takes(kind: str, name: str, seed: bytes) -> None:
    field, longest = NAMED_BY[kind]
    made = named(kind, f"urn:pulumi:test::darkroom::{kind}::{name}", {}, {}, seed)
    assert len(made[field]) <= longest


def test_strange_and_missing_inputs_are_named_at_any_depth(offline: Any, online: Any) -> None:
    group = "urn:pulumi:test::darkroom::aws:autoscaling/group:Group::hosts"
    strange = {"maxSize": 1, "minSzie": 1, "launchTemplate": {"id": UNKNOWN, "verzion": "1"}}
    assert _failures(_checked(offline, group, strange)) == [
        ("minSize", "is missing"),
        ("launchTemplate.verzion", "is no input of GroupLaunchTemplate"),
        ("minSzie", "is no input of Group"),
    ]
    assert _failures(_checked(offline, "urn:pulumi:test::darkroom::aws:sqs/queue:Kueue::a", {})) == [
        ("", "the provider has no type aws:sqs/queue:Kueue")
    ]
    # what the real provider knows is checked by its names, what is applied by what is applied
    assert _failures(_checked(offline, QUEUE, {"name": "a", "fifoQueue": True})) == []
    ((name, reason),) = _failures(_checked(online, QUEUE, {"name": "a", "fifoQueue": True}))
    assert (name, reason.partition(";")[0]) == ("fifoQueue", "the embedded cloud does not apply this input")


def test_a_preview_makes_nothing_and_knows_only_what_it_was_told(online: Any, clients: Clients) -> None:
    properties = encoded({"name": "only-planned", "redrivePolicy": UNKNOWN})
    answer = online.Create(provider_pb2.CreateRequest(urn=QUEUE, properties=properties, preview=True))
    assert decoded(answer.properties) == {"name": "only-planned", "redrivePolicy": UNKNOWN}
    assert clients["sqs"].list_queues(QueueNamePrefix="only-planned").get("QueueUrls", []) == []


def test_a_recorded_resource_has_the_same_attributes_each_time_and_others_than_another(offline: Any) -> None:
    def made(urn: str) -> Any:
        return offline.Create(provider_pb2.CreateRequest(urn=urn, properties=encoded({"cidrBlock": "10.0.0.0/16"})))

    one, again, other = made(VPC), made(VPC), made(VPC + "-two")
    assert one == again
    assert one.id.startswith("vpc-")
    assert len(one.id) == len("vpc-") + 17
    assert decoded(one.properties)["arn"] == f"arn:aws:ec2:{REGION}:000000000000:vpc/{one.id}"
    assert one.id != other.id
    there = offline.Read(
        provider_pb2.ReadRequest(
            urn=VPC, id=one.id, inputs=encoded({"cidrBlock": "10.0.0.0/16"}), properties=one.properties
        )
    )
    assert (there.id, there.properties) == (one.id, one.properties)


@pytest.mark.parametrize("kind", sorted({*ID_PREFIXES, *REPLACED_BY, *NAMED_BY}))
def test_the_tables_speak_of_types_and_inputs_that_the_provider_has(kind: str) -> None:
    tier = Recorded(REGION)
    for name in tier.replaced_by(kind) | ({NAMED_BY[kind][0]} if kind in NAMED_BY else set()):
        assert (name, f"is no input of {kind.rpartition(':')[2]}") not in list(tier.check(kind, {name: "a"}))
    assert ("", f"the provider has no type {kind}") not in list(tier.check(kind, {}))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (
            lambda stub: stub.Invoke(provider_pb2.InvokeRequest(tok="aws:ec2/getAmi:getAmi")),
            "the local provider does not answer aws:ec2/getAmi:getAmi; local/handlers lists what it does",
        ),
        (
            lambda stub: stub.Configure(provider_pb2.ConfigureRequest(args=encoded({"region": "us-east-1"}))),
            f"this provider stands in {REGION}; it was asked for us-east-1",
        ),
        (
            lambda stub: stub.Read(provider_pb2.ReadRequest(urn=QUEUE, id="theirs")),
            "the embedded cloud imports nothing: declare the resource, and `up` takes it over",
        ),
        (
            lambda stub: stub.Create(
                provider_pb2.CreateRequest(
                    urn="urn:pulumi:test::darkroom::aws:iam/rolePolicy:RolePolicy::wrong",
                    properties=encoded({"name": "granted", "role": "nobody", "policy": "{}"}),
                )
            ),
            "An error occurred (NoSuchEntity) when calling the PutRolePolicy operation: The role with name nobody",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(online: Any, call: Any, line: str) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        call(online)
    assert refusal.value.details().startswith(line)
    assert "\n" not in refusal.value.details()


@given(
    st.recursive(
        st.booleans() | st.integers(-(10**9), 10**9) | st.text() | st.just(UNKNOWN),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_values_arrive_as_they_were_sent(value: Any) -> None:
    assert decoded(encoded({"value": value})) == {"value": value}
    assert changes({"value": value}, {"value": value}) == {}


def test_differences_are_told_by_their_paths() -> None:
    zipped = {SIGNATURE: ARCHIVE, "path": "a.zip", "hash": "1"}
    old = {"a": 1, "b": {"c": [1, 2], "d.e": 1}, "code": zipped, "__defaults": ["a"]}
    new = {"b": {"c": [1, 3, 4], "d.e": 2}, "code": {**zipped, "path": "elsewhere.zip"}, "f": 1}
    assert changes(old, new) == {
        "a": "delete",
        "b.c[1]": "update",
        "b.c[2]": "add",
        'b["d.e"]': "update",
        "f": "add",
    }
    assert changes({"policy": '{"a": 1, "b": [2]}'}, {"policy": '{"b":[2],"a":1}'}) == {}
    assert changes({"policy": '{"a": 1}'}, {"policy": '{"a": 2}'}) == {"policy": "update"}
    assert changes({"text": "{ a"}, {"text": "{ b"}) == {"text": "update"}
    assert changes({"code": zipped}, {"code": {**zipped, "hash": "2"}}) == {"code": "update"}


def test_a_secret_stays_one(tmp_path: Path, cloud: Cloud, clients: Clients) -> None:
    """It reaches the cloud, and neither the state nor the exports have it in the clear."""

    def program() -> None:
        queue = aws.sqs.Queue("letters", name="sealed", tags={"word": pulumi.Output.secret("xyzzy")})
        pulumi.export("word", queue.tags["word"])

    stack = deployment(tmp_path, cloud, stack="sealed", config={}, program=program)
    outcome = stack.up()
    url = clients["sqs"].get_queue_url(QueueName="sealed")["QueueUrl"]
    assert clients["sqs"].list_queue_tags(QueueUrl=url)["Tags"] == {"word": "xyzzy"}
    assert "xyzzy" not in str(outcome.exports)
    assert not [file for file in tmp_path.rglob("*.json*") if "xyzzy" in file.read_text(errors="replace")]
    assert touched(stack.up(refresh=True)) == {}
    stack.destroy()


def test_a_mistake_in_the_configuration_stops_the_engine_with_the_programs_own_line(
    tmp_path: Path, cloud: Cloud
) -> None:
    config = local_config(cloud.endpoint, {"log_retention_days": 2})
    with pytest.raises(Failed, match=r"pipeline\.log_retention_days: ") as failure:
        deployment(tmp_path, cloud, config=config).preview()
    assert "Traceback" not in str(failure.value)
