"""How a picture comes through this service: in a form, by itself, or from the address that a request names.

body ─────────────────┐
                      ├──▶ spool ──▶ digests ──▶ examined ──▶ the intake: from here on no difference is known
address ──▶ fetched ──┘
"""

from typing import Any

import msgspec
from litestar import Request

from contracts.errors import FetchDisabled, UnsupportedMediaType
from contracts.fetched import MEDIA_TYPE, check_names_url, decode_url_upload, name_in, url_fingerprint
from contracts.limits import MAX_OPTIONS_BYTES
from contracts.options import Options, decode_options
from contracts.source import Source
from services import edge
from services.upload import digests
from services.upload.auth import limits_of, tenant_of
from services.upload.body import Incoming, small_body
from services.upload.desk import Desk
from services.upload.examining import examined
from services.upload.headers import idempotency_key
from services.upload.intake import Accepted, Arrival
from services.upload.spool import Spooled

AnyRequest = Request[Any, Any, Any]


async def arrived(desk: Desk, request: AnyRequest) -> Accepted:
    """The job that owns the picture of this request. Raises whatever an upload is refused with."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await (_fetched if kind == MEDIA_TYPE else _sent)(desk, request)


async def _sent(desk: Desk, request: AnyRequest) -> Accepted:
    """An upload whose body has the picture."""
    incoming = Incoming(request, desk.pace)
    tenant, key = tenant_of(request), _key_of(request)
    with desk.room.place(tenant):
        spool = desk.spool()
        try:
            form, body = await incoming.read(spool)
            options = Options() if form.options is None else decode_options(form.options)
            digests.check([options.content_sha256()], body.sha256, "file")
            await desk.threads.call(desk.endpoints.check, tenant, options.webhook)
            source = await desk.threads.call(examined, body, form.content_type, form.filename, desk.read)
            return await _accepted(desk, request, key, options, source, body)
        finally:
            spool.close()


async def _fetched(desk: Desk, request: AnyRequest) -> Accepted:
    """An upload whose body has the picture's address.

    Nobody says what the bytes are but who sent the request: neither the ending of the address nor the type that its
    host gives counts as a word on that. An answer that was given is given again without asking the host again.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("send the body as it is: no Content-Encoding is read here")
    tenant, key = tenant_of(request), _key_of(request)
    raw = await small_body(request, desk.pace, MAX_OPTIONS_BYTES)
    check_names_url(raw)
    if desk.fetching is None:
        raise FetchDisabled("send the picture itself, in a form or as the body")
    asked = decode_url_upload(raw)
    desk.fetching.check(asked.url)
    fingerprint = url_fingerprint(asked)
    if key is not None:
        known = await desk.threads.call(desk.intake.answered, tenant, key, fingerprint)
        if known is not None:
            return known
    await desk.threads.call(desk.endpoints.check, tenant, asked.webhook)
    with desk.room.place(tenant):
        spool = desk.spool()
        try:
            count = await desk.fetching.fetch(asked.url, tenant, spool)
            body = await spool.whole()
            digests.check([asked.content_sha256()], body.sha256, "file")
            source = await desk.threads.call(examined, body, None, asked.filename, desk.read)
            source = msgspec.structs.replace(source, filename=source.filename or name_in(asked.url), hops=count)
            return await _accepted(desk, request, key, asked, source, body, fingerprint)
        finally:
            spool.close()


async def _accepted(
    desk: Desk,
    request: AnyRequest,
    key: str | None,
    options: Options,
    source: Source,
    body: Spooled,
    fingerprint: str | None = None,
) -> Accepted:
    """From here on it is the same however the picture came."""
    tenant = tenant_of(request)
    arrival = Arrival(
        tenant=tenant,
        limits=limits_of(request),
        variants=await desk.threads.call(desk.presets.variants, tenant, options),
        idempotency_key=key,
        options=options,
        source=source,
        body=body,
        request_id=edge.request_id(request),
        fingerprint=fingerprint,
    )
    return await desk.threads.call(desk.intake.accept, arrival)


def _key_of(request: AnyRequest) -> str | None:
    return idempotency_key(request.headers.getall("idempotency-key", []))
