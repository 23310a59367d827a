"""boto3 clients on the embedded cloud, with the root key: the hands of whoever deploys. Used by the handlers of types
of resources, the credentials endpoint and tests; the services never see this key."""

import os
import threading
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config

ROOT_KEY: Final = "test"
"""MiniStack's root key; it skips every check."""

ACCOUNT: Final = "000000000000"

_CONFIG: Final = Config(
    retries={"mode": "standard", "max_attempts": 3},
    connect_timeout=5,
    read_timeout=65,
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    signature_version="v4",
)


class Clients:
    """One client a service, made when it is first asked for. The person's own AWS configuration is not looked at."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        core = botocore.session.Session()
        core.set_config_variable("config_file", os.devnull)
        core.set_config_variable("credentials_file", os.devnull)
        core.set_config_variable("profile", None)
        # a client is a class made at run time, so no type of boto3's describes it
        self._session: Any = boto3.Session(ROOT_KEY, ROOT_KEY, region_name=region, botocore_session=core)
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __getitem__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                config = _CONFIG.merge(Config(signature_version="s3v4")) if service == "s3" else _CONFIG
                self._made[service] = self._session.client(service, endpoint_url=self.endpoint, config=config)
            return self._made[service]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._made.values():
                client.close()
