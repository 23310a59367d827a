"""What AWS says, where moto has nothing to say: answers by operation, checked against botocore's own model."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.validate import validate_parameters

from adapters import clients

Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


class Refusal(dict[str, Any]):
    """An answer that is an error."""

    def __init__(self, code: str, message: str = "no") -> None:
        super().__init__(Error={"Code": code, "Message": message})


class Answers:
    """By service and operation, as `lambda.GetAccountSettings`: what stands here is said, the rest is moto's."""

    def __init__(self) -> None:
        self.said: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Every question that was answered here, in order."""

    def __setitem__(self, operation: str, answer: Answer) -> None:
        self.said[operation] = answer

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = clients.make

        def make(service: str, **options: Any) -> Any:
            client = real(service, **options)
            client.meta.events.register("provide-client-params", self._note)
            client.meta.events.register("before-call", self._answer)
            return client

        monkeypatch.setattr(clients, "make", make)

    def _note(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["given"] = params

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        operation = f"{model.service_model.service_name}.{model.name}"
        said = self.said.get(operation)
        if said is None:
            return None
        given = context["given"]
        self.asked.append((operation, given))
        found = said(given) if callable(said) else said
        if "Error" in found:
            return AWSResponse("", 400, {}, None), {**found, "ResponseMetadata": {"HTTPStatusCode": 400}}
        validate_parameters(found, model.output_shape)
        return AWSResponse("", 200, {}, None), {**found, "ResponseMetadata": {"HTTPStatusCode": 200}}
