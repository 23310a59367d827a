"""Limits that depend on each other, and the clockwork of a deployment that changes nothing."""

import msgspec
import pytest

from contracts import limits
from contracts.formats import ImageFormat
from contracts.framing import Fit, Resize
from contracts.limits import RELAXED, Timing
from contracts.messages import Transform, encode
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant


def test_limits_fit_into_each_other() -> None:
    assert limits.MAX_OPTIONS_BYTES < limits.MAX_BODY_BYTES
    assert limits.MAX_OUTPUT_SIDE <= limits.MAX_SIDE
    assert limits.MAX_PIXELS <= limits.MAX_FRAME_PIXELS
    assert limits.MAX_PARTS <= limits.MAX_VARIANTS
    assert limits.MIN_LIFE_SECONDS <= RELAXED.default_life_seconds <= limits.MAX_LIFE_SECONDS
    assert limits.QUEUE_BATCH == 10


def test_the_usual_clockwork_keeps_its_promises() -> None:
    assert RELAXED.function_timeout_seconds <= RELAXED.transforms_visibility_seconds
    assert RELAXED.queue_retention_seconds < RELAXED.dead_letter_retention_seconds
    assert RELAXED.first_gap_seconds <= RELAXED.last_gap_seconds
    assert RELAXED.grace_seconds < RELAXED.abandon_after_seconds
    # what is owed is not sent again while its first copy may still be at work
    assert RELAXED.first_gap_seconds >= RELAXED.queue_visibility_seconds
    assert RELAXED.upload_deadline_seconds > limits.MAX_WAIT_SECONDS


def test_the_largest_order_fits_a_message() -> None:
    variants = tuple(
        Variant(
            name=f"{number:0>40}",
            resize=Resize(width=8_192, height=8_192, fit=Fit.CONTAIN, enlarge=True),
            output=Output(format=OutputFormat.AVIF, quality=100),
        )
        for number in range(limits.MAX_VARIANTS)
    )
    order = Transform(
        job_id="018f3a1c-52aa-7bbb-8ccc-0123456789ab", tenant="t" * 40, part=99, token=99_999, key="k" * 120,
        version_id="v" * 1_024, bytes=2**40, format=ImageFormat.JPEG, variants=variants, request_id="r" * 200,
    )  # fmt: skip
    assert len(encode(order)) < limits.MAX_MESSAGE_BYTES // 8


@pytest.mark.parametrize("wrong", [{"sweep_seconds": 0}, {"queue_receives": 1}, {"sweep": 5}, {"link_seconds": "900"}])
def test_a_clockwork_that_cannot_run_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Timing)
