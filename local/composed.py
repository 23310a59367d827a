"""`python -m local.composed`: the first container of compose.yaml, which the two services stand on.

It holds the embedded cloud, applies the program, hands each service its environment and its role's session, and lets
connections from outside in. The services are containers of their own, of the images that production runs; they share
this one's loopback, so that all three speak to each other as they do in `make run`.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec

from local import handed
from local.aws import Clients
from local.cloud import ROOT, Cloud, answers
from local.credentials import Credentials
from local.folder import Folder, port_socket
from local.gate import open_gates
from local.keeping import Due, Ended, Keeper
from local.problems import CannotRun
from local.stack import Request, region_of
from local.story import Story

SERVICES: Final = {"upload": 8000, "processing": 8001}
"""The services and the ports that their images listen on."""
PAGE_GATE: Final = 18000
CLOUD_GATE: Final = 14566
"""Ports that compose.yaml publishes: the page's, and the cloud's, where links to results lead."""
_START_SECONDS: Final = 120.0


class Interrupted(BaseException):
    """A signal asked the container to end."""


class Composed:
    """What this container holds. `up` returns when the services can start; `supervise` when it is to end."""

    def __init__(self, folder: Folder, cloud_port: int, story: Story) -> None:
        self._folder = folder
        self._story = story
        self._keeper = Keeper(lambda: None)
        self._listener = port_socket(cloud_port)
        self._open = ExitStack()
        self._open.callback(self._listener.close)
        self.cloud = Cloud(folder.path, region=region_of(ROOT), listener=self._listener, log=folder.log("cloud"))
        self.clients = Clients(self.cloud.endpoint, self.cloud.region)
        self._open.callback(self.clients.close)
        self.credentials = Credentials(lambda: self.clients)

    def up(self) -> None:
        """Cloud, program, environments, gates, in this order; raises CannotRun."""
        self._keeper.keep("cloud", self.cloud.port, self.cloud.start)
        self._open.callback(self.cloud.stop)
        # it loads Pulumi, which takes as long as the cloud takes to boot
        from local.program import apply

        self.cloud.wait_until_ready()
        self._story.step(f"embedded cloud up at {self.cloud.endpoint}")
        self.credentials.start()
        self._open.callback(self.credentials.stop)
        applied = apply(Request(root=str(ROOT), endpoint=self.cloud.endpoint, state_file=str(self._folder.state_file)))
        told = ", ".join(f"{count} {verb}" for verb, count in sorted(applied.counts.items()))
        self._story.step(f"program applied: {told}")
        for sentence in applied.kept:
            self._story.step(sentence)
        self._hand_out({name: self._environment(name, applied.exports["services"][name]) for name in SERVICES})
        open_gates({PAGE_GATE: SERVICES["upload"], CLOUD_GATE: self.cloud.port})

    def supervise(self) -> None:
        """Start the cloud again when it ends. Until a signal."""
        self._keeper.supervise(self._tell)

    def down(self) -> None:
        """Let the cloud save its state. Also after a failed `up`."""
        self._keeper.leave()
        self._open.close()
        self._folder.release()

    def _environment(self, name: str, made: Mapping[str, Any]) -> dict[str, str]:
        return {**made["environment"], **self.credentials.environment(name, made["role_arn"])}

    def _hand_out(self, environments: Mapping[str, Mapping[str, str]]) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", handed.PORT), _handler(environments))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True, name="handing").start()
        self._open.callback(server.server_close)
        self._open.callback(server.shutdown)

    def _tell(self, event: Ended | Due) -> None:
        if isinstance(event, Ended):
            self._story.step(f"{event.name} ended with status {event.status}; see {self._folder.log(event.name)}")
            return
        # what the last checkpoint did not hold is gone; a session may be among it
        self.credentials.forget_sessions()
        self._story.step(f"{event.name} was started again")


def show(url: str, folder: Folder, story: Story) -> None:
    """A sample through the pipeline once both services are ready, and where the page is: as `make run` does it."""
    if not all(answers(port, "/readyz", _START_SECONDS, None) for port in SERVICES.values()):
        story.step("the services did not become ready; see what their containers say")
        return
    story.step("upload and processing services ready")
    # loaded while the services are starting: it brings an HTTP client and a picture library
    from local import showing

    try:
        showing.show(f"http://127.0.0.1:{SERVICES['upload']}", showing.sample(folder.path), story)
    except CannotRun as failure:
        story.step(str(failure))
        return
    story.line()
    story.line(f"The page is at {url}/   (the data stays in the volume)")


def _handler(environments: Mapping[str, Mapping[str, str]]) -> type[BaseHTTPRequestHandler]:
    answers = {f"/environment/{name}": dict(environment) for name, environment in environments.items()}
    # what the image's health check asks
    answers["/healthz"] = {"process": "cloud"}

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            body = msgspec.json.encode(found if found is not None else {"message": "no such service"})
            self.send_response(HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Asked


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.composed", description="The cloud of compose.yaml.")
    parser.add_argument("--data", type=Path, required=True, help="folder of everything that is kept")
    parser.add_argument("--port", type=int, required=True, help="where the machine finds the page")
    parser.add_argument("--cloud-port", type=int, required=True, help="where the machine finds the cloud: links say it")
    parsed = parser.parse_args(arguments)
    story = Story(sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        folder = Folder(parsed.data)
        folder.hold()
        composed = Composed(folder, parsed.cloud_port, story)
    except CannotRun as reason:
        story.step(str(reason))
        return 2
    try:
        composed.up()
        url = f"http://127.0.0.1:{parsed.port}"
        threading.Thread(target=show, args=(url, folder, story), daemon=True, name="showing").start()
        composed.supervise()
    except Interrupted:
        story.step("stopping")
    except CannotRun as reason:
        story.step(str(reason))
        return 2
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        composed.down()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
