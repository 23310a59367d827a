"""The leak report: what an original carried is named, what a file of ours carries is nothing, whatever the bytes."""

import io
import json
import struct
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.messages import Done
from contracts.outputs import Output, OutputFormat
from contracts.places import parse_analysis
from contracts.variants import Variant
from functions.transform.analysis import exif, words
from functions.transform.analysis.carried import carries
from functions.transform.analysis.containers import Block, blocks
from functions.transform.work import MAX_FACTS_BYTES, Stores
from tests.support import pictures
from tests.support.transform_room import Broken, Room, photo

SMALL = Variant(name="small", resize=Resize(width=60))
ALL_FORMATS = tuple(
    Variant(name=form.value, resize=Resize(width=60), output=Output(format=form)) for form in OutputFormat
)
PACKET = b"""<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''
 xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'
 xmlns:exif='http://ns.adobe.com/exif/1.0/' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'
 xmlns:xmpMM='http://ns.adobe.com/xap/1.0/mm/' xmp:Rating='4' xmp:CreatorTool='Editor 9' photoshop:City='Turin'
 exif:GPSLatitude='45,4.2N' exif:GPSLongitude='7,41,30W'>
<dc:subject><rdf:Bag><rdf:li>chair</rdf:li><rdf:li>oak</rdf:li></rdf:Bag></dc:subject>
<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A
 chair</rdf:li></rdf:Alt></dc:title>
<xmpMM:History><rdf:Seq><rdf:li>cropped</rdf:li></rdf:Seq></xmpMM:History>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""
IIM = b"".join(
    b"\x1c" + bytes(place) + struct.pack(">H", len(value)) + value
    for place, value in [
        ((1, 90), b"\x1b%G"),
        ((2, 5), "Café".encode()),
        ((2, 25), b"chair"),
        ((2, 25), b"oak"),
        ((2, 55), b"20240506"),
        ((2, 60), b"070809+0200"),
        ((2, 80), b"A Photographer"),
        ((2, 90), b"Turin"),
    ]
)


def resource(iim: bytes) -> bytes:
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iim)) + iim + b"\0" * (len(iim) % 2)


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg_with(*segments: bytes, data: bytes | None = None) -> bytes:
    data = photo() if data is None else data
    return data[:2] + b"".join(segments) + data[2:]


def thumbnailed(thumbnail: Image.Image) -> bytes:
    """EXIF whose second directory holds a JPEG."""
    inner = pictures.encoded(thumbnail, "jpeg", quality=80)
    tiff = struct.pack("<2sHIHI", b"II", 42, 8, 0, 14)
    tiff += struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, 44, 0x0202, 4, 1, len(inner), 0)
    return segment(0xE1, b"Exif\0\0" + tiff + inner)


def finds(data: bytes, form: ImageFormat = ImageFormat.JPEG) -> dict[str, int]:
    facts = Room(data, form).answer(SMALL).facts
    assert facts is not None
    assert facts.carried is not None
    return {find.what: find.bytes for find in facts.carried}


def test_everything_that_a_cameras_file_carries_is_named():
    data = pictures.jpeg_with_exif(6, width=200, height=120)
    found = finds(data)
    assert found.keys() == {
        *("gps", "serial-numbers", "owner", "software", "maker-note", "exif", "xmp", "comment", "trailing-bytes")
    }
    assert found["trailing-bytes"] == len(pictures.MARKS["thumbnail"])
    assert found["comment"] == len(pictures.MARKS["comment"])


def test_a_plain_file_carries_nothing():
    assert finds(photo()) == {}


@pytest.mark.parametrize("form", ImageFormat, ids=str)
def test_a_file_of_each_format_is_read_to_its_end(form):
    data = pictures.sample(form)
    assert {block.kind for block in blocks(data, form)} <= {"more-pictures", "exif"}
    if form is not ImageFormat.TIFF:
        assert blocks(data + b"PK\3\4zip", form)[-1] == Block("trailing-bytes", len(data), 7)


def test_what_hides_in_a_frame_of_an_animated_webp_is_seen():
    first, second = (Image.new("RGB", (20, 10), colour) for colour in ("red", "blue"))
    data = pictures.encoded(first, "webp", save_all=True, append_images=[second], duration=50)
    assert blocks(data, ImageFormat.WEBP) == ()
    at = data.index(b"ANMF")
    (size,) = struct.unpack_from("<I", data, at + 4)
    hidden = struct.pack("<4sI", b"GPS ", 6) + b"secret"
    frame = struct.pack("<4sI", b"ANMF", size + len(hidden)) + data[at + 8 : at + 8 + size] + hidden
    longer = data[:at] + frame + data[at + 8 + size :]
    longer = longer[:4] + struct.pack("<I", len(longer) - 8) + longer[8:]
    (found,) = blocks(longer, ImageFormat.WEBP)
    assert (found.kind, found.of(longer)) == ("unknown-data", b"secret")
    assert pictures.opened(longer).size == (20, 10)


def test_what_hides_between_the_pictures_of_an_icon_and_in_them_is_seen():
    inner = pictures.encoded(Image.new("RGBA", (32, 32), "red"), "png")
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "somebody")
    wordy = pictures.encoded(Image.new("RGBA", (16, 16), "red"), "png", pnginfo=told)
    start = 6 + 2 * 16
    entries = [(32, inner, start), (16, wordy, start + len(inner) + 6)]
    head = struct.pack("<3H", 0, 1, 2)
    head += b"".join(struct.pack("<4BHHII", side, side, 0, 0, 1, 32, len(body), at) for side, body, at in entries)
    data = head + inner + b"secret" + wordy
    found = [(block.kind, block.of(data)) for block in blocks(data, ImageFormat.ICO)]
    assert found == [("unknown-data", b"secret"), ("text", b"Author\0somebody")]
    assert pictures.opened(data).size == (32, 32)
    assert blocks(data[:-1], ImageFormat.ICO)[-1].kind == "unreadable"


@pytest.mark.parametrize("form", [ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF], ids=str)
def test_exif_and_xmp_are_seen_in_each_container(form):
    options = {"exif": pictures.exif_block(1)}
    if form is not ImageFormat.PNG:
        options["xmp"] = PACKET
    else:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", PACKET.decode())
        options["pnginfo"].add_text("Comment", "hello")
    data = pictures.encoded(pictures.photo(80, 60).convert("RGB"), form, **options)
    found = {block.kind: block.of(data) for block in blocks(data, form)}
    assert found["xmp"] == PACKET
    assert exif.carried(found["exif"]).private["latitude"] == pytest.approx(48.1372222)
    assert carries(data, form) == (("exif", "text", "xmp") if form is ImageFormat.PNG else ("exif", "xmp"))


def test_every_output_is_parsed_again_and_is_clean():
    room = Room(pictures.jpeg_with_exif(6, width=200, height=120, icc=pictures.rgb_profile("Display P3")))
    answers = room.answer(*ALL_FORMATS).answers
    assert {answer.name: answer.carries for answer in answers if isinstance(answer, Done)} == {
        variant.name: () for variant in ALL_FORMATS
    }


@pytest.mark.parametrize("form", list(OutputFormat), ids=str)
def test_a_mark_in_an_output_would_be_seen(form):
    """The proof of absence would find presence: each container with something in it."""
    clean = pictures.encoded(pictures.photo(40, 30).convert("RGB"), form.value)
    like = ImageFormat(form.value)
    assert carries(clean, like) == ()
    if form.value != "tiff":
        assert carries(clean + b"secret", like) == ("trailing-bytes",)
    assert carries(clean[: len(clean) // 2], like) != () or form.value == "tiff"


def test_where_it_was_taken_is_decimal_degrees_and_private():
    facts = Room(pictures.jpeg_with_exif(1)).answer(SMALL).facts
    assert facts.private == {
        "latitude": pytest.approx(48.1372222),
        "longitude": pytest.approx(11.5752778),
        "artist": pictures.MARKS["owner"].decode(),
        "owner_name": pictures.MARKS["owner"].decode(),
        "camera_serial": pictures.MARKS["serial"].decode(),
    }


def test_iptc_is_typed():
    data = jpeg_with(segment(0xED, b"Photoshop 3.0\0" + resource(IIM)))
    facts = Room(data).answer(SMALL).facts
    assert facts.iptc == {
        "title": "Café",
        "keywords": ["chair", "oak"],
        "creators": ["A Photographer"],
        "created_at": "2024-05-06T07:08:09+02:00",
    }
    assert facts.private == {"city": "Turin"}
    assert finds(data).keys() == {"owner", "photoshop"}


def test_xmp_is_typed_and_its_history_is_named():
    data = jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET))
    facts = Room(data).answer(SMALL).facts
    assert facts.xmp == {"rating": 4, "creator_tool": "Editor 9", "keywords": ["chair", "oak"], "title": "A chair"}
    assert facts.private == {"city": "Turin", "latitude": 45.07, "longitude": pytest.approx(-7.6916667)}
    assert finds(data).keys() == {"gps", "edit-history", "software", "xmp"}


def test_no_entity_of_a_packet_is_ever_expanded():
    bomb = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;'>]>" + PACKET.replace(b"Editor 9", b"&b;")
    assert words.xmp(bomb) == words.Words()


def test_a_thumbnail_that_shows_something_else_is_told_from_one_that_does_not():
    upright = pictures.photo(480, 320).convert("RGB")
    plain = pictures.encoded(upright, "jpeg", quality=90)
    same = jpeg_with(thumbnailed(upright.resize((160, 107))), data=plain)
    barred = Image.new("RGB", (160, 120))
    barred.paste(upright.resize((160, 106)), (0, 7))
    other = jpeg_with(thumbnailed(pictures.photo(160, 107, 9).convert("RGB")), data=plain)
    assert "thumbnail" in finds(same)
    assert "thumbnail-differs" not in finds(same)
    assert "thumbnail-differs" not in finds(jpeg_with(thumbnailed(barred), data=plain))
    assert "thumbnail-differs" in finds(other)


def test_words_too_long_for_the_row_are_stored_beside_the_results_and_named():
    long = IIM + b"".join(b"\x1c\x02\x78" + struct.pack(">H", 1_999) + b"x" * 1_999 for _ in range(1))
    long += b"".join(b"\x1c\x02\x19" + struct.pack(">H", 60) + b"%060d" % n for n in range(60))
    room = Room(jpeg_with(segment(0xED, b"Photoshop 3.0\0" + resource(long))))
    facts = room.answer(SMALL).facts
    assert (facts.metadata, facts.iptc, facts.xmp) == ({}, {}, {})
    place = parse_analysis(facts.more)
    assert (place.tenant, place.job_id) == ("default", room.place.job_id)
    (stored,) = room.objects.results[facts.more]
    assert json.loads(stored.body)["iptc"]["title"] == "Café"
    assert b"Turin" not in stored.body
    assert facts.private == {"city": "Turin"}
    lost = room.answer(SMALL, stores=Stores(room.objects, Broken(RuntimeError("no")))).facts
    assert (lost.more, lost.iptc) == (None, {})


def test_nobody_who_asks_for_no_metadata_gets_any():
    facts = Room(pictures.jpeg_with_exif(6)).answer(SMALL, analyse=("phash",)).facts
    assert (facts.metadata, facts.iptc, facts.xmp, facts.private) == ({}, {}, {}, {})
    assert facts.seen.phash
    assert facts.seen.thumbhash is None
    assert facts.carried


FORMS = list(ImageFormat)
SEEDS = {
    ImageFormat.JPEG: jpeg_with(
        segment(0xED, b"Photoshop 3.0\0" + resource(IIM)), thumbnailed(pictures.photo(32, 24).convert("RGB"))
    )
}


@given(st.sampled_from(FORMS), st.data())
@settings(max_examples=150)
def test_hostile_bytes_are_read_to_some_end(form, data):
    """Changed, cut, doubled: blocks lie within the file, and nothing is raised."""
    seed = bytearray(SEEDS.get(form) or pictures.sample(form))
    for _ in range(data.draw(st.integers(0, 12))):
        seed[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(seed)))
    broken = bytes(seed[:end]) + data.draw(st.binary(max_size=40))
    for block in blocks(broken, form):
        assert block.start >= 0
        assert block.size >= 0
        assert len(block.of(broken)) <= block.size
    carries(broken, form)
    assert exif.carried(broken).private is not None


@given(st.binary(max_size=600))
def test_garbage_in_metadata_tells_little_and_harms_nothing(data):
    for block in (data, b"Exif\0\0II*\0\x08\0\0\0" + data, b"MM\0*\0\0\0\x08" + data):
        exif.carried(block)
    words.iptc(b"\x1c" + data)
    words.iptc_in_photoshop(b"8BIM\x04\x04" + data)
    words.xmp(data)
    words.xmp(PACKET[: len(data)] + data)


@given(st.data())
def test_damaged_words_still_fit_the_row(data):
    block = bytearray(pictures.exif_block(6))
    for _ in range(data.draw(st.integers(1, 6))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    private = exif.carried(bytes(block)).private
    assert all(isinstance(value, str | int | float) for value in private.values())
    assert -90 <= private.get("latitude", 0) <= 90
    assert -180 <= private.get("longitude", 0) <= 180
    json.dumps(private, allow_nan=False)


def test_the_most_private_of_originals_fits_the_row():
    tags = {"t0x013C": "\U0001f4f7" * 64, "t0x013B": "\U0001f4f7" * 64}
    packet = PACKET.replace(b"Turin", "\U0001f4f7".encode() * 64)
    data = pictures.encoded(
        pictures.photo(80, 60).convert("RGB"), "jpeg", exif=pictures.exif_block(6, **tags), xmp=packet
    )
    facts = Room(data).answer(SMALL, analyse=("all",)).facts
    assert len(json.dumps(facts.private, ensure_ascii=False).encode()) <= 2_200

    assert len(msgspec.json.encode(facts)) <= MAX_FACTS_BYTES


def test_png_words_are_named_even_when_they_are_packed():
    packed = zlib.compress(b"secret")
    info = PngImagePlugin.PngInfo()
    info.add(b"zTXt", b"Comment\0\0" + packed)
    out = io.BytesIO()
    pictures.photo(20, 10).convert("RGB").save(out, "PNG", pnginfo=info)
    assert carries(out.getvalue(), ImageFormat.PNG) == ("text",)


def test_what_is_not_clean_is_not_stored(monkeypatch):
    """Whatever went wrong in an encoder: the variant is tried again, and somebody is told."""
    monkeypatch.setattr("functions.transform.analysis.carried.carries", lambda body, form: ("exif",))
    room = Room(photo())
    (answer,) = room.answer(SMALL).answers
    assert (type(answer).__name__, answer.code) == ("Retryable", "internal")
    assert not room.objects.results
    assert [(name, str(error)) for name, error in room.reported] == [("small", "the file carries exif")]
