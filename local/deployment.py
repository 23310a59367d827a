"""A stack in the hands of the real Pulumi engine: preview, up, refresh, destroy. No account, no login, no plug-in.

The engine is the ordinary Pulumi CLI (`make engine`). It is driven through Pulumi's Automation API: the program runs in
this process, the provider is ours (local.provider), and the state is in files below the folder of the deployment.
"""

import runpy
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct
from pulumi import automation
from pulumi.automation import EngineEvent, LocalWorkspace

from local.cli import Cli, engine_path
from local.problems import CannotRun
from local.provider import Provider, serving

UNCHANGED: Final = frozenset({"same", "refresh", "refresh-update", "refresh-delete", "read"})
"""Steps that change nothing of AWS's."""

Program = Callable[[], None]


class Step(Struct, frozen=True, kw_only=True):
    """What the engine does, or would do, with one resource."""

    op: str
    """`create`, `update`, `replace`, `create-replacement`, `delete-replaced`, `delete`, `same`; and of a refresh what
    it saw: `refresh` if nothing, `refresh-update`, `refresh-delete`."""
    urn: str
    type: str
    parent: str
    inputs: dict[str, Any]
    """As they are to be; of a deletion, as they were."""
    differences: dict[str, str] = {}
    """Paths of inputs that differ, each with the kind of the difference."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one operation."""

    steps: list[Step]
    counts: dict[str, int]
    exports: dict[str, Any]
    messages: list[str]
    """What the program and the engine had to say: warnings and notes."""
    seconds: float

    @property
    def changes(self) -> list[Step]:
        """Steps that change something of AWS's."""
        return [step for step in self.steps if step.op not in UNCHANGED and step.type.startswith("aws:")]


class Failed(CannotRun):
    """The engine could not go on; one line for each reason."""


class Deployment:
    """One stack, with its state in `folder`. One operation at a time; `kill` may come from another thread.

    `config` is what a stack's file holds under `config`. `program` is run in the place of the checkout's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        root: Path,
        stack: str,
        config: Mapping[str, Any],
        provider: Provider,
        program: Program | None = None,
    ) -> None:
        self.folder = folder
        self.provider = provider
        self.name = stack
        self.program = program or _program_of(root)
        self._work = folder / "project"
        for needed in (self._work, folder / "state", folder / "home"):
            needed.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "Pulumi.yaml", self._work)
        self._engine = Cli(engine_path(root), folder / "home")
        self.configure(config)
        self._stack: automation.Stack | None = None

    def configure(self, config: Mapping[str, Any]) -> None:
        """Give the stack another configuration."""
        file = self._work / f"Pulumi.{self.name}.yaml"
        before = yaml.safe_load(file.read_text()) if file.exists() else {}
        file.write_text(yaml.safe_dump({**before, "config": dict(config)}))

    def preview(self) -> Outcome:
        return self._run(lambda stack, on: stack.preview(on_event=on))

    def up(self, *, refresh: bool = False) -> Outcome:
        return self._run(lambda stack, on: stack.up(on_event=on, refresh=refresh or None))

    def refresh(self) -> Outcome:
        """Let the state be what the cloud is."""
        return self._run(lambda stack, on: stack.refresh(on_event=on))

    def destroy(self) -> Outcome:
        return self._run(lambda stack, on: stack.destroy(on_event=on))

    def cancel(self) -> None:
        """Take away the lock that a killed engine left."""
        self._opened().cancel()

    def kill(self) -> None:
        """SIGKILL the engine, wherever it is."""
        self._engine.kill()

    def exported(self) -> dict[str, Any]:
        """The state as the engine exports it."""
        return self._opened().export_stack().deployment or {}

    def imported(self, deployment: Mapping[str, Any]) -> None:
        """Take over a state that was exported."""
        self._opened().import_stack(automation.Deployment(version=3, deployment=dict(deployment)))

    def resources(self) -> dict[str, dict[str, Any]]:
        """Resources of AWS in the state, by URN."""
        found = self.exported().get("resources") or []
        return {one["urn"]: one for one in found if one["type"].startswith("aws:")}

    def _opened(self) -> automation.Stack:
        if self._stack is None:
            workspace = LocalWorkspace(
                work_dir=str(self._work), program=self._as_program(), pulumi_command=self._engine, env_vars={}
            )
            # without a file of attributes beside each file: an engine that is killed while it writes one leaves half of
            # it, and then reads nothing any more (the files themselves are replaced whole, as objects of S3 are)
            self._engine.more = {"PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}?metadata=skip"}
            self._stack = automation.Stack.create_or_select(self.name, workspace)
        return self._stack

    def _as_program(self) -> Program:
        # the Automation API takes the program once; ours may be exchanged
        return lambda: self.program()

    def _run(self, operation: Callable[[automation.Stack, Callable[[EngineEvent], None]], Any]) -> Outcome:
        stack, told = self._opened(), _Told()
        begun = time.monotonic()
        with serving(self.provider) as port:
            self._engine.more["PULUMI_DEBUG_PROVIDERS"] = f"aws:{port}"
            try:
                operation(stack, told.hear)
            except automation.CommandError as error:
                raise Failed("\n".join(told.reasons) or _last_line(str(error))) from None
        return Outcome(
            steps=told.steps,
            counts=dict(Counter(step.op for step in told.steps)),
            exports=told.exports,
            messages=told.messages,
            seconds=time.monotonic() - begun,
        )


class _Told:
    """What the engine tells while it works."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.exports: dict[str, Any] = {}
        self.messages: list[str] = []
        self.errors: list[str] = []

    @property
    def reasons(self) -> list[str]:
        """Errors, without the last of them, which says only that there were some."""
        return [line for line in self.errors if not line.endswith((" failed", " canceled"))] or self.errors

    def hear(self, event: EngineEvent) -> None:
        if event.resource_pre_event is not None:
            self._step(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            metadata = event.res_outputs_event.metadata
            if metadata.type == "pulumi:pulumi:Stack" and metadata.new is not None:
                self.exports = dict(metadata.new.outputs or {})
            elif str(metadata.op.value) in ("update", "delete"):
                self._refreshed(metadata)
        elif event.diagnostic_event is not None and not event.diagnostic_event.ephemeral:
            self._message(event.diagnostic_event)

    def _step(self, metadata: Any, prefix: str = "") -> None:
        state = metadata.new or metadata.old
        found = metadata.detailed_diff or {}
        self.steps.append(
            Step(
                op=f"{prefix}{metadata.op.value}",
                urn=metadata.urn,
                type=metadata.type,
                parent=(state.parent or "") if state else "",
                inputs=dict(state.inputs or {}) if state else {},
                differences={path: one.diff_kind.value for path, one in found.items()},
            )
        )

    def _refreshed(self, metadata: Any) -> None:
        """A refresh tells what it saw only afterwards."""
        places = [place for place, step in enumerate(self.steps) if step.urn == metadata.urn]
        if places and self.steps[places[-1]].op == "refresh":
            self.steps.pop(places[-1])
            self._step(metadata, "refresh-")

    def _message(self, event: Any) -> None:
        # where in the program it happened is for who changes the program: `pulumi preview` shows it
        text = event.message.replace("<{%reset%}>", "").partition("Traceback (most recent")[0]
        if event.severity == "error":
            line = " ".join(text.split())
            if not any(line.endswith(told) for told in self.errors):
                self.errors.append(line)
        elif event.severity != "debug":
            self.messages.append("\n".join(line.rstrip() for line in text.strip().splitlines()))


def _program_of(root: Path) -> Program:
    def program() -> None:
        # its own modules are found from the root, as Pulumi runs it
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    return program


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the engine ended without a word"
