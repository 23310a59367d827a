"""A stack that an earlier commit deployed and filled is brought up to date in place: nothing that it holds is lost."""

from collections.abc import Iterator

import httpx
import msgspec
import pytest

from client import Darkroom
from contracts.formats import ImageFormat
from tests.support import pictures
from tests.support.earlier import Earlier, kept, restored
from tests.support.engine import DATA, EngineMade, engine_made, touched
from tests.support.ports import held_port
from tests.support.stack import PATIENCE_SECONDS, until

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-upgrade"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]

STATES = {
    "completed": "completed",
    "rejected": "rejected",
    "reserved": "awaiting_upload",
    "order in hand": "processing",
    "answered": "processing",
    "queued": "queued",
    "queued in bulk": "queued",
}
"""What had become of each job when the cloud was stopped."""

UNDER_WAY = {name for name, state in STATES.items() if state in ("processing", "queued")}


@pytest.fixture(scope="module", params=kept(), ids=lambda archive: archive.name.partition(".")[0])
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Earlier, EngineMade]]:
    """Today's program, deployed over it; today's services, started on it."""
    place = tmp_path_factory.mktemp("earlier")
    with held_port() as port:
        # what is restored has the cloud's address all over it, and the cloud comes after it
        (place / "ports.json").write_bytes(msgspec.json.encode({"cloud": port}))
        endpoint = f"http://127.0.0.1:{port}"
        facts, deployment = restored(request.param, place, endpoint)
        with engine_made(place, earlier=deployment) as run:
            assert run.cloud.endpoint == endpoint
            yield facts, run


def test_nothing_that_holds_data_is_replaced_or_taken_away(upgraded: tuple[Earlier, EngineMade]) -> None:
    _, run = upgraded
    steps = [step for step in run.outcome.steps if step.type in DATA]
    assert {step.op for step in steps} <= {"same", "update", "create"}
    assert {step.type for step in steps if step.op != "create"} == DATA
    assert touched(run.deployment.preview()) == {}


def test_jobs_under_way_are_finished(upgraded: tuple[Earlier, EngineMade]) -> None:
    facts, run = upgraded
    assert facts.states == STATES
    with Darkroom(run.url) as darkroom:
        for name in sorted(UNDER_WAY):
            # an order whose run a slow `up` ended comes back by itself, after its visibility and perhaps a gap
            done = darkroom.wait(facts.jobs[name], timeout=600)
            assert (name, done.state) == (name, "completed")
            for variant in done.variants:
                assert variant.url is not None
                assert len(httpx.get(variant.url, timeout=PATIENCE_SECONDS).content) == variant.bytes


def test_what_was_written_before_is_read(upgraded: tuple[Earlier, EngineMade]) -> None:
    facts, run = upgraded
    with Darkroom(run.url) as darkroom:
        found = {name: darkroom.status(facts.jobs[name]) for name in STATES.keys() - UNDER_WAY}
        assert {name: status.state for name, status in found.items() if status} == {
            name: STATES[name] for name in found
        }
        completed = found["completed"]
        assert completed is not None
        assert [variant.bytes for variant in completed.variants] == facts.variants
        fetched = [httpx.get(variant.url or "", timeout=PATIENCE_SECONDS) for variant in completed.variants]
        assert [len(answer.content) for answer in fetched] == facts.variants


def test_a_new_picture_goes_through_what_was_brought_up_to_date(upgraded: tuple[Earlier, EngineMade]) -> None:
    _, run = upgraded
    with Darkroom(run.url) as darkroom:
        picture = pictures.encoded(pictures.photo(800, 600), ImageFormat.JPEG)
        assert darkroom.wait(darkroom.upload(picture, filename="new.jpg").id).state == "completed"
    queues = run.exports["queues"].values()
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def left() -> int:
        found = [
            run.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            for queue in queues
            for url in (queue["url"], queue["dead_letter_url"])
        ]
        return sum(int(count) for one in found for count in one.values())

    until(lambda: left() == 0, "every message to be taken")
