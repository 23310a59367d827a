"""placeholder"""

from enum import StrEnum


class ImageFormat(StrEnum):
    """Formats an original can have; nothing else is ever opened."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    AVIF = "avif"
    TIFF = "tiff"
    BMP = "bmp"
    ICO = "ico"

    @property
    def media_type(self) -> str:
        return {"bmp": "image/bmp", "ico": "image/vnd.microsoft.icon"}.get(self.value, f"image/{self.value}")
