"""What the routes have at hand: the use case, the reads, and the room that an upload takes. Made in `__main__`."""

from collections.abc import Set

from msgspec import Struct

from contracts.formats import READ, ImageFormat
from contracts.limits import BODY_PATIENCE_SECONDS, MIN_BODY_BYTES_PER_SECOND, Timing
from services.edge import Readiness
from services.upload.auth import Door, OpenDoor
from services.upload.commands import Commands
from services.upload.direct import DirectIntake
from services.upload.endpoints import Endpoints
from services.upload.fetching import Fetching
from services.upload.intake import Intake
from services.upload.links import Links
from services.upload.listing import Listing
from services.upload.meter import Meter
from services.upload.presets import Presets
from services.upload.spool import Spool, SpoolRoom
from services.upload.streams import Streams
from services.upload.threads import Threads
from services.upload.watch import Watcher


class Pace(Struct, frozen=True):
    """How slowly a body may arrive: `patience_seconds`, and a second more for each `bytes_per_second` that came."""

    patience_seconds: float = BODY_PATIENCE_SECONDS
    bytes_per_second: float = MIN_BODY_BYTES_PER_SECOND

    def allowed(self, received: int) -> float:
        """Seconds since the beginning within which the next bytes must come."""
        return self.patience_seconds + received / self.bytes_per_second


class Desk(Struct, frozen=True, kw_only=True):
    """Everything that a request of this service needs."""

    intake: Intake
    commands: Commands
    listing: Listing
    direct: DirectIntake
    presets: Presets
    endpoints: Endpoints
    links: Links
    watcher: Watcher
    meter: Meter
    streams: Streams
    threads: Threads
    room: SpoolRoom
    readiness: Readiness
    timing: Timing
    stack: str
    door: Door = OpenDoor()
    fetching: Fetching | None = None
    """None: no picture is fetched by its address."""
    read: Set[ImageFormat] = READ
    """Formats that an original may have."""
    behind_balancer: bool = False
    """Whether a balancer of ours stands before it, whose word on who asks is taken."""
    picture_origins: tuple[str, ...] = ()
    """Where results are shown from; the page's policy allows pictures of these."""
    spool_directory: str | None = None
    pace: Pace = Pace()

    def spool(self) -> Spool:
        """A place for one upload's bytes; whoever asks closes it."""
        return Spool(self.spool_directory, self.threads)
