"""Lambda: functions and the mappings that feed them."""

import time
from pathlib import Path
from typing import Any, ClassVar

from local.handlers.resource import CLOUDFORMATION, Handler, Inputs, Outputs, camel, found, no_longer, pascal
from local.problems import CannotRun

_MISSING = ("ResourceNotFoundException",)
_CONFIGURATION = {
    "role": "Role",
    "runtime": "Runtime",
    "handler": "Handler",
    "memorySize": "MemorySize",
    "timeout": "Timeout",
    "description": "Description",
}
_PASSED = ("batchSize", "enabled", "scalingConfig", "functionResponseTypes", "maximumBatchingWindowInSeconds")
_SETTLE_SECONDS = 60.0


class Function(Handler):
    known = frozenset(
        {
            "name",
            "code",
            "sourceCodeHash",
            "environment",
            "architectures",
            "reservedConcurrentExecutions",
            "kmsKeyArn",
            "vpcConfig",
            "tags",
            *_CONFIGURATION,
        }
    )
    # the zip by its digest; a key and a network that are recorded and not there
    unseeable = frozenset({"code", "kmsKeyArn", "vpcConfig"})
    replaced_by: ClassVar = {"name": f"{CLOUDFORMATION}/aws-resource-lambda-function.html"}

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        function, name = self.clients["lambda"], inputs["name"]
        if self._configuration(name) is None:
            function.create_function(
                FunctionName=name,
                Code={"ZipFile": _code(inputs)},
                Architectures=inputs.get("architectures", ["x86_64"]),
                Tags=inputs.get("tags", {}),
                **_configuration(inputs),
            )
        else:
            self._settled(name)
            function.update_function_code(
                FunctionName=name, ZipFile=_code(inputs), Architectures=inputs.get("architectures", ["x86_64"])
            )
            self._settled(name)
            function.update_function_configuration(FunctionName=name, **_configuration(inputs))
            if inputs.get("tags"):
                function.tag_resource(Resource=self._outputs(name)["arn"], Tags=inputs["tags"])
        self._limit(inputs)
        return name, self._outputs(name)

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        function = self.clients["lambda"]
        if gone := no_longer(old, new):
            function.untag_resource(Resource=self._outputs(identity)["arn"], TagKeys=gone)
        if "reservedConcurrentExecutions" in old and "reservedConcurrentExecutions" not in new:
            function.delete_function_concurrency(FunctionName=identity)
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        return None if self._configuration(identity) is None else self._outputs(identity)

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        answer = self.clients["lambda"].get_function(FunctionName=identity)
        there = answer["Configuration"]
        seen = {name: there[field] for name, field in _CONFIGURATION.items() if there.get(field) not in (None, "")}
        variables = there.get("Environment", {}).get("Variables", {})
        reserved = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        return {
            "name": identity,
            "sourceCodeHash": there["CodeSha256"],
            "architectures": there.get("Architectures", ["x86_64"]),
            "environment": {"variables": variables},
            "tags": answer.get("Tags", {}),
            **seen,
            **({} if reserved is None else {"reservedConcurrentExecutions": reserved}),
        }

    def delete(self, identity: str, inputs: Inputs) -> None:
        found(lambda: self.clients["lambda"].delete_function(FunctionName=identity), *_MISSING)

    def _configuration(self, name: str) -> dict[str, Any] | None:
        return found(lambda: self.clients["lambda"].get_function_configuration(FunctionName=name), *_MISSING)

    def _settled(self, name: str) -> None:
        """Wait until the last change has taken effect: Lambda refuses another before."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            state = self._configuration(name) or {}
            if state.get("State") == "Active" and state.get("LastUpdateStatus", "Successful") == "Successful":
                return
            # Lambda offers nothing to wait on but asking again
            time.sleep(0.05)
        raise CannotRun(f"the function {name} did not become active; see the cloud's log")

    def _limit(self, inputs: Inputs) -> None:
        function, wanted = self.clients["lambda"], inputs.get("reservedConcurrentExecutions")
        if wanted is not None:
            function.put_function_concurrency(FunctionName=inputs["name"], ReservedConcurrentExecutions=wanted)

    def _outputs(self, name: str) -> Outputs:
        arn = (self._configuration(name) or {}).get("FunctionArn", "")
        region = self.clients.region
        invoke = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"
        return {"id": name, "arn": arn, "invokeArn": invoke, "qualifiedArn": f"{arn}:$LATEST", "version": "$LATEST"}


class EventSourceMapping(Handler):
    known = frozenset(
        {
            "eventSourceArn",
            "functionName",
            "batchSize",
            "enabled",
            "scalingConfig",
            "functionResponseTypes",
            "maximumBatchingWindowInSeconds",
            "tags",
        }
    )
    # the embedded cloud keeps them and does not say them
    unseeable = frozenset({"tags"})
    replaced_by: ClassVar = {"eventSourceArn": f"{CLOUDFORMATION}/aws-resource-lambda-eventsourcemapping.html"}

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        defaults = {"scalingConfig": {}, "functionResponseTypes": [], "maximumBatchingWindowInSeconds": 0}
        emptied = {name: value for name, value in defaults.items() if name in old and name not in new}
        self.clients["lambda"].update_event_source_mapping(
            UUID=identity, FunctionName=new["functionName"], **_mapping({"enabled": True, **emptied, **new})
        )
        return {"id": identity, "uuid": identity}

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        function = self.clients["lambda"]
        there = function.list_event_source_mappings(
            EventSourceArn=inputs["eventSourceArn"], FunctionName=inputs["functionName"]
        )["EventSourceMappings"]
        if there:
            uuid = there[0]["UUID"]
            function.update_event_source_mapping(UUID=uuid, FunctionName=inputs["functionName"], **_mapping(inputs))
        else:
            uuid = function.create_event_source_mapping(
                EventSourceArn=inputs["eventSourceArn"], FunctionName=inputs["functionName"], **_mapping(inputs)
            )["UUID"]
        return uuid, {"id": uuid, "uuid": uuid}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        answer = found(lambda: self.clients["lambda"].get_event_source_mapping(UUID=identity), *_MISSING)
        return None if answer is None else {"id": identity, "uuid": identity}

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        there = self.clients["lambda"].get_event_source_mapping(UUID=identity)
        seen = camel({name[:1].upper() + name[1:]: there.get(name[:1].upper() + name[1:]) for name in _PASSED})
        return {
            **{name: value for name, value in seen.items() if value is not None},
            "eventSourceArn": there["EventSourceArn"],
            "functionName": there["FunctionArn"],
            "enabled": there.get("State") in ("Enabled", "Enabling", "Creating", "Updating"),
        }

    def delete(self, identity: str, inputs: Inputs) -> None:
        found(lambda: self.clients["lambda"].delete_event_source_mapping(UUID=identity), *_MISSING)


def _code(inputs: Inputs) -> bytes:
    return Path(inputs["code"]["path"]).read_bytes()


def _configuration(inputs: Inputs) -> dict[str, Any]:
    given = {_CONFIGURATION[name]: value for name, value in inputs.items() if name in _CONFIGURATION}
    return {**given, "Environment": {"Variables": inputs.get("environment", {}).get("variables", {})}}


def _mapping(inputs: Inputs) -> dict[str, Any]:
    return pascal({name: inputs[name] for name in _PASSED if name in inputs})
