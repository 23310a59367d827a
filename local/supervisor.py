"""A run: which processes it has, in which order they come up, what each is given, and how they go down.

The listening sockets are ours: a process that is started again inherits its own, and requests wait in the socket's
queue meanwhile. Keeping processes up is `keeping`.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from local.aws import Clients
from local.cloud import ROOT, Cloud, answers, clean_environment, end
from local.credentials import Credentials
from local.folder import Folder, Running
from local.keeping import Due, Ended, Keeper, Start
from local.problems import CannotRun
from local.stack import Applied, Failure, Request, region_of
from local.story import Story

if TYPE_CHECKING:
    from operations.keys import KeyRing

SERVICES: Final = ("upload", "processing")
_READY_SECONDS: Final = 60.0
_DRAIN_SECONDS: Final = 12.0
"""A service has ten seconds to drain."""


class Supervisor:
    """One run on a folder. `up` returns when all is ready; `supervise` returns when it is to end; `down` ends it.

    `overrides` are laid over the `pipeline` object of the stack's configuration.
    """

    def __init__(
        self, folder: Folder, listener: socket.socket, story: Story, overrides: dict[str, Any] | None = None
    ) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.exports: dict[str, Any] = {}
        self.keys: KeyRing | None = None
        """API keys of the stack; None where none is asked for."""
        self._story = story
        self._overrides = overrides or {}
        self._listeners = {"upload": listener}
        self._keeper = Keeper(self._write_run)
        self._environments: dict[str, dict[str, str]] = {}
        self._clients: Clients | None = None
        self._open = ExitStack()

    @property
    def clients(self) -> Clients:
        """Clients with the root key, for those who look at the cloud from outside."""
        if self._clients is None:
            self._clients = Clients(self.cloud.endpoint, self.cloud.region)
        return self._clients

    @property
    def internal_url(self) -> str:
        """Of the processing service's API, which is never public."""
        return f"http://127.0.0.1:{self._listeners['processing'].getsockname()[1]}"

    def up(self) -> None:
        """Cloud, program, services, in this order; raises CannotRun."""
        self._listeners["cloud"] = self.folder.usual_port_socket("cloud")
        self._listeners["processing"] = self.folder.usual_port_socket("processing")
        self.cloud = Cloud(
            self.folder.path,
            region=region_of(ROOT),
            listener=self._listeners["cloud"],
            log=self.folder.log("cloud"),
        )
        self._open.callback(self.cloud.stop)
        self._keep("cloud", self.cloud.start)
        # the program and the services load their libraries while the cloud boots
        applying = self._apply()
        for name in SERVICES:
            self._keep(name, self._starter(name))
        self.cloud.wait_until_ready()
        self._story.step(f"embedded cloud up at {self.cloud.endpoint}")
        self.credentials = Credentials(lambda: self.clients)
        self.credentials.start()
        self._open.callback(self.credentials.stop)
        self._applied(applying)
        self._ring_keys()
        for name in SERVICES:
            self._inform(name)
        for name in SERVICES:
            self._wait_for(name)
        self._story.step("upload and processing services ready")

    def supervise(self) -> CannotRun | None:
        """Start again what ends, until `stop_soon` is called; the failure that it was given."""
        return self._keeper.supervise(self._tell)

    def stop_soon(self, failure: CannotRun | None = None) -> None:
        """Let `supervise` return. From any thread."""
        self._keeper.stop_soon(failure)

    def down(self) -> None:
        """Stop everything: services drain, then the cloud saves its state. Also after a failed `up`."""
        self._keeper.leave()
        services = [kept.process for kept in self._keeper if kept.name in SERVICES]
        for process in services:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _DRAIN_SECONDS
        for process in services:
            end(process, max(0.0, deadline - time.monotonic()))
        self._open.close()
        for listener in self._listeners.values():
            listener.close()
        self.folder.run_file.unlink(missing_ok=True)
        self.folder.release()

    def _keep(self, name: str, start: Start) -> None:
        self._keeper.keep(name, self._listeners[name].getsockname()[1], start)

    def _tell(self, event: Ended | Due) -> None:
        if isinstance(event, Ended):
            self._story.step(f"{event.name} ended with status {event.status}; see {self.folder.log(event.name)}")
            return
        if event.name == "cloud":
            # what the last checkpoint did not hold is gone; a session may be among it
            self.credentials.forget_sessions()
        self._story.step(f"{event.name} was started again")

    def _apply(self) -> "subprocess.Popen[bytes]":
        request = Request(
            root=str(ROOT),
            endpoint=self.cloud.endpoint,
            state_file=str(self.folder.state_file),
            overrides=self._overrides,
        )
        with self.folder.log("program").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.program", str(os.getpid())],
                cwd=ROOT,
                env=clean_environment(self._home()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._open.callback(end, process, 1.0)
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(request))
        process.stdin.close()
        process.stdin = None
        return process

    def _applied(self, process: "subprocess.Popen[bytes]") -> None:
        answer = process.communicate()[0]
        try:
            result = msgspec.json.decode(answer, type=Applied)
        except msgspec.DecodeError:
            try:
                raise CannotRun(msgspec.json.decode(answer, type=Failure).error) from None
            except msgspec.DecodeError:
                raise CannotRun(f"the program could not be applied; see {self.folder.log('program')}") from None
        self.exports = result.exports
        told = ", ".join(f"{count} {verb}" for verb, count in sorted(result.counts.items()))
        self._story.step(f"program applied: {told}")
        for sentence in result.kept:
            self._story.step(sentence)

    def _ring_keys(self) -> None:
        """Before the services start: one that asks for keys does not start without their pepper."""
        environment = self.exports["services"]["upload"]["environment"]
        if environment["DARKROOM_AUTH"] == "required":
            # most runs are open, and start without these libraries
            from local.keys import key_ring

            self.keys = key_ring(self.clients, environment)

    def _starter(self, name: str) -> Start:
        listener, log = self._listeners[name], self.folder.log(name)
        environment = clean_environment(
            self._home(),
            {
                "DARKROOM_LISTEN_FD": str(listener.fileno()),
                "TMPDIR": str(self.folder.path / "tmp"),
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )

        def start() -> "subprocess.Popen[bytes]":
            with log.open("ab") as output:
                process = subprocess.Popen(
                    self._command(name),
                    cwd=ROOT,
                    env=environment,
                    pass_fds=(listener.fileno(),),
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            _inform(process, self._environments.get(name))
            return process

        return start

    def _command(self, name: str) -> list[str]:
        """What a service is started as; its environment comes later."""
        return [sys.executable, "-m", "local.service", f"services.{name}", str(os.getpid())]

    def _inform(self, name: str) -> None:
        """Give a service that waits for it the environment that the program made, and its credentials."""
        made = self.exports["services"][name]
        self._environments[name] = {**made["environment"], **self.credentials.environment(name, made["role_arn"])}
        _inform(self._keeper[name].process, self._environments[name])

    def _home(self) -> Path:
        home = self.folder.path / "home"
        home.mkdir(exist_ok=True)
        return home

    def _wait_for(self, name: str) -> None:
        kept = self._keeper[name]
        if not answers(kept.port, "/readyz", _READY_SECONDS, kept.process):
            log = self.folder.log(name)
            raise CannotRun(f"the {name} service did not start: {_last_line(log)} (its log is {log})")

    def _write_run(self) -> None:
        processes = [Running(name="supervisor", pid=os.getpid(), port=None)]
        processes += [Running(name=kept.name, pid=kept.process.pid, port=kept.port) for kept in self._keeper]
        self.folder.write_run(processes)


def _inform(process: "subprocess.Popen[bytes]", environment: dict[str, str] | None) -> None:
    if process.stdin is None or environment is None:
        return
    # one that ended meanwhile is started again, or told of as not having started
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(msgspec.json.encode(environment) + b"\n")
    process.stdin = None


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
