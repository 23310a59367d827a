"""What people and programs wrote about a picture: IPTC (IIM) and XMP, as typed facts with the names of a table.

What is in no table does not come out; each table says which of its facts are private. XMP is read by expat with
doctypes refused, so no entity is ever expanded. Bounded in bytes, items and depth; what cannot be read is left out.
Sources: IPTC-NAA IIM 4.2; IPTC Photo Metadata Standard 2024.1; ISO 16684-1 (XMP), part 1.
"""

import re
import struct
from contextlib import suppress
from typing import Final

from msgspec import Struct

from functions.transform.steps.metadata import Value, readable

Fact = Value | list[str]

MAX_PACKET_BYTES: Final = 1024 * 1024
MAX_TEXT_CHARS: Final = 2_000
MAX_ITEMS: Final = 64
"""Of a list, such as keywords; and of data sets that are looked at, sixteen times as many."""

_IIM_LISTS: Final = {(2, 25): "keywords", (2, 20): "supplemental_categories", (2, 80): "creators"}
_IIM_WORDS: Final = {
    (2, 5): "title",
    (2, 105): "headline",
    (2, 120): "description",
    (2, 116): "copyright",
    (2, 110): "credit",
    (2, 115): "source",
    (2, 40): "instructions",
    (2, 103): "job_id",
}
_IIM_PLACES: Final = {(2, 90): "city", (2, 92): "location", (2, 95): "state", (2, 101): "country"}
_DAY, _TIME = (2, 55), (2, 60)
_UTF8: Final = b"\x1b%G"

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_XMP: Final = "http://ns.adobe.com/xap/1.0/"
_RIGHTS: Final = "http://ns.adobe.com/xap/1.0/rights/"
_PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
_MEDIA: Final = "http://ns.adobe.com/xap/1.0/mm/"
_EXIF_NS: Final = "http://ns.adobe.com/exif/1.0/"
_AUX: Final = "http://ns.adobe.com/exif/1.0/aux/"
_CORE: Final = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"

_XMP_LISTS: Final = {f"{_DC} subject": "keywords", f"{_DC} creator": "creators"}
_XMP_WORDS: Final = {
    f"{_DC} title": "title",
    f"{_DC} description": "description",
    f"{_DC} rights": "copyright",
    f"{_XMP} CreateDate": "created_at",
    f"{_XMP} ModifyDate": "modified_at",
    f"{_XMP} Rating": "rating",
    f"{_XMP} Label": "label",
    f"{_XMP} CreatorTool": "creator_tool",
    f"{_PHOTOSHOP} Headline": "headline",
    f"{_PHOTOSHOP} Credit": "credit",
    f"{_PHOTOSHOP} Source": "source",
    f"{_PHOTOSHOP} Instructions": "instructions",
    f"{_PHOTOSHOP} DateCreated": "taken_at",
    f"{_RIGHTS} UsageTerms": "usage_terms",
    f"{_RIGHTS} WebStatement": "web_statement",
}
_XMP_PRIVATE: Final = {
    f"{_PHOTOSHOP} City": "city",
    f"{_PHOTOSHOP} State": "state",
    f"{_PHOTOSHOP} Country": "country",
    f"{_CORE} Location": "location",
    f"{_AUX} SerialNumber": "camera_serial",
    f"{_AUX} LensSerialNumber": "lens_serial",
    f"{_AUX} OwnerName": "owner_name",
    f"{_EXIF_NS} GPSLatitude": "latitude",
    f"{_EXIF_NS} GPSLongitude": "longitude",
    f"{_MEDIA} DocumentID": "document_id",
    f"{_MEDIA} OriginalDocumentID": "original_document_id",
}
_HISTORY: Final = frozenset({f"{_MEDIA} History", f"{_PHOTOSHOP} DocumentAncestors", f"{_MEDIA} DerivedFrom"})
_DEGREES: Final = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,10})?)(?:,(\d{1,2}(?:\.\d{1,10})?))?([NSEW])")
_MAX_DEPTH: Final = 32


class Words(Struct, frozen=True, kw_only=True):
    """Facts that may be shown, facts that may not, and whether the story of the picture's editing is told."""

    facts: dict[str, Fact] = {}
    private: dict[str, Value] = {}
    has_history: bool = False


def iptc(block: bytes) -> Words:
    """Of the data sets of IIM, as APP13 or a TIFF tag holds them."""
    facts: dict[str, Fact] = {}
    lists: dict[str, list[str]] = {}
    private: dict[str, Value] = {}
    raw: dict[tuple[int, int], str] = {}
    charset = "utf-8"
    at = 0
    for _ in range(16 * MAX_ITEMS):
        if at + 5 > len(block) or block[at] != 0x1C:
            break
        place, size = (block[at + 1], block[at + 2]), int.from_bytes(block[at + 3 : at + 5])
        if size & 0x8000:
            break  # the extended form, which no photograph needs
        value, at = block[at + 5 : at + 5 + size], at + 5 + size
        if place == (1, 90):
            charset = "utf-8" if value == _UTF8 else "latin-1"
            continue
        text = _line(value.decode(charset, "replace"))
        if text is None:
            continue
        if place in _IIM_LISTS:
            lists.setdefault(_IIM_LISTS[place], []).append(text)
        elif place in _IIM_WORDS:
            facts.setdefault(_IIM_WORDS[place], text)
        elif place in _IIM_PLACES:
            private.setdefault(_IIM_PLACES[place], text[:64])
        else:
            raw.setdefault(place, text)
    day, time = raw.get(_DAY, ""), raw.get(_TIME, "")
    if re.fullmatch(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", day, re.ASCII):
        facts["created_at"] = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        if re.fullmatch(r"([01]\d|2[0-3])[0-5]\d[0-5]\d([+-][01]\d[0-5]\d)?", time, re.ASCII):
            zone = f"{time[6:9]}:{time[9:]}" if len(time) > 6 else ""
            facts["created_at"] += f"T{time[:2]}:{time[2:4]}:{time[4:6]}{zone}"
    facts |= {name: kept[:MAX_ITEMS] for name, kept in lists.items()}
    return Words(facts=facts, private=private)


def iptc_in_photoshop(block: bytes) -> bytes:
    """The data sets in Photoshop's resources (8BIM 0x0404); nothing if there are none."""
    at = 0
    for _ in range(16 * MAX_ITEMS):
        if block[at : at + 4] != b"8BIM" or at + 12 > len(block):
            break
        number, name = struct.unpack_from(">HB", block, at + 4)
        at += 7 + name + (name + 1) % 2
        size = int.from_bytes(block[at : at + 4])
        if number == 0x0404:
            return block[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def xmp(packet: bytes) -> Words:
    """Of one packet; nothing of one that is no XML, or has a doctype."""
    from xml.parsers import expat  # a library of its own to load, which most pictures have no need of

    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    # what was whole before a break counts: packets are often cut
    with suppress(expat.ExpatError, ValueError):
        parser.Parse(packet[:MAX_PACKET_BYTES].strip(b"\0 \r\n\t"), True)
    return reader.words()


class _Reader:
    """Properties of rdf:Description, as attributes or as elements; lists in rdf:Bag, rdf:Seq and rdf:Alt."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._characters: list[str] = []
        self._values: dict[str, list[str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _MAX_DEPTH:
            raise ValueError("too deep")
        self._path.append(name)
        self._characters.clear()
        if name == f"{_RDF} Description" and len(self._path) <= 3:
            for key, value in attributes.items():
                self._keep(key, value)
        elif name in _HISTORY:
            self._values.setdefault(name, [])

    def end(self, name: str) -> None:
        text = "".join(self._characters)
        self._characters.clear()
        self._path.pop()
        owner = self._path[-2] if name == f"{_RDF} li" and len(self._path) >= 2 else name
        self._keep(owner, text)

    def text(self, characters: str) -> None:
        self._characters.append(characters)

    def refuse(self, *_: object) -> None:
        raise ValueError("a doctype")

    def _keep(self, name: str, text: str) -> None:
        known = name in _XMP_LISTS or name in _XMP_WORDS or name in _XMP_PRIVATE
        line = _line(text) if known else None
        kept = self._values.setdefault(name, []) if line is not None else []
        if line is not None and len(kept) < MAX_ITEMS:
            kept.append(line)

    def words(self) -> Words:
        facts: dict[str, Fact] = {}
        private: dict[str, Value] = {}
        for name, kept in self._values.items():
            if not kept:
                continue
            if name in _XMP_LISTS:
                facts[_XMP_LISTS[name]] = kept
            elif name in _XMP_WORDS:
                facts[_XMP_WORDS[name]] = _typed(_XMP_WORDS[name], kept[0])
            elif name in _XMP_PRIVATE:
                value = _degrees(kept[0]) if "itude" in _XMP_PRIVATE[name] else kept[0][:64]
                if value is not None:
                    private[_XMP_PRIVATE[name]] = value
        return Words(facts=facts, private=private, has_history=any(name in _HISTORY for name in self._values))


def _typed(name: str, text: str) -> Fact:
    return int(text) if name == "rating" and re.fullmatch(r"-?[0-9]", text) else text


def _degrees(text: str) -> float | None:
    match = _DEGREES.fullmatch(text)
    if match is None:
        return None
    degrees = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return round(-degrees if match[4] in "SW" else degrees, 7) if degrees <= 180 else None


def _line(text: str) -> str | None:
    return readable(" ".join(text.split()), MAX_TEXT_CHARS)
