"""Faults F16 to F18 and F21 to F24: what befalls the function and what it works on. Times are `siege.SHORTENED`.

A run that dies costs a visibility time-out, so the slow ones are started together and asked for one after the other.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator

import pytest

from contracts.formats import ImageFormat
from contracts.identifiers import derived_job_id
from contracts.job import VariantState
from tests.support import patient, pictures
from tests.support.proxy import LimitData, Match, Rule, Then, Timeout, put
from tests.support.siege import Siege, siege

pytestmark = pytest.mark.xdist_group("siege of the function")

ONE = '{"variants":[{"name":"a","resize":{"width":64}}]}'


class Doomed:
    """Jobs whose runs do not end well, all begun at once."""

    def __init__(self, world: Siege) -> None:
        self.world = world
        proxy = world.proxies["function"]
        died: Callable[[int], object] = world.kill_caller
        with world.held("processing"):
            self.slow, self.crashing, self.poison = (world.accepted() for _ in range(3))
            self.neighbours = [world.accepted() for _ in range(6)]
            self.lone = world.accepted(options=ONE)
            self.rules = {
                # as often as the order is received before it is dead: the order of both is given up, and parted
                self.slow: proxy.add(Rule(_of(self.slow), Timeout, times=3)),
                self.crashing: proxy.add(Rule(_of(self.crashing), lambda: Then(died, before=True), times=3)),
                self.lone: proxy.add(Rule(_of(self.lone), lambda: Then(died, before=True))),
            }


def _of(job_id: str, call: Match = lambda head: head.startswith("GET ")) -> Match:
    """This call of the function's is for this job; by default it fetches the original."""
    return lambda head: call(head) and job_id in head.partition("\r\n")[0]


@pytest.fixture(scope="module")
def world() -> Iterator[Siege]:
    with siege() as one:
        yield one
        assert one.ended() == []
        assert one.rested(patience_seconds=60) == ()


@pytest.fixture(scope="module", autouse=True)
def doomed(world: Siege) -> Doomed:
    return Doomed(world)


def test_f16_forty_jobs_behind_two_functions_wait_and_cost_no_try(world: Siege, doomed: Doomed) -> None:
    """F16: the function is at its concurrency. (At full size: make fault CASE=backlog.)"""
    jobs = [world.accepted() for _ in range(40)]
    world.once(jobs)
    assert {job.last_token for job in world.jobs(jobs).values()} == {1}


def test_f22_one_variant_that_cannot_be_made_leaves_the_others_usable(world: Siege, doomed: Doomed) -> None:
    """F22: three good variants and one that no picture of this shape gives."""
    tall = pictures.encoded(pictures.photo(2, 10_000), ImageFormat.PNG)
    good = ",".join(f'{{"name":"{name}","resize":{{"width":1,"height":{size}}}}}' for name, size in _GOOD.items())
    options = f'{{"variants":[{good},{{"name":"d"}}]}}'
    seen = world.final(world.accepted(picture=tall, media_type="image/png", options=options))
    assert seen["state"] == "partially_completed"
    variants = {variant["name"]: variant for variant in seen["variants"]}
    assert {name: variants[name]["state"] for name in variants} == {
        **dict.fromkeys(_GOOD, "completed"),
        "d": "failed",
    }
    assert variants["d"]["error"]["code"] == "spec-invalid"
    assert patient.get(variants["a"]["url"]).status_code == 200


_GOOD = {"a": 100, "b": 50, "c": 25}


def test_f23_an_original_that_is_gone_fails_its_job_and_one_that_was_overwritten_does_not(
    world: Siege, doomed: Doomed
) -> None:
    """F23: the pinned version is deleted between Stored and the run; and another one is put over it."""
    s3, bucket = world.stack.clients["s3"], world.stack.exports["buckets"]["originals"]
    with world.held("processing"):
        gone, overwritten = world.accepted(), world.accepted()
        jobs = world.jobs([gone, overwritten])
        original = jobs[gone].original
        assert original is not None
        s3.delete_object(Bucket=bucket, Key=original.key, VersionId=original.version_id)
        s3.put_object(Bucket=bucket, Key=jobs[overwritten].key, Body=b"no picture at all")
    seen = world.final(gone)
    assert seen["state"] == "failed"
    assert {variant["error"]["code"] for variant in seen["variants"]} == {"source-missing"}
    world.once([overwritten])
    world.http.delete(f"/jobs/{gone}")


def test_f24_a_result_whose_put_broke_off_is_whole_in_the_end(world: Siege, doomed: Doomed) -> None:
    """F24: the connection is reset in the middle of the body of a result, twice."""
    large = pictures.encoded(pictures.photo(1_200, 900), ImageFormat.JPEG)
    options = '{"variants":[{"name":"a","output":{"format":"png"}}]}'
    key = world.key()
    with world.proxies["function"].breaking(
        _of(derived_job_id("default", key), put), lambda: LimitData(60_000), times=2
    ) as rule:
        seen = world.final(world.accepted(key, picture=large, options=options))
    assert rule.hits == 2
    (variant,) = seen["variants"]
    body = patient.get(variant["url"]).content
    assert len(body) == variant["bytes"] > 120_000
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert variant["digest"] == f"sha-256=:{digest}:"


def test_f17_an_order_that_runs_out_of_time_is_parted_and_done(world: Siege, doomed: Doomed) -> None:
    """F17: the function hangs until Lambda ends it, as often as the order may be received."""
    assert world.final(doomed.slow)["state"] == "completed"
    assert doomed.rules[doomed.slow].hits == 3
    job = world.jobs([doomed.slow])[doomed.slow]
    assert [part.outcome for part in job.parts] == ["crashed", "finished", "finished"]
    assert [record.tries for record in job.variants] == [0, 0], "parting costs the neighbours nothing"


def test_f18_an_order_whose_function_dies_is_parted_and_done(world: Siege, doomed: Doomed) -> None:
    """F18: out of memory or a broken decoder: the function's process is gone in the middle of the order."""
    assert world.final(doomed.crashing)["state"] == "completed"
    assert doomed.rules[doomed.crashing].hits == 3
    job = world.jobs([doomed.crashing])[doomed.crashing]
    assert [part.outcome for part in job.parts] == ["crashed", "finished", "finished"]
    assert [record.tries for record in job.variants] == [0, 0]


def test_f21_a_picture_that_kills_every_run_fails_alone(world: Siege, doomed: Doomed) -> None:
    """F21: two crashes of a variant that is alone in its order, and it is given up: `resource-limit`."""
    seen = world.final(doomed.lone)
    assert seen["state"] == "failed"
    assert [variant["error"]["code"] for variant in seen["variants"]] == ["resource-limit"]
    # at most three receives of each of two orders; one of a machine that stood still may have died before it asked
    assert 2 <= doomed.rules[doomed.lone].hits <= 6
    (record,) = world.jobs([doomed.lone])[doomed.lone].variants
    assert (record.state, record.crashes) == (VariantState.FAILED, 2)
    world.once([doomed.poison, *doomed.neighbours])
