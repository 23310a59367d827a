"""A form for a direct upload is charged by what it allows, and its day is put right by what arrived: exactly once.

Whoever sees it first (the client, S3, the sweeper, a command), whatever fails or dies on the way, and on whichever day.
"""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.charges import Amounts
from contracts.direct import DirectUpload
from contracts.errors import PipelineError, QuotaExceeded, Unavailable
from contracts.formats import ImageFormat
from contracts.identifiers import JobId
from contracts.job import JobState, Source
from contracts.limits import DAY_SECONDS, MAX_FRAME_PIXELS, MAX_FRAMES, MAX_PIXELS
from contracts.quotas import Quotas, cost_of, day_of, seconds_left
from services.upload.direct import most_of
from services.upload.meter import Meter
from services.upload.shares import InFlight
from tests.support.memory import MemoryCatalogue
from tests.support.pictures import png_header, sample
from tests.support.pipeline import Died, Pipeline

PHOTO = sample(ImageFormat.PNG)
FLAT = png_header(5_000, 4_000)
PIXELS = {PHOTO: 96 * 64, FLAT: 20_000_000, png_header(9_000, 9_000): 0, b"no picture": 0}
"""Files, and what each costs: few pixels, many, too many to be taken, and none."""
FILES = list(PIXELS)
BOUND = 2 * len(PHOTO)
TAKEN = Amounts(jobs=1, bytes=BOUND, pixels=MAX_FRAME_PIXELS)
NOTHING = Amounts()


class World(Pipeline):
    """The pipeline, and what was posted to it: also of what was erased since."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[str, bytes] = {}
        self.jobs: list[JobId] = []
        self.costs: dict[JobId, tuple[int, Amounts]] = {}
        """Day and cost of every job, as last seen."""

    def form(self) -> JobId:
        wish = {"content_type": "image/png", "bytes": None, "max_bytes": BOUND}
        job_id = self.presign(b"", **wish).job.id
        self.jobs.append(job_id)
        return job_id

    def post(self, job_id: JobId, body: bytes) -> None:
        pinned = self.objects.post_original(self.job(job_id).key, body, "image/png")
        self.posted[pinned.version_id] = body

    def cost(self, job_id: JobId) -> Amounts:
        """What the job costs by what is known of it: what was taken while it waits, then the file that it pinned."""
        job = self.job(job_id)
        if job.state is JobState.AWAITING_UPLOAD:
            return TAKEN
        if job.original is None:
            return NOTHING
        body = self.posted[job.original.version_id]
        return Amounts(jobs=1, bytes=len(body), pixels=PIXELS[body])

    def had(self, at: int | None = None) -> Amounts:
        """What the tenant had of a day, today's if none is named, as `GET /usage` says it."""
        return self.host.meter.used("default", at).amounts

    def abandon(self) -> None:
        self.clock.advance(self.timing.post_seconds + self.timing.abandon_after_seconds + 1)
        self.sweep()


def test_what_arrived_is_what_counts_whoever_says_so() -> None:
    for says in ("client", "S3", "sweeper"):
        world = World()
        job_id = world.form()
        assert world.had() == TAKEN
        world.post(job_id, PHOTO)
        if says == "client":
            world.complete(job_id)
        elif says == "S3":
            world.turn("ingest")
        else:
            world.abandon()
        assert world.job(job_id).state is JobState.QUEUED
        assert world.had() == Amounts(jobs=1, bytes=len(PHOTO), pixels=PIXELS[PHOTO])
        world.settle()
        assert world.had() == Amounts(jobs=1, bytes=len(PHOTO), pixels=PIXELS[PHOTO])


def test_what_never_came_and_what_was_refused_costs_nothing() -> None:
    world = World()
    world.form()
    assert world.had() == TAKEN
    world.abandon()
    assert world.had() == NOTHING
    world.post(world.form(), b"no picture")
    world.turn("ingest")
    assert world.had() == NOTHING
    world.host.commands.cancel("default", world.form(), None)
    world.host.commands.delete("default", world.form(), None)
    assert world.had() == NOTHING


@pytest.mark.parametrize("image_format", ImageFormat)
def test_no_picture_costs_more_than_the_form_that_it_came_by(image_format: ImageFormat) -> None:
    """Whatever is posted within its bounds: the most that passes the limits of its format is what was taken."""
    asked = DirectUpload(content_type=image_format.media_type, max_bytes=BOUND)
    stills = (ImageFormat.JPEG, ImageFormat.BMP, ImageFormat.ICO, ImageFormat.HEIC)
    for frames, pixels in ((1, MAX_PIXELS), (4, MAX_PIXELS), (MAX_FRAMES, MAX_FRAME_PIXELS // MAX_FRAMES)):
        if frames == 1 or image_format not in stills:
            largest = Source(format=image_format, bytes=BOUND, width=pixels, height=1, frames=frames)
            assert most_of(asked).covers(cost_of(largest))


def test_the_day_on_which_the_form_was_asked_for_is_put_right_not_the_day_of_the_file() -> None:
    world = World()
    world.clock.advance(seconds_left(world.clock.now()) - 60)
    yesterday = world.clock.now()
    job_id = world.form()
    world.clock.advance(120)
    assert day_of(world.clock.now()) == day_of(yesterday) + DAY_SECONDS * 1_000
    world.post(job_id, PHOTO)
    world.complete(job_id)
    assert world.had() == NOTHING
    assert world.had(yesterday) == world.cost(job_id)


def test_what_is_put_right_can_be_had_again() -> None:
    world = World()
    quotas = Quotas(megapixels_per_day=401)
    in_flight = InFlight(MemoryCatalogue(world.ledger), world.clock)
    world.host.direct._charging = Meter(tallies=world.tallies, in_flight=in_flight, clock=world.clock, quotas=quotas)
    world.form()
    job_id = world.form()
    with pytest.raises(QuotaExceeded):
        world.form()
    world.post(job_id, png_header(1, 1))
    world.turn("ingest")
    world.abandon()
    assert world.form()


def test_a_key_that_is_repeated_is_charged_once() -> None:
    world = World()
    for _ in range(3):
        world.presign(PHOTO, key="again")
        world.clock.advance(1)
    assert world.had().jobs == 1
    world.abandon()
    assert world.had() == NOTHING


def test_a_row_whose_making_was_not_answered_keeps_its_charge_and_gives_it_back_once() -> None:
    world = World()

    def lost(op: str) -> None:
        if op == "ledger.create":
            raise Unavailable("no answer")

    world.after = lost
    with pytest.raises(Unavailable):
        world.form()
    world.after = lambda op: None
    assert world.had() == TAKEN
    world.abandon()
    assert world.had() == NOTHING


def acted(world: World, what: str, which: int, file: int) -> None:
    """One act of somebody; what it is refused with is nobody's concern here."""
    if what == "form":
        world.form()
    elif what == "ingest":
        world.turn("ingest")
    elif what == "sweep":
        world.sweep()
    elif what == "later":
        world.clock.advance((60, 1_000, 40_000)[file % 3])
    elif world.jobs:
        job_id = world.jobs[which % len(world.jobs)]
        if what == "post":
            world.post(job_id, FILES[file])
        elif what == "complete":
            world.complete(job_id)
        elif what == "cancel":
            world.host.commands.cancel("default", job_id, None)
        else:
            world.host.commands.delete("default", job_id, None)


ACTS = ["form", "form", "post", "post", "complete", "ingest", "sweep", "cancel", "delete", "later"]
FAULTS = ["before", "after", "died before", "died after", "rival"]
acts = st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.integers(0, len(FILES) - 1))
faults = st.none() | st.tuples(st.sampled_from(FAULTS), st.integers(0, 4), acts)
stories = st.lists(st.tuples(acts, faults), max_size=25)


def mishap(world: World, fault: tuple[str, int, tuple[str, int, int]]) -> None:
    """At a call of the act that follows: it fails, its reply is lost, the process dies, or a rival acts meanwhile."""
    kind, at, rivals = fault
    calls = 0

    def here(op: str) -> None:
        nonlocal calls
        calls += 1
        if calls - 1 != at:
            return
        if kind == "rival":
            with world.quiet(), contextlib.suppress(PipelineError):
                acted(world, *rivals)
        elif kind.startswith("died"):
            raise Died
        else:
            raise Unavailable("no answer")

    if kind.endswith("after"):
        world.after = here
    else:
        world.before = here


POSTED: list[Any] = [(("form", 0, 0), None), (("post", 0, 0), None)]


@given(stories)
@example([*POSTED, (("complete", 0, 0), ("rival", 3, ("ingest", 0, 0)))])
@example([*POSTED, (("ingest", 0, 0), ("rival", 4, ("complete", 0, 0)))])
@example([*POSTED, (("complete", 0, 0), ("after", 2, ("form", 0, 0))), (("ingest", 0, 0), None)])
@example([(("form", 0, 0), None), (("cancel", 0, 0), None), (("post", 0, 0), None), (("ingest", 0, 0), None)])
def test_every_day_is_put_right_exactly_once_whatever_happens(story: list[Any]) -> None:
    """What was corrected of a day is, at every moment, the difference of what its rows cost and what was taken."""
    world = World()
    for act, fault in story:
        if fault is not None:
            mishap(world, fault)
        try:
            acted(world, *act)
        except Died:
            world.restart()
        except PipelineError:
            pass
        world.before = world.after = lambda op: None
        held(world)
    world.settle()
    world.abandon()
    world.settle()
    held(world)
    assert not any(job.state is JobState.AWAITING_UPLOAD for job in world.ledger.jobs())


def held(world: World) -> None:
    """The corrections of each day, by its rows; and what was given out covers what its rows took."""
    # a tombstone has forgotten its charge
    rows = [job for job in world.ledger.jobs() if job.charge is not None]
    world.costs |= {job.id: (job.charge.day, world.cost(job.id)) for job in rows if job.charge is not None}
    for day in {day for day, _ in world.costs.values()}:
        costs = [cost for its_day, cost in world.costs.values() if its_day == day]
        taken = sum([TAKEN for _ in costs], NOTHING)
        tally = world.tallies.read("default", day)
        assert tally.corrected == sum(costs, NOTHING) - taken
        assert tally.amounts.covers(taken)
        # nothing is ever put right to more than was taken: a quota is not exceeded
        assert NOTHING.covers(tally.corrected)
