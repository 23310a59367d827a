"""`python -m local calls`: how many calls to AWS a job of four variants takes, counted at the server.

Jobs are kept going in a closed loop, so many at once, on a cloud of their own. What the cloud does by itself is not a
call of ours: Lambda's polls of `transforms`, delivery to it, and the deletion of what it took.
"""

import io
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from PIL import Image

from client import Darkroom
from local import showing
from local.counting import Call, Calls, sorted_calls
from local.jsonlines import read
from local.problems import CannotRun
from local.story import Story
from local.supervisor import Supervisor
from local.temporary import temporary

TARGET: Final = 14
_SIZE: Final = (1500, 1000)
"""Pixels of the picture: what a call costs does not hang on it, and the counting is done sooner."""
_PATIENCE_SECONDS: Final = 300
_QUIET_SECONDS: Final = 120.0
"""Longer than a message is hidden whose receiver was never heard of again."""


def calls(jobs: int, at_once: int) -> bool:
    """Print the tables; the last line is `calls per job: N.NN`. Whether that is within the target."""
    story = Story(sys.stdout)
    found = counted(jobs, at_once, story)
    _print(found, jobs, story)
    return found.per_job(jobs) <= TARGET


def counted(jobs: int, at_once: int, story: Story, overrides: dict[str, Any] | None = None) -> Calls:
    """The calls of so many jobs, so many at a time. `overrides` are laid over the stack's configuration."""
    with temporary(overrides, story) as stack:
        picture = _picture(stack)
        # the first job pays for the start of the function, which is no call
        _put_through(stack.url, picture)
        _quiet(stack)
        begun = time.time()
        with ThreadPoolExecutor(at_once) as crowd:
            states = Counter(crowd.map(lambda _: _put_through(stack.url, picture), range(jobs)))
        if states != {"completed": jobs}:
            raise CannotRun(f"not every job was completed: {dict(states)}; see the logs of the services")
        story.step(f"{jobs} jobs completed, {at_once} at a time, {jobs / (time.time() - begun):.1f} a second")
        _quiet(stack)
        ended = time.time()
        names = {arn.rpartition("/")[2]: name for name, arn in stack.exports["roles"].items()}
        stack.stop_soon()
        stack.down()
        requests = [line for line in read(stack.cloud.requests) if begun <= float(str(line["time"])) <= ended]
    return sorted_calls(requests, names, reader="upload")


def _picture(stack: Supervisor) -> bytes:
    buffer = io.BytesIO()
    with Image.open(showing.sample(stack.folder.path)) as image:
        image.convert("RGB").resize(_SIZE).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _put_through(url: str, picture: bytes) -> str:
    with Darkroom(url) as darkroom:
        accepted = darkroom.upload(picture, filename="sample.jpg")
        return darkroom.wait(accepted.id, timeout=_PATIENCE_SECONDS).state


def _quiet(stack: Supervisor) -> None:
    """Wait until the queues are empty: the last messages are acknowledged after the jobs are done."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + _QUIET_SECONDS
    while time.monotonic() < deadline:
        depths = [
            stack.clients["sqs"].get_queue_attributes(QueueUrl=queue["url"], AttributeNames=names)["Attributes"]
            for queue in stack.exports["queues"].values()
        ]
        if not any(int(count) for depth in depths for count in depth.values()):
            return
        time.sleep(0.1)
    raise CannotRun("the queues did not become empty; see the logs of the services")


def _print(counted: Calls, jobs: int, story: Story) -> None:
    story.line()
    _table("calls of the jobs", counted.work, jobs, story)
    _table("not counted: receives that brought nothing", counted.empty_receives, jobs, story)
    _table("not counted: sweeper queries", counted.sweeps, jobs, story)
    _table("not counted: depth reads", counted.depths, jobs, story)
    _table("not counted: status reads for clients", counted.status_reads, jobs, story)
    story.line(f"calls per job: {counted.per_job(jobs):.2f}")


def _table(title: str, counts: Counter[Call], jobs: int, story: Story) -> None:
    story.line(f"{title}: {counts.total()}")
    for call, count in sorted(counts.items()):
        story.line(f"  {call.role:12} {call.service:9} {call.operation:28} {count:7} {count / jobs:7.2f} a job")
    story.line()
