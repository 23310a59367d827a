"""Entry point of the cloud's process: `python -m local.launcher <settings as JSON>`. Started by `local.cloud`.

MiniStack reads its environment when it is imported, and functions inherit it: so the environment is set here, from
nothing but the settings, before the import.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
import warnings
from pathlib import Path

import uvicorn
import uvloop

from local.cloud import LauncherSettings, decode_settings
from local.jsonlines import JsonLines
from local.lifeline import follow_parent

MINISTACK_VERSION = "1.5.33"


def main() -> None:
    settings = decode_settings(sys.argv[1])
    follow_parent(settings.parent, signal.SIGTERM)
    folder = Path(settings.folder)
    # a cloud of a run that was killed may still be saving its state
    guard = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(guard, fcntl.LOCK_EX)
    listener = socket.socket(fileno=settings.listen_fd)
    port = listener.getsockname()[1]
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_REGION=settings.region,
        AUTH="true",
        PERSIST_STATE="1",
        STATE_DIR=str(folder / "state"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(folder / "objects"),
        TMPDIR=str(folder / "tmp"),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        # no daemon is ever asked for containers, even where one runs
        DOCKER_HOST=f"unix://{folder}/no-docker",
        LOG_LEVEL="INFO",
    )
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    # what MiniStack warns of when it forks beside its threads is answered in `checkpoints`
    warnings.filterwarnings("ignore", message=".*use of fork.*", category=DeprecationWarning)
    uvloop.run(_serve(settings, folder, listener))


async def _serve(settings: LauncherSettings, folder: Path, listener: socket.socket) -> None:
    from ministack import app
    from ministack.core import persistence

    from local.launcher import shims, watching
    from local.launcher.checkpoints import Checkpoints, save_state
    from local.launcher.patching import put_over

    if app._version() != MINISTACK_VERSION:
        raise SystemExit(f"the shims are made for ministack {MINISTACK_VERSION}, this is {app._version()}")
    loop = asyncio.get_running_loop()
    checkpoints = Checkpoints(folder / "state")
    checkpoints.load_sessions()
    put_over(persistence, "save_state", save_state)
    # MiniStack would save while a checkpoint is under way, which would then put older state over it
    put_over(app, "save_all", lambda states: None)
    audit, requests = JsonLines(Path(settings.audit)), JsonLines(Path(settings.requests))
    shims.check_batches_as_single_actions()
    shims.check_deletions_as_both_actions()
    shims.say_leading_keys()
    shims.keep_bodies_on_disk()
    shims.check_posted_digests()
    shims.finish_functions()
    shims.wake_long_polls(loop)
    shims.touch_queues_on_the_loop(loop, lambda: checkpoints.touch("sqs"))
    watching.audit_decisions(audit)
    watching.watch_requests(requests, checkpoints)

    config = uvicorn.Config(
        app.app,
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    checkpoints.start()
    flusher = asyncio.create_task(_flush(audit, requests))
    # uvicorn raises the signal again once it has stopped, and there is something left to do then
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        await checkpoints.finish()
        flusher.cancel()
        audit.flush()
        requests.flush()


async def _flush(*files: JsonLines) -> None:
    while True:
        await asyncio.sleep(0.25)
        for file in files:
            file.flush()


if __name__ == "__main__":
    main()
