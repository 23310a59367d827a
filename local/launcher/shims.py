"""Where MiniStack 1.5.33 differs from AWS in a way that matters here, and what is put over it.

batch calls     AWS checks SendMessageBatch as sqs:SendMessage (and so on); MiniStack wanted actions of their own
batch deletion  S3's reference asks for s3:DeleteObject always, and for s3:DeleteObjectVersion too where a version is
                named; MiniStack asked for the first on the first key and for the second on the others
LeadingKeys     AWS sets dynamodb:LeadingKeys from the hash keys of a request; MiniStack never did
long polls      an empty receive looked again every 100 ms; now it looks as soon as something was sent
memory          bytes of versions stayed in memory beside their files: 1.6 GB after as much was uploaded
posted digests  S3 checks the SHA-256 that a posted form names, and keeps it; MiniStack did neither
functions       one that was being made when the cloud was killed was being made for ever after it came back
one thread      the function's poller took and deleted messages in threads of its own, while the event loop
                replaced the same lists: a message sent at that moment could vanish. Now it asks the event loop.
"""

import asyncio
import contextvars
import json
import re
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import concurrency, iam_actions
from ministack.services import dynamodb, s3, sqs

from local.launcher.patching import put_over

_BATCH_ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

_EQUALITY = re.compile(r"([#\w]+)\s*=\s*(:\w+)")
"""One `name = :value` of a key condition; names may be aliases that begin with #."""


def check_batches_as_single_actions() -> None:
    extract = iam_actions.extract_iam_action

    def extract_iam_action(*arguments: Any) -> str | None:
        action = extract(*arguments)
        return _BATCH_ACTIONS.get(action, action) if action else action

    put_over(iam_actions, "extract_iam_action", extract_iam_action)


def check_deletions_as_both_actions() -> None:
    checks_of = iam_actions.s3_additional_checks

    def s3_additional_checks(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> list[tuple[str, str]]:
        checks = checks_of(method, path, headers, body, query)
        bucket, _, key = path.strip("/").partition("/")
        if method == "POST" and "delete" in query and not key:
            targets = iam_actions._s3_batch_delete_targets(bucket, body)
            checks += [("s3:DeleteObject", arn) for arn, _ in targets]
            checks += [("s3:DeleteObjectVersion", arn) for arn, version in targets if version]
        elif method == "DELETE" and key and "versionId" in query:
            checks.append(("s3:DeleteObject", f"arn:aws:s3:::{bucket}/{key}"))
        # in order, each once
        return list(dict.fromkeys(checks))

    put_over(iam_actions, "s3_additional_checks", s3_additional_checks)


def say_leading_keys() -> None:
    context_of = iam_actions.dynamodb_service_context

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context = context_of(body)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        keys = sorted(set(_leading_keys(request))) if isinstance(request, dict) else []
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    put_over(iam_actions, "dynamodb_service_context", dynamodb_service_context)


def wake_long_polls(loop: asyncio.AbstractEventLoop) -> None:
    """Let every waiting receive look again when a message is sent, or made visible, from whatever thread."""
    sent = asyncio.Event()

    async def sleep(seconds: float) -> None:
        try:
            await asyncio.wait_for(sent.wait(), seconds)
        except TimeoutError:
            return

    def announce() -> None:
        # those who wait now go on; those who come later wait for the next
        sent.set()
        sent.clear()

    wake = concurrency.esm_wake
    wake_poller = wake.set

    def wake_all() -> None:
        wake_poller()
        if not loop.is_closed():
            loop.call_soon_threadsafe(announce)

    wake.set = wake_all
    put_over(sqs, "asyncio", SimpleNamespace(sleep=sleep, iscoroutine=asyncio.iscoroutine))


def keep_bodies_on_disk() -> None:
    """Drop a version's bytes from memory once they lie in a file, as MiniStack does where nothing is versioned."""
    persist = s3._persist_object

    def persist_object(bucket: str, key: str, obj: dict[str, Any]) -> None:
        persist(bucket, key, obj)
        for entry in s3._object_versions.get((bucket, key), []):
            is_current = entry["version_id"] == obj.get("version_id") and obj.get("body") is None
            if is_current or s3._version_file_exists(bucket, key, entry["version_id"]):
                entry["data"] = None

    put_over(s3, "_persist_object", persist_object)


def check_posted_digests() -> None:
    posted: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("digests of the form in hand")
    post, build, parse = s3._post_object, s3._build_object_record, s3._parse_multipart_form

    def parse_multipart_form(content_type: str, body: bytes) -> list[Any]:
        parts = parse(content_type, body)
        fields = {name.lower(): value.decode("latin-1") for name, _, _, value in parts if name.lower() == _DIGEST}
        posted.set(fields)
        return parts

    def build_object_record(body: bytes, headers: dict[str, str], **details: Any) -> Any:
        named = posted.get({})
        if named:
            checksums, refused = s3._resolve_object_checksums(body, named)
            if refused:
                raise _WrongDigest(refused)
            details["checksums"] = checksums
        return build(body, headers, **details)

    def post_object(bucket: str, body: bytes, headers: dict[str, str]) -> Any:
        posted.set({})
        try:
            return post(bucket, body, headers)
        except _WrongDigest as refusal:
            return refusal.answer
        finally:
            posted.set({})

    put_over(s3, "_parse_multipart_form", parse_multipart_form)
    put_over(s3, "_build_object_record", build_object_record)
    put_over(s3, "_post_object", post_object)


_DIGEST = "x-amz-checksum-sha256"


class _WrongDigest(Exception):
    """What was posted has another digest; `answer` says so as S3 does."""

    def __init__(self, answer: Any) -> None:
        super().__init__("BadDigest")
        self.answer = answer


def finish_functions() -> None:
    """Take what was still being made, or changed, in the state that is loaded for made: nobody else says so again."""
    load = app.load_state

    def load_state(service: str) -> Any:
        data = load(service)
        if service == "lambda" and data:
            for function in data["functions"]._data.values():
                function["config"].update(State="Active", StateReason="", StateReasonCode="")
                function["config"].update(LastUpdateStatus="Successful", LastUpdateStatusReason="")
        return data

    put_over(app, "load_state", load_state)


def touch_queues_on_the_loop(loop: asyncio.AbstractEventLoop, changed: Callable[[], None]) -> None:
    """Have the function's poller take and delete its messages on the event loop, and say that queues changed."""
    for name in ("_receive_messages_for_esm", "_delete_messages_for_esm"):
        put_over(sqs, name, _on_loop(loop, getattr(sqs, name), changed))


def _on_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[..., Any], changed: Callable[[], None]
) -> Callable[..., Any]:
    home = threading.get_ident()

    def call(*arguments: Any) -> Any:
        if threading.get_ident() == home:
            return function(*arguments)

        # the account and region of the request are context variables of the calling thread
        context = contextvars.copy_context()

        async def there() -> Any:
            return context.run(function, *arguments)

        answer = asyncio.run_coroutine_threadsafe(there(), loop).result()
        if answer or answer is None:
            changed()
        return answer

    return call


def _leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """Hash keys that a DynamoDB request names. A scan names none, as on AWS."""
    yield from _single_keys(request)
    for table, asked in (request.get("RequestItems") or {}).items():
        # a batch read gives a map with Keys, a batch write a list of requests
        for entry in asked if isinstance(asked, list) else [{"Key": key} for key in asked.get("Keys", [])]:
            member = next(iter(entry.values())) if isinstance(asked, list) else entry
            yield from _single_keys({"TableName": table, **member})
    for entry in request.get("TransactItems") or []:
        for member in entry.values():
            yield from _single_keys(member)


def _single_keys(request: dict[str, Any]) -> Iterator[str]:
    table = request.get("TableName")
    if not isinstance(table, str):
        return
    item = request.get("Key") or request.get("Item")
    if isinstance(item, dict):
        yield from _values(item.get(_hash_key(table, None)))
    condition = request.get("KeyConditionExpression")
    if isinstance(condition, str):
        aliases = request.get("ExpressionAttributeNames") or {}
        values = request.get("ExpressionAttributeValues") or {}
        wanted = _hash_key(table, request.get("IndexName"))
        for name, value in _EQUALITY.findall(condition):
            if aliases.get(name, name) == wanted:
                yield from _values(values.get(value))


def _values(attribute: object) -> Iterator[str]:
    """The text of a typed attribute value, {"S": "text"} or {"N": "1"}."""
    if isinstance(attribute, dict):
        yield from (value for value in attribute.values() if isinstance(value, str))


def _hash_key(table: str, index: str | None) -> str | None:
    # a table may be named by its ARN
    description = dynamodb._tables.get(table.rpartition("table/")[2].split("/")[0])
    if description is None:
        return None
    if index is not None:
        indexes = (description.get("GlobalSecondaryIndexes") or []) + (description.get("LocalSecondaryIndexes") or [])
        description = next((one for one in indexes if one.get("IndexName") == index), {})
    schema = description.get("KeySchema") or []
    return next((key["AttributeName"] for key in schema if key["KeyType"] == "HASH"), None)
