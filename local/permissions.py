"""`python -m local permissions`: what each role used, against what it was granted, over journeys that need every right.

The journeys run on a stack of their own with shortened times. Where a right is for healing after a crash, the journey
starts from what that crash leaves (`leftovers`).
"""

import functools
import io
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
from PIL import Image

from client import Darkroom
from components.access import parse_role_policy
from components.unobservable import UNOBSERVABLE
from contracts.identifiers import OPEN_TENANT
from contracts.job import JobState, Lane
from contracts.keys import Scope
from contracts.messages import Queue
from local import showing, state
from local.jsonlines import read
from local.leftovers import Leftovers
from local.problems import CannotRun
from local.receiver import gone
from local.rights import Report, Right, Use, report, uses_of
from local.story import Story
from local.supervisor import Supervisor
from local.temporary import temporary

SHORTENED: Final = {
    "timing": {
        "sweep_seconds": 0.5,
        "first_gap_seconds": 1.5,
        "last_gap_seconds": 600,
        "upload_deadline_seconds": 2,
        "abandon_after_seconds": 1,
        "grace_seconds": 0,
    }
}
_PATIENCE_SECONDS: Final = 120.0
_get = functools.partial(httpx.get, timeout=_PATIENCE_SECONDS)
_post = functools.partial(httpx.post, timeout=_PATIENCE_SECONDS)
_delete = functools.partial(httpx.delete, timeout=_PATIENCE_SECONDS)
_JUDGED: Final = (Queue.INGEST, Queue.JOBS, Queue.JOBS_BULK, Queue.COMPLETIONS, Queue.NOTIFICATIONS)
"""Queues whose reader is the processing service."""
_LIFE_SECONDS: Final = 12
"""Of the job that is watched until its life is over: long enough for it to be completed first."""
_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"


def permissions() -> bool:
    """Print the report; whether both lists are empty. The last two lines give their lengths."""
    story = Story(sys.stdout)
    with temporary(SHORTENED, story) as stack:
        use_every_right(stack, story)
        stack.stop_soon()
        stack.down()
        granted, used = seen(stack)
    with temporary({"auth": "required"}, story) as stack:
        use_keys(stack, story)
        stack.stop_soon()
        stack.down()
        more, again = seen(stack)
    unobservable = [(one.role, action) for one in UNOBSERVABLE for action in one.actions]
    found = report([*granted, *more], used + again, unobservable)
    _print(found, story)
    return not (found.used_but_not_granted or found.granted_but_never_used)


def seen(stack: Supervisor) -> tuple[list[Right], Counter[Use]]:
    """What roles were granted and used on a stack that was taken down: by the policies that were applied, by its audit.

    Names are the same on every local stack, so what was seen on two can be counted together.
    """
    names = {arn.rpartition("/")[2]: name for name, arn in stack.exports["roles"].items()}
    granted = [
        Right(names[resource.inputs["role"]], action, pattern)
        for resource in state.load(stack.folder.state_file).values()
        if resource.type == _POLICY
        for statement in parse_role_policy(resource.inputs["policy"])
        for action, pattern in statement.pairs
    ]
    return granted, uses_of(read(stack.cloud.audit), names)


def use_every_right(stack: Supervisor, story: Story) -> None:
    """Everything that the pipeline does, and the healing of crashes; raises CannotRun if something does not end."""
    picture = _picture(stack.folder.path)
    with Darkroom(stack.url) as darkroom:
        model = darkroom.wait(darkroom.upload(picture, filename="a.jpg").id, timeout=_PATIENCE_SECONDS)
        darkroom.download(model, stack.folder.path / "fetched")
        story.step("a picture went through, and its links were followed")
        for path in ("/api/queues", f"/api/status/{model.id}"):
            _get(stack.internal_url + path).raise_for_status()
        story.step("an operator looked at the job and the queues")
        _get(f"{stack.url}/jobs").raise_for_status()
        story.step("its owner listed the jobs")
        over = [{"asset": f"{model.id}.thumb", "scale": 20}]
        marked = darkroom.upload(picture, variants=[{"name": "marked", "resize": {"width": 300}, "overlays": over}])
        if darkroom.wait(marked.id, timeout=_PATIENCE_SECONDS).state != JobState.COMPLETED:
            raise CannotRun("a job with a watermark did not become completed")
        story.step("a picture was marked with another one's variant")
        darkroom.put_preset("card@1", [{"name": "card", "resize": {"width": 60}}])
        ends_with = darkroom.wait(darkroom.upload(picture, preset="card@1").id, timeout=_PATIENCE_SECONDS)
        if [variant.name for variant in ends_with.variants] != ["card"]:
            raise CannotRun("a job of a preset made something else")
        darkroom.delete_preset("card@1")
        story.step("a preset was kept, used and deleted")
        leftovers = Leftovers(stack, model.id, picture)

        def ends(job_id: str, *states: JobState) -> None:
            _until(lambda: leftovers.read(job_id).state in states, f"job {job_id} to be {' or '.join(states)}")

        # orders are sent again before they are due only while nothing at all lies in the dead letters
        ends(leftovers.purged(seconds_ago=10).id, JobState.COMPLETED)
        story.step("the job whose orders were purged became completed")
        living = leftovers.reserved(stored=True, life_seconds=_LIFE_SECONDS)
        waiting = {
            "of an upload that died before the put": (leftovers.reserved().id, JobState.ABANDONED),
            "of an upload that died before its message": (leftovers.unannounced(Lane.NORMAL).id, JobState.COMPLETED),
            "of a bulk upload that died before its message": (leftovers.unannounced(Lane.BULK).id, JobState.COMPLETED),
            "whose orders the function died of": (leftovers.crashed().id, JobState.COMPLETED),
        }
        for queue in _JUDGED:
            leftovers.send(queue, "not a message")
        leftovers.reserved(key="again", stored=True)
        again = darkroom.upload(picture, filename="a.jpg", idempotency_key="again")
        waiting["of an upload that was repeated after it died"] = (again.id, JobState.COMPLETED)
        with ThreadPoolExecutor(8) as crowd:
            for accepted in crowd.map(lambda _: darkroom.upload(picture, priority="bulk"), range(16)):
                ends(accepted.id, JobState.COMPLETED)
        story.step("bulk jobs went through")
        for said in (True, False):
            ends(_posted(stack, picture, said=said), JobState.COMPLETED)
        story.step("pictures that were posted straight to S3 went through, whether or not the client said so")
        _notified(stack, darkroom, picture)
        story.step("endpoints were told of jobs, and one that said it is gone was disabled")
        broken = darkroom.upload(picture[: len(picture) // 2], filename="half.jpg")
        ends(broken.id, JobState.REJECTED)
        for what, (job_id, state_) in waiting.items():
            ends(job_id, state_)
            story.step(f"the job {what} became {state_.value}")
        for queue in _JUDGED:
            _until(lambda queue=queue: _parked(stack, queue), f"the bad message of {queue} to be parked")
        story.step("messages that nobody can read were parked")
        _redrive(stack, leftovers)
        story.step("dead letters were listed, and sent again or dropped")
        ends(living.id, JobState.DELETING, JobState.DELETED)
        _until(lambda: _gone(stack, living.id), "an expired job's objects to be erased")
        story.step("a job's life was over, and its objects were erased")


def _notified(stack: Supervisor, darkroom: Darkroom, picture: bytes) -> None:
    """An endpoint that answers 410 is told of a job that ends, and of one that its owner cancels."""
    with gone() as address:
        made = _post(f"{stack.url}/webhooks", json={"url": address}).raise_for_status().json()
        endpoint = f"{stack.url}/webhooks/{made['id']}"
        accepted = darkroom.upload(picture, filename="a.jpg", webhook=made["id"])
        wish = {"content_type": "image/jpeg", "bytes": len(picture), "webhook": made["id"]}
        form = _post(f"{stack.url}/uploads/presign", json=wish).raise_for_status().json()
        darkroom.cancel(form["id"])
        darkroom.wait(accepted.id, timeout=_PATIENCE_SECONDS)

        def deliveries() -> list[dict[str, Any]]:
            return _get(f"{endpoint}/deliveries").raise_for_status().json()["deliveries"]

        _until(lambda: [one["state"] for one in deliveries()] == ["exhausted"] * 2, "both events to be given up")
        _until(lambda: _get(endpoint).json()["state"] == "disabled", "the endpoint to be disabled")
        _get(f"{stack.url}/webhooks").raise_for_status()
        _delete(endpoint).raise_for_status()


def _redrive(stack: Supervisor, leftovers: Leftovers) -> None:
    """As an operator does it. More letters than their reader takes at once lie where it looks for crashes."""
    unanswered = leftovers.unanswered()
    answers = {"queue": Queue.COMPLETIONS, "job": unanswered.id}
    sent = _post(f"{stack.internal_url}/api/dlq/redrive", json=answers)
    if sent.raise_for_status().json()["sent"] != 1:
        raise CannotRun(f"the answer of job {unanswered.id} was not sent again: {sent.text}")
    leftovers.send(Queue.INGEST, _notice(stack, unanswered.id), dead_letters=True)
    for _ in range(30):
        leftovers.send(Queue.TRANSFORMS, "not a message", dead_letters=True)
    for queue in (Queue.TRANSFORMS, *_JUDGED):
        # what its reader has in hand is neither seen nor dropped: it comes back
        _until(lambda queue=queue: _seen_and_dropped(stack, queue), f"the dead letters of {queue} to be had")
    _until(lambda: leftovers.read(unanswered.id).is_final, "a job to go on whose answers lay in the dead letters")


def _seen_and_dropped(stack: Supervisor, queue: Queue) -> bool:
    """Whether there was a dead letter to be given back after a look, and one to be thrown away after that."""
    looked = _get(f"{stack.internal_url}/api/dlq?queue={queue}").raise_for_status().json()
    if not looked["queues"][0]["letters"]:
        return False
    done = _post(f"{stack.internal_url}/api/dlq/redrive", json={"queue": queue, "discard": True})
    return done.raise_for_status().json()["dropped"] > 0


def _notice(stack: Supervisor, job_id: str) -> str:
    """As much of what S3 says as is read of it."""
    place = {
        "bucket": {"name": stack.exports["buckets"]["originals"]},
        "object": {"key": f"direct/x/{job_id}/original"},
    }
    record = {"eventSource": "aws:s3", "eventVersion": "2.1", "eventName": "ObjectCreated:Post", "s3": place}
    return json.dumps({"Records": [record]})


def use_keys(stack: Supervisor, story: Story) -> None:
    """What a stack that asks for keys does beyond one that does not."""
    assert stack.keys is not None
    made = stack.keys.create(OPEN_TENANT, [Scope.UPLOADS_WRITE, Scope.JOBS_READ], None)
    with Darkroom(stack.url, made.key) as darkroom:
        accepted = darkroom.upload(_picture(stack.folder.path), filename="a.jpg")
        darkroom.wait(accepted.id, timeout=_PATIENCE_SECONDS)
    story.step("a picture went through by a key")


def _picture(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with Image.open(showing.sample(folder)) as image:
        image.convert("RGB").resize((600, 400)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _posted(stack: Supervisor, picture: bytes, *, said: bool) -> str:
    """Post a picture straight to S3, and say so or leave that to S3; id of its job."""
    wish = {"content_type": "image/jpeg", "bytes": len(picture)}
    form = _post(f"{stack.url}/uploads/presign", json=wish).raise_for_status().json()
    if said and _post(f"{stack.url}{form['complete_url']}").status_code != httpx.codes.CONFLICT:
        raise CannotRun("what was not posted yet cannot be complete")
    _post(form["url"], data=form["fields"], files={"file": picture}).raise_for_status()
    if said:
        _post(f"{stack.url}{form['complete_url']}").raise_for_status()
    return form["id"]


def _until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise CannotRun(f"waited {_PATIENCE_SECONDS:.0f} s for {what}; see the services")
        # several processes away, and nothing of theirs to wait on
        time.sleep(0.1)


def _parked(stack: Supervisor, queue: Queue) -> bool:
    url = stack.exports["queues"][queue.value]["dead_letter_url"]
    answer = stack.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return answer["Attributes"]["ApproximateNumberOfMessages"] != "0"


def _gone(stack: Supervisor, job_id: str) -> bool:
    def versions(bucket: str) -> list[Any]:
        page = stack.clients["s3"].list_object_versions(Bucket=bucket)
        return [one for one in page.get("Versions", []) + page.get("DeleteMarkers", []) if job_id in one["Key"]]

    return not any(versions(bucket) for bucket in stack.exports["buckets"].values())


def _print(found: Report, story: Story) -> None:
    story.line()
    pairs = [(one, action) for one in UNOBSERVABLE for action in one.actions]
    story.line(f"cannot be observed on the embedded cloud: {len(pairs)}")
    for one, action in pairs:
        story.line(f"  {one.role:12} {action:24} {one.reason} ({one.source})")
    used: dict[str, list[tuple[Right, int]]] = defaultdict(list)
    for right, count in sorted(found.used.items()):
        used[right.role].append((right, count))
    for role, rights in used.items():
        story.line()
        story.line(f"{role} used")
        for right, count in rights:
            story.line(f"  {right.action:28} {count:6} times on {right.resource}")
    story.line()
    for use in found.used_but_not_granted:
        story.line(f"used but not granted: {use.role} {use.action} on {use.resource}")
    for right in found.granted_but_never_used:
        story.line(f"granted but never used: {right.role} {right.action} on {right.resource}")
    story.line(f"used but not granted: {len(found.used_but_not_granted)}")
    story.line(f"granted but never used: {len(found.granted_but_never_used)}")
