"""A loopback endpoint that hands each service the session of its role, as ECS and EKS hand them to a container.

boto3 asks it by itself (AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN) and asks again
before a session ends. Format: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import hmac
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from local.aws import Clients

_PATH: Final = "/credentials/"
_RENEWED_BEFORE: Final = timedelta(minutes=20)
"""boto3 starts to ask for new ones 15 minutes before the end; so it always gets some with longer to live."""


class _Session(Struct, frozen=True):
    """A session as it is handed out, and when it ends."""

    answer: dict[str, str]
    until: datetime


class Credentials:
    """The endpoint, in a thread of its own. Each process has a token, and gets the session of its own role only."""

    def __init__(self, clients: Callable[[], Clients]) -> None:
        self._clients = clients
        self._tokens: dict[str, str] = {}
        self._roles: dict[str, str] = {}
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="credentials", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, process: str, role_arn: str) -> dict[str, str]:
        """Variables that lead a process to the session of this role; its token stays when it is started again."""
        with self._lock:
            self._roles[process] = role_arn
            token = self._tokens.setdefault(process, secrets.token_urlsafe(32))
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.port}{_PATH}{process}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def forget_sessions(self) -> None:
        """Assume every role anew when it is next asked for: the cloud may not know the sessions any more."""
        with self._lock:
            self._sessions.clear()

    def answer(self, path: str, token: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """What a GET of `path` with this token is answered."""
        process = path.removeprefix(_PATH)
        with self._lock:
            expected, role = self._tokens.get(process), self._roles.get(process)
        if not path.startswith(_PATH) or expected is None or role is None:
            return HTTPStatus.NOT_FOUND, {"message": "no such process"}
        if not hmac.compare_digest(expected.encode(), token.encode("latin-1", "replace")):
            return HTTPStatus.UNAUTHORIZED, {"message": "not this process's token"}
        try:
            return HTTPStatus.OK, self._session(process, role)
        except (ClientError, BotoCoreError):
            # the cloud is being started again; boto3 asks again
            return HTTPStatus.SERVICE_UNAVAILABLE, {"message": "the cloud does not answer"}

    def _session(self, process: str, role: str) -> dict[str, str]:
        with self._lock:
            session = self._sessions.get(process)
            if session is None or session.until - datetime.now(UTC) < _RENEWED_BEFORE:
                # the root key may take any role, whatever the role trusts
                given = self._clients()["sts"].assume_role(
                    RoleArn=role, RoleSessionName=f"{process}-local", DurationSeconds=3600
                )["Credentials"]
                answer = {
                    "AccessKeyId": given["AccessKeyId"],
                    "SecretAccessKey": given["SecretAccessKey"],
                    "Token": given["SessionToken"],
                    "RoleArn": role,
                    "Expiration": given["Expiration"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
                session = self._sessions[process] = _Session(answer, given["Expiration"])
            return session.answer


def _handler(credentials: Credentials) -> type[BaseHTTPRequestHandler]:
    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, answer = credentials.answer(self.path, self.headers.get("Authorization", ""))
            body = msgspec.json.encode(answer)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what matters is in the audit."""

    return Asked
