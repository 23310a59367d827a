"""The routes of presets: the repository's, which anybody may read, and a tenant's own. What is done is in `presets`."""

from typing import Any, Final

from litestar import Request, Response, delete, get, put
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.errors import NotFound
from contracts.keys import Scope
from contracts.limits import MAX_OPTIONS_BYTES
from contracts.presets import DEFAULT_PRESET, PRESETS
from contracts.shelves import ShelvedPreset
from contracts.variants import Variant
from services.upload.auth import HEARD, known_tenant, needs, tenant_of
from services.upload.body import small_body
from services.upload.desk import Desk
from services.upload.document import rfc3339

AnyRequest = Request[Any, Any, Any]

_HOUR: Final = {"Cache-Control": "public, max-age=3600", "Vary": "Authorization"}
_OWN: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


class PresetDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A named set of variants. Once it is `used` it never changes under its name; `built_in` ones are always so."""

    name: str
    variants: tuple[Variant, ...]
    built_in: bool = False
    used: bool = False
    created_at: str | None = None


class PresetsDocument(Struct, frozen=True, kw_only=True):
    """Every preset there is for who asks; `default` is used by an upload that names neither a preset nor variants."""

    default: str
    presets: tuple[PresetDocument, ...]
    only_presets: bool
    """Whether an upload with variants of its own is refused."""


_BUILT_IN: Final = tuple(
    PresetDocument(name=name, variants=variants, built_in=True, used=True) for name, variants in PRESETS.items()
)


def preset_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """Without a key the repository's are shown; with one the tenant's own too."""

    @get("/presets", summary="Every preset", tags=["presets"], opt=HEARD)
    async def presets(request: AnyRequest) -> Response[PresetsDocument]:
        tenant = known_tenant(request)
        own = [] if tenant is None else await desk.threads.call(desk.presets.all, tenant)
        document = PresetsDocument(
            default=DEFAULT_PRESET,
            presets=(*_BUILT_IN, *map(_document, own)),
            only_presets=desk.presets.only_presets,
        )
        return Response(document, headers=_HOUR if tenant is None else _OWN)

    @get("/presets/{name:str}", summary="One preset", tags=["presets"], opt=HEARD)
    async def preset(request: AnyRequest, name: FromPath[str]) -> Response[PresetDocument]:
        found = next((one for one in _BUILT_IN if one.name == name), None)
        if found is not None:
            return Response(found, headers=_HOUR)
        tenant = known_tenant(request)
        if tenant is None:
            raise NotFound("there is no preset of this name")
        return Response(_document(await desk.threads.call(desk.presets.shown, tenant, name)), headers=_OWN)

    @put("/presets/{name:str}", summary="Keep a preset", tags=["presets"], opt=needs(Scope.PRESETS_WRITE))
    async def keep(request: AnyRequest, name: FromPath[str]) -> Response[PresetDocument]:
        """201 if it is new. One that no job has used yet is replaced; one that is used stays, and 409 says so."""
        body = await small_body(request, desk.pace, MAX_OPTIONS_BYTES)
        kept, is_new = await desk.threads.call(desk.presets.put, tenant_of(request), name, body)
        headers = {"Location": f"/presets/{kept.name}"} if is_new else {}
        return Response(_document(kept), status_code=201 if is_new else 200, headers=headers)

    @delete(
        "/presets/{name:str}",
        status_code=204,
        summary="Delete a preset",
        tags=["presets"],
        opt=needs(Scope.PRESETS_WRITE),
    )
    async def drop(request: AnyRequest, name: FromPath[str]) -> None:
        """Jobs that were made with it stay as they are; its name is never given again."""
        await desk.threads.call(desk.presets.delete, tenant_of(request), name)

    return [presets, preset, keep, drop]


def _document(preset: ShelvedPreset) -> PresetDocument:
    return PresetDocument(
        name=preset.name,
        variants=preset.variants,
        used=preset.used_at is not None,
        created_at=rfc3339(preset.created_at),
    )
