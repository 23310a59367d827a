"""How a quality was found, as the status shows it."""

from msgspec import Struct

from contracts.quality import Choice


class ProbeDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try: at what quality, of a picture of what width, how many bytes, and how like it still was (SSIM)."""

    quality: int | None = None
    width: int
    bytes: int
    ssim: float | None = None


class QualityDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The quality that was found, why it is that one, and what was tried."""

    chosen: int | None = None
    why: str
    target_ssim: float | None = None
    curve: tuple[ProbeDocument, ...]


def quality_document(choice: Choice) -> QualityDocument:
    curve = tuple(
        ProbeDocument(quality=probe.quality or None, width=probe.width, bytes=probe.bytes, ssim=probe.ssim)
        for probe in choice.probes
    )
    return QualityDocument(chosen=choice.quality, why=choice.why, target_ssim=choice.target, curve=curve)
