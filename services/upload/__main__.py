"""Composition root of the upload service: `python -m services.upload`.

Reads the environment that the deployment made (`UploadEnvironment`), makes the adapters, and serves on the socket that
the supervisor hands over. Ends with 0 after a drain, with 1 and one clear line if it cannot start.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from adapters import clients, telemetry
from adapters.catalogue import DynamoCatalogue
from adapters.clock import SystemClock
from adapters.deliveries import DynamoDeliveries
from adapters.ledger import DynamoLedger
from adapters.links import CloudFrontLinks, S3Links, signing_key
from adapters.objects import S3Originals
from adapters.outside import Outside
from adapters.pepper import pepper
from adapters.posts import S3Posts
from adapters.presets import DynamoPresets
from adapters.queues import SqsQueues
from adapters.registry import DynamoKeys
from adapters.sender import CoalescingSender
from adapters.sessions import RoleSession
from adapters.tallies import DynamoTallies
from adapters.webhooks import DynamoWebhooks
from contracts.environment import BadEnvironment, UploadEnvironment, from_environ
from contracts.ports import LinkSigner
from services import edge
from services.upload.application import PROCESS, application
from services.upload.auth import Door, KeyDoor, OpenDoor
from services.upload.commands import Commands
from services.upload.desk import Desk
from services.upload.direct import DirectIntake
from services.upload.endpoints import Endpoints
from services.upload.fetching import Fetching
from services.upload.intake import Intake
from services.upload.links import Links
from services.upload.listing import Listing
from services.upload.meter import Meter
from services.upload.presets import Presets
from services.upload.shares import InFlight, Shares
from services.upload.spool import SpoolRoom
from services.upload.streams import Streams
from services.upload.threads import Threads
from services.upload.watch import Watcher

DEFAULT_PORT: Final = 8000
BLOCKING_THREADS: Final = 32
"""Calls to AWS and the disk at once; the pool of each client has as many connections."""

STRAGGLE_SECONDS: Final = 0.5
"""For threads to end after the drain."""

_log: Final = structlog.get_logger()


def main(environ: Mapping[str, str]) -> int:
    """Serve until told to stop; 0 after a drain. Raises BadEnvironment for what cannot be served."""
    settings = from_environ(UploadEnvironment, environ)
    telemetry.configure(PROCESS, settings.log_level)
    readiness = edge.Readiness()
    listener = _listener(environ, settings)
    service = application(_desk(settings, readiness))
    _log.info("process.started", stack=settings.stack, port=listener.getsockname()[1])
    edge.serve(service, listener=listener, readiness=readiness)
    _log.info("process.ended")
    return 0


def _listener(environ: Mapping[str, str], settings: UploadEnvironment) -> socket.socket:
    if settings.auth == "open":
        _check_loopback(environ.get("DARKROOM_HOST", "127.0.0.1"))
    try:
        listener = edge.listening_socket(environ, port=DEFAULT_PORT)
    except OSError as error:
        raise BadEnvironment(f"cannot listen: {error.strerror}; set DARKROOM_PORT to a free port") from error
    if settings.auth == "open":
        _check_loopback(listener.getsockname()[0])
    return listener


def _check_loopback(host: str) -> None:
    if host not in ("127.0.0.1", "::1"):
        raise BadEnvironment("DARKROOM_AUTH=open is served on loopback only: DARKROOM_HOST is 127.0.0.1 or ::1")


def _desk(settings: UploadEnvironment, readiness: edge.Readiness) -> Desk:
    """The desk over AWS."""
    s3, clock, threads = _client(settings, "s3"), SystemClock(), Threads(BLOCKING_THREADS)
    dynamodb = _client(settings, "dynamodb")
    ledger = DynamoLedger(dynamodb, settings.jobs_table, settings.due_shards)
    queues = SqsQueues(_client(settings, "sqs"), settings.queue_urls)
    originals = S3Originals(s3, settings.originals_bucket)
    catalogue = DynamoCatalogue(dynamodb, settings.jobs_table)
    lanes = Shares(InFlight(catalogue, clock))
    meter = Meter(
        tallies=DynamoTallies(dynamodb, settings.jobs_table),
        in_flight=InFlight(catalogue, clock),
        clock=clock,
        quotas=settings.quotas,
        of_tenants=settings.tenant_quotas,
    )
    intake = Intake(
        ledger=ledger,
        originals=originals,
        send=CoalescingSender(queues.deliver, others_come=lambda: intake.accepting > 0).send,
        clock=clock,
        timing=settings.timing,
        randomness=os.urandom,
        lanes=lanes,
        charging=meter,
    )
    direct = DirectIntake(
        ledger=ledger,
        originals=originals,
        posts=S3Posts(s3, settings.originals_bucket, clients.own_credentials, clock),
        clock=clock,
        timing=settings.timing,
        randomness=os.urandom,
        lanes=lanes,
        charging=meter,
    )
    shelf = DynamoPresets(dynamodb, settings.registry_table)
    settings.receivers.check(settings.endpoint_url)
    outside = Outside(ports=settings.receivers.ports, loopback=settings.receivers.loopback)
    endpoints = Endpoints(
        webhooks=DynamoWebhooks(dynamodb, settings.registry_table),
        deliveries=DynamoDeliveries(dynamodb, settings.jobs_table),
        outside=outside,
        clock=clock,
        randomness=os.urandom,
    )
    watcher, shared = Watcher(ledger, threads), settings.auth == "required"
    return Desk(
        intake=intake,
        presets=Presets(shelf, clock, only_presets=settings.only_presets),
        direct=direct,
        endpoints=endpoints,
        commands=Commands(ledger=ledger, clock=clock, timing=settings.timing, randomness=os.urandom),
        listing=Listing(catalogue=catalogue, ledger=ledger, clock=clock),
        links=Links(_link_signer(settings, s3, clock), settings.timing.link_seconds, clock),
        watcher=watcher,
        meter=meter,
        streams=Streams(watcher),
        threads=threads,
        room=SpoolRoom(settings.spool_uploads, shared=shared),
        readiness=readiness,
        door=_door(settings, clock, threads),
        fetching=Fetching(outside, settings.fetch, shared=shared) if settings.fetch.enabled else None,
        read=settings.formats.read,
        behind_balancer=settings.behind_balancer,
        timing=settings.timing,
        stack=settings.stack,
        picture_origins=_picture_origins(settings),
        spool_directory=settings.spool_directory,
    )


def _door(settings: UploadEnvironment, clock: SystemClock, threads: Threads) -> Door:
    """Raises BadEnvironment if keys are required and cannot be checked: there is no pepper yet."""
    if settings.auth == "open":
        return OpenDoor()
    if settings.pepper_secret_name is None:
        raise BadEnvironment("DARKROOM_PEPPER_SECRET_NAME: not set, but DARKROOM_AUTH=required needs it")
    secret = pepper(_client(settings, "secretsmanager"), settings.pepper_secret_name, settings.stack)
    return KeyDoor(DynamoKeys(_client(settings, "dynamodb"), settings.registry_table), secret, clock, threads)


def _link_signer(settings: UploadEnvironment, s3: clients.AwsClient, clock: SystemClock) -> LinkSigner:
    """For CloudFront where the stack has it, else for S3."""
    if settings.delivery is None:
        session = RoleSession(_client(settings, "sts"), settings.link_signer_role_arn, PROCESS, clock)
        return S3Links(s3, settings.results_bucket, session, clock)
    domain, key_id, secret_name = settings.delivery
    return CloudFrontLinks(domain, key_id, signing_key(_client(settings, "secretsmanager"), secret_name), clock)


def _client(settings: UploadEnvironment, service: str) -> clients.AwsClient:
    return clients.make(service, region=settings.region, endpoint_url=settings.endpoint_url, pool=BLOCKING_THREADS)


def _picture_origins(settings: UploadEnvironment) -> tuple[str, ...]:
    """Where a browser is sent for results: CloudFront; or the embedded cloud; or the bucket's own host and S3's."""
    if settings.delivery_domain is not None:
        return (f"https://{settings.delivery_domain}",)
    if settings.endpoint_url is not None:
        return (settings.endpoint_url.rstrip("/"),)
    host = f"s3.{settings.region}.amazonaws.com"
    return (f"https://{settings.results_bucket}.{host}", f"https://{host}")


def _end(code: int) -> None:
    """End the process, even if a thread is stuck in a call: what it was doing is owed in the table."""
    until = time.monotonic() + STRAGGLE_SECONDS
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    try:
        _end(main(os.environ))
    except BadEnvironment as error:
        sys.exit(f"upload: {error}")
