"""Options are decoded strictly, located exactly when wrong, and mean the same however they are spelled."""

import json
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contracts.errors import Malformed, SpecInvalid
from contracts.framing import Resize
from contracts.identifiers import new_job_id
from contracts.job import Lane
from contracts.limits import (
    MAX_LIFE_SECONDS,
    MAX_META_BYTES,
    MAX_META_PAIRS,
    MAX_OPTIONS_BYTES,
    MAX_VARIANTS,
    MIN_LIFE_SECONDS,
)
from contracts.options import Options, decode_options, encode_options, fingerprint
from contracts.outputs import Output
from contracts.presets import DEFAULT_PRESET, PRESETS, preset
from contracts.variants import Variant
from tests.support.strategies import options


def _shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        return dict(order.sample([(key, _shuffled(inner, order)) for key, inner in value.items()], len(value)))
    return [_shuffled(inner, order) for inner in value] if isinstance(value, list) else value


@given(options())
def test_options_are_read_back(asked: Options) -> None:
    assert decode_options(encode_options(asked)) == asked
    assert len(encode_options(asked)) < MAX_OPTIONS_BYTES


@given(options(), st.randoms(use_true_random=False), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_spelling_and_order_of_keys_do_not_count(
    asked: Options, order: random.Random, indent: int | str | None, ascii_only: bool
) -> None:
    document = _shuffled(json.loads(encode_options(asked)), order)
    spelled = decode_options(json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode())
    assert (spelled, fingerprint(spelled)) == (asked, fingerprint(asked))


@given(options(), options())
def test_options_that_mean_something_else_have_another_fingerprint(one: Options, other: Options) -> None:
    assume((one.effective_preset, one) != (other.effective_preset, other))
    same = (one.resolved(), one.priority, one.expires_in, one.meta) == (
        (other.resolved(), other.priority, other.expires_in, other.meta)
    )  # fmt: skip
    assert same or fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"preset": DEFAULT_PRESET}),
        ({}, {"preset": None, "expires_in": None, "meta": {}, "priority": "normal"}),
        (
            {"variants": [{"name": "a", "resize": {"width": 5}}]},
            {
                "variants": [
                    {
                        "output": {"quality": None, "format": "jpeg"},
                        "resize": {"fit": "inside", "width": 5},
                        "name": "a",
                    }
                ]
            },
        ),
    ],
)
def test_a_default_written_out_means_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert fingerprint(decode_options(json.dumps(one).encode())) == fingerprint(
        decode_options(json.dumps(other).encode())
    )


def test_fingerprints_never_change() -> None:
    """A job remembers its fingerprint: a changed one would refuse a repeated request of before."""
    assert fingerprint(Options()) == "0d588d3eb56bf9fc9960fbd13944ebd47b6d5de249d64ec79e2e90dc9abb857d"
    asked = Options(
        variants=(Variant(name="a", resize=Resize(width=5), output=Output(quality=70)),),
        priority=Lane.BULK,
        expires_in=3600,
        meta={"é": "1"},
    )
    assert fingerprint(asked) == "9055afc322188e28ce3747f8fd41bb55cf548ace77c8296d5110738a43e168a5"


@given(options())
def test_the_presets_variants_come_first_and_then_the_jobs_own(asked: Options) -> None:
    name = asked.effective_preset
    assert asked.resolved() == (preset(name) if name else ()) + asked.variants
    assert len({variant.name for variant in asked.resolved()}) == len(asked.resolved()) >= 1


def test_without_anything_the_default_preset_is_made() -> None:
    assert decode_options(b"{}").resolved() == PRESETS[DEFAULT_PRESET]


def test_variants_alone_leave_the_default_preset_out() -> None:
    assert decode_options(b'{"variants":[{"name":"thumb"}]}').resolved() == (Variant(name="thumb"),)


VARIANT = {"name": "a"}
BOX = {"width": 8, "height": 8}
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"crop": {"x": 0.5, "y": 0, "width": 1, "height": 1}}, "/crop/x"),
    ({"crop": {"x": 0.5, "y": 0, "width": 0.6, "height": 1, "unit": "fraction"}}, "/crop/width"),
    ({"crop": {"x": 0, "y": 0.5, "width": 1, "height": 0.6, "unit": "fraction"}}, "/crop/height"),
    ({"resize": {"width": 4_097, "dpr": 2}}, "/resize/dpr"),
    ({"gravity": "north"}, "/gravity"),
    ({"gravity": "north", "resize": {"width": 8, "fit": "cover"}}, "/gravity"),
    ({"gravity": "north", "resize": BOX | {"fit": "fill"}}, "/gravity"),
    ({"gravity": "smart", "resize": BOX | {"fit": "contain"}}, "/gravity"),
    ({"gravity": "north", "focal": {"x": 0, "y": 0}, "resize": BOX | {"fit": "cover"}}, "/focal"),
    ({"offset": {"x": 1}, "resize": {"width": 8}}, "/offset"),
    ({"filters": {"sepia": True, "tint": "#ff0000"}}, "/filters/tint"),
    ({"overlays": [{"text": "a"}, {}]}, "/overlays/1"),
    ({"overlays": [{"text": "a", "asset": f"{new_job_id(0, bytes(10))}.a"}]}, "/overlays/0"),
    ({"overlays": [{"text": "a", "anchor": "smart"}]}, "/overlays/0/anchor"),
    ({"overlays": [{"text": "{job_id}" * 6}]}, "/overlays/0/text"),
    ({"overlays": [{"text": "a\nb"}]}, "/overlays/0/text"),
    ({"overlays": [{"text": "\u202ea"}]}, "/overlays/0/text"),
    ({"overlays": [{"asset": f"{new_job_id(0, bytes(10))}.logo", "colour": "#000000"}]}, "/overlays/0/colour"),
    ({"trim": {"tolerance": 1}, "rotate": 30}, "/trim"),
    ({"gravity": "smart", "rotate": 30, "resize": BOX | {"fit": "cover"}}, "/gravity"),
]
WORDY = {"overlays": [{"text": "x" * 200}] * 4}
INVALID: list[tuple[Any, str]] = [
    (None, "#"),
    ([], "#"),
    (7, "#"),
    ({"preset": "web"}, "#/preset"),
    ({"preset": 1}, "#/preset"),
    ({"presets": "web@1"}, "#/presets"),
    ({"a/b~c d\u00e9%": 1}, "#/a~1b~0c%20d%C3%A9%25"),
    ({"variants": []}, "#/variants"),
    ({"variants": None}, "#/variants"),
    ({"variants": {"a": 1}}, "#/variants"),
    ({"variants": [{"name": f"v{n}"} for n in range(MAX_VARIANTS + 1)]}, "#/variants"),
    ({"preset": "web@1", "variants": [{"name": f"v{n}"} for n in range(MAX_VARIANTS - 3)]}, "#/variants"),
    ({"variants": [VARIANT, {"name": "b"}, VARIANT]}, "#/variants/2/name"),
    ({"preset": "web@1", "variants": [VARIANT, {"name": "thumb"}]}, "#/variants/1/name"),
    ({"variants": [{}]}, "#/variants/0"),
    ({"variants": [VARIANT, {"name": "A"}]}, "#/variants/1/name"),
    ({"variants": [VARIANT | {"rotate": 90.5e307}]}, "#/variants/0/rotate"),
    *(({"variants": [VARIANT | wrong]}, f"#/variants/0{pointer}") for wrong, pointer in CONTRADICTIONS),
    ({"variants": [VARIANT | {"resize": {}}]}, "#/variants/0/resize"),
    ({"variants": [VARIANT | {"resize": {"width": 5, "fit": "x"}}]}, "#/variants/0/resize/fit"),
    ({"variants": [VARIANT | {"output": {"quality": 101}}]}, "#/variants/0/output/quality"),
    *(
        ({"variants": [VARIANT | {"resize": {"width": side}}]}, "#/variants/0/resize/width")
        for side in (0, -1, 8_193, 10**9, 10**40, 5.5, "5", "100; rm", True, [], float("nan"), float("inf"))
    ),
    ({"variants": [{"name": f"v{n}"} | WORDY for n in range(20)]}, "#/variants"),
    ({"priority": "urgent"}, "#/priority"),
    ({"priority": None}, "#/priority"),
    *(
        ({"expires_in": life}, "#/expires_in")
        for life in (0, -1, MIN_LIFE_SECONDS - 1, MAX_LIFE_SECONDS + 1, "1h", 1e99)
    ),
    ({"meta": []}, "#/meta"),
    ({"meta": {"a": 1}}, "#/meta"),
    ({"meta": {"a": None}}, "#/meta"),
    ({"meta": {str(n): "" for n in range(MAX_META_PAIRS + 1)}}, "#/meta"),
    ({"meta": {"a": "\u00e9" * (MAX_META_BYTES // 2)}}, "#/meta"),
]


@pytest.mark.parametrize(("document", "pointer"), INVALID, ids=lambda value: repr(value)[:60])
def test_what_may_not_be_asked_for_is_refused_with_its_place(document: Any, pointer: str) -> None:
    with pytest.raises(SpecInvalid) as raised:
        decode_options(json.dumps(document).encode())
    (located,) = raised.value.facts["errors"]
    assert located[0] == pointer
    assert 5 < len(located[1]) <= 300


def test_what_may_just_be_asked_for_is_taken() -> None:
    decoded = decode_options(
        json.dumps(
            {
                "preset": "web@1",
                "variants": [{"name": f"v{n}"} for n in range(MAX_VARIANTS - len(PRESETS["web@1"]))],
                "priority": "bulk",
                "expires_in": MAX_LIFE_SECONDS,
                "meta": {"a": "\u00e9" * (MAX_META_BYTES // 2 - 1), "b": ""},
            }
        ).encode()
    )
    assert len(decoded.resolved()) == MAX_VARIANTS


MALFORMED = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe{\x00}\x00",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "cut short": b'{"preset": "web@1"',
    "two texts": b"{} {}",
    "single quotes": b"{'preset': 'web@1'}",
    "a comma too many": b'{"preset": "web@1",}',
    "a control character in a string": b'{"meta": {"a": "\x00"}}',
    "a key twice": b'{"preset": "web@1", "preset": "web@1"}',
    "a key twice, spelled differently": b'{"meta": {"a": "", "\\u0061": ""}}',
    "half a surrogate pair": b'{"meta": {"a": "\\ud83d"}}',
    "half a surrogate pair as a key": b'{"meta": {"\\ude00": ""}}',
    "nested 10 000 deep": b'{"variants": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "nested 17 deep": b"[" * 17 + b"]" * 17,
    "all opening brackets": b"[" * MAX_OPTIONS_BYTES,
    "all escaped quotes": b'\\"' * (MAX_OPTIONS_BYTES // 2),
    "an unclosed string": b'"' + b'\\"' * (MAX_OPTIONS_BYTES // 2 - 1),
    "too large": b"{" + b" " * MAX_OPTIONS_BYTES + b"}",
    "a number of 60 000 digits": b'{"expires_in": ' + b"9" * 60_000 + b"}",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_json_text_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        decode_options(MALFORMED[name])


def test_brackets_in_strings_are_not_depth() -> None:
    assert decode_options(json.dumps({"meta": {"a": "[" * 99, 'b"\\': "{" * 99}}).encode()).meta["a"] == "[" * 99


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"NaN")
@example(b"-")
def test_noise_is_refused_by_name(raw: bytes) -> None:
    with suppress(Malformed, SpecInvalid):
        assert decode_options(raw) == Options()


@given(options(), st.data())
def test_options_with_bytes_changed_are_taken_or_refused_by_name(asked: Options, data: st.DataObject) -> None:
    raw = bytearray(encode_options(asked))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed, SpecInvalid):
        taken = decode_options(bytes(raw))
        assert decode_options(encode_options(taken)) == taken
