"""Runs the Pulumi program in this process, against the embedded cloud, without the Pulumi engine.

Pulumi's mocks hook gives us each registration with its inputs resolved and waits for our answer, as the engine's
monitor would; so what is created here is what the very program declares. `python -m local.program <parent>` runs it
in a process of its own, with its request as JSON on standard input and its answer on standard output.
"""

import asyncio
import contextlib
import logging
import runpy
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pulumi
from pulumi.runtime import mocks, settings
from pulumi.runtime import stack as engine

from local.applier import Applier
from local.aws import Clients
from local.handlers import CALLS
from local.lifeline import follow_parent
from local.problems import CannotRun
from local.stack import STACK, Applied, Failure, Request, configuration, project_of, region_of


def apply(request: Request) -> Applied:
    """Run the program of this checkout and apply what it declares; raises CannotRun with one line."""
    root = Path(request.root)
    texts = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in configuration(request).items()
    }
    clients = Clients(request.endpoint, region_of(root))
    applier = Applier(clients, Path(request.state_file))
    complete = False
    try:
        exports = _run(root, project_of(root), texts, applier)
        complete = True
    finally:
        applier.finish(complete=complete)
        clients.close()
    return Applied(exports=exports, counts=dict(applier.counts), kept=applier.kept)


def _run(root: Path, project: str, texts: dict[str, str], applier: Applier) -> dict[str, Any]:
    hook = _Hook(applier, applier.region)
    # everything that Pulumi makes belongs to the loop that is current when it is made, the root resource first
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # the root resource of an earlier run in this process would keep its exports
    settings.reset_options(project=project, stack=STACK)
    mocks.set_mocks(hook, project=project, stack=STACK, preview=False, monitor=_Monitor(hook), logger=_silent())
    pulumi.runtime.set_all_config(texts)
    exports: dict[str, Any] = {}

    async def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")
        await engine.wait_for_rpcs()
        # the root resource collects what the program exports
        found = getattr(settings.get_root_resource(), "outputs", {})
        exports.update(await pulumi.Output.from_input(dict(found)).future() or {})

    try:
        loop.run_until_complete(engine.run_pulumi_func(program))
    except Exception as error:
        if hook.failure is not None:
            raise hook.failure from error
        if isinstance(error, pulumi.RunError):
            raise CannotRun(f"Pulumi.{STACK}.yaml: {error}") from error
        raise
    finally:
        asyncio.set_event_loop(None)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    if hook.failure is not None:
        raise hook.failure
    return exports


class _Hook(mocks.Mocks):
    """Answers for the provider. The first failure is kept: Pulumi wraps those that follow from it."""

    def __init__(self, applier: Applier, region: str) -> None:
        self.applier = applier
        self.failure: CannotRun | None = None
        self._region = region

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise CannotRun(f"{args.typ} {args.name}: the local cloud does not read resources of others")

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answer = CALLS.get(args.token)
        if answer is None:
            self.failure = CannotRun(f"the local cloud does not answer {args.token}; local/handlers lists what it does")
            raise self.failure
        return answer(self._region), []


class _Monitor(mocks.MockMonitor):
    """As Pulumi's own, but a registration comes with the URN that the engine would give it, and whether it is a
    component."""

    def __init__(self, hook: _Hook) -> None:
        super().__init__(hook)
        self._hook = hook

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        # Pulumi's own forgets the grandparents
        above = f"{parent.split('::')[2]}$" if parent and not parent.split("::")[2].startswith("pulumi:") else ""
        return "::".join([f"urn:pulumi:{pulumi.get_stack()}", pulumi.get_project(), f"{above}{type_}", name])

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        hook = self._hook
        if hook.failure is not None:
            raise hook.failure
        with _loop_of_this_thread():
            if request.type == "pulumi:pulumi:Stack" or not request.custom:
                return _response(urn, "", {})
            inputs = mocks.rpc.deserialize_properties(request.object)
            try:
                identity, outputs = hook.applier.register(urn, request.type, request.name, inputs)
            except CannotRun as failure:
                hook.failure = hook.failure or failure
                raise
            return _response(urn, identity, {**inputs, **outputs})

    def Invoke(self, request: Any) -> Any:
        with _loop_of_this_thread():
            return super().Invoke(request)


@contextlib.contextmanager
def _loop_of_this_thread() -> Iterator[None]:
    """An event loop for Pulumi's own conversions; it would make one in each of its threads, and close none."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _response(urn: str, identity: str, properties: Mapping[str, Any]) -> Any:
    encoded = mocks._sync_await(mocks.rpc.serialize_properties(dict(properties), {}))
    return mocks.resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=encoded)


def _silent() -> logging.Logger:
    """Pulumi's messages for the engine: each failure is told once, by us."""
    logger = logging.getLogger("local.program.engine")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def main() -> None:
    follow_parent(int(sys.argv[1]), signal.SIGKILL)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    # the program's own prints must not get into the answer
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer: Applied | Failure = apply(request)
        except CannotRun as failure:
            answer = Failure(error=" ".join(str(failure).split()))
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
