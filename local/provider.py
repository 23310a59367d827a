"""The handlers of this room, served to the Pulumi engine as the provider `aws`: its gRPC face.

Two tiers answer, and the caller of `Provider` decides which there are:

applied    types of `local.handlers`: created, read back, updated and deleted on an embedded cloud
recorded   every other type of the real provider, or all of them where there is no cloud: names of inputs checked,
           ids and attributes made up; the engine's own state is all that is kept of them

The engine is led here by PULUMI_DEBUG_PROVIDERS=aws:<port>. What each method must do is said in
https://github.com/pulumi/pulumi/blob/v3.259.0/proto/pulumi/provider.proto
"""

import contextlib
import importlib.metadata
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import ResourceProviderServicer, plugin_pb2, provider_pb2, provider_pb2_grpc

from local.aws import Clients
from local.handlers import CALLS
from local.handlers.resource import KeepsData
from local.problems import CannotRun
from local.provider_names import named, rests_on_name
from local.provider_tiers import Applied, Tier
from local.provider_values import changes, decoded, encoded
from local.recorded import Recorded

_DIFF: Final = provider_pb2.PropertyDiff
_KINDS: Final = {
    "add": (_DIFF.ADD, _DIFF.ADD_REPLACE),
    "delete": (_DIFF.DELETE, _DIFF.DELETE_REPLACE),
    "update": (_DIFF.UPDATE, _DIFF.UPDATE_REPLACE),
}
_WORKERS: Final = 16
"""As many resources as the engine has in hand at once, about."""
_MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""As the engine allows itself."""


class Provider(ResourceProviderServicer):
    """Answers the engine. Without `clients` there is no cloud, and everything is recorded."""

    def __init__(self, region: str, clients: Clients | None = None) -> None:
        self._region = region
        self._recorded = Recorded(region)
        self._applied = None if clients is None else Applied(clients)
        self._lock = threading.Lock()
        self.answered: Counter[str] = Counter()
        """Resources that each tier was asked for, by the tier's name."""
        self.before: Callable[[str, str], None] = lambda verb, urn: None
        """Called before a resource is created, updated or deleted; what it raises is that operation's failure."""

    def Handshake(self, request: Any, context: Any) -> Any:
        # secrets come in the clear and the engine marks the outputs that come of them itself
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: Any) -> Any:
        return Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi_aws"))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return _differing(changes(decoded(request.old_inputs), decoded(request.news)), frozenset({"region"}))

    def Configure(self, request: Any, context: Any) -> Any:
        region = decoded(request.args).get("region", self._region)
        if region != self._region:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"this provider stands in {self._region}; it was asked for {region}"
            )
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        kind = _kind(request.urn)
        inputs = named(kind, request.urn, decoded(request.news), decoded(request.olds), request.randomSeed)
        tier = self._tier(kind)
        with self._lock:
            self.answered[tier.name] += 1
        with _told(context):
            failures = [
                provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in tier.check(kind, inputs)
            ]
            return provider_pb2.CheckResponse(inputs=encoded(inputs), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        kind, old, new = _kind(request.urn), decoded(request.old_inputs), decoded(request.news)
        found = {
            path: how for path, how in changes(old, new).items() if not _ignored(path, list(request.ignoreChanges))
        }
        answer = _differing(found, self._tier(kind).replaced_by(kind))
        # two of one name cannot be there at once
        answer.deleteBeforeReplace = bool(answer.replaces) and rests_on_name(kind, old, new)
        return answer

    def Create(self, request: Any, context: Any) -> Any:
        inputs = decoded(request.properties)
        if request.preview:
            # what is left out is not known yet
            return provider_pb2.CreateResponse(properties=encoded(inputs))
        kind = _kind(request.urn)
        with _told(context):
            self.before("create", request.urn)
            identity, outputs = self._tier(kind).create(kind, request.urn, inputs)
        return provider_pb2.CreateResponse(id=identity, properties=encoded({**inputs, **outputs}))

    def Read(self, request: Any, context: Any) -> Any:
        kind, inputs = _kind(request.urn), decoded(request.inputs)
        with _told(context):
            if not inputs:
                raise CannotRun("the embedded cloud imports nothing: declare the resource, and `up` takes it over")
            outputs = decoded(request.properties)
            there = self._tier(kind).read(kind, request.id, inputs, outputs)
        if there is None:
            return provider_pb2.ReadResponse()
        identity, seen, made = there
        return provider_pb2.ReadResponse(
            id=identity, inputs=encoded(seen), properties=encoded({**outputs, **seen, **made})
        )

    def Update(self, request: Any, context: Any) -> Any:
        kind, old, new = _kind(request.urn), decoded(request.old_inputs), decoded(request.news)
        kept = {name: value for name, value in decoded(request.olds).items() if name not in old}
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encoded({**kept, **new}))
        with _told(context):
            self.before("update", request.urn)
            outputs = self._tier(kind).update(kind, request.id, old, new, kept)
        return provider_pb2.UpdateResponse(properties=encoded({**kept, **new, **outputs}))

    def Delete(self, request: Any, context: Any) -> Any:
        kind = _kind(request.urn)
        with _told(context):
            self.before("delete", request.urn)
            self._tier(kind).delete(kind, request.id, decoded(request.old_inputs))
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        answer = CALLS.get(request.tok)
        if answer is None:
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED,
                f"the local provider does not answer {request.tok}; local/handlers lists what it does",
            )
        return provider_pb2.InvokeResponse(**{"return": encoded(answer(self._region))})

    def Cancel(self, request: Any, context: Any) -> Any:
        # what is in hand is done in a second
        return Empty()

    def _tier(self, kind: str) -> Tier:
        return self._applied if self._applied is not None and self._applied.takes(kind) else self._recorded


@contextlib.contextmanager
def serving(provider: Provider) -> Iterator[int]:
    """The port on which the provider answers, while it does."""
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="provider") as workers:
        server = grpc.server(workers, options=options)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(0).wait()


@contextlib.contextmanager
def _told(context: Any) -> Iterator[None]:
    """A failure as the engine shows it: one line."""
    try:
        yield
    except (CannotRun, KeepsData, ClientError, BotoCoreError) as error:
        line = " ".join(str(error).split())
    except Exception as error:
        # gRPC would keep the traceback for itself and tell nobody where it happened
        logging.getLogger(__name__).exception("the provider failed")
        line = f"the local provider failed: {type(error).__name__}: {' '.join(str(error).split())}"
    else:
        return
    context.abort(grpc.StatusCode.UNKNOWN, line)


def _kind(urn: str) -> str:
    """Type of a resource, from its URN: `urn:pulumi:stack::project::parent$type::name`."""
    return urn.split("::")[2].rpartition("$")[2]


def _differing(found: dict[str, str], replacing: frozenset[str]) -> Any:
    """The engine's word for differences, by path."""
    detailed, replaces = {}, set()
    for path, how in found.items():
        top = path.partition(".")[0].partition("[")[0]
        if top in replacing:
            replaces.add(top)
        detailed[path] = _DIFF(kind=_KINDS[how][top in replacing], inputDiff=True)
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if found else none,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in found}),
        replaces=sorted(replaces),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _ignored(path: str, ignored: list[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)
