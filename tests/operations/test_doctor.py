"""The doctor finds each kind of damage, and only that; a stack that is whole is told to be whole."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from msgspec.structs import replace

from client import command
from components.naming import physical_name
from contracts.deliveries import DeliveryState
from contracts.identifiers import event_id
from contracts.job import DebtKind, Fault, JobState, Result, Source, VariantState
from contracts.messages import Queue, decode
from operations import doctor_commands
from operations.doctor import Doctor, Report
from operations.repair import repair
from operations.standing import Version
from operations.symptoms import Check, Symptom
from tests.support.agreement_cloud import Make, maker
from tests.support.embedded import started
from tests.support.ward import LATER, REGION, Ward


@pytest.fixture
def ward() -> Iterator[Ward]:
    with mock_aws():
        yield Ward()


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Clients of the cloud that a local run has."""
    with started(tmp_path_factory.mktemp("cloud")) as cloud:
        yield maker(cloud.endpoint, REGION)


def wrong(report: Report) -> dict[Check, list[str]]:
    """Where something was found, by what was looked at."""
    found: dict[Check, list[str]] = {}
    for symptom in report.symptoms:
        found.setdefault(symptom.check, []).append(symptom.where)
    return {check: sorted(set(places)) for check, places in found.items()}


def test_a_stack_that_is_whole_is_told_to_be_whole(ward: Ward) -> None:
    states = {name: ward.job(name).state for name in ward.jobs}
    assert states == {
        "deleted": JobState.DELETED,
        "partial": JobState.PARTIALLY_COMPLETED,
        "rejected": JobState.REJECTED,
        "completed": JobState.COMPLETED,
        "processing": JobState.PROCESSING,
        "queued": JobState.QUEUED,
        "reserved": JobState.AWAITING_UPLOAD,
    }
    for read in (False, True):
        report = ward.look(read=read)
        assert report.symptoms == ()
        assert report.looked_at == {
            **{"rows": 7, "deliveries": 1, "outputs": 3, "originals": 4, "results": 3, "messages": 0},
        }
        assert {finding.level for finding in report.findings()} == {"ok"}


Damage = Callable[[Ward], str]


def planted(check: Check, name: str, **fields: Any) -> Any:
    """A row with something else in it."""

    def damage(ward: Ward) -> str:
        return ward.change(name, **fields).id

    return pytest.param(check, damage, id=f"{check.called}-{name}-{'-'.join(fields)}")


def _unreadable(ward: Ward) -> str:
    ward.put(ward.job("completed"), document={"B": b"{}"})
    return ward.jobs["completed"]


def _of_a_later_version(ward: Ward) -> str:
    return ward.change("completed", schema=99).id


def _hidden_from_the_sweeper(ward: Ward) -> str:
    ward.put(ward.job("queued"), due_at=None, shard=None)
    return ward.jobs["queued"]


def _in_a_shard_that_nobody_reads(ward: Ward) -> str:
    ward.put(ward.job("queued"), shard={"N": "8"})
    return ward.jobs["queued"]


def _overdue_alarm(ward: Ward) -> str:
    return ward.change("completed", alarm_at=ward.now() - LATER).id


def _overdue_debt(ward: Ward) -> str:
    debts = tuple(replace(debt, due_at=ward.now() - LATER) for debt in ward.job("queued").debts)
    return ward.change("queued", debts=debts).id


def _same_token_twice(ward: Ward) -> str:
    (part,) = ward.job("completed").parts
    return ward.change("completed", parts=(part, replace(part, number=part.number))).id


def _pending_and_given_to_nobody(ward: Ward) -> str:
    job = ward.job("processing")
    parts = tuple(replace(part, variants=part.variants[:1]) for part in job.parts)
    return ward.change("processing", parts=parts).id


def _completed_with_a_failure(ward: Ward) -> str:
    first, second = ward.job("completed").variants
    failed = replace(second, state=VariantState.FAILED, result=None, error=Fault(code="spec-invalid"))
    return ward.change("completed", variants=(first, failed)).id


def _tried_too_often(ward: Ward) -> str:
    first, second = ward.job("processing").variants
    return ward.change("processing", variants=(replace(first, tries=4), second)).id


def _orders_nothing_explains(ward: Ward) -> str:
    return ward.change("completed", last_token=9).id


def _output_gone(ward: Ward) -> str:
    ward.s3.delete_object(Bucket=ward.standing.results, Key=_result(ward).key)
    return ward.jobs["completed"]


def _output_of_other_bytes(ward: Ward) -> str:
    ward.s3.put_object(Bucket=ward.standing.results, Key=_result(ward).key, Body=b"other bytes")
    return ward.jobs["completed"]


def _original_gone(ward: Ward) -> str:
    original = ward.job("queued").original
    assert original is not None
    ward.s3.delete_object(Bucket=ward.standing.originals, Key=original.key, VersionId=original.version_id)
    return ward.jobs["queued"]


def _bytes_of_a_deleted_job(ward: Ward) -> str:
    ward.s3.put_object(Bucket=ward.standing.originals, Key=ward.job("deleted").key, Body=b"came late")
    return ward.jobs["deleted"]


def _bytes_of_a_rejected_job(ward: Ward) -> str:
    ward.s3.put_object(Bucket=ward.standing.originals, Key=ward.job("rejected").key, Body=b"came late")
    return ward.jobs["rejected"]


def _object_of_no_job(ward: Ward) -> str:
    key = "inline/default/00000000-0000-7000-8000-000000000000/original"
    ward.s3.put_object(Bucket=ward.standing.originals, Key=key, Body=b"whose?")
    return key


def _object_of_another_name(ward: Ward) -> str:
    ward.s3.put_object(Bucket=ward.standing.results, Key="backup.zip", Body=b"whose?")
    return "backup.zip"


def _sent_and_on_no_queue(ward: Ward) -> str:
    debts = tuple(replace(debt, sent_at=ward.now() - LATER) for debt in ward.job("processing").debts)
    return ward.change("processing", debts=debts).id


def _dead_letter(ward: Ward) -> str:
    name = physical_name(ward.standing.stack, "completions-dead-letters")
    url = ward.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    ward.sqs.send_message(QueueUrl=url, MessageBody="a letter")
    return "completions"


def _upload_in_parts(ward: Ward) -> str:
    ward.s3.create_multipart_upload(Bucket=ward.standing.originals, Key="direct/half")
    return "direct/half"


def delivery(check: Check, **fields: Any) -> Any:
    """The row of a delivery with something else in it."""

    def damage(ward: Ward) -> str:
        return ward.deliver(**fields)

    return pytest.param(check, damage, id=f"{check.called}-delivery-{'-'.join(fields)}")


def _overdue_delivery(ward: Ward) -> str:
    return ward.deliver(state=DeliveryState.PENDING, ended_at=None, due_at=ward.now() - LATER)


def _unreadable_delivery(ward: Ward) -> str:
    key = ward.deliver()
    item = {**(ward.standing.item(key) or {}), "document": {"B": b"{}"}}
    ward.dynamodb.put_item(TableName=ward.standing.table, Item=item)
    return key


def _delivery_of_a_deleted_job(ward: Ward) -> str:
    job = ward.job("deleted")
    key = ward.deliver(job_id=job.id, event=event_id(job.id, 1, "completed"))
    return key


def _result(ward: Ward) -> Result:
    result = ward.job("completed").variants[0].result
    assert result is not None
    return result


DAMAGES = [
    pytest.param(Check.ROWS, _unreadable, id="unreadable"),
    pytest.param(Check.ROWS, _of_a_later_version, id="later version"),
    pytest.param(Check.ENVELOPES, _hidden_from_the_sweeper, id="hidden from the sweeper"),
    pytest.param(Check.ENVELOPES, _in_a_shard_that_nobody_reads, id="a shard nobody reads"),
    pytest.param(Check.COUNTERS, _same_token_twice, id="one token twice"),
    planted(Check.COUNTERS, "completed", last_part=0),
    planted(Check.PROMISES, "completed", alarm_at=None),
    planted(Check.PROMISES, "queued", debts=()),
    planted(Check.PROMISES, "queued", original=None),
    planted(Check.PROMISES, "processing", debts=()),
    planted(Check.PROMISES, "completed", state=JobState.DELETING),
    pytest.param(Check.PROMISES, _pending_and_given_to_nobody, id="pending, given to nobody"),
    pytest.param(Check.OVERDUE, _overdue_alarm, id="overdue alarm"),
    pytest.param(Check.OVERDUE, _overdue_debt, id="overdue debt"),
    pytest.param(Check.ENDS, _completed_with_a_failure, id="completed with a failure"),
    planted(Check.ENDS, "completed", state=JobState.FAILED),
    planted(Check.ENDS, "partial", state=JobState.COMPLETED),
    pytest.param(Check.TRIES, _tried_too_often, id="tried too often"),
    pytest.param(Check.TRIES, _orders_nothing_explains, id="orders nothing explains"),
    planted(Check.TOMBSTONES, "deleted", source=Source(filename="me.jpg")),
    planted(Check.TOMBSTONES, "deleted", meta={"owner": "me"}),
    planted(Check.TOMBSTONES, "deleted", forget_at=None),
    pytest.param(Check.TOMBSTONES, _bytes_of_a_deleted_job, id="bytes of a deleted job"),
    pytest.param(Check.TOMBSTONES, _bytes_of_a_rejected_job, id="bytes of a rejected job"),
    pytest.param(Check.OUTPUTS, _output_gone, id="output gone"),
    pytest.param(Check.OUTPUTS, _output_of_other_bytes, id="output of other bytes"),
    pytest.param(Check.ORIGINALS, _original_gone, id="original gone"),
    pytest.param(Check.STRANGERS, _object_of_no_job, id="object of no job"),
    pytest.param(Check.STRANGERS, _object_of_another_name, id="object of another name"),
    pytest.param(Check.MESSAGES, _sent_and_on_no_queue, id="sent and on no queue"),
    pytest.param(Check.LETTERS, _dead_letter, id="dead letter"),
    pytest.param(Check.ROWS, _unreadable_delivery, id="unreadable delivery"),
    pytest.param(Check.OVERDUE, _overdue_delivery, id="overdue delivery"),
    pytest.param(Check.TOMBSTONES, _delivery_of_a_deleted_job, id="delivery of a deleted job"),
    delivery(Check.ENVELOPES, state_attribute="pending"),
    delivery(Check.DELIVERIES, ended_at=None),
    delivery(Check.DELIVERIES, state=DeliveryState.EXHAUSTED),
    delivery(Check.DELIVERIES, state=DeliveryState.PENDING, ended_at=None),
    delivery(Check.DELIVERIES, run=2),
    delivery(Check.DELIVERIES, tenant="another"),
    pytest.param(Check.UPLOADS, _upload_in_parts, id="upload in parts"),
]


@pytest.mark.parametrize(("check", "damage"), DAMAGES)
def test_each_kind_of_damage_is_found_where_it_is_and_nowhere_else(ward: Ward, check: Check, damage: Damage) -> None:
    _is_found(ward, check, damage)


def _is_found(ward: Ward, check: Check, damage: Damage) -> None:
    assert ward.look().symptoms == ()
    where = damage(ward)
    report = ward.look()
    assert wrong(report) == {check: [where]}
    (finding,) = [finding for finding in report.findings() if finding.level != "ok"]
    assert finding.check == check.called
    assert where in finding.says
    assert finding.fix == check.fix


@pytest.mark.parametrize(
    ("number", "check", "damage"),
    # an upload in parts has to be two days old, and here it is as young as it is
    [
        pytest.param(number, *param.values, id=param.id)
        for number, param in enumerate(DAMAGES)
        if param.values[0] is not Check.UPLOADS
    ],
)
def test_each_kind_of_damage_is_found_on_the_cloud_of_a_local_run_too(
    make: Make, number: int, check: Check, damage: Damage
) -> None:
    _is_found(Ward(make, f"ward{number}"), check, damage)


def test_every_kind_of_damage_is_planted_here() -> None:
    """Work under way is none; it has its own test."""
    assert {param.values[0] for param in DAMAGES} == set(Check) - {Check.AT_REST}


def test_bytes_that_s3_itself_got_wrong_are_found_by_reading_them(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checksum says what was put; only the bytes say what is there. (moto keeps none, so it is told here.)"""
    head = ward.s3.head_object

    def sure(**asked: Any) -> Any:
        if asked["Bucket"] != ward.standing.results:
            return head(**asked)
        digest = bytes.fromhex(asked["Key"].rpartition("-")[2].partition(".")[0])
        return head(**asked) | {"ChecksumSHA256": base64.b64encode(digest).decode()}

    monkeypatch.setattr(ward.s3, "head_object", sure)
    where = _output_of_other_bytes(ward)
    assert wrong(ward.look()) == {}
    assert wrong(ward.look(read=True)) == {Check.OUTPUTS: [where]}


def test_an_upload_in_parts_is_given_two_days(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto began it in 2010."""
    _upload_in_parts(ward)
    young = Version(key="direct/half", version_id="u", at=ward.now() - 86_400_000)
    monkeypatch.setattr(ward.standing, "unfinished", lambda bucket: [young])
    assert ward.look().symptoms == ()


def test_what_a_stack_at_work_has_under_way_is_no_damage_unless_it_should_be_at_rest(ward: Ward) -> None:
    url = ward.sqs.get_queue_url(QueueName="darkroom-ward-jobs")["QueueUrl"]
    ward.sqs.send_message(QueueUrl=url, MessageBody="a message")
    assert ward.look().symptoms == ()
    busy = sorted([ward.jobs["processing"], ward.jobs["queued"], ward.jobs["reserved"], "jobs"])
    assert wrong(ward.look(at_rest=True)) == {Check.AT_REST: busy}


def test_what_is_mended_by_the_second_look_is_not_told(ward: Ward) -> None:
    whole = ward.job("queued")
    ward.put(whole, due_at=None, shard=None)
    healed = Doctor(ward.standing, ward.now, pause=lambda seconds: ward.put(whole))
    assert healed.look().symptoms == ()


def test_pages_are_read_to_the_last_one(ward: Ward) -> None:
    """A scan gives a mebibyte at most, so the damage is put behind several of them."""
    model = ward.job("completed")
    for number in range(60):
        # the key of each is its own: the document of another is found
        ward.put(model, pk={"S": f"job#{number}"}, padding={"S": "x" * 60_000})
    report = ward.look()
    assert report.looked_at["rows"] == 67
    assert len(wrong(report)[Check.ROWS]) == 60
    (finding,) = [finding for finding in report.findings() if finding.level == "problem"]
    assert finding.says.endswith("; and 57 more")


def test_a_row_that_was_filed_wrongly_is_filed_anew(ward: Ward) -> None:
    _hidden_from_the_sweeper(ward)
    done = list(repair(ward.standing, ward.look().symptoms, ward.now))
    assert done == [f"{ward.jobs['queued']} was written anew, as its document says"]
    assert ward.look().symptoms == ()


@pytest.mark.parametrize("damage", [_overdue_debt, _sent_and_on_no_queue])
def test_what_is_owed_is_sent_with_the_token_that_it_had(ward: Ward, damage: Damage) -> None:
    damage(ward)
    report = ward.look()
    (done,) = repair(ward.standing, report.symptoms, ward.now)
    assert done.endswith("was sent again")
    queue = Queue.JOBS if damage is _overdue_debt else Queue.TRANSFORMS
    (received,) = ward.standing.queues.receive(queue, most=10, wait_seconds=0)
    message = decode(received.body)
    job = ward.job("queued" if damage is _overdue_debt else "processing")
    assert message.job_id == job.id
    assert getattr(message, "token", None) == (None if damage is _overdue_debt else job.parts[0].token)


def test_what_only_the_sweeper_can_do_is_left_to_it_and_said(ward: Ward) -> None:
    _overdue_alarm(ward)
    (done,) = repair(ward.standing, ward.look().symptoms, ward.now)
    assert done == f"{ward.jobs['completed']}: what is due is the sweeper's to do"


def test_bytes_that_were_left_are_owed_an_erasure_again(ward: Ward) -> None:
    _bytes_of_a_deleted_job(ward)
    assert ward.job("deleted").debts == ()
    (done,) = repair(ward.standing, ward.look().symptoms, ward.now)
    assert "owes an erasure again" in done
    (debt,) = ward.job("deleted").debts
    assert debt.kind is DebtKind.ERASE
    assert ward.look().symptoms == ()


def test_a_repair_of_what_was_mended_meanwhile_does_nothing(ward: Ward) -> None:
    gone = Symptom(check=Check.TOMBSTONES, where=ward.jobs["deleted"], says="is deleted")
    before = ward.job("deleted")
    assert list(repair(ward.standing, [gone], ward.now)) == []
    assert ward.job("deleted") == before


@pytest.fixture
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_join_others", lambda: command.app.update(doctor_commands.app))


@pytest.mark.usefixtures("only_ours")
def test_without_a_run_it_says_how_to_have_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["doctor", "--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"darkroom: no run uses the folder {tmp_path}; start one with: make run; or name its folder with --data\n"
    )


@pytest.mark.usefixtures("only_ours")
def test_a_cloud_that_does_not_answer_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["doctor", "--endpoint", "http://127.0.0.1:9"]) == 3
    assert "no answer from http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.usefixtures("only_ours")
def test_a_stack_on_aws_has_no_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["doctor", "--stack", "dev", "--endpoint", "http://127.0.0.1:9"]) == 2
    assert "leave --endpoint out" in capsys.readouterr().err


def test_the_report_for_machines_has_every_symptom(ward: Ward) -> None:
    where = _output_gone(ward)
    document = json.loads(json.dumps(ward.look().document()))
    assert document["level"] == "problem"
    assert document["looked_at"]["rows"] == 7
    (finding,) = [one for one in document["findings"] if one["level"] != "ok"]
    assert finding["check"] == "outputs"
    assert finding["symptoms"] == [{"where": where, "says": "a is not there"}]
