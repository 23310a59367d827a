"""A page of pictures side by side, before and after: one HTML file that needs nothing else, and runs nothing.

What it says of the pairs is reckoned in `comparison`. Its ways to look (order, what is left out, actual pixels) are
style alone. Every text from outside is escaped.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from contracts.formats import ImageFormat
from contracts.outputs import Output, OutputFormat
from functions.transform.steps.encode import encode
from operations.comparison import Pair, Totals, Verdict, by_variant, counted, has_scores, totals
from operations.renders import Render, pixels_of
from operations.scoring import ADVICE

_SHOWN: Final = frozenset({"jpeg", "png", "webp", "avif", "gif"})
"""What browsers show; others are shown as PNG."""
_GOOD: Final = frozenset({Verdict.BETTER, Verdict.SMALLER})
_BAD: Final = frozenset({Verdict.WORSE, Verdict.LARGER})
_NOTHING: Final[Mapping[str, str]] = {}
_NARROW_SPACE: Final = "\u202f"
_MINUS: Final = "\u2212"

_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_SCORE_TEXT: Final = (
    "Score is SSIMULACRA2: 100 is the same picture, 90 is taken for it, 70 is good, 50 is not. Each file is compared "
    "with {reference}. It tells what the encoding lost and nothing else, neither a smaller size nor another cut. "
    "Pictures are compared as they are seen: in sRGB, on gray where they are transparent, an animation by its first "
    "frame. Better has no more bytes and no lower score, to a tenth of a point."
)
_SSIM_TEXT: Final = (
    "SSIM is structural similarity of the brightness to {reference}: 1 is the same. It tells what the encoding lost, "
    "and sees no colours. For a score by SSIMULACRA2 beside it: <code>{advice}</code>, then make this page again."
)
OWN_REFERENCE: Final = "the very pixels that its preset had encoded"
"""What a file of `presets diff` is compared with."""
PRESENT_REFERENCE: Final = (
    "the pixels that the present engine encodes for that variant (so a stored file whose pixels were made "
    "otherwise scores less, whichever of the two is the better picture)"
)
"""What both files of a pair are compared with, by `upgrade --what-changes`."""


def page(
    title: str,
    about: str,
    pairs: Sequence[Pair],
    *,
    before: str,
    after: str,
    reference: str,
    asked: Mapping[str, str] = _NOTHING,
) -> str:
    """The whole file. `before` and `after` are what the sides are called, `reference` what each file is scored by,
    and `asked` what each side was asked for, in its compact form.
    """
    style = Path(__file__).with_suffix(".css").read_text("utf-8")
    scored = has_scores(pairs)
    text = (_SCORE_TEXT if scored else _SSIM_TEXT).format(reference=escape(reference), advice=escape(ADVICE))
    head = (
        f"<header><h1>{escape(title)}</h1><p>{escape(about)}</p>{_sum(totals(pairs), scored=scored)}</header>"
        f"<main><h2>By variant</h2>{_table(pairs, scored=scored)}"
        f'<p class="soft">{escape(before)} → {escape(after)}. What only one of them made is not counted. {text}</p>'
        f"{_asked(asked)}<h2>Pictures</h2>{_ways(pairs, scored=scored)}"
    )
    articles = "".join(_article(pair, before, after, order) for pair, order in zip(pairs, _orders(pairs), strict=True))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n"
        f'<body>{head}<div class="list">{articles}</div></main></body></html>\n'
    )


def _sum(whole: Totals, *, scored: bool) -> str:
    old, new = whole.bytes
    facts = [
        ("Bytes of all variants", f"{_bytes(old)} → {_bytes(new)}", _change(old, new)),
        (
            "Median score" if scored else "Median SSIM",
            _medians(whole.score, 1) if scored else _medians(whole.ssim, 4),
            "SSIMULACRA2, more is better" if scored else "more is better",
        ),
        ("Median time of a variant", f"{_medians(whole.ms, 1)}{_NARROW_SPACE}ms", "resizing and encoding"),
        ("Pairs", f"{whole.pairs}", counted(whole)),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>" for name, value, more in facts)
    return f'<dl class="sum">{items}</dl>'


def _table(pairs: Sequence[Pair], *, scored: bool) -> str:
    measure = "median score" if scored else "median SSIM"
    heads = ["pairs", "bytes", "change", measure, "median ms", "verdicts"]
    rows = []
    for name, found in by_variant(pairs).items():
        old, new = found.bytes
        cells = [
            str(found.pairs),
            f"{_bytes(old)} → {_bytes(new)}" if old else "–",
            _change(old, new),
            _medians(found.score, 1) if scored else _medians(found.ssim, 4),
            _medians(found.ms, 1),
            counted(found),
        ]
        data = "".join(
            f'<td role="cell" data-label="{head}"><span>{cell}</span></td>'
            for head, cell in zip(heads, cells, strict=True)
        )
        rows.append(f'<tr role="row"><th scope="row" role="rowheader">{escape(name)}</th>{data}</tr>')
    head = "".join(f'<th scope="col" role="columnheader">{text}</th>' for text in ["variant", *heads])
    # roles are said, since the style of small windows makes blocks of rows and cells
    return (
        f'<table role="table" aria-label="By variant"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(rows)}</tbody></table>'
    )


def _asked(asked: Mapping[str, str]) -> str:
    if not asked:
        return ""
    lines = "".join(f"<p><b>{escape(side)}</b> <code>{escape(line)}</code></p>" for side, line in asked.items())
    return f"<details><summary>What was asked for</summary>{lines}</details>"


def _ways(pairs: Sequence[Pair], *, scored: bool) -> str:
    measure = "score" if scored else "SSIM"
    orders = [("by-name", "by picture"), ("by-bytes", "bytes grew most"), ("by-score", f"{measure} fell most")]
    radios = "".join(
        f'<label><input type="radio" name="order" id="{name}"{" checked" if name == "by-name" else ""}>{text}</label>'
        for name, text in orders
    )
    same = sum(pair.is_same for pair in pairs)
    boxes = '<label><input type="checkbox" id="actual">actual pixels</label>'
    if same:
        boxes += f'<label><input type="checkbox" id="no-same">leave out the same bytes <small>({same})</small></label>'
    return f'<fieldset class="ways"><legend>Order and view</legend>{radios}{boxes}</fieldset>'


def _orders(pairs: Sequence[Pair]) -> list[str]:
    """Places of each pair in the three orders, as style; what is not known comes last."""
    grown = sorted(range(len(pairs)), key=lambda at: -_known(pairs[at].growth, -2))
    fallen = sorted(range(len(pairs)), key=lambda at: _known(pairs[at].gain, 1_000))
    return [f"--n:{at};--b:{grown.index(at)};--s:{fallen.index(at)}" for at in range(len(pairs))]


def _article(pair: Pair, before: str, after: str, order: str) -> str:
    title = f'<h3>{escape(pair.picture)} <span class="soft">·</span> {escape(pair.variant)}</h3>'
    if pair.is_same and pair.after is not None:
        sides = _figure(pair, f"{before} and {after}", pair.after)
    else:
        sides = _figure(pair, before, pair.before) + _figure(pair, after, pair.after)
    kinds = ("same", "pair one") if pair.is_same else ("", "pair")
    return (
        f'<article class="{kinds[0]}" style="{order}"><div class="head">{title}<p>{_told(pair)}</p></div>'
        f'<div class="{kinds[1]}">{sides}</div></article>\n'
    )


def _told(pair: Pair) -> str:
    """The verdict, and what it goes by."""
    verdict, facts = pair.verdict, []
    if pair.growth is not None and verdict is not Verdict.SAME:
        facts.append(_percent(pair.growth))
    if pair.gain is not None and verdict is not Verdict.SAME:
        is_scored = pair.made is not None and None not in (pair.made[0].score, pair.made[1].score)
        facts.append(f"score {_signed(pair.gain, 1)}" if is_scored else f"SSIM {_signed(pair.gain / 100, 4)}")
    kind = "good" if verdict in _GOOD else "bad" if verdict in _BAD else "soft"
    return f'<span class="{kind}">{verdict.words}</span>' + (f": {', '.join(facts)}" if facts else "")


def _figure(pair: Pair, side: str, one: Render | None) -> str:
    if one is None or not one.body or one.format is None:
        why = "not asked for" if one is None else escape(one.trouble or "not made")
        frame = f'<div class="frame"><div class="none">{why}</div></div>'
        return f"<figure>{frame}<figcaption><b>{escape(side)}</b></figcaption></figure>"
    width, height = one.size
    facts = [one.format.value.upper(), f"{width} × {height} px", _bytes(len(one.body))]
    if one.score is not None:
        facts.append(f"score {one.score:.1f}")
    elif one.ssim is not None:
        facts.append(f"SSIM {one.ssim:.4f}")
    facts += [] if one.ms is None else [f"{one.ms:.1f}{_NARROW_SPACE}ms"]
    facts += [one.trouble] if one.trouble else []
    media_type, data = _showable(one.body, one.format)
    alt = f"{pair.picture} as {pair.variant}, {side}"
    image = (
        f'<img loading="lazy" decoding="async" width="{width}" height="{height}" alt="{escape(alt)}" '
        f'src="data:{media_type};base64,{base64.b64encode(data).decode()}">'
    )
    told = " · ".join(f"<span>{escape(fact)}</span>" for fact in facts)
    return f'<figure><div class="frame">{image}</div><figcaption><b>{escape(side)}</b><br>{told}</figcaption></figure>'


def _showable(body: bytes, form: OutputFormat) -> tuple[str, bytes]:
    if form.value in _SHOWN:
        return form.media_type, body
    shown = encode(pixels_of(body, ImageFormat(form.value)).pixels, Output(format=OutputFormat.PNG), None)
    return "image/png", bytes(shown)


def _bytes(count: int) -> str:
    if count < 1_000:
        return f"{count}{_NARROW_SPACE}B"
    return (
        f"{count / 1_000_000:,.2f}{_NARROW_SPACE}MB" if count >= 1_000_000 else f"{count / 1_000:,.1f}{_NARROW_SPACE}kB"
    )


def _change(old: int, new: int) -> str:
    return _percent(new / old - 1) if old else "–"


def _percent(growth: float) -> str:
    """Of bytes, with the sign in words: colour says it as well, and to fewer."""
    if abs(growth) < 0.0005:
        return '<span class="soft">as many bytes</span>'
    kind, word = ("good", "fewer") if growth < 0 else ("bad", "more")
    return f'<span class="{kind}">{100 * abs(growth):.1f}{_NARROW_SPACE}% {word} bytes</span>'


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", _MINUS) if round(value, digits) else "±0"


def _medians(values: Sequence[float | None], digits: int) -> str:
    if all(value is None for value in values):
        return "–"
    return " → ".join("–" if value is None else f"{value:.{digits}f}" for value in values)


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
