"""One order in, one answer out: everything stored is what it says, and every trouble has its name."""

import hashlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.errors import BadMessage, SourceMissing, Unavailable
from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.messages import Done, Failed, Retryable, Undone
from contracts.outputs import Output, OutputFormat
from contracts.places import DIRECT, INLINE, OriginalPlace, parse_result
from contracts.presets import preset
from contracts.variants import Variant
from functions.transform import making, pipeline
from functions.transform.pipeline import ENGINE
from functions.transform.work import Stores
from tests.support import pictures
from tests.support.memory import MemoryObjects
from tests.support.transform_room import JOB, Broken, Room, photo

WEB = preset("web@1")
SMALL = Variant(name="small", resize=Resize(width=20))
PLAIN = Variant(name="plain", output=Output(format=OutputFormat.PNG))


def test_every_variant_is_stored_under_its_own_digest():
    room = Room(pictures.jpeg_with_exif(6, width=2000, height=1500))
    found = room.answer(*WEB)
    assert [answer.name for answer in found.answers] == ["large", "medium", "small", "thumb"]
    assert (
        found.job_id,
        found.token,
        found.request_id,
        found.function_request_id,
        found.engine,
        found.undecodable,
    ) == (
        JOB,
        7,
        "request-1",
        "function-1",
        ENGINE,
        None,
    )
    assert len(room.objects.results) == 4
    for answer, variant in zip(found.answers, WEB, strict=True):
        assert isinstance(answer, Done)
        (stored,) = room.objects.results[answer.key]
        place = parse_result(answer.key)
        assert (place.tenant, place.job_id, place.variant, place.format) == (
            "default",
            JOB,
            variant.name,
            answer.format,
        )
        assert place.digest == answer.digest == hashlib.sha256(stored.body).hexdigest()
        assert (answer.bytes, stored.media_type) == (len(stored.body), variant.output.format.media_type)
        decoded = pictures.opened(stored.body)
        assert decoded.size == (answer.width, answer.height)
        assert pictures.corner_colours(decoded) == ["red", "green", "blue", "yellow"]
    assert found.timings.cold
    assert 0 < found.timings.decode_ms <= found.timings.total_ms
    assert found.timings.transform_ms > 0
    assert room.reported == []


def test_the_facts_are_of_the_upright_picture_and_tell_nothing_private():
    room = Room(pictures.jpeg_with_exif(6, width=120, height=80, icc=pictures.rgb_profile("Display P3")))
    facts = room.answer(SMALL).facts
    assert (facts.width, facts.height, facts.frames, facts.orientation, facts.has_alpha, facts.icc) == (
        120,
        80,
        1,
        6,
        False,
        "Display P3",
    )
    assert facts.metadata["camera_make"] == "Darkroom Optics"
    private = {mark.decode() for mark in pictures.MARKS.values() if mark.decode() in str(facts.private)}
    assert private == {pictures.MARKS["owner"].decode(), pictures.MARKS["serial"].decode()}
    others = replace(facts, private={})
    assert not any(mark.decode() in str(others) for mark in pictures.MARKS.values())


def test_only_a_direct_uploads_hash_is_told():
    data = photo()
    assert Room(data, way=INLINE).answer(SMALL).facts.sha256 is None
    assert Room(data, way=DIRECT).answer(SMALL).facts.sha256 == hashlib.sha256(data).hexdigest()


def test_the_same_order_gives_the_same_results():
    room = Room(photo())
    first, second = room.answer(*WEB), room.answer(*WEB)
    assert [answer.key for answer in first.answers] == [answer.key for answer in second.answers]
    assert all(len(versions) == 1 for versions in room.objects.results.values())


@pytest.mark.parametrize(
    ("data", "form", "code"),
    [
        (pictures.truncated(photo()), ImageFormat.JPEG, "image-corrupt"),
        (b"just text", ImageFormat.JPEG, "type-mismatch"),
        (pictures.sample(ImageFormat.PNG), ImageFormat.JPEG, "type-mismatch"),
        (pictures.png_header(50_000, 50_000), ImageFormat.PNG, "pixel-limit"),
        (pictures.gif_frames(301), ImageFormat.GIF, "frame-limit"),
        (b"", ImageFormat.PNG, "type-mismatch"),
    ],
)
def test_a_picture_that_cannot_be_decoded_is_the_whole_answer(data, form, code):
    room = Room(data, form)
    found = room.answer(*WEB)
    assert (found.undecodable, found.answers, found.facts) == (code, (), None)
    assert found.detail
    assert room.reported == []


def test_an_original_that_is_gone_fails_its_variants_and_is_no_fault_of_the_picture():
    room = Room(photo())
    found = room.answer(*WEB, version_id="another")
    assert found.undecodable is None
    assert [(type(answer), answer.name, answer.code) for answer in found.answers] == [
        (Failed, variant.name, SourceMissing.code) for variant in WEB
    ]


def test_storage_that_does_not_answer_is_worth_another_try():
    room = Room(photo())
    broken = Broken(Unavailable("S3 did not answer"))
    fetching = room.answer(SMALL, PLAIN, stores=Stores(broken, room.objects))
    storing = room.answer(SMALL, PLAIN, stores=Stores(room.objects, broken))
    for found in (fetching, storing):
        assert found.answers == (
            Retryable(name="small", code="unavailable", detail="S3 did not answer"),
            Retryable(name="plain", code="unavailable", detail="S3 did not answer"),
        )
    assert room.reported == []


def test_one_result_that_cannot_be_stored_leaves_the_others():
    room = Room(photo())

    class Picky(MemoryObjects):
        def put_result(self, key, body, *, digest, media_type, hops=1):
            if media_type == "image/png":
                raise Unavailable("not now")
            room.objects.put_result(key, body, digest=digest, media_type=media_type)

    found = room.answer(SMALL, PLAIN, stores=Stores(room.objects, Picky()))
    assert [type(answer) for answer in found.answers] == [Done, Retryable]


@pytest.mark.parametrize("hops", [0, 1])
def test_results_are_marked_with_one_more_than_their_original(hops):
    room = Room(photo())
    room.answer(SMALL, PLAIN, hops=hops)
    assert {version.hops for versions in room.objects.results.values() for version in versions} == {hops + 1}


def test_what_nobody_foresaw_is_reported_and_tried_again():
    room = Room(photo())
    error = RuntimeError("a bug")
    found = room.answer(SMALL, stores=Stores(room.objects, Broken(error)))
    assert found.answers == (Retryable(name="small", code="internal", detail="RuntimeError"),)
    assert room.reported == [("small", error)]


def test_a_variant_that_is_impossible_fails_and_the_others_are_done():
    room = Room(pictures.encoded(pictures.corners(4, 3_000), "png"), ImageFormat.PNG)
    found = room.answer(Variant(name="huge", resize=Resize(width=8_000, enlarge=True)), SMALL)
    assert isinstance(found.answers[0], Failed)
    assert found.answers[0].code == "pixel-limit"
    assert isinstance(found.answers[1], Done)


def test_a_want_of_memory_is_worth_another_try(monkeypatch):
    room = Room(photo())

    def hungry(*_arguments):
        raise MemoryError

    monkeypatch.setattr(making, "encode", hungry)
    assert [answer.code for answer in room.answer(SMALL).answers] == ["resource-limit"]
    monkeypatch.setattr(pipeline, "decode", hungry)
    assert [type(answer) for answer in room.answer(SMALL, PLAIN).answers] == [Retryable, Retryable]


def test_what_the_deadline_leaves_no_time_for_is_undone(monkeypatch):
    """The first encode waits for the answer to be given without it; no clock is asked."""
    room = Room(photo())
    answered = threading.Event()
    real = making.encode

    def slow(picture, output, *rest):
        if output.format is OutputFormat.PNG:
            answered.wait(60)
        return real(picture, output, *rest)

    monkeypatch.setattr(making, "encode", slow)
    found = room.answer(PLAIN, seconds=0.5)
    answered.set()
    assert found.answers == (Undone(name="plain"),)


def test_without_any_time_everything_is_undone():
    found = Room(photo()).answer(SMALL, PLAIN, seconds=0)
    assert {type(answer) for answer in found.answers} <= {Undone, Done}
    assert [answer.name for answer in found.answers] == ["small", "plain"]


def test_an_order_that_names_another_jobs_original_is_refused():
    room = Room(photo())
    other = OriginalPlace(INLINE, "default", JOB.replace("8057", "8058")).key
    for changes in ({"key": other}, {"tenant": "intruder"}, {"key": "no/such/key"}):
        with pytest.raises(BadMessage):
            room.answer(SMALL, **changes)


@settings(max_examples=40)
@given(st.sampled_from(list(ImageFormat)), st.integers(0, 400), st.binary(max_size=4))
def test_an_answer_has_exactly_the_orders_variants_or_says_why_not(form, at, damage):
    data = pictures.sample(form, 40, 30)
    room = Room(data[:at] + damage + data[at + len(damage) :], form)
    found = room.answer(SMALL, PLAIN)
    if found.undecodable is None:
        assert [answer.name for answer in found.answers] == ["small", "plain"]
        assert found.facts is not None
    else:
        assert found.answers == ()
    assert room.reported == []
