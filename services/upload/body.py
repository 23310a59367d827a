"""The body of an upload: a form or the bare picture, its pace, and the digests that its head promises.

Incoming(request, pace)   what the head says, refused before a byte is read where it cannot be taken
.read(spool)              all of the body; the file is in the spool, and is what every digest says
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request

from contracts.errors import PayloadTooLarge, RequestTimeout
from services import edge
from services.upload import digests, raw
from services.upload.desk import Pace
from services.upload.form import Form, boundary_of, check_length, read_form
from services.upload.spool import Spool, Spooled

AnyRequest = Request[Any, Any, Any]


class Incoming:
    """One upload whose body is still to come. Making it raises what its head is refused with."""

    def __init__(self, request: AnyRequest, pace: Pace) -> None:
        self._request, self._pace = request, pace
        content_type = request.headers.get("content-type")
        content_encoding = request.headers.get("content-encoding")
        content_length = request.headers.get("content-length")
        self._promised = digests.promised(request.headers.multi_items())
        self._bare: Form | None = None
        self._boundary = ""
        if content_type is not None and raw.is_raw(content_type):
            query = request.scope["query_string"].decode("latin-1")
            self._bare = raw.asked_by_query(query, content_type, content_encoding)
            raw.check_length(content_length)
        else:
            self._boundary = boundary_of(content_type, content_encoding)
            check_length(content_length)

    async def read(self, spool: Spool) -> tuple[Form, Spooled]:
        """What was sent, and the file. Raises DigestMismatch, and what reading raises."""
        coming = chunks(self._request, self._pace)
        if self._bare is not None:
            await raw.read_raw(coming, spool)
            body = await spool.whole()
            digests.check(self._promised, body.sha256, "file")
            return self._bare, body
        whole = digests.Hashed(coming)
        form = await read_form(self._boundary, aiter(whole) if self._promised else coming, spool)
        if self._promised:
            digests.check(self._promised, whole.sha256, "body")
        body = await spool.whole()
        digests.check(form.digests, body.sha256, "file")
        return form, body


async def chunks(request: AnyRequest, pace: Pace) -> AsyncIterator[bytes]:
    """The body as it comes. Raises RequestTimeout if it comes too slowly, ClientGone if it stops coming."""
    loop = asyncio.get_running_loop()
    begun, received = loop.time(), 0
    while True:
        try:
            async with asyncio.timeout_at(begun + pace.allowed(received)):
                message = await request.receive()
        except TimeoutError:
            raise RequestTimeout(f"only {received} bytes came in {int(loop.time() - begun)} s") from None
        if message["type"] != "http.request":
            raise edge.ClientGone
        chunk = message["body"]
        received += len(chunk)
        yield chunk
        if not message["more_body"]:
            return


async def small_body(request: AnyRequest, pace: Pace, most: int) -> bytes:
    """A whole body of at most so many bytes. Raises PayloadTooLarge, and what `chunks` raises."""
    gathered = bytearray()
    async for chunk in chunks(request, pace):
        gathered += chunk
        if len(gathered) > most:
            raise PayloadTooLarge(f"the body has more than {most} bytes", max_bytes=most)
    return bytes(gathered)
