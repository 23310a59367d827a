"""Requests and rights are counted by kind; each request counts once."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.counting import Call, sorted_calls
from local.rights import Report, Right, Use, covers, report, uses_of

NAMES = {"stack-upload": "upload", "stack-processing": "processing"}

requests = st.fixed_dictionaries(
    {
        "role": st.sampled_from([*NAMES, "root", "nobody"]),
        "service": st.sampled_from(["sqs", "dynamodb", "s3"]),
        "operation": st.sampled_from(
            ["ReceiveMessage", "Query", "GetQueueAttributes", "BatchGetItem", "PutObject", "GetObject"]
        ),
    },
    optional={"empty": st.booleans(), "presigned": st.just(True)},
)


@given(st.lists(requests))
def test_every_call_of_ours_is_in_exactly_one_place(log: list[dict[str, Any]]) -> None:
    counted = sorted_calls(log, NAMES, reader="upload")
    ours = [one for one in log if one["role"] in NAMES and not one.get("presigned")]
    places = (counted.work, counted.empty_receives, counted.sweeps, counted.depths, counted.status_reads)
    assert sum(place.total() for place in places) == len(ours)


def test_what_does_not_come_with_a_job_is_kept_apart() -> None:
    def line(role: str, operation: str, **more: Any) -> dict[str, Any]:
        return {"role": f"stack-{role}", "service": "x", "operation": operation, **more}

    counted = sorted_calls(
        [
            line("processing", "ReceiveMessage", empty=True),
            line("processing", "ReceiveMessage", empty=False),
            line("processing", "Query"),
            line("processing", "GetQueueAttributes"),
            line("processing", "BatchGetItem"),
            line("upload", "BatchGetItem"),
            line("upload", "PutObject"),
        ],
        NAMES,
        reader="upload",
    )
    assert counted.empty_receives == {Call("processing", "x", "ReceiveMessage"): 1}
    assert counted.sweeps == {Call("processing", "x", "Query"): 1}
    assert counted.depths == {Call("processing", "x", "GetQueueAttributes"): 1}
    assert counted.status_reads == {Call("upload", "x", "BatchGetItem"): 1}
    assert counted.work == {
        Call("processing", "x", "ReceiveMessage"): 1,
        Call("processing", "x", "BatchGetItem"): 1,
        Call("upload", "x", "PutObject"): 1,
    }
    assert counted.per_job(2) == 1.5


def test_a_pattern_covers_as_iam_reads_it() -> None:
    right = Right("upload", "s3:PutObject", "arn:aws:s3:::bucket/inline/*")
    inside = Use("upload", "s3:PutObject", "arn:aws:s3:::bucket/inline/a/b", True)
    assert covers(right, inside)
    assert not covers(right, Use("upload", "s3:PutObject", "arn:aws:s3:::bucket/direct/a", True))
    assert not covers(right, Use("upload", "s3:GetObject", inside.resource, True))
    assert not covers(right, Use("eraser", "s3:PutObject", inside.resource, True))
    assert covers(Right("a", "b:C", "x?z[1]"), Use("a", "b:C", "xyz[1]", True))


def test_the_two_lists() -> None:
    used, unused, unseen = (Right("upload", action, "arn:a/*") for action in ("s3:PutObject", "s3:Idle", "logs:Put"))
    denied = Use("upload", "s3:PutObject", "arn:a/2", False)
    strange = Use("upload", "s3:Strange", "arn:a/1", True)
    uses = {Use("upload", "s3:PutObject", "arn:a/1", True): 3, denied: 1, strange: 1}
    assert report([used, unused, unseen], uses, [("upload", "logs:Put")]) == Report(
        used={used: 3}, used_but_not_granted=[denied, strange], granted_but_never_used=[unused]
    )


def test_uses_are_read_from_the_audit_by_role() -> None:
    line = {"role": "stack-upload", "action": "s3:PutObject", "resource": "arn:a", "decision": "allow"}
    lines = [line, line, {**line, "decision": "deny"}, {**line, "role": "root"}]
    assert uses_of(lines, NAMES) == {
        Use("upload", "s3:PutObject", "arn:a", True): 2,
        Use("upload", "s3:PutObject", "arn:a", False): 1,
    }
