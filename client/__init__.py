"""Python client of Darkroom, blocking and async, and the `darkroom` command (`client.command`).

with Darkroom() as darkroom:
    job = darkroom.upload("chair.jpg", preset="web@1")
    status = darkroom.wait(job.id)
    darkroom.download(status, "out")
"""

from client.answers import Accepted, Commanded, Fault, JobLine, JobPage, Progress, Source, Status, VariantStatus
from client.conversation import DEFAULT_ADDRESS, Downloaded, JobOptions, ListFilters, UploadOptions
from client.drivers import AsyncDarkroom, Darkroom
from client.endpoints import Attempt, Delivery, Endpoint
from client.errors import (
    BadInput,
    Busy,
    Damaged,
    DarkroomError,
    NotFinished,
    Problem,
    Refused,
    ServerFault,
    StrangeAnswer,
    StrangeEvent,
    Unreachable,
    Unverified,
)
from client.webhooks import Event, ToldVariant, verify

__all__ = [
    "DEFAULT_ADDRESS",
    "Accepted",
    "AsyncDarkroom",
    "Attempt",
    "BadInput",
    "Busy",
    "Commanded",
    "Damaged",
    "Darkroom",
    "DarkroomError",
    "Delivery",
    "Downloaded",
    "Endpoint",
    "Event",
    "Fault",
    "JobLine",
    "JobOptions",
    "JobPage",
    "ListFilters",
    "NotFinished",
    "Problem",
    "Progress",
    "Refused",
    "ServerFault",
    "Source",
    "Status",
    "StrangeAnswer",
    "StrangeEvent",
    "ToldVariant",
    "Unreachable",
    "Unverified",
    "UploadOptions",
    "VariantStatus",
    "verify",
]
