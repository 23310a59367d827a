"""The Pulumi CLI as a process: which one, and with what around it."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pulumi import automation
from semver import VersionInfo

from local.cloud import clean_environment
from local.problems import CannotRun

_MODULE: Final = Path(__file__).parent / "engine" / "go.mod"
_PIN: Final = "require github.com/pulumi/pulumi/pkg/v3 v"


def engine_path(root: Path) -> Path:
    """The Pulumi CLI that `make engine` provided; raises CannotRun."""
    path = root / "build" / "engine" / "pulumi"
    if not path.exists():
        raise CannotRun("the Pulumi engine is missing; run: make engine")
    return path


class Cli(automation.PulumiCommand):
    """The CLI with an environment of its own: nothing of the person's, no network, no questions."""

    def __init__(self, path: Path, home: Path) -> None:
        # not the inherited one, which runs the CLI to ask for its version
        self.command = str(path)
        self.version = pinned_version()
        self.more: dict[str, str] = {}
        self._home = home
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> automation.CommandResult:
        environment = clean_environment(
            self._home,
            {
                **additional_env,
                "PULUMI_HOME": str(self._home),
                "PULUMI_AUTOMATION_API": "true",
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
                **self.more,
            },
        )
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as self._process:
            out, err = self._process.communicate()
        result = automation.CommandResult(stdout=out, stderr=err, code=self._process.returncode)
        if result.code != 0:
            raise automation.errors.create_command_error(result)
        return result

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()


def pinned_version() -> VersionInfo:
    """The engine's version that this checkout is built and tested with."""
    pins = [line.removeprefix(_PIN) for line in _MODULE.read_text().splitlines() if line.startswith(_PIN)]
    return VersionInfo.parse(pins[0])
