"""Lambda's entry, `functions.transform.handler.handle`: the composition root of the function.

Fed by the event source mapping of `transforms`, one message an event. Returning acknowledges the message; raising
brings it back until it ends in the dead letters, which is right for a message that nobody here understands. Settings
are read and clients are made at the first event and kept: the process is warm for the next.
"""

from functions.transform import collector  # isort: split

import functools
import os
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from contracts.environment import TransformEnvironment, from_environ
from contracts.errors import BadMessage
from contracts.formats import ImageFormat
from contracts.messages import Done, Finished, Outgoing, Queue, Transform, decode
from functions.transform.allocator import keep_pages
from functions.transform.steps.decode import preload, seal
from functions.transform.steps.resize import simd
from functions.transform.work import PUTS_AT_ONCE, RESERVE_SECONDS, Stores, carry_out, load

if TYPE_CHECKING:
    from contracts.ports import Queues

collector.resume()

_LEVELS: Final = ("debug", "info", "warning", "error")


class Root(msgspec.Struct, frozen=True):
    """What the process keeps between events."""

    settings: TransformEnvironment
    stores: Stores
    queues: "Queues"

    def log(self, level: str, event: str, **fields: object) -> None:
        """One JSON line on stdout, as every process of the house writes them; without a logging library to import."""
        if _LEVELS.index(level) >= _LEVELS.index(self.settings.log_level):
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            line = {"event": event, **fields, "level": level, "at": at, "process": "transform"}
            sys.stdout.write(msgspec.json.encode(line, enc_hook=str).decode() + "\n")
            sys.stdout.flush()


def make_root(environ: Mapping[str, str]) -> Root:
    """Settings, clients and stores; raises BadEnvironment."""
    settings = from_environ(TransformEnvironment, environ)
    # botocore is two thirds of all that is imported here: not with the module, which tests, tools and a process that
    # has no picture yet import for what else is in it (docs/decisions/0031)
    from adapters import clients
    from adapters.objects import S3Originals, S3Results
    from adapters.queues import SqsQueues

    s3, sqs = (
        clients.make(service, region=settings.region, endpoint_url=settings.endpoint_url, pool=PUTS_AT_ONCE)
        for service in ("s3", "sqs")
    )
    stores = Stores(S3Originals(s3, settings.originals_bucket), S3Results(s3, settings.results_bucket))
    return Root(settings, stores, SqsQueues(sqs, {Queue.COMPLETIONS: settings.completions_queue_url}))


@functools.cache
def _root() -> Root:
    seal()
    keep_pages()
    # beside what follows: while the first original is on its way there is nothing else to do
    threading.Thread(target=_load, name="load", daemon=True).start()
    collector.rest()
    try:
        return make_root(os.environ)
    finally:
        collector.resume()


def _load() -> None:
    """What nearly every picture needs of the libraries."""
    preload(ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.TIFF)
    simd()
    load()


def handle(event: Mapping[str, Any], context: Any) -> None:
    """Carry out the orders of one event and send their answers.

    Raises BadMessage for a body that is no order, and Unavailable if an answer could not be sent: the order comes again
    and its answer counts once.
    """
    cold = _root.cache_info().currsize == 0
    root = _root()
    began = time.monotonic()
    for record in event["Records"]:
        answer = answered(root, record["body"], context, cold=cold, began=began)
        root.queues.send([Outgoing(Queue.COMPLETIONS, answer)])


def answered(root: Root, body: str, context: Any, *, cold: bool, began: float) -> Finished:
    """The answer to one message; `began` (monotonic) is when the function's time started to run."""
    try:
        order = decode(body)
        if not isinstance(order, Transform):
            raise BadMessage(f"not an order but {type(order).__name__}")
    except BadMessage as error:
        root.log("error", "message.refused", code=error.code, detail=error.detail[:300])
        raise
    names = {"job_id": order.job_id, "request_id": order.request_id, "token": order.token}

    def report(variant: str, error: BaseException) -> None:
        import traceback  # not at module level: 8 ms of a cold start, for what should never happen

        lines = "".join(traceback.format_exception(error))[-4_000:]
        root.log("error", "variant.crashed", **names, variant=variant, exception=lines)

    answer = carry_out(
        order,
        root.stores,
        threads=root.settings.threads,
        seconds=root.settings.timeout_seconds - RESERVE_SECONDS - (time.monotonic() - began),
        report=report,
        read=root.settings.formats.read,
        palettes=root.settings.formats.palettes,
        cold=cold,
        function_request_id=getattr(context, "aws_request_id", "") or "",
    )
    done = sum(isinstance(each, Done) for each in answer.answers)
    root.log(
        "info",
        "part.transformed",
        **names,
        variants=len(order.variants),
        done=done,
        undecodable=answer.undecodable,
        **msgspec.to_builtins(answer.timings),
    )
    return answer
