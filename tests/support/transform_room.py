"""What the transform function works in, in memory: one original, its order, and the answer."""

from collections.abc import Set

from contracts.formats import ImageFormat
from contracts.limits import MAX_MESSAGE_BYTES
from contracts.messages import Finished, Transform, decode, encode
from contracts.outputs import Quantizer
from contracts.places import INLINE, OriginalPlace
from contracts.variants import Variant
from functions.transform.work import Stores, carry_out
from tests.support import pictures
from tests.support.memory import MemoryObjects

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"


class Room:
    """Stores in memory with one original, and a way to have it worked on."""

    def __init__(self, data: bytes, form: ImageFormat = ImageFormat.JPEG, way: str = INLINE) -> None:
        self.objects = MemoryObjects()
        self.reported: list[tuple[str, BaseException]] = []
        self.place = OriginalPlace(way, "default", JOB)
        pinned = self.objects.post_original(self.place.key, data, form.media_type)
        self.form, self.version, self.bytes = form, pinned.version_id, len(data)

    def order(self, *variants: Variant, **changes) -> Transform:
        fields = {
            "job_id": JOB,
            "request_id": "request-1",
            "tenant": "default",
            "part": 1,
            "token": 7,
            "key": self.place.key,
            "version_id": self.version,
            "bytes": self.bytes,
            "format": self.form,
            "variants": variants,
        }
        return Transform(**(fields | changes))

    def answer(
        self,
        *variants: Variant,
        seconds: float = 600,
        stores: Stores | None = None,
        read: Set[ImageFormat] = frozenset(ImageFormat),
        palettes: Quantizer = Quantizer.PILLOW,
        **changes,
    ) -> Finished:
        found = carry_out(
            self.order(*variants, **changes),
            stores or Stores(self.objects, self.objects),
            threads=2,
            seconds=seconds,
            report=lambda name, error: self.reported.append((name, error)),
            read=read,
            palettes=palettes,
            cold=True,
            function_request_id="function-1",
        )
        assert decode(encode(found)) == found
        assert len(encode(found)) < MAX_MESSAGE_BYTES
        return found


class Broken:
    """A store whose verbs raise."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def get_original(self, key: str, version_id: str) -> bytes:
        raise self.error

    def put_result(self, key: str, body: bytes | memoryview, *, digest: str, media_type: str, hops: int = 1) -> None:
        raise self.error

    def get_result(self, key: str) -> bytes:
        raise self.error


def photo(width: int = 400, height: int = 300) -> bytes:
    return pictures.encoded(pictures.photo(width, height), "jpeg", quality=90)
