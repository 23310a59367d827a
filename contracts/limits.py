"""Every limit of the pipeline, with its unit and the reason for the number.

Nothing else in the tree states one of these numbers. `Timing` holds those that a deployment may change (and that tests
shorten); the rest are constants of the product.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

MIB: Final = 1024 * 1024

MAX_BODY_BYTES: Final = 25 * MIB
"""Bytes of a file sent through the upload service: enough for a camera's JPEG, bounded for the host that carries it."""

MAX_DIRECT_BYTES: Final = 200 * MIB
"""Bytes of a file posted straight to S3: what the function can hold beside the picture that it decodes to."""

MAX_OPTIONS_BYTES: Final = 64 * 1024
"""Bytes of the `options` part: room for `MAX_SPEC_BYTES` however they are spelled."""

MAX_SPEC_BYTES: Final = 14 * 1024
"""Bytes of all variants of a job as it remembers them: fifty usual ones take 6 KiB, one with everything about 3 KiB."""

MAX_PIXELS: Final = 50_000_000
"""Pixels of one frame, after orientation: decoded as RGBA this is 200 MB, which fits the function's memory."""

MAX_SIDE: Final = 16_383
"""Pixels of the longer side of an original: the largest that WebP can hold."""

MAX_OUTPUT_SIDE: Final = 8_192
"""Pixels of the longer side of a variant."""

MAX_FRAMES: Final = 300
"""Frames of an animation: 10 s at 30 frames a second."""

MAX_FRAME_PIXELS: Final = 200_000_000
"""Frames times pixels of one frame: bounds the work of one animation."""

MAX_VARIANTS: Final = 50
"""Variants of one job: keeps its document under 8 KB with headroom."""

MAX_ASSETS: Final = 8
"""Different pictures that the variants of one job are marked with: each is fetched and decoded beside the original."""

MAX_ASSET_PIXELS: Final = 4_000_000
"""Pixels of a picture that is laid over others: eight of them take 128 MB beside the original; a logo has a tenth."""

MAX_PARTS: Final = 4
"""Parts that a plan may cut a job into: more would pay for decoding the original more often than the time they save."""

MAX_FILENAME_BYTES: Final = 200
"""Bytes of the client's file name in UTF-8; it is data for people, never part of a key."""

MAX_META_PAIRS: Final = 20
MAX_META_BYTES: Final = 2_048
"""Keys and values of `meta` together, in bytes of UTF-8."""

MAX_IDEMPOTENCY_KEY_CHARS: Final = 255
"""Characters of an Idempotency-Key."""

MAX_DOCUMENT_BYTES: Final = 96 * 1024
"""Encoded job document: DynamoDB would take 400 KB, but each write is billed by the kilobyte."""

MAX_MESSAGE_BYTES: Final = 256 * 1024
"""Body of a queue message: a transform order with fifty variants takes about 12 KB."""

MAX_COMMANDS: Final = 8
"""Commands a job remembers, so that a repeated one gets the same answer."""

MAX_HOPS: Final = 1
"""How often a picture may have come out of a Darkroom when it comes in: a result may be worked on once more, and the
results of that never again. So a loop ends, and before it has multiplied twice."""

MAX_WAIT_SECONDS: Final = 30
"""Longest `?wait=` of a status read: below the idle time-out of every common proxy."""

MAX_PAGE: Final = 100
"""Jobs on one page of a list: their rows are one BatchGetItem (a DynamoDB limit)."""

SHARE_IN_FLIGHT: Final = 100
"""Jobs of one tenant that wait or are worked on before its further ones wait in the bulk lane: half a minute's work of
a stack of ten functions. Each host counts by itself, so up to hosts times as many may get in."""

QUEUE_BATCH: Final = 10
"""Messages in one SQS batch call (an SQS limit)."""

BODY_PATIENCE_SECONDS: Final = 15
MIN_BODY_BYTES_PER_SECOND: Final = 16 * 1024
"""A body may take its patience, and then a second more for so many bytes that came: a phone on a bad line gets through,
one byte a second does not."""

DAY_SECONDS: Final = 86_400

MAX_WEBHOOKS: Final = 20
"""Endpoints of one tenant; a job names one of them."""

MAX_DELIVERY_ATTEMPTS: Final = 10
"""Tries that a delivery remembers: a whole schedule and one that was asked for."""

DELIVERY_DAYS: Final = 30
"""How long a delivery can be seen and sent again."""

WEBHOOK_OVERLAP_SECONDS: Final = DAY_SECONDS
"""From a new secret of an endpoint until the one before it signs nothing more: time to hand it to every receiver."""


WebhookGaps = Annotated[tuple[Annotated[float, Meta(gt=0, le=7 * DAY_SECONDS)], ...], Meta(max_length=16)]


class Timing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clockwork of a deployment, in seconds unless named otherwise. Tests shorten it and say so."""

    function_timeout_seconds: Annotated[int, Meta(ge=5, le=900)] = 60
    """A 50 MP picture with AVIF at speed 6 takes about 10 s; a minute leaves room for a slow neighbour."""
    transforms_visibility_seconds: Annotated[int, Meta(ge=5, le=43_200)] = 90
    """At least the function's time-out. AWS advises six times it because of throttling, which the mapping's maximum
    concurrency avoids."""
    transforms_receives: Annotated[int, Meta(ge=2, le=10)] = 3
    """Receives before a `transforms` message goes to the dead letters. Never 1: a receive nobody saw counts too."""
    queue_visibility_seconds: Annotated[int, Meta(ge=1, le=43_200)] = 30
    queue_receives: Annotated[int, Meta(ge=2, le=10)] = 5
    queue_retention_seconds: Annotated[int, Meta(ge=60, le=14 * DAY_SECONDS)] = 4 * DAY_SECONDS
    dead_letter_retention_seconds: Annotated[int, Meta(ge=60, le=14 * DAY_SECONDS)] = 14 * DAY_SECONDS
    """Longer than the queue's: a dead letter keeps the time of its first send."""
    variant_tries: Annotated[int, Meta(ge=1, le=10)] = 3
    """Tries of one variant in one run."""
    upload_deadline_seconds: Annotated[int, Meta(ge=1, le=3_600)] = 120
    """From reading the row to the end of the put of its original."""
    post_seconds: Annotated[int, Meta(ge=1, le=3_600)] = 600
    """Life of the right to post an original straight to S3; never beyond that of the credentials that signed it."""
    grace_seconds: Annotated[int, Meta(ge=0, le=3_600)] = 60
    """Added to every deadline of somebody else's before we act on it: clocks and networks."""
    abandon_after_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 900
    """From the expiry of the right to upload to giving the job up."""
    late_post_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 3_600
    """A POST begun before its policy's expiry may still land this long after it."""
    sweep_seconds: Annotated[float, Meta(gt=0, le=3_600)] = 5
    """Between two looks of the sweeper."""
    first_gap_seconds: Annotated[float, Meta(gt=0, le=3_600)] = 30
    """From sending what is owed to sending it again; doubles up to `last_gap_seconds`."""
    last_gap_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 900
    back_off_seconds: Annotated[float, Meta(ge=0, le=600)] = 2
    """Before a variant's second try; times four for each further one."""
    default_life_seconds: Annotated[int, Meta(ge=60, le=365 * DAY_SECONDS)] = 30 * DAY_SECONDS
    """`expires_in` of a job that names none."""
    tombstone_seconds: Annotated[int, Meta(ge=60, le=365 * DAY_SECONDS)] = 30 * DAY_SECONDS
    """How long a deleted job answers 410 before it is forgotten."""
    webhook_seconds: Annotated[float, Meta(gt=0, le=60)] = 15
    """For one call of a webhook, from resolving its name to the head of its reply."""
    webhook_gaps_seconds: WebhookGaps = (5, 30, 120, 600, 3_600, 6 * 3_600, 24 * 3_600, 48 * 3_600)
    """From a call that failed to the next, each stretched by up to a fifth: eight more tries within 79 hours, so that a
    receiver may be down over a long weekend."""
    link_seconds: Annotated[int, Meta(ge=10, le=1_800)] = 900
    """Life of a link to a result; never beyond the life of the credentials that signed it."""


MIN_LIFE_SECONDS: Final = 3_600
MAX_LIFE_SECONDS: Final = 365 * DAY_SECONDS
"""Range of `expires_in`."""

RELAXED: Final = Timing()
"""The timing of a deployment that changes nothing."""
