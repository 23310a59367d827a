"""What the cloud saw: one line an IAM decision (`audit.jsonl`), one line a request (`requests.jsonl`).

    audit     time, role, action, resource, decision (allow, deny)
    request   time, role, service, operation, status, ms, and `empty` for a receive that brought nothing

`role` is the name of the assumed role, or `root`. Read by `python -m local permissions` and `python -m local calls`.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.router import detect_service, extract_access_key_id
from ministack.services import sts

from local.jsonlines import JsonLines
from local.launcher.checkpoints import Checkpoints
from local.launcher.patching import put_over

_READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet", "Simulate")
_JSON_SERVICES = {"dynamodb", "sqs"}
_STATES = {"logs": "cloudwatch_logs"}
"""Names that a service's state has where they are not the service's."""

Response = tuple[int, dict[str, str], Any]
Dispatch = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]], str], Awaitable[Response]]


def role_of(access_key: str) -> str:
    """Name of the role behind an access key; `root` for the keys that skip every check, `nobody` for none."""
    session = sts._sessions.get(access_key)
    if session is not None:
        # arn:aws:sts::<account>:assumed-role/<role>/<session>
        return str(session.get("Arn", "")).split("/")[1]
    return "root" if access_key else "nobody"


def audit_decisions(lines: JsonLines) -> None:
    """Write down every decision that MiniStack makes, those for the root key too."""
    enforce = iam_evaluator.enforce

    def audited(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> object:
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        lines.add(
            {
                "time": time.time(),
                "role": role_of(access_key_id),
                "action": iam_action,
                "resource": resource_arn,
                "decision": "allow" if denied is None else "deny",
            }
        )
        return denied

    put_over(iam_evaluator, "enforce", audited)


def watch_requests(lines: JsonLines, checkpoints: Checkpoints) -> None:
    """Write down every request to a service, and tell the checkpoints of those that changed something."""
    dispatch: Dispatch = app._dispatch_service_request

    async def watched(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
        request_id: str,
    ) -> Response:
        started = time.time()
        response = await dispatch(method, path, headers, body, query, request_id)
        status, _, answer = response
        service = detect_service(method, path, headers, query)
        operation = _operation(service, method, path, headers, body, query)
        record: dict[str, object] = {
            "time": started,
            "role": role_of(extract_access_key_id(headers, query) or ""),
            "service": service,
            "operation": operation,
            "status": status,
            "ms": round((time.time() - started) * 1000, 1),
        }
        if operation == "ReceiveMessage" and status == 200:
            record["empty"] = b'"Messages"' not in answer
        if "X-Amz-Signature" in query:
            record["presigned"] = True
        lines.add(record)
        if status < 400:
            _touch(checkpoints, service, operation, path, bool(record.get("empty")))
        return response

    put_over(app, "_dispatch_service_request", watched)


def _operation(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> str:
    """Name of the API call: of the target header, the `Action` of a query, or, for REST, of its IAM action."""
    target = headers.get("x-amz-target", "")
    if service in _JSON_SERVICES and target:
        return target.rpartition(".")[2]
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
    operation = (action or method).rpartition(":")[2]
    # a HEAD is checked as the GET that it is
    return operation.replace("Get", "Head", 1) if service == "s3" and method == "HEAD" else operation


def _touch(checkpoints: Checkpoints, service: str, operation: str, path: str, empty: bool) -> None:
    if service == "sts":
        checkpoints.save_sessions()
    elif service == "s3":
        # objects lie in files of their own, written before the answer; only what is said of buckets is state
        if not operation.startswith(_READS) and "/" not in path.strip("/"):
            checkpoints.touch("s3")
    elif service == "sqs" and operation == "ReceiveMessage":
        if not empty:
            checkpoints.touch("sqs")
    elif not operation.startswith(_READS):
        checkpoints.touch(_STATES.get(service, service))
