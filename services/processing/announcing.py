"""What an endpoint is told of a job: the body of an event, as it is signed and sent.

No link to a result is in it: links die within minutes, and a body may be read days later. Who got an event and wants
the pictures asks for the status.
"""

from typing import Any

import msgspec

from contracts.deliveries import SCHEMA, Delivery
from contracts.identifiers import event_id
from contracts.job import Debt, Instant, Job, VariantRecord
from contracts.webhooks import WebhookId
from services.processing.records import rfc3339


def delivery_of(job: Job, debt: Debt, webhook: WebhookId, now: Instant, *, base: str) -> Delivery:
    """The event that this `notify` debt promised, as it goes to the endpoint. `base` is the public address, or empty.

    A job that was tried again meanwhile is in another state than the event tells of; what its variants were is lost
    then, and left out.
    """
    assert debt.run is not None
    assert debt.state is not None
    kind = f"job.{debt.state}"
    data: dict[str, Any] = {
        "id": job.id,
        "run": debt.run,
        "revision": job.revision,
        "state": debt.state,
        "meta": job.meta,
        "status_url": f"{base}/status/{job.id}",
    }
    if job.run == debt.run:
        data["variants"] = [_variant(record) for record in job.variants]
        if job.error is not None:
            data["error"] = {"code": job.error.code}
    body = {"type": kind, "timestamp": rfc3339(now), "data": data}
    return Delivery(
        schema=SCHEMA,
        event=event_id(job.id, debt.run, debt.state),
        webhook=webhook,
        tenant=job.tenant,
        job_id=job.id,
        run=debt.run,
        type=kind,
        body=msgspec.json.encode(body).decode(),
        created_at=now,
        due_at=now,
    )


def _variant(record: VariantRecord) -> dict[str, Any]:
    said: dict[str, Any] = {"name": record.spec.name, "state": record.state}
    if record.result is not None:
        said["bytes"] = record.result.bytes
    if record.error is not None:
        said["code"] = record.error.code
    return said
