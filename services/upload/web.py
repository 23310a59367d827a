"""The page: static files from `page/`, under a policy that runs nothing but them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from services.upload.auth import ANYBODY

_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/api.js": ("api.js", "text/javascript"),
    "/view.js": ("view.js", "text/javascript"),
    "/app.css": ("app.css", "text/css"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}
_FOLDER: Final = Path(__file__).parent / "page"


def page_policy(picture_origins: Sequence[str]) -> str:
    """Content-Security-Policy of the page: its own script and style, requests to us, and results' pictures."""
    pictures = " ".join(["'self'", "blob:", *picture_origins])
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src {pictures}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page_routes(stack: str, picture_origins: Sequence[str], *, asks_for_key: bool) -> list[ControllerRouterHandler]:
    """Routes of the page. Reads its files once, here. A page of a service that asks for keys has a field for one."""
    policy = page_policy(picture_origins)
    routes: list[ControllerRouterHandler] = []
    for path, (name, media_type) in _FILES.items():
        content = (_FOLDER / name).read_bytes()
        if name == "index.html":
            content = content.replace(b"{{stack}}", _escaped(stack).encode())
            content = content.replace(b"{{auth}}", b"required" if asks_for_key else b"open")
        routes.append(_served(path, content, media_type, policy))
    return routes


def _served(path: str, content: bytes, media_type: str, policy: str) -> ControllerRouterHandler:
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": policy}

    @get(path, include_in_schema=False, sync_to_thread=False, name=f"page {path}", opt=ANYBODY)
    def file(request: Request[Any, Any, Any]) -> Response[bytes | None]:
        if request.headers.get("if-none-match") == tag:
            return Response(None, status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return file


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
