"""What the checks of an account share: the stack they look for, who looks, and what of the stack is there already."""

import functools
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from components.naming import PROJECT
from components.settings import PipelineConfig
from components.site import Service
from operations.asking import asking


@dataclass(kw_only=True)
class Account:
    """One look. `number` and `caller` are known once AWS has said who asks."""

    folder: Path
    stack: str
    region: str
    settings: PipelineConfig
    today: date
    number: str = ""
    caller: str = ""

    @property
    def services(self) -> dict[str, Service]:
        hosts = self.settings.hosts
        return {} if hosts is None else {"upload": hosts.upload, "processing": hosts.processing}

    @functools.cached_property
    def ours(self) -> list[dict[str, Any]]:
        """A filter of EC2's for what this stack has already: a second `up` takes nothing more."""
        return [
            {"Name": "tag:project", "Values": [PROJECT]},
            {"Name": "tag:stack", "Values": [self.stack]},
        ]

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
        """Everything that a listing of AWS has. Raises DarkroomError."""
        with asking(service, self.region) as client:
            return [one for page in client.get_paginator(operation).paginate(**arguments) for one in page[key]]
