"""Starts the processes of a run, keeps them up, and stops them.

    main thread    starts processes, waits for what happens to them
    one thread a process    waits for its end
    credentials    hands out sessions

The listening sockets are ours: a process that is started again inherits its own, and requests wait in the socket's
queue meanwhile. Processes are started from the main thread only: on Linux "the parent ended" means that thread.
"""

import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from local.aws import Clients
from local.cloud import ROOT, Cloud, answers, clean_environment, end
from local.credentials import Credentials
from local.folder import Folder, Run, Running
from local.problems import CannotRun
from local.stack import Applied, Failure, Request, region_of
from local.story import Story

SERVICES: Final = ("upload", "processing")
_READY_SECONDS: Final = 30.0
_DRAIN_SECONDS: Final = 12.0
"""A service has ten seconds to drain."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0
"""Seconds before a process that ended is started again; doubles while it keeps ending."""
_STEADY_SECONDS: Final = 10.0
"""A process that lived this long is well again."""


class Ended(Struct, frozen=True):
    """A process ended by itself."""

    name: str
    pid: int
    status: int


class Due(Struct, frozen=True):
    """It is time to start a process again."""

    name: str


class Stopped(Struct, frozen=True):
    """Somebody wants the run to end; with a failure, it ends with that."""

    failure: CannotRun | None = None


class _Child:
    """A process that is kept up."""

    def __init__(self, name: str, port: int, start: "Callable[[], subprocess.Popen[bytes]]") -> None:
        self.name = name
        self.port = port
        self.start = start
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.wait = _FIRST_WAIT


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
        self.events: queue.SimpleQueue[Ended | Due | Stopped] = queue.SimpleQueue()
        self._story = story
        self._overrides = overrides or {}
        self._listeners = {"upload": listener}
        self._children: dict[str, _Child] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._clients: Clients | None = None
        self._timers: list[threading.Timer] = []
        self._stopping = False
        self._open = ExitStack()

    @property
    def clients(self) -> Clients:
        """Clients with the root key, for those who look at the cloud from outside."""
        if self._clients is None:
            self._clients = Clients(self.cloud.endpoint, self.cloud.region)
        return self._clients

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
        for name in SERVICES:
            self._inform(name)
        for name in SERVICES:
            self._wait_for(name)
        self._story.step("upload and processing services ready")

    def supervise(self) -> CannotRun | None:
        """Start again what ends, until Stopped comes; its failure."""
        while True:
            event = self.events.get()
            if isinstance(event, Stopped):
                return event.failure
            child = self._children[event.name]
            if isinstance(event, Due):
                self._start(child)
                if event.name == "cloud":
                    # what the last checkpoint did not hold is gone; a session may be among it
                    self.credentials.forget_sessions()
                self._story.step(f"{event.name} started again")
            elif child.process is not None and child.process.pid == event.pid:
                self._story.step(f"{event.name} ended with status {event.status}; see {self.folder.log(event.name)}")
                self._later(child)

    def stop_soon(self, failure: CannotRun | None = None) -> None:
        """Let `supervise` return. From any thread or signal handler."""
        self.events.put(Stopped(failure))

    def down(self) -> None:
        """Stop everything: services drain, then the cloud saves its state. Also after a failed `up`."""
        self._stopping = True
        for timer in self._timers:
            timer.cancel()
        services = [child.process for name, child in self._children.items() if name != "cloud" and child.process]
        for process in services:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _DRAIN_SECONDS
        for process in services:
            end(process, max(0.0, deadline - time.monotonic()))
        if "cloud" in self._children:
            self.cloud.stop()
        self._open.close()
        for listener in self._listeners.values():
            listener.close()
        self.folder.run_file.unlink(missing_ok=True)
        self.folder.release()

    def _keep(self, name: str, start: "Callable[[], subprocess.Popen[bytes]]") -> None:
        child = self._children[name] = _Child(name, self._listeners[name].getsockname()[1], start)
        self._start(child)

    def _start(self, child: _Child) -> None:
        process = child.process = child.start()
        child.started = time.monotonic()
        threading.Thread(target=self._await_end, args=(child.name, process), daemon=True, name=child.name).start()
        self._write_run()

    def _await_end(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        status = process.wait()
        if not self._stopping:
            self.events.put(Ended(name, process.pid, status))

    def _later(self, child: _Child) -> None:
        lived = time.monotonic() - child.started
        child.wait = _FIRST_WAIT if lived >= _STEADY_SECONDS else min(child.wait * 2, _LONGEST_WAIT)
        timer = threading.Timer(child.wait, self.events.put, (Due(child.name),))
        timer.daemon = True
        self._timers = [one for one in self._timers if one.is_alive()] + [timer]
        timer.start()

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

    def _starter(self, name: str) -> "Callable[[], subprocess.Popen[bytes]]":
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
                    [sys.executable, "-m", "local.service", f"services.{name}", str(os.getpid())],
                    cwd=ROOT,
                    env=environment,
                    pass_fds=(listener.fileno(),),
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            _tell(process, self._environments.get(name))
            return process

        return start

    def _inform(self, name: str) -> None:
        """Give a service that waits for it the environment that the program made, and its credentials."""
        made = self.exports["services"][name]
        self._environments[name] = {**made["environment"], **self.credentials.environment(name, made["role_arn"])}
        process = self._children[name].process
        if process is not None:
            _tell(process, self._environments[name])

    def _home(self) -> Path:
        home = self.folder.path / "home"
        home.mkdir(exist_ok=True)
        return home

    def _wait_for(self, name: str) -> None:
        child = self._children[name]
        if not answers(child.port, "/readyz", _READY_SECONDS, child.process):
            log = self.folder.log(name)
            raise CannotRun(f"the {name} service did not start: {_last_line(log)} (its log is {log})")

    def _write_run(self) -> None:
        processes = [Running(name="supervisor", pid=os.getpid(), port=None)]
        for child in self._children.values():
            if child.process is not None:
                processes.append(Running(name=child.name, pid=child.process.pid, port=child.port))
        self.folder.write_run(Run(url=self.url, processes=processes))


def _tell(process: "subprocess.Popen[bytes]", environment: dict[str, str] | None) -> None:
    if process.stdin is None or environment is None:
        return
    # one that ended meanwhile is started again, or told of as not having started
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(msgspec.json.encode(environment) + b"\n")
    process.stdin = None


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
