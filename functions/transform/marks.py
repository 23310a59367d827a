"""Pictures that are laid over others: fetched when the first variant wants one, decoded once, kept for the run."""

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from PIL import Image

from contracts.errors import BadMessage, SourceMissing, WatermarkMissing
from contracts.formats import SNIFF_BYTES, ImageFormat, sniff
from contracts.identifiers import Tenant
from contracts.limits import MAX_ASSET_PIXELS
from contracts.places import parse_result
from contracts.storage_ports import ResultStore
from functions.transform.geometry import Cut, Size
from functions.transform.steps.colour import matched
from functions.transform.steps.decode import decode, inspect
from functions.transform.steps.orient import orient
from functions.transform.steps.picture import Picture
from functions.transform.steps.resize import resize

Fetch = Callable[[str], tuple[bytes, ImageFormat]]
"""Bytes and format of a picture by the name that overlays call it. Raises WatermarkMissing, Unavailable."""

_SIZED_KEPT: Final = 4
"""Marks that are kept at their size: an animation wants its own for every frame. None is larger than an asset."""


class Marks:
    """The pictures of one run. Safe from several threads: who comes second waits for the first."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._pictures: dict[str, Picture] = {}
        self._kept = lru_cache(_SIZED_KEPT)(self._made)

    def size_of(self, asset: str) -> Size:
        """As it is seen, in pixels. Raises WatermarkMissing, Unavailable, ImageCorrupt."""
        return self._picture(asset).pixels.size

    def sized(self, asset: str, size: Size, profile: bytes | None) -> Image.Image:
        """Straight RGBA of this size, in the colours of pixels under this profile (None: sRGB). Raises as `size_of`.

        Not to be changed in place.
        """
        is_kept = size[0] * size[1] <= MAX_ASSET_PIXELS
        return self._kept(asset, size, profile) if is_kept else self._made(asset, size, profile)

    def _made(self, asset: str, size: Size, profile: bytes | None) -> Image.Image:
        picture = self._picture(asset)
        whole = picture.pixels.size
        small = resize(picture, Cut(whole, (0, 0, *whole), size))
        return matched(small, profile).pixels.convert("RGBA")

    def _picture(self, asset: str) -> Picture:
        with self._lock:
            if asset not in self._pictures:
                self._pictures[asset] = orient(decode(inspect(*self._fetch(asset))))
            return self._pictures[asset]


def stored(keys: Mapping[str, str], tenant: Tenant, results: ResultStore) -> Fetch:
    """From the results of the tenant; `keys` by the names that overlays call them. Raises BadMessage for any others."""
    places = {name: parse_result(key) for name, key in keys.items()}
    if any(place.tenant != tenant for place in places.values()):
        raise BadMessage("the order names a result of another tenant")

    def fetch(name: str) -> tuple[bytes, ImageFormat]:
        if name not in places:
            raise WatermarkMissing("the order does not say where the watermark is")
        try:
            return results.get_result(places[name].key), ImageFormat(places[name].format.value)
        except SourceMissing as error:
            raise WatermarkMissing(f"{name} was erased since the job was taken in") from error

    return fetch


def remembered(bodies: Mapping[str, bytes]) -> Fetch:
    """From memory, where there is no storage."""

    def fetch(name: str) -> tuple[bytes, ImageFormat]:
        body = bodies.get(name)
        form = None if body is None else sniff(body[:SNIFF_BYTES])
        if body is None or form is None:
            raise WatermarkMissing(f"there is no picture {name} here")
        return body, form

    return fetch


NO_ASSETS: Final[Mapping[str, bytes]] = {}
NOWHERE: Final = remembered(NO_ASSETS)
