"""Messages come back as they went out; what is no message of ours is BadMessage and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import BadMessage
from contracts.limits import MAX_MESSAGE_BYTES
from contracts.messages import VERSION, Done, Finished, Process, Transform, decode, encode
from tests.support.strategies import values_of

JOB = "018f3a1c-52aa-7bbb-8ccc-0123456789ab"

known = st.one_of(
    st.builds(Process, job_id=st.just(JOB), run=st.integers(1, 9)),
    values_of(Finished).map(lambda message: Finished(job_id=JOB, token=message.token, answers=message.answers)),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given((values_of(Process) | values_of(Transform) | values_of(Finished)).filter(lambda message: message.v == VERSION))
def test_a_message_is_read_back(message: Any) -> None:
    assert decode(encode(message)) == message
    assert decode(encode(message).decode()) == message


@given(known, st.integers(VERSION + 1, 2**40))
@example(Process(job_id=JOB, run=1), 99)
def test_a_newer_version_is_refused(message: Any, version: int) -> None:
    document = json.loads(encode(message)) | {"v": version}
    with pytest.raises(BadMessage, match=f"version {version}"):
        decode(json.dumps(document))


@given(known, st.dictionaries(st.text(min_size=1, max_size=8).map("x_{}".format), json_values, max_size=3))
def test_fields_of_a_newer_writer_are_passed_over(message: Any, unknown: dict[str, Any]) -> None:
    document = json.loads(encode(message)) | unknown
    # NaN and infinities are Python's JSON, not JSON
    assert decode(json.dumps(json.loads(json.dumps(document), parse_constant=lambda _: 0))) == message


def test_fields_of_a_newer_writer_are_passed_over_inside_an_answer_too() -> None:
    done = Done(name="a", key="k", digest="0" * 64, bytes=1, width=1, height=1, format="jpeg")
    document = json.loads(encode(Finished(job_id=JOB, token=1, answers=(done,))))
    document["answers"][0]["ssim"] = 0.98
    assert decode(json.dumps(document)).answers[0].name == "a"


@given(st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps))
def test_noise_is_no_message(body: bytes | str) -> None:
    with pytest.raises(BadMessage):
        decode(body)


@given(st.tuples(known, st.floats(0, 1, exclude_max=True)))
def test_a_message_cut_short_is_no_message(pair: tuple[Any, float]) -> None:
    body = encode(pair[0])
    with pytest.raises(BadMessage):
        decode(body[: int(len(body) * pair[1])])


@given(known, st.data())
def test_a_message_with_bytes_changed_is_another_message_or_none(message: Any, data: st.DataObject) -> None:
    body = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = decode(bytes(body))
    except BadMessage:
        return
    assert decode(encode(again)) == again


HOSTILE = {
    "not JSON (B61)": "hello",
    "empty (B62)": "",
    "blank": "   ",
    "version 99 (B63)": f'{{"type":"process","v":99,"job_id":"{JOB}","run":1}}',
    "version 0": f'{{"type":"process","v":0,"job_id":"{JOB}","run":1}}',
    "version as text": f'{{"type":"process","v":"1","job_id":"{JOB}","run":1}}',
    "no id (B64)": '{"type":"process","v":1,"run":1}',
    "an id with a newline": f'{{"type":"process","v":1,"job_id":"{JOB}\\n","run":1}}',
    "an id that climbs": '{"type":"process","v":1,"job_id":"../../etc","run":1}',
    "a forged tenant": f'{{"type":"transform","v":1,"job_id":"{JOB}","tenant":"../x","part":1,"token":1,"key":"k",'
    '"version_id":"v","bytes":1,"format":"jpeg","variants":[{"name":"a"}]}',
    "no type": f'{{"v":1,"job_id":"{JOB}","run":1}}',
    "a type of nobody's": f'{{"type":"explode","v":1,"job_id":"{JOB}"}}',
    "an S3 test event (B68)": '{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}',
    "wrapped by SNS (B70)": '{"Type":"Notification","Message":"{}"}',
    "NaN (B71)": f'{{"type":"finished","v":1,"job_id":"{JOB}","token":NaN}}',
    "a token too large for anybody": f'{{"type":"finished","v":1,"job_id":"{JOB}","token":1e400}}',
    "half a surrogate pair": f'{{"type":"process","v":1,"job_id":"{JOB}","run":1,"request_id":"\\ud800"}}',
    "deeply nested": "[" * 100_000,
    "deeply nested in an unknown field": f'{{"type":"process","v":1,"job_id":"{JOB}","run":1,"x":' + "[" * 100_000,
    "of the largest size (B67)": '"' + "x" * (MAX_MESSAGE_BYTES - 2) + '"',
    "larger than any (B67)": '{"type":"process"}'.ljust(MAX_MESSAGE_BYTES + 1),
    "no variants": f'{{"type":"transform","v":1,"job_id":"{JOB}","tenant":"t","part":1,"token":1,"key":"k",'
    '"version_id":"v","bytes":1,"format":"jpeg","variants":[]}',
    "a format that is never opened": f'{{"type":"transform","v":1,"job_id":"{JOB}","tenant":"t","part":1,"token":1,'
    '"key":"k","version_id":"v","bytes":1,"format":"eps","variants":[{"name":"a"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_a_bad_message(name: str) -> None:
    for body in (HOSTILE[name], HOSTILE[name].encode()):
        with pytest.raises(BadMessage):
            decode(body)


def test_bytes_that_are_not_utf_8_are_a_bad_message() -> None:
    with pytest.raises(BadMessage):
        decode(b'{"type":"process","v":1,"request_id":"\xff\xfe"}')


@pytest.mark.parametrize("where", ["type", "job_id", "tenant", "request_id", "x-"])
def test_the_reason_is_short_whatever_the_body(where: str) -> None:
    body = {"type": "process", "v": 99, "job_id": JOB, "run": 1} | {where: "x-secret-" * 9_999}
    with pytest.raises(BadMessage) as raised:
        decode(json.dumps(body))
    assert len(str(raised.value)) <= 200
