"""What the service says of itself: its limits, its description."""

from collections.abc import Set
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts import limits
from contracts.formats import ImageFormat
from contracts.outputs import OutputFormat
from services.upload.auth import ANYBODY, scopes_of
from services.upload.description import described

_HOUR = {"Cache-Control": "public, max-age=3600"}


class LimitsDocument(Struct, frozen=True, kw_only=True):
    """What is taken here. Bytes, pixels and seconds, as the names say."""

    max_file_bytes: int = limits.MAX_BODY_BYTES
    max_direct_file_bytes: int = limits.MAX_DIRECT_BYTES
    max_options_bytes: int = limits.MAX_OPTIONS_BYTES
    max_pixels: int = limits.MAX_PIXELS
    max_side_pixels: int = limits.MAX_SIDE
    max_frames: int = limits.MAX_FRAMES
    max_frame_pixels: int = limits.MAX_FRAME_PIXELS
    max_variants: int = limits.MAX_VARIANTS
    max_output_side_pixels: int = limits.MAX_OUTPUT_SIDE
    max_filename_bytes: int = limits.MAX_FILENAME_BYTES
    max_meta_pairs: int = limits.MAX_META_PAIRS
    max_meta_bytes: int = limits.MAX_META_BYTES
    max_idempotency_key_chars: int = limits.MAX_IDEMPOTENCY_KEY_CHARS
    max_wait_seconds: int = limits.MAX_WAIT_SECONDS
    min_life_seconds: int = limits.MIN_LIFE_SECONDS
    max_life_seconds: int = limits.MAX_LIFE_SECONDS
    default_life_seconds: int
    link_seconds: int
    post_seconds: int
    fetches_urls: bool
    """Whether an upload may name an address instead of a file."""
    formats_in: tuple[str, ...]
    """Media types of what an original may be."""
    formats_out: tuple[str, ...] = tuple(fmt.media_type for fmt in OutputFormat)


def about_routes(
    timing: limits.Timing, read: Set[ImageFormat], *, asks_for_key: bool, fetches: bool
) -> list[ControllerRouterHandler]:
    """Nothing here changes while the process lives."""
    taken = LimitsDocument(
        default_life_seconds=timing.default_life_seconds,
        link_seconds=timing.link_seconds,
        post_seconds=timing.post_seconds,
        fetches_urls=fetches,
        formats_in=tuple(fmt.media_type for fmt in ImageFormat if fmt in read),
    )
    description: list[bytes] = []

    @get("/limits", summary="What is taken here", tags=["about"], sync_to_thread=False, opt=ANYBODY)
    def limits_() -> Response[LimitsDocument]:
        return Response(taken, headers=_HOUR)

    @get("/openapi.json", include_in_schema=False, sync_to_thread=False, opt=ANYBODY)
    def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        if not description:
            schema = request.app.openapi_schema.to_schema()
            description.append(msgspec.json.encode(described(schema, scopes_of(request.app), asks_for_key)))
        return Response(description[0], media_type="application/vnd.oai.openapi+json;version=3.1", headers=_HOUR)

    return [limits_, openapi]
