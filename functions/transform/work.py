"""One order in, one answer out: fetch the original, make its variants, store each as soon as it is encoded.

    fetch ─▶ inspect ─▶ run ──variant──▶ put        puts overlap with encoding, on threads of their own
                          └────variant──▶ put
    ├───────── `seconds`: the function's time-out less RESERVE_SECONDS, puts included ─────────┤

Whatever a picture can do ends in an answer: the whole original undecodable, or a variant done, failed, retryable or
undone. An original that is gone fails its variants. What is raised is a bug of ours or of the order's writer. Called
by `handler`; knows ports, not adapters.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Set
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import msgspec
from msgspec import Struct

from contracts import analysis
from contracts.errors import BadMessage, InternalError, Rejected, ResourceLimit, SourceMissing, Unavailable
from contracts.formats import READ, ImageFormat
from contracts.messages import Answer, Done, Facts, Failed, Finished, Retryable, Timings, Transform, Undone
from contracts.outputs import MetadataPolicy, Quantizer
from contracts.places import DIRECT, AnalysisPlace, OriginalPlace, ResultPlace, parse_original
from contracts.plans import PartPlan
from contracts.storage_ports import OriginalReader, ResultStore
from functions.transform.making import Made, Outcome
from functions.transform.marks import Fetch, stored
from functions.transform.pipeline import ENGINE, Run
from functions.transform.plan import part_plan
from functions.transform.steps.decode import Source, inspect, quiet_decoders

RESERVE_SECONDS: Final = 2
"""Of the function's time-out: for sending the answer, on a bad day of the queue."""
ANALYSIS: Final = "analysis"
"""Under which trouble with storing what was found out is reported, beside the names of variants."""
PUTS_AT_ONCE: Final = 4
MAX_DETAIL_CHARS: Final = 300
MAX_FACTS_BYTES: Final = 4_096
"""Of what the job's row keeps of an original, as JSON; the words of a longer one are stored beside the results."""

Report = Callable[[str, BaseException], None]
"""Told of an exception that nobody foresaw, and of which variant: the composition root logs it."""


class Stores(Struct, frozen=True):
    """Where originals come from and results go."""

    originals: OriginalReader
    results: ResultStore


def carry_out(
    order: Transform,
    stores: Stores,
    *,
    threads: int,
    seconds: float,
    report: Report,
    read: Set[ImageFormat] = READ,
    palettes: Quantizer = Quantizer.PILLOW,
    cold: bool = False,
    function_request_id: str = "",
) -> Finished:
    """The answer to an order, within `seconds` from now; `palettes` are made by this one, where it is there.

    Raises BadMessage for an order that contradicts itself.
    """
    began = time.monotonic()
    place = parse_original(order.key)
    if (place.tenant, place.job_id) != (order.tenant, order.job_id):
        raise BadMessage("the order names the original of another job")
    desk = _Desk(order, place, stored(order.assets, order.tenant, stores.results), stores, report, read, palettes)
    desk.work(threads, began + seconds)
    return Finished(
        job_id=order.job_id,
        request_id=order.request_id,
        token=order.token,
        answers=() if desk.undecodable else desk.answers(),
        undecodable=desk.undecodable.code if desk.undecodable else None,
        detail=desk.undecodable.detail[:MAX_DETAIL_CHARS] if desk.undecodable else "",
        facts=desk.facts,
        plan=desk.plan,
        timings=Timings(
            fetch_ms=desk.fetch_ms,
            decode_ms=desk.decode_ms,
            transform_ms=desk.transform_ms,
            store_ms=desk.store_ms,
            total_ms=_ms(began, time.monotonic()),
            cold=cold,
        ),
        function_request_id=function_request_id,
        engine=ENGINE,
    )


def load() -> None:
    """What is imported with the first picture: to be called beside its fetching."""
    from functions.transform.analysis import study

    assert study


class _Desk:
    """What is known of one order while it is carried out."""

    def __init__(
        self,
        order: Transform,
        place: OriginalPlace,
        fetch: Fetch,
        stores: Stores,
        report: Report,
        read: Set[ImageFormat],
        palettes: Quantizer,
    ) -> None:
        self._palettes = palettes
        self._order = order
        self._read = read
        self._place = place
        self._fetch = fetch
        self._stores = stores
        self._report = report
        self._policies = {variant.name: variant.output.metadata for variant in order.variants}
        self._lock = threading.Lock()
        self._answers: dict[str, Answer] = {}
        self._puts: list[Future[None]] = []
        self._put_times: list[tuple[float, float]] = []
        self._pool = ThreadPoolExecutor(PUTS_AT_ONCE, "put")
        self.undecodable: Rejected | None = None
        self.facts: Facts | None = None
        self.plan: PartPlan | None = None
        self.fetch_ms = self.decode_ms = self.transform_ms = 0.0

    @property
    def store_ms(self) -> float:
        with self._lock:
            return (
                _ms(min(start for start, _ in self._put_times), max(end for _, end in self._put_times))
                if self._put_times
                else 0.0
            )

    def answers(self) -> tuple[Answer, ...]:
        """One for each of the order's variants, in its order."""
        with self._lock:
            found = dict(self._answers)
        return tuple(found.get(variant.name, Undone(name=variant.name)) for variant in self._order.variants)

    def work(self, threads: int, deadline: float) -> None:
        try:
            self._make(threads, deadline)
        except SourceMissing as error:
            # says nothing against the picture: the job fails and may be tried again, it is not rejected and erased
            self._settle_rest(Failed, error.code, error.detail)
        except Rejected as error:
            self.undecodable = error
        except Unavailable as error:
            self._settle_rest(Retryable, error.code, error.detail)
        except MemoryError:
            self._settle_rest(Retryable, ResourceLimit.code, "not enough memory to decode the original")
        finally:
            wait(self._puts, max(0.0, deadline - time.monotonic()))
            # what is late goes on until it ends by itself: a result is immutable and unreachable until it is named
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _make(self, threads: int, deadline: float) -> None:
        began = time.monotonic()
        data = self._stores.originals.get_original(self._order.key, self._order.version_id)
        self.fetch_ms = _ms(began, time.monotonic())
        with quiet_decoders():
            source = inspect(data, self._order.format, self._read)
            from functions.transform.analysis.study import Study  # of a cold start, as the next one: see `load`

            study = Study(source, analysis.wanted(self._order.analyse), self._report)
            run = Run(
                source, self._order.variants, threads, self._take, study.look, self._fetch, palettes=self._palettes
            )
            facts = _facts(source, self._place)
            left = max(0.0, deadline - time.monotonic())
            run.wait(left)
            self.plan = part_plan(self._order.variants, run.planned, source.upright, threads=threads, seconds=left)
            facts = study.added_to(facts)
        self.facts, self.decode_ms, self.transform_ms = self._fitted(facts), run.decode_ms, run.transform_ms

    def _fitted(self, facts: Facts) -> Facts:
        """The facts, short enough for the job's row; what is too long is stored and named."""
        if len(msgspec.json.encode(facts)) <= MAX_FACTS_BYTES:
            return facts
        told = {"metadata": facts.metadata, "iptc": facts.iptc, "xmp": facts.xmp}
        body = msgspec.json.encode(told)
        digest = hashlib.sha256(body).hexdigest()
        more = AnalysisPlace(self._order.tenant, self._order.job_id, digest).key
        try:
            self._stores.results.put_result(
                more, body, digest=digest, media_type="application/json", hops=self._order.hops + 1
            )
        except Exception as error:
            # the pictures are worth more than the words about them
            self._report(ANALYSIS, error)
            return msgspec.structs.replace(facts, iptc={}, xmp={})
        return msgspec.structs.replace(facts, metadata={}, iptc={}, xmp={}, more=more)

    def _take(self, outcome: Outcome) -> None:
        """Called from the run's threads, with each variant as soon as it is known."""
        if isinstance(outcome, Made):
            self._puts.append(self._pool.submit(self._put, outcome))
            return
        name, error = outcome.name, outcome.error
        if isinstance(error, Rejected):
            self._settle(Failed(name=name, code=error.code, detail=error.detail[:MAX_DETAIL_CHARS]))
        elif isinstance(error, Unavailable):
            self._settle(Retryable(name=name, code=error.code, detail=error.detail[:MAX_DETAIL_CHARS]))
        elif isinstance(error, MemoryError):
            # perhaps its neighbours took it: the next try may be alone
            self._settle(Retryable(name=name, code=ResourceLimit.code, detail="not enough memory for this variant"))
        else:
            self._report(name, error)
            self._settle(Retryable(name=name, code=InternalError.code, detail=type(error).__name__))

    def _put(self, made: Made) -> None:
        began = time.monotonic()
        from functions.transform.analysis.carried import carries

        found = carries(made.body, ImageFormat(made.format.value))
        if found and self._policies[made.name] is MetadataPolicy.NONE:
            # never stored: whatever wrote it is at fault, and somebody has to look
            self._report(made.name, InternalError(f"the file carries {', '.join(found)}"))
            self._settle(Retryable(name=made.name, code=InternalError.code, detail="it would not have been clean"))
            return
        digest = hashlib.sha256(made.body).hexdigest()
        key = ResultPlace(self._order.tenant, self._order.job_id, made.name, digest, made.format).key
        try:
            self._stores.results.put_result(
                key, made.body, digest=digest, media_type=made.format.media_type, hops=self._order.hops + 1
            )
        except Unavailable as error:
            self._settle(Retryable(name=made.name, code=error.code, detail=error.detail[:MAX_DETAIL_CHARS]))
        except Exception as error:
            # a bug or a refusal; of this variant's only, so that the others are not made again for it
            self._report(made.name, error)
            self._settle(Retryable(name=made.name, code=InternalError.code, detail=type(error).__name__))
        else:
            with self._lock:
                self._put_times.append((began, time.monotonic()))
            self._settle(
                Done(
                    name=made.name,
                    key=key,
                    digest=digest,
                    bytes=len(made.body),
                    width=made.size[0],
                    height=made.size[1],
                    format=made.format,
                    elapsed_ms=made.elapsed_ms,
                    warnings=made.warnings,
                    carries=found,
                    frames=made.frames,
                    kept_source=made.kept_source,
                    choice=made.choice,
                    palette=made.palette,
                )
            )

    def _settle(self, answer: Answer) -> None:
        with self._lock:
            self._answers[answer.name] = answer

    def _settle_rest(self, kind: type[Failed | Retryable], code: str, detail: str) -> None:
        """The same trouble for every variant that has no answer yet."""
        with self._lock:
            for variant in self._order.variants:
                self._answers.setdefault(
                    variant.name, kind(name=variant.name, code=code, detail=detail[:MAX_DETAIL_CHARS])
                )


def _facts(source: Source, place: OriginalPlace) -> Facts:
    width, height = source.upright
    return Facts(
        width=width,
        height=height,
        frames=source.frames,
        orientation=source.exif_orientation,
        # of an inline upload it is known, and S3 has checked it
        sha256=hashlib.sha256(source.data).hexdigest() if place.way == DIRECT else None,
        has_alpha=source.has_alpha,
    )


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 2)
