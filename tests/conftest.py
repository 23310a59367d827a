"""What holds for every test: a Hypothesis profile, no cloud in the environment, no way out of the machine.

Folders in `PURE` may not even talk to loopback. HYPOTHESIS_PROFILE chooses among the profiles: `default` at the desk,
`check` for the inner loop, `generated` for 10,000 bad inputs of each kind, `ci` always the same examples, `nightly`
long. Found failures are kept, except by `ci`.
"""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).parent
PURE = {"components", "contracts", "functions", "house", "simulation"}
"""Rooms of tests without a socket; a room that is not named here may use loopback, and nothing else."""
LOOPBACK = {"127.0.0.1", "::1", "localhost", b"localhost", None, ""}

# no test asserts a time: there is no deadline, and a slow machine is no failure
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None, print_blob=True)
settings.register_profile(
    "nightly", settings.get_profile("default"), max_examples=20_000, phases=set(Phase) - {Phase.explain}
)
# `make generated`: as many bad inputs of each kind as are promised
settings.register_profile("generated", settings.get_profile("default"), max_examples=10_000)
settings.register_profile("check", settings.get_profile("default"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))

_room = ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell where the test stands, and forget the credentials that an earlier one had in its environment.

    botocore's session keeps what it once found there, and the adapters keep one session for the life of a process.
    """
    global _room
    if clients := sys.modules.get("adapters.clients"):
        clients.forget_credentials()
    _room = item.path.relative_to(ROOT).parts[0] if item.path.is_relative_to(ROOT) else ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """The test is over: what is put away now may be a stack that earlier ones of another folder had."""
    global _room
    _room = ""


@pytest.fixture(autouse=True, scope="session")
def _no_cloud_in_the_environment() -> Iterator[None]:
    """Whoever runs the tests may have an account; no test may find it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "DARKROOM_"))]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_way_out_of_the_machine() -> Iterator[None]:
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX:
            _refuse_beyond(address[0] if isinstance(address, tuple) else None)
        connect(self, address)

    def guarded_resolve(host: object, *args: object, **options: object) -> object:
        _refuse_beyond(host)
        return resolve(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


def _refuse_beyond(host: object) -> None:
    # a stack that another folder's tests still have goes on beside this test, in threads of its own
    if _room in PURE and threading.current_thread() is threading.main_thread():
        raise AssertionError(f"a test of tests/{_room} opened a socket to {host!r}; these tests use none")
    if host not in LOOPBACK:
        raise AssertionError(f"a test opened a socket to {host!r}; tests stay on this machine")
