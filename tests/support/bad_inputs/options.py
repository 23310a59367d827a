"""Options that nothing can be made of (B57 to B60)."""

import json
from typing import Any, Final

from contracts.limits import MAX_VARIANTS
from tests.support.bad_inputs.forms import JPEG, Maker, parts
from tests.support.upload_room import file_part, options_part


def asking(text: str) -> Maker:
    return parts(options_part(text), file_part(JPEG))


def variant(**given: Any) -> Maker:
    return asking(json.dumps({"variants": [{"name": "a", **given}]}))


def named(*names: str) -> Maker:
    return asking(json.dumps({"variants": [{"name": name, "resize": {"width": 8}} for name in names]}))


SIDES: Final = {
    "0": "0",
    "-1": "-1",
    "NaN": "NaN",
    "1e9": "1e9",
    "a billion": "1000000000",
    "text": '"100; rm"',
    "null": "null",
    "a boolean": "true",
    "a fraction": "1.5",
}

REQUESTS: Final[dict[str, dict[str, Maker]]] = {
    "B57": {
        f"{side} {case}": asking('{"variants":[{"name":"a","resize":{"' + side + '":' + text + "}}]}")
        for side in ("width", "height")
        for case, text in SIDES.items()
    },
    "B58": {str(quality): variant(output={"quality": quality}) for quality in (0, 101, -1, "high", 1.5, True)},
    "B59": {
        f"{MAX_VARIANTS + 1} variants": named(*(f"v{number}" for number in range(MAX_VARIANTS + 1))),
        "the same name twice": named("a", "a"),
        "a name of the preset": asking('{"preset":"web@1","variants":[{"name":"thumb"}]}'),
        **{f"a name with {sign}": named(f"a{sign}b") for sign in ("/", ".", "$", "#", " ", "\n", "é", "A")},
        "a name of 1 kB": named("a" * 1_000),
        "an empty name": named(""),
    },
    "B60": {
        "a blur of 10^6": variant(blur=1_000_000),
        "a rank filter of 10^6": variant(rank={"size": 1_000_000}),
        "a crop outside": variant(crop={"x": -5, "y": 0, "width": 10**9, "height": 10**9}),
        "a turn by 1e308": variant(rotate=1e308),
        "an operation that is none": variant(explode=True),
        "nested 10^4 deep": asking("[" * 10_000),
        "a key twice": asking('{"meta":{},"meta":{}}'),
        "somebody else's picture laid over": variant(overlay={"key": "inline/other/x/original"}),
        "not JSON": asking("{"),
        "nothing": asking(""),
        "a list": asking("[]"),
        "half a surrogate pair": asking('{"meta":{"a":"\\ud800"}}'),
        "64 KiB and more": parts(options_part(b" " * 65_537), file_part(JPEG)),
        "an option that is none": asking('{"watermark":true}'),
        "a preset that is none": asking('{"preset":"nope@9"}'),
    },
}
