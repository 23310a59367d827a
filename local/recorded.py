"""Resources that are recorded and made nowhere: inputs checked as far as the library knows them, ids and attributes
made up. Whether AWS would take the values, nobody here can say.

Names of types, inputs and outputs are those of pulumi_aws, the library that the program is written with. An attribute
is made up from the resource's URN alone: the same in every run, and another for every resource.
"""

import collections.abc
import hashlib
import importlib
import inspect
import keyword
import re
import typing
from collections.abc import Iterator
from typing import Any, Final

from pulumi import _types as types

from local.aws import ACCOUNT
from local.handlers import TYPES
from local.handlers.resource import Inputs, Outputs
from local.provider_names import NAMED_BY
from local.provider_tiers import Failure, Tier
from local.provider_values import SIGNATURE

_TOKEN: Final = re.compile(r"aws:(?P<module>\w+)/\w+:(?P<kind>\w+)")

ID_PREFIXES: Final = {
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/internetGateway:InternetGateway": "igw",
    "aws:ec2/natGateway:NatGateway": "nat",
    "aws:ec2/eip:Eip": "eipalloc",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/route:Route": "r-rtb",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:ec2/launchTemplate:LaunchTemplate": "lt",
    "aws:ec2/flowLog:FlowLog": "fl",
    "aws:ec2/networkAcl:NetworkAcl": "acl",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
}
"""How ids of EC2 begin; the rest is 17 hexadecimal digits."""

REPLACED_BY: Final[dict[str, frozenset[str]]] = {
    "aws:ec2/vpc:Vpc": frozenset({"cidrBlock"}),
    "aws:ec2/subnet:Subnet": frozenset({"cidrBlock", "vpcId", "availabilityZone"}),
    "aws:ec2/securityGroup:SecurityGroup": frozenset({"vpcId", "description"}),
    "aws:lb/targetGroup:TargetGroup": frozenset({"port", "protocol", "vpcId", "targetType"}),
    "aws:lb/loadBalancer:LoadBalancer": frozenset({"internal", "loadBalancerType"}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"vpcId", "serviceName", "vpcEndpointType"}),
}
"""Inputs whose change is shown as a replacement, beside a changed name. Not complete, and held against no AWS."""

_ARNS: Final = {"lb": "elasticloadbalancing", "alb": "elasticloadbalancing", "lambda": "lambda", "vpc": "ec2"}
"""Services whose part of an ARN is not the module's name."""


class Recorded(Tier):
    """Every type of the provider."""

    name = "recorded"

    def __init__(self, region: str) -> None:
        self._region = region

    def check(self, kind: str, inputs: Inputs) -> Iterator[Failure]:
        found = _args(kind)
        if found is None:
            yield "", f"the provider has no type {kind}"
            return
        names = types.input_type_py_to_pulumi_names(found)
        for python, parameter in inspect.signature(found.__init__).parameters.items():
            required = parameter.default is inspect.Parameter.empty and python in names
            if required and names[python] not in inputs:
                yield names[python], "is missing"
        yield from _strangers({name: value for name, value in inputs.items() if not name.startswith("__")}, found, "")

    def replaced_by(self, kind: str) -> frozenset[str]:
        if kind in TYPES:
            return frozenset(TYPES[kind].replaced_by)
        own = frozenset({NAMED_BY[kind][0]}) if kind in NAMED_BY else frozenset[str]()
        return own | REPLACED_BY.get(kind, frozenset())

    def create(self, kind: str, urn: str, inputs: Inputs) -> tuple[str, Outputs]:
        identity = self._id(kind, urn, inputs)
        return identity, self._outputs(kind, urn, identity, inputs)

    def read(self, kind: str, identity: str, inputs: Inputs, outputs: Outputs) -> tuple[str, Inputs, Outputs] | None:
        return identity, inputs, outputs

    def update(self, kind: str, identity: str, old: Inputs, new: Inputs, outputs: Outputs) -> Outputs:
        return {"latestVersion": outputs["latestVersion"] + 1} if "latestVersion" in outputs else {}

    def delete(self, kind: str, identity: str, inputs: Inputs) -> None:
        """It was nowhere."""

    def _id(self, kind: str, urn: str, inputs: Inputs) -> str:
        if kind in ID_PREFIXES:
            return f"{ID_PREFIXES[kind]}-{_digits(urn, 17)}"
        own = inputs.get(NAMED_BY.get(kind, ("name", 0))[0])
        return own if isinstance(own, str) else f"{urn.rpartition('::')[2]}-{_digits(urn, 8)}"

    def _outputs(self, kind: str, urn: str, identity: str, inputs: Inputs) -> Outputs:
        """Every attribute that no input gives, but for mappings of anything; of a list one element."""
        given = set(types.input_type_py_to_pulumi_names(_args(kind)).values())

        def made(name: str, hint: Any) -> Any:
            if hint is str:
                return self._text(kind, urn, identity, name)
            if hint is int:
                return 1
            if typing.get_origin(hint) is collections.abc.Sequence:
                element = made(name, typing.get_args(hint)[0])
                return None if element is None else [element]
            if isinstance(hint, type) and types.is_output_type(hint):
                return _present({field: made(field, inner) for field, inner in types.output_type_types(hint).items()})
            return None

        computed = {name: hint for name, hint in types.resource_types(_class(kind, "")).items() if name not in given}
        return _present({name: made(name, hint) for name, hint in computed.items()})

    def _text(self, kind: str, urn: str, identity: str, name: str) -> str:
        module, what = _TOKEN.fullmatch(kind).groups() if _TOKEN.fullmatch(kind) else ("aws", kind)
        digits = _digits(f"{urn} {name}", 16)
        lower = name.lower()
        if lower.endswith("arnsuffix"):
            return f"{what[:1].lower()}{what[1:]}/{identity}/{digits}"
        if lower.endswith("arn"):
            return f"arn:aws:{_ARNS.get(module, module)}:{self._region}:{ACCOUNT}:{what.lower()}/{identity}"
        if lower in ("ownerid", "accountid", "registryid"):
            return ACCOUNT
        if lower.endswith(("dnsname", "domainname")):
            return f"{digits}.example.com"
        if lower == "repositoryurl":
            return f"{ACCOUNT}.dkr.ecr.{self._region}.amazonaws.com/{identity}"
        if lower == "url":
            return f"https://{digits}.example.com"
        return f"{name}-{digits}"


def _args(kind: str) -> Any:
    """The library's class of a type's inputs; None if it does not know the type."""
    # the longer name where a part of another type has the shorter one
    return _class(kind, "InitArgs") or _class(kind, "Args")


def _class(kind: str, suffix: str) -> Any:
    """The library's class of a type's resources, or of what its name ends with the suffix; None if it has none."""
    match = _TOKEN.fullmatch(kind)
    if match is None:
        return None
    module = match["module"] + ("_" if keyword.iskeyword(match["module"]) else "")
    try:
        found = getattr(importlib.import_module(f"pulumi_aws.{module}"), match["kind"] + suffix, None)
    except ModuleNotFoundError:
        return None
    return found


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _strangers(given: Inputs, kind: type, path: str) -> Iterator[Failure]:
    """Names in a mapping that the library's class of these inputs does not have, at any depth."""
    names = set(types.input_type_py_to_pulumi_names(kind).values())
    hints = types.input_type_types(kind)
    for name, value in sorted(given.items()):
        if name not in names:
            yield f"{path}{name}", f"is no input of {kind.__name__.removesuffix('Args')}"
            continue
        inner = list(_inner(hints.get(name)))
        for one in value if isinstance(value, list) else [value]:
            if len(inner) == 1 and isinstance(one, dict) and SIGNATURE not in one:
                yield from _strangers(one, inner[0], f"{path}{name}.")


def _inner(hint: Any) -> Iterator[type]:
    """The library's classes of inputs in an annotation."""
    if isinstance(hint, type) and hasattr(hint, "_pulumi_input_type"):
        yield hint
    for argument in typing.get_args(hint):
        yield from _inner(argument)


def _digits(text: str, count: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:count]
