"""Variants in a line: read back exactly, spelled in one way, and refused with the key that is wrong."""

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from contracts.compact import OPS, documents, parse, spelled
from contracts.errors import SpecInvalid
from contracts.framing import Crop, Fit, Gravity, Kernel, Pad, Point, Resize, Trim, Unit
from contracts.limits import MAX_OPTIONS_BYTES, MAX_VARIANTS
from contracts.looks import Adjust, Duotone, Filters, Mask, Overlay, Sharpen
from contracts.options import decode_options
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant
from tests.support.strategies import variants

JOB = "0192f0c4-7d1e-7c3a-9a55-3f1f0c9d2b77"

SPELLINGS = [
    ("plain", Variant(name="plain")),
    (
        "hero=rs:cover:1600:900/g:fp:0.42:0.3/f:avif/q:60",
        Variant(
            name="hero",
            resize=Resize(width=1600, height=900, fit=Fit.COVER),
            focal=Point(x=0.42, y=0.3),
            output=Output(format=OutputFormat.AVIF, quality=60),
        ),
    ),
    (
        "thumb=rs:cover:200:200/g:smart/f:webp",
        Variant(
            name="thumb",
            resize=Resize(width=200, height=200, fit=Fit.COVER),
            gravity=Gravity.SMART,
            output=Output(format=OutputFormat.WEBP),
        ),
    ),
    ("tall=rs:inside::600", Variant(name="tall", resize=Resize(height=600))),
    (
        "art=rs:inside:640/up/dpr:1.5/k:nearest/lin",
        Variant(name="art", resize=Resize(width=640, enlarge=True, dpr=1.5, filter=Kernel.NEAREST, linear=True)),
    ),
    (
        "part=fl:h/ro:-7.5/cr:10:20:300:200/bg:ffffff80",
        Variant(
            name="part", flip="h", rotate=-7.5, crop=Crop(x=10, y=20, width=300, height=200), background="#ffffff80"
        ),
    ),
    (
        "half=cf:0:0:0.5:1/tr:12::60/pd:5:::5/bg:blur",
        Variant(
            name="half",
            crop=Crop(x=0, y=0, width=0.5, height=1, unit=Unit.FRACTION),
            trim=Trim(tolerance=12, most=60),
            pad=Pad(top=5, left=5),
            background="blur",
        ),
    ),
    (
        "look=br:-10/co:5.5/sa:-100/ga:2.2/bl:0.5/px:8/sh:1:150/tint:00ff7f/ra:max",
        Variant(
            name="look",
            adjust=Adjust(brightness=-10, contrast=5.5, saturation=-100, gamma=2.2),
            filters=Filters(blur=0.5, pixelate=8, sharpen=Sharpen(radius=1, percent=150), tint="#00ff7f"),
            mask=Mask(radius="max"),
        ),
    ),
    (
        f"mark=duo:000000:ffcc00/ra:12/tx:a%2Fb%3A %C3%A9::50/wm:{JOB}.logo:north:80:10/tx:draft::::::::40",
        Variant(
            name="mark",
            filters=Filters(duotone=Duotone(shadow="#000000", highlight="#ffcc00")),
            mask=Mask(radius=12),
            overlays=(
                Overlay(text="a/b: é", opacity=50),
                Overlay(asset=f"{JOB}.logo", anchor=Gravity.NORTH, opacity=80, scale=10),
                Overlay(text="draft", tile=40),
            ),
        ),
    ),
]


@pytest.mark.parametrize(("line", "variant"), SPELLINGS, ids=[variant.name for _, variant in SPELLINGS])
def test_a_line_stands_for_a_variant_and_the_variant_for_that_line(line: str, variant: Variant) -> None:
    assert parse(line) == (variant,)
    assert spelled([variant]) == line


@given(variants())
def test_what_is_written_is_read_back(asked: tuple[Variant, ...]) -> None:
    line = spelled(asked)
    assert parse(line) == asked
    assert line.isascii()


@given(variants())
def test_spelling_is_canonical(asked: tuple[Variant, ...]) -> None:
    assert spelled(parse(spelled(asked))) == spelled(asked)


def test_defaults_and_the_order_of_keys_do_not_count() -> None:
    assert spelled(parse("a=q:70/f:jpeg/g:center/rs::10/ro:-0/ga:1.0/pd:0:0")) == "a=rs:inside:10/q:70"


def test_every_field_has_a_key() -> None:
    """A field that the line could not say would silently be lost in it."""
    said_fields = {f"{op.item_of}.{path}" if op.item_of else path for op in OPS for path in op.fields}
    said_fields |= {op.only[0] for op in OPS if op.only}
    assert set(_paths(Variant, "")) - {"name"} == said_fields


def _paths(kind: type, above: str):
    for field in structs.fields(kind):
        inner = [part for part in getattr(field.type, "__args__", (field.type,)) if hasattr(part, "__struct_fields__")]
        if field.name == "overlays":
            inner = [Overlay]
        if inner:
            yield from _paths(inner[0], f"{above}{field.name}.")
        else:
            yield f"{above}{field.name}"


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("a=rx:1", "a: rx:1: there is no such key; there are fl ro cr"),
        ("a=", "a: : there is no such key"),
        ("a=f:webp/", "a: : there is no such key"),
        ("a=rs:cover:x:9", "a: rs:cover:x:9: x is no number"),
        ("a=rs:cover:1_0:9", "1_0 is no number"),
        ("a=rs:cover:+10:9", "+10 is no number"),
        ("a=rs:cover:\u0661:9", "is no number"),
        ("a=ro:nan", "nan is no number"),
        ("a=ro:1e309", "a: rotate: it must be a number from -360 to 360"),
        ("a=rs:cover:1:2:3", "3 arguments at most"),
        ("a=ra:max:3", "1 argument at most"),
        ("a=up:1", "no arguments at most"),
        ("a=bl", "an argument is missing"),
        ("a=rs::", "an argument is missing"),
        ("a=f:webp/f:avif", "a: f:avif: this was said before"),
        ("a=cr:1:1:1:1/cf:0:0:1:1", "this was said before"),
        ("a=tx:%ff", "codec can't decode"),
        ("a=rs:cover:0:9", "a: resize.width: it must be a whole number from 1 to 8192"),
        ("a=rs:cover:9.5:9", "it must be a whole number from 1 to 8192, and is a number"),
        ("a=bg:fff", "it must be a colour as #rrggbb or #rrggbbaa"),
        ("A=f:webp", "A: name: it must be a name of 1 to 40 of a-z"),
        ("", "name: it must be a name of 1 to 40 of a-z"),
        ("a;", "name: it must be a name of 1 to 40 of a-z"),
        ("a;" * MAX_VARIANTS + "a", "51 variants"),
        ("a" * (MAX_OPTIONS_BYTES + 1), "longer than 65536"),
        ("a=" + "\n" * 99 + "x", "a: " + "?" * 40),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(line: str, detail: str) -> None:
    with pytest.raises(SpecInvalid) as raised:
        parse(line)
    ((pointer, found),) = raised.value.facts["errors"]
    assert pointer == "#/t"
    assert detail in found


@given(st.text(st.sampled_from("ab=/:;.%-019 rsfpwmtxcqé#\n"), max_size=60) | st.text(max_size=40))
@example("a=wm:" + ":" * 7)
def test_noise_is_refused_by_name_or_has_a_canonical_spelling(line: str) -> None:
    with suppress(SpecInvalid):
        assert parse(spelled(parse(line))) == parse(line)


def test_options_say_their_variants_in_a_line_or_as_json() -> None:
    line = "hero=rs:cover:1600:900/f:avif/q:60"
    by_line = decode_options(json.dumps({"t": line, "priority": "bulk"}).encode())
    by_json = decode_options(json.dumps({"variants": documents(line), "priority": "bulk"}).encode())
    assert by_line == by_json
    for wrong, pointer in (
        ({"t": line, "variants": [{"name": "a"}]}, "#/t"),
        ({"t": 7}, "#/t"),
        ({"t": None}, "#/t"),
        ({"t": "a=rs:cover:0"}, "#/variants/0/resize/width"),
        ({"t": "a=rs:cover:x"}, "#/t"),
        ({"t": "a;a"}, "#/variants/1/name"),
    ):
        with pytest.raises(SpecInvalid) as raised:
            decode_options(json.dumps(wrong).encode())
        assert raised.value.facts["errors"][0][0] == pointer
