"""The text that a new host is given: it arrives as meant, it is bash, and its parts do here what they do there."""

import http.server
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.naming import MAX_LABEL_CHARS
from components.user_data import MAX_BYTES, STOP_SECONDS, HostText, environment_file, user_data
from contracts.environment import ProcessingEnvironment, UploadEnvironment, from_environ, to_environ
from contracts.messages import Queue

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/darkroom/upload@sha256:" + "a" * 64
HOST = HostText(
    reached=True,
    service="upload",
    image=IMAGE,
    port=8000,
    region="eu-west-1",
    group="darkroom-dev-upload",
    launching_hook="ready",
    terminating_hook="drained",
    pause_seconds=20,
    log_group="darkroom-dev-upload",
    environment={"DARKROOM_STACK": "dev", "DARKROOM_ODD": """{"a": "$HOME `id` ' \\" \\\\ #"}  """},
)
FILE = re.compile(
    r"install -D -m (\d+) /dev/stdin (\S+) <<'END_OF_FILE'\n(.*?)^END_OF_FILE\n", re.DOTALL | re.MULTILINE
)

values = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)
names = st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True)


def files(text: str) -> dict[str, tuple[str, str]]:
    """Mode and text of every file that the script writes."""
    return {path: (mode, body) for mode, path, body in FILE.findall(text)}


def read_by_docker(text: str) -> dict[str, str]:
    """As docker's command line reads an --env-file: no quotes, no escapes, `#` only at the start of a line.

    https://docs.docker.com/reference/cli/docker/container/run/#env
    """
    variables = {}
    # bufio.ScanLines: only \n ends a line, and one \r before it goes with it
    for line in text.split("\n"):
        line = line.removesuffix("\r").lstrip()
        if line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals
            assert not re.search(r"\s", name)
            variables[name] = value
    return variables


@given(st.dictionaries(names, values))
def test_any_value_arrives_in_the_process_as_it_is(variables: dict[str, str]) -> None:
    assert read_by_docker(environment_file(variables)) == variables


@settings(max_examples=20)
@given(st.dictionaries(names, values, max_size=30))
def test_any_value_stands_in_the_file_that_bash_writes(variables: dict[str, str]) -> None:
    """A here-document with a quoted end changes nothing."""
    text = user_data(msgspec.structs.replace(HOST, environment=variables))
    found = re.search(
        r"^install -D -m 0600 /dev/stdin /etc/darkroom/environment( .*?\nEND_OF_FILE\n)", text, re.M | re.S
    )
    assert found is not None
    written = subprocess.run(["bash", "-c", "cat" + found[1]], capture_output=True, check=True).stdout.decode()
    assert variables.items() <= read_by_docker(written).items()


@given(values, st.sampled_from("\n\r\0\x1b\x85\u2028\u2029\ud800"), values)
def test_a_value_that_no_line_can_carry_is_refused(before: str, separator: str, after: str) -> None:
    with pytest.raises(ValueError, match="DARKROOM_STACK has a character in it that a line of text cannot carry"):
        environment_file({"DARKROOM_STACK": before + separator + after})


@pytest.mark.parametrize("name", ["", "A B", "a", "A=B", "#A", "1A", "Ä", "A\n"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a variable"):
        environment_file({name: "x"})


@pytest.mark.parametrize(
    "change",
    [
        {"image": "darkroom/upload:latest"},
        {"image": IMAGE + "\nX=1"},
        {"group": "a b"},
        {"log_group": "$(id)"},
        {"region": ""},
        {"service": "up\nload"},
    ],
)
def test_what_systemd_would_read_as_something_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is"):
        user_data(msgspec.structs.replace(HOST, **change))


def test_a_text_that_ec2_would_not_take_is_refused() -> None:
    with pytest.raises(
        ValueError, match=f"the user data of darkroom-dev-upload has 2.... bytes; EC2 takes {MAX_BYTES}"
    ):
        user_data(msgspec.structs.replace(HOST, environment={"A": "x" * 20_000}))


def test_the_longest_configuration_there_can_be_fits() -> None:
    """The longest names of everything, in both services: half of what EC2 takes is free."""
    stack, label, region = "s" * 100, "l" * MAX_LABEL_CHARS, "ap-southeast-99"
    urls = {
        queue: f"https://sqs.{region}.amazonaws.com/123456789012/darkroom-{label}-{queue.value}-dead-letters"
        for queue in Queue
    }
    arn = f"arn:aws:iam::123456789012:role/darkroom-{label}-link-signer"
    common = {"region": region, "stack": stack, "jobs_table": "j" * 64, "due_shards": 256}
    common |= {"originals_bucket": "o" * 63, "results_bucket": "r" * 63, "queue_urls": urls}
    environments = [
        UploadEnvironment(
            **common,
            registry_table="t" * 64,
            pepper_secret_name="p" * 64,
            link_signer_role_arn=arn,
            auth="required",
        ),
        ProcessingEnvironment(
            **common,
            dead_letter_urls=urls,
            eraser_role_arn=arn,
            transform_concurrency=1_000,
            registry_table="t" * 64,
            public_url="https://" + "d" * 253,
        ),
    ]
    for environment in environments:
        long = msgspec.structs.replace(HOST, environment=to_environ(environment), image=IMAGE.replace("/up", "/" * 200))
        assert len(user_data(long).encode()) < 0.6 * MAX_BYTES


def test_the_process_reads_from_the_file_what_the_stack_told_it() -> None:
    meant = UploadEnvironment(
        region="eu-west-1",
        stack="dev",
        originals_bucket="o",
        results_bucket="r",
        jobs_table="j",
        due_shards=8,
        queue_urls={Queue.JOBS: "https://a", Queue.JOBS_BULK: "https://b"},
        link_signer_role_arn="arn:aws:iam::1:role/x",
        auth="required",
        registry_table="darkroom-prod-registry",
        pepper_secret_name="darkroom-prod-key-pepper",  # noqa: S106 - the name of a secret
        spool_directory="/spool",
    )
    told = msgspec.structs.replace(meant, spool_directory=None)
    text = user_data(msgspec.structs.replace(HOST, environment=to_environ(told)))
    variables = read_by_docker(files(text)["/etc/darkroom/environment"][1])
    assert from_environ(UploadEnvironment, variables) == meant
    assert (variables["DARKROOM_HOST"], variables["DARKROOM_PORT"]) == ("0.0.0.0", "8000")  # noqa: S104 - in a container


def test_what_nobody_reaches_listens_on_the_hosts_loopback() -> None:
    text = user_data(msgspec.structs.replace(HOST, reached=False))
    variables = read_by_docker(files(text)["/etc/darkroom/environment"][1])
    assert variables["DARKROOM_HOST"] == "127.0.0.1"


def test_the_container_is_shut_in() -> None:
    unit = files(user_data(HOST))["/etc/systemd/system/darkroom.service"][1]
    for option in (
        "--network host", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--user 10001:10001",
        "--tmpfs /tmp:rw,noexec,nosuid,nodev,size=64m", "--memory ${MEMORY_KB}k", "--pids-limit 256", "--pull never",
        "--mount type=bind,source=/var/lib/darkroom/spool,target=/spool", "--env-file /etc/darkroom/environment",
    ):  # fmt: skip
        assert option in unit
    assert "privileged" not in unit.replace("no-new-privileges", "")
    assert re.search(r"^Restart=always$", unit, re.MULTILINE)
    kill = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert kill is not None
    assert int(kill[1]) > STOP_SECONDS > 10


def test_everything_is_bash_and_shellcheck_finds_nothing(tmp_path: Path) -> None:
    text = user_data(HOST)
    scripts = [text, *(body for _, body in files(text).values() if body.startswith("#!/bin/bash"))]
    assert len(scripts) == 3
    shellcheck = Path(sys.executable).with_name("shellcheck")
    for number, script in enumerate(scripts):
        path = tmp_path / f"{number}.sh"
        path.write_text(script)
        subprocess.run(["bash", "-n", path], check=True)
        found = subprocess.run([shellcheck, "--norc", path], capture_output=True, text=True)
        assert found.returncode == 0, found.stdout


class Machine:
    """A folder that the script takes for a whole machine; every command that would reach beyond it is written down."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.said = root / "said"
        self.said.write_text("")
        (root / "var/lib/cloud/data").mkdir(parents=True)
        (root / "var/lib/cloud/data/instance-id").write_text("i-0123456789abcdef0\n")
        (root / "run").mkdir()
        (root / "proc").mkdir()
        (root / "proc/meminfo").write_text("MemTotal:        1900000 kB\nMemFree: 1 kB\n")
        for name in ("dnf", "systemctl", "docker", "aws", "sleep"):
            self.stub(name)
        # the last of its time-outs counts: here a slow answer is an answer
        patient = self.bin / "curl"
        patient.write_text(f'#!/bin/bash\nexec {shutil.which("curl")} "$@" -m 300\n')
        patient.chmod(0o755)

    def stub(self, name: str, then: str = "") -> None:
        """A command that only writes down that it was called, and then does this."""
        path = self.bin / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> {self.said}\n{then}\n')
        path.chmod(0o755)

    def here(self, text: str) -> str:
        """The text with its paths moved into the folder."""
        return re.sub(r"(?<![\w.}])/(etc|usr/local|var|proc|run)\b", rf"{self.root}/\1", text)

    def run(self, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
        # nobody's number on this machine: the owner of the spool is who runs the test
        text = text.replace("-o 10001 -g 10001", f"-o {os.getuid()} -g {os.getgid()}")
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", **variables}
        return subprocess.run(
            ["bash", "-c", self.here(text)], env=environment, capture_output=True, text=True, timeout=600
        )

    def calls(self) -> list[str]:
        return self.said.read_text().splitlines()

    def told(self) -> dict[str, str]:
        """What the units and scripts read from the file of the host."""
        return dict(line.split("=", 1) for line in (self.root / "etc/darkroom/host").read_text().splitlines())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_whole_script_sets_a_host_up(machine: Machine) -> None:
    text = user_data(HOST)
    ran = machine.run(text)
    assert (ran.returncode, ran.stderr) == (0, "")
    for path, (mode, body) in files(text).items():
        written = machine.root / path[1:]
        assert oct(stat.S_IMODE(written.stat().st_mode)) == oct(int(mode, 8)), path
        assert written.read_text().startswith(machine.here(body)), path
    assert stat.S_IMODE((machine.root / "var/lib/darkroom/spool").stat().st_mode) == 0o700
    assert (machine.told()["INSTANCE"], machine.told()["MEMORY_KB"]) == ("i-0123456789abcdef0", "1425000")
    assert machine.calls() == [
        "systemctl mask --now sshd.service",
        "dnf install --assumeyes --quiet docker",
        "systemctl daemon-reload",
        "systemctl enable --now docker.service",
        "systemctl enable --now --no-block darkroom.service darkroom-lifecycle.service",
    ]


def test_packages_that_do_not_come_are_asked_for_again_and_then_given_up(machine: Machine) -> None:
    machine.stub("dnf", "exit 1")
    assert machine.run(user_data(HOST)).returncode == 1
    assert machine.calls().count("dnf install --assumeyes --quiet docker") == 5
    assert not any("docker.service" in call for call in machine.calls())


def test_the_units_are_ones_that_systemd_takes(machine: Machine) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("this machine has no systemd-analyze")
    machine.run(user_data(HOST))
    folder = machine.root / "etc/systemd/system"
    (folder / "docker.service").write_text("[Service]\nExecStart=/bin/true\n")
    for path in folder.iterdir():
        path.write_text(path.read_text().replace("/usr/bin/docker", str(machine.bin / "docker")))
    found = subprocess.run(
        ["systemd-analyze", "verify", *sorted(map(str, folder.glob("darkroom*")))],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stderr) == (0, "")


def script(machine: Machine, name: str) -> str:
    return files(user_data(HOST))[f"/usr/local/lib/darkroom/{name}"][1]


def test_an_image_is_pulled_once_and_its_password_forgotten(machine: Machine) -> None:
    machine.run(user_data(HOST))
    machine.said.write_text("")
    machine.stub("docker", '[ "$1" = image ] && exit 1; [ "$1" = login ] && cat > "$DOCKER_CONFIG/config.json"; true')
    machine.stub("aws", "echo secret")
    ran = machine.run(script(machine, "pull"), **machine.told())
    assert (ran.returncode, list((machine.root / "run").iterdir())) == (0, [])
    registry = IMAGE.partition("/")[0]
    assert sorted(machine.calls()) == sorted(
        [
            f"docker image inspect {IMAGE}",
            "aws ecr get-login-password --region eu-west-1",
            f"docker login --username AWS --password-stdin {registry}",
            f"docker pull --quiet {IMAGE}",
        ]
    )
    machine.said.write_text("")
    machine.stub("docker")
    assert machine.run(script(machine, "pull"), **machine.told()).returncode == 0
    assert machine.calls() == [f"docker image inspect {IMAGE}"]


TOKEN = "a-token"  # noqa: S105 - of the metadata server below


class Around:
    """What a host finds around it: metadata by IMDSv2, and its own service, each answering by a script.

    `states` and `serves` are what is told at each look, the last one for ever.
    """

    def __init__(self, states: list[str], ready: list[bool], healthy: list[bool]) -> None:
        self.answers = {
            "/latest/meta-data/autoscaling/target-lifecycle-state": iter(states),
            "/readyz": iter(ready),
            "/healthz": iter(healthy),
        }
        self.without_token = 0

    def answer(self, path: str, token: str | None) -> str | None:
        if path.startswith("/latest/") and token != TOKEN:
            self.without_token += 1
            return None
        told = next(self.answers[path])
        return told if isinstance(told, str) else "{}" if told else None


@pytest.fixture
def serving() -> Iterator[Any]:
    """Starts a server of both, and says where it is."""
    servers = []

    def start(around: Around) -> dict[str, str]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._reply(TOKEN if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "60" else None)

            def do_GET(self) -> None:
                self._reply(around.answer(self.path, self.headers["X-aws-ec2-metadata-token"]))

            def _reply(self, text: str | None) -> None:
                self.send_response(404 if text is None else 200)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return {"IMDS": f"http://127.0.0.1:{server.server_port}", "PORT": str(server.server_port)}

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answered(hook: str, result: str) -> str:
    return (
        "aws autoscaling complete-lifecycle-action --region eu-west-1 --auto-scaling-group-name darkroom-dev-upload "
        f"--instance-id i-0123456789abcdef0 --lifecycle-hook-name {hook} --lifecycle-action-result {result}"
    )


def lived(machine: Machine, serving: Any, around: Around, **told: str) -> list[str]:
    """What the lifecycle did beyond waiting for its next look."""
    machine.run(user_data(HOST))
    machine.said.write_text("")
    ran = machine.run(script(machine, "lifecycle"), **{**machine.told(), **serving(around), **told})
    assert (ran.returncode, ran.stderr) == (0, "")
    return [call for call in machine.calls() if call != "sleep 5"]


SERVES, GOES = "InService", "Terminated"
DRAIN = ["sleep 20", "systemctl stop darkroom.service", answered("drained", "CONTINUE")]


def test_a_host_says_that_it_is_ready_once_and_is_drained_before_it_goes(machine: Machine, serving: Any) -> None:
    around = Around([SERVES] * 5 + [GOES], ready=[False, False, True], healthy=[True] * 9)
    assert lived(machine, serving, around) == [answered("ready", "CONTINUE"), *DRAIN]
    assert around.without_token == 0


def test_a_host_that_is_not_ready_in_time_gives_itself_up(machine: Machine, serving: Any) -> None:
    around = Around([SERVES] * 2 + [GOES], ready=[False] * 9, healthy=[True] * 9)
    assert lived(machine, serving, around, LAUNCH_SECONDS="0") == [answered("ready", "ABANDON"), *DRAIN]


def test_a_host_that_is_let_go_before_it_was_ready_goes(machine: Machine, serving: Any) -> None:
    assert lived(machine, serving, Around([GOES], ready=[True], healthy=[True])) == DRAIN


def test_a_service_that_no_longer_answers_is_started_anew(machine: Machine, serving: Any) -> None:
    """Silent for a minute, which is twelve looks in a row; a single answer between them begins the count again."""
    healthy = [True] + [False] * 11 + [True] + [False] * 12 + [True] * 9
    around = Around([SERVES] * 27 + [GOES], ready=[True], healthy=healthy)
    expected = [answered("ready", "CONTINUE"), "systemctl try-restart darkroom.service", *DRAIN]
    assert lived(machine, serving, around) == expected


def test_a_group_that_does_not_answer_is_told_three_times(machine: Machine, serving: Any) -> None:
    machine.stub("aws", "exit 254")
    calls = lived(machine, serving, Around([GOES], ready=[True], healthy=[True]))
    assert calls == [*DRAIN, DRAIN[-1], DRAIN[-1]]


def test_metadata_that_cannot_be_had_lets_nobody_go(machine: Machine, serving: Any) -> None:
    around = Around(["", SERVES, GOES], ready=[True] * 3, healthy=[True] * 3)
    assert lived(machine, serving, around) == [answered("ready", "CONTINUE"), *DRAIN]
