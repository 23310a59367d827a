"""Inside a checkout of an earlier commit: its program deployed by the engine, its services at work, its jobs in every
state. Started by tests/support/earlier.py, with that checkout as the working folder, whose code it imports.

    python earlier_world.py live <folder> <facts>     the run, until its cloud is stopped with jobs in flight
    python earlier_world.py deploy <today> <folder> <endpoint>     the deployment of its program by today's engine
"""

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0


def live(place: Path, facts_file: Path) -> None:
    """Bring the run up, have it deployed by the engine, fill it, and stop it in the middle."""
    sys.path.insert(0, os.getcwd())
    folders = importlib.import_module("local.folder")
    folder = folders.Folder(place)
    folder.hold()
    story = importlib.import_module("local.story").Story(None)
    run: Any = importlib.import_module("local.supervisor").Supervisor(folder, folders.port_socket(0), story)
    try:
        run.up()
        command = [sys.executable, __file__, "deploy", str(Path(__file__).parents[2]), str(place), run.cloud.endpoint]
        subprocess.run(command, check=True)
        facts = {"endpoint": run.cloud.endpoint, **_filled(run)}
        _stopped(run)
    finally:
        run.down()
    facts_file.write_text(json.dumps(facts))


def _filled(run: Any) -> dict[str, Any]:
    """Jobs in every state, messages in every place; what each is, by its id."""
    darkroom = importlib.import_module("client").Darkroom(run.url)
    leftovers = importlib.import_module("local.leftovers")
    picture, lambda_, sqs = _picture(), run.clients["lambda"], run.clients["sqs"]
    jobs: dict[str, str] = {}

    def uploaded(name: str, body: bytes = picture, **options: Any) -> str:
        jobs[name] = darkroom.upload(body, filename="small.jpg", **options).id
        return jobs[name]

    done = darkroom.wait(uploaded("completed"))
    darkroom.wait(uploaded("rejected", picture[: len(picture) // 2]))
    left = leftovers.Leftovers(run, done.id, picture)
    jobs["reserved"] = left.reserved().id
    (mapping,) = lambda_.list_event_source_mappings()["EventSourceMappings"]
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    transforms = run.exports["queues"]["transforms"]["url"]
    # somebody took an order, and is never heard of again
    uploaded("order in hand")
    _until(lambda: _depth(sqs, transforms) == (1, 0), "an order")
    sqs.receive_message(QueueUrl=transforms, MaxNumberOfMessages=1)
    taken = time.time()
    # another was worked on, and nobody has read the answer
    uploaded("answered")
    _until(lambda: _depth(sqs, transforms) == (1, 1), "another order")
    os.kill(_pid(run, "processing"), signal.SIGSTOP)
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    completions = run.exports["queues"]["completions"]["url"]
    _until(lambda: sum(_depth(sqs, completions)) == 1, "an answer")
    uploaded("queued")
    uploaded("queued in bulk", priority="bulk")
    states = {name: left.read(job).state.value for name, job in jobs.items()}
    darkroom.close()
    return {"taken": taken, "jobs": jobs, "states": states, "variants": [one.bytes for one in done.variants]}


def _stopped(run: Any) -> None:
    """Stop the cloud in good order, as if it were AWS: whoever read or wrote is gone before."""
    for name in ("processing", "upload"):
        os.kill(_pid(run, name), signal.SIGKILL)
    run._keeper.leave()
    run.cloud.stop()


def _pid(run: Any, name: str) -> int:
    return next(one["pid"] for one in json.loads(run.folder.run_file.read_text()) if one["name"] == name)


def _depth(sqs: Any, url: str) -> tuple[int, int]:
    """Messages that wait, and that are in somebody's hand."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def _until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited for {what}")
        time.sleep(0.05)


def _picture() -> bytes:
    image = importlib.import_module("PIL.Image")
    buffer = io.BytesIO()
    image.linear_gradient("L").resize((320, 240)).convert("RGB").save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def deploy(today: Path, place: Path, endpoint: str) -> None:
    """Today's engine and provider, that commit's program: the state, exported, beside the run's folder."""
    sys.path.insert(0, str(today))
    aws, deployments, providers, stacks = (
        importlib.import_module(f"local.{name}") for name in ("aws", "deployment", "provider", "stack")
    )
    # from here on the other modules are those of the commit
    sys.path[0] = os.getcwd()
    root = Path.cwd()
    region = stacks.region_of(root)
    config = stacks.configuration(stacks.Request(root=str(root), endpoint=endpoint, state_file=""))
    provider = providers.Provider(region, aws.Clients(endpoint, region))
    made = deployments.Deployment(place / "engine", root=root, stack="local", config=config, provider=provider)
    made.up()
    (place / "deployment.json").write_text(json.dumps(made.exported()))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "live":
        live(Path(rest[0]), Path(rest[1]))
    else:
        deploy(Path(rest[0]), Path(rest[1]), rest[2])
