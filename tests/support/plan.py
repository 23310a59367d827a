"""The program run under one recording mock: what it would declare, as a list.

The very `__main__.py` is run, with the configuration of `Pulumi.<stack>.yaml` and what a test lays over it. Nothing is
known here of any component: AWS's answers (ids, ARNs, addresses) are a table by type. Only the function's zip is packed
from somewhere else, so that a plan needs no installed libraries and leaves no file in the tree.
"""

import asyncio
import json
import runpy
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import yaml
from pulumi.runtime import settings
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _ensure_event_loop

with warnings.catch_warnings():
    # a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
    warnings.filterwarnings("ignore", r"\S+ has been deprecated in favor of", DeprecationWarning)
    import pulumi_aws

    _PACKAGES = [
        *("acm", "alb", "appautoscaling", "autoscaling", "budgets", "cloudfront", "cloudwatch", "dynamodb", "ec2"),
        *("ebs", "ecr", "iam", "kms", "lambda_", "lb", "route53", "s3", "secretsmanager", "sns", "sqs", "vpc"),
    ]
    # the first look at an attribute imports a package
    _LOADED = {name: hasattr(getattr(pulumi_aws, name), "get") for name in _PACKAGES}

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
COMPONENT = "darkroom:"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource as the engine would be asked for it. `state` is what AWS would say of it."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    state: dict[str, Any]
    depends_on: tuple[str, ...] = ()
    protected: bool = False

    @property
    def is_component(self) -> bool:
        return self.type.startswith(COMPONENT)

    def __repr__(self) -> str:
        return f"{self.type}/{self.name}"


@dataclass(kw_only=True)
class Plan:
    """Everything that a program declared and exported."""

    stack: str
    region: str
    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each component registered, by its URN."""
    exports: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Declared]:
        return iter(self.resources)

    def of(self, kind: str) -> list[Declared]:
        """All of a type, named by its end: `Queue` is `aws:sqs/queue:Queue`."""
        return [one for one in self.resources if one.type.endswith(f":{kind}")]

    def one(self, kind: str, name: str) -> Declared:
        (found,) = (one for one in self.of(kind) if one.name == name)
        return found


def stack_settings(stack: str) -> tuple[str, dict[str, Any]]:
    """Region of a stack's file, and its object: `pipeline`, or the foundation's."""
    region, _, settings = _stack_file(stack)
    return region, settings


def _stack_file(stack: str) -> tuple[str, str, dict[str, Any]]:
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    ((key, settings),) = ((key, value) for key, value in config.items() if key != "aws:region")
    return config["aws:region"], key, settings


def record(stack: str, over: Mapping[str, Any] | None = None, *, name: str | None = None) -> Plan:
    """Run the program with a stack's file and `over` laid over its object, field by field (None removes one)."""
    region, key, given = _stack_file(stack)
    with tempfile.TemporaryDirectory() as folder:
        root = bare_root(Path(folder))
        with mock.patch("components.pipeline.ROOT", root):
            return run({"aws:region": region, key: json.dumps(_laid_over(given, over or {}))}, stack=name or stack)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = _laid_over(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return {key: value for key, value in merged.items() if value is not None}


def bare_root(root: Path) -> Path:
    """As little of a tree as the function's zip can be packed from: one module, one locked and installed library."""
    code = root / "functions" / "transform"
    installed = root / "build" / "function" / "3.13-x86_64" / "library-1.0.dist-info"
    for folder in (code, installed):
        folder.mkdir(parents=True)
    (code / "handler.py").write_text("")
    (code / "requirements.txt").write_text("library==1.0\n")
    (installed / "METADATA").write_text("")
    return root


def run(config: dict[str, str], *, stack: str, program: Callable[[], Any] | None = None) -> Plan:
    """Run the program (or another) with this configuration; what it raises is raised here."""
    region = config.get("aws:region", "")
    plan = Plan(stack=stack, region=region)
    mocks = _Recording(plan, region)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # one thread, so that the order is always the same and the loop that the mocks open in it can be closed
    executor = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(executor)
    try:
        pulumi.runtime.set_all_config(config, [])
        set_mocks(mocks, project="darkroom", stack=stack, preview=False, monitor=_Monitor(mocks))
        settings.SETTINGS.rpc_manager.clear()
        settings.SETTINGS.outputs.clear()
        if (root := settings.get_root_resource()) is not None:
            # one for the whole process: what another program exported is not this one's
            root.outputs.clear()
        loop.run_until_complete(_played(program or _program, plan))
    finally:
        settings.SETTINGS.rpc_manager.clear()
        settings.SETTINGS.outputs.clear()
        executor.submit(_close_loop_of_this_thread).result()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(None)
    return plan


def _close_loop_of_this_thread() -> None:
    _ensure_event_loop().close()


async def _played(program: Callable[[], Any], plan: Plan) -> None:
    await run_pulumi_func(lambda: program() and None)
    root = settings.get_root_resource()
    for name, value in (dict(root.outputs) if root is not None else {}).items():
        plan.exports[name] = await pulumi.Output.from_input(value).future()


def _program() -> None:
    # the program's own modules are found from the root, as Pulumi runs it
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


class _Recording(Mocks):
    def __init__(self, plan: Plan, region: str) -> None:
        self.plan = plan
        self.region = region
        self.lock = threading.Lock()
        self.request = threading.local()

    def call(self, args: MockCallArgs) -> Any:
        return _FUNCTIONS[args.token]

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        request, urn = self.request.now, self.request.urn
        answer = _ANSWERS.get(args.typ)
        made = answer(args.inputs, self.region) if answer else {"arn": _arn(args, self.region)}
        state = {**_NAMED_BY_AWS, **args.inputs, **made}
        declared = Declared(
            type=args.typ,
            name=args.name,
            urn=urn,
            parent=request.parent,
            inputs=_plain(args.inputs),
            state=_plain(state),
            depends_on=tuple(request.dependencies),
            protected=request.protect,
        )
        with self.lock:
            if any(one.urn == urn for one in self.plan.resources):
                raise ValueError(f"declared twice: {urn}")
            self.plan.resources.append(declared)
        return (None if declared.is_component else f"{args.name}-id"), state


class _Monitor(MockMonitor):
    """Keeps what the mocks are not told: parents, dependencies, protection, and what components register."""

    mocks: _Recording

    def RegisterResource(self, request: Any) -> Any:
        self.mocks.request.now = request
        self.mocks.request.urn = self.make_urn(request.parent, request.type, request.name)
        return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        registered = pulumi.runtime.rpc.deserialize_properties(request.outputs)
        with self.mocks.lock:
            self.mocks.plan.outputs[request.urn] = registered
        return super().RegisterResourceOutputs(request)


def _plain(value: Any) -> Any:
    """Whole numbers as such again: on the wire to the engine every number is a float."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _arn(args: MockResourceArgs, region: str) -> str:
    """Of a type that has no row: the service and the kind from the type's token, the name as it was given."""
    _, module, kind = args.typ.split(":")
    named = args.inputs.get("name") or args.name
    return f"arn:aws:{module.partition('/')[0]}:{region}:{ACCOUNT}:{kind.lower()}/{named}"


def _named(service: str, prefix: str = "", *, key: str = "name") -> Callable[[dict[str, Any], str], dict[str, Any]]:
    def answer(inputs: dict[str, Any], region: str) -> dict[str, Any]:
        return {"arn": f"arn:aws:{service}:{region}:{ACCOUNT}:{prefix}{inputs[key]}"}

    return answer


def _queue(inputs: dict[str, Any], region: str) -> dict[str, Any]:
    url = f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{inputs['name']}"
    return {"arn": f"arn:aws:sqs:{region}:{ACCOUNT}:{inputs['name']}", "url": url}


def _certificate(inputs: dict[str, Any], region: str) -> dict[str, Any]:
    domain = inputs["domainName"]
    proof = {"resourceRecordName": f"_proof.{domain}.", "resourceRecordType": "CNAME", "resourceRecordValue": "_aws."}
    return {
        "arn": f"arn:aws:acm:{region}:{ACCOUNT}:certificate/made",
        "domainValidationOptions": [{"domainName": domain, **proof}],
    }


def _target_group(inputs: dict[str, Any], region: str) -> dict[str, Any]:
    suffix = f"targetgroup/{inputs['name']}/0123456789abcdef"
    return {"arn": f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:{suffix}", "arnSuffix": suffix}


_FUNCTIONS: dict[str, dict[str, str]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/test",
        "userId": "test",
        "id": ACCOUNT,
    }
}
"""What AWS says when asked; anything else that a program asks for is a KeyError."""

_NAMED_BY_AWS: dict[str, str] = {
    "arnSuffix": "app/made/0123456789abcdef",
    "dnsName": "made.elb.amazonaws.com",
    "domainName": "made.cloudfront.net",
    "etag": "E0000000000000",
    "hostedZoneId": "Z00000000000000000000",
    "keyId": "00000000-0000-4000-8000-000000000000",
    "prefixListId": "pl-00000000000000000",
    "registryId": ACCOUNT,
    "repositoryUrl": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/made",
    "zoneId": "Z00000000000000000000",
}
"""What AWS gives many types beside an id; types that have no such attribute never ask for it."""

_ANSWERS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": lambda inputs, region: {"arn": f"arn:aws:s3:::{inputs['bucket']}"},
    "aws:sqs/queue:Queue": _queue,
    "aws:dynamodb/table:Table": _named("dynamodb", "table/"),
    # it ends a secret's name in an ARN with six characters of its own
    "aws:secretsmanager/secret:Secret": lambda inputs, region: {
        "arn": f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{inputs['name']}-AbCdEf"
    },
    "aws:lambda/function:Function": _named("lambda", "function:"),
    "aws:cloudwatch/logGroup:LogGroup": _named("logs", "log-group:"),
    "aws:iam/role:Role": lambda inputs, region: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{inputs['name']}"},
    "aws:iam/policy:Policy": lambda inputs, region: {"arn": f"arn:aws:iam::{ACCOUNT}:policy/{inputs['name']}"},
    "aws:acm/certificate:Certificate": _certificate,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:ec2/launchTemplate:LaunchTemplate": lambda inputs, region: {
        "arn": f"arn:aws:ec2:{region}:{ACCOUNT}:launch-template/lt-0123456789abcdef0",
        "latestVersion": 7,
    },
}
