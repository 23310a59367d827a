"""The internal API: what an operator asks about a job and the queues.

It shows every tenant's jobs, so no tenant's key could open it. The process listens on loopback alone, and whoever asks
is on its host: through a session of SSM, which IAM lets in by name and CloudTrail remembers.

/healthz and /readyz are the edge's.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.errors import NotFound
from contracts.identifiers import parse_job_id
from contracts.messages import Queue
from contracts.ports import Ledger, Queues
from services.processing.records import depth_of, record_of


def routes(ledger: Ledger, queues: Queues) -> list[ControllerRouterHandler]:
    """The handlers, closed over the ports."""

    @get("/api/status/{job_id:str}", summary="The full record of a job", sync_to_thread=True)
    def status(job_id: FromPath[str]) -> dict[str, Any]:
        """A deleted job's tombstone too, until it is forgotten."""
        known = parse_job_id(job_id)
        job = ledger.read([known]).get(known)
        if job is None:
            raise NotFound("there is no job of this id")
        return record_of(job)

    @get("/api/queues", summary="Depths of all queues and their dead letters", sync_to_thread=True)
    def depths() -> dict[str, Any]:
        """Approximate, as SQS counts them."""
        places = [(queue, dead) for queue in Queue for dead in (False, True)]
        with ThreadPoolExecutor(len(places)) as pool:
            found = list(pool.map(lambda place: queues.depth(place[0], dead_letters=place[1]), places))
        shown = dict(zip(places, map(depth_of, found), strict=True))
        return {
            "queues": [
                {"name": queue.value, **shown[queue, False], "dead_letters": shown[queue, True]} for queue in Queue
            ]
        }

    return [status, depths]
