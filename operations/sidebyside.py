"""A page of pictures side by side, before and after: one HTML file that needs nothing else, and runs nothing.

Made of `Pair`s; who makes them is in `preset_diff` and `upgrade`. Every text from outside is escaped.
"""

import base64
import statistics
from collections.abc import Sequence
from html import escape
from typing import Final

from msgspec import Struct

from contracts.formats import ImageFormat
from contracts.outputs import Output, OutputFormat
from functions.transform.steps.encode import encode
from operations.renders import Render, pixels_of

_SHOWN: Final = frozenset({"jpeg", "png", "webp", "avif", "gif"})
"""What browsers show; others are shown as PNG."""

_STYLE: Final = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3a3a); --soft: light-dark(#666, #aaa);
  --card: light-dark(#fff, #1d1d1f); --good: light-dark(#11703c, #62d394); --bad: light-dark(#a4262c, #ff8a8a); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 2rem 1.25rem 4rem; font: 15px/1.5 system-ui, sans-serif;
  background: light-dark(#f6f6f4, #121214); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 2.25rem 0 .75rem; }
p { color: var(--soft); margin: .25rem 0 1.25rem; max-width: 70ch; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); }
th, td { padding: .45rem .75rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--soft); }
tr:last-child td { border-bottom: 0; font-weight: 600; } .scroll { overflow-x: auto; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 1rem; margin: 0 0 1rem; }
article h3 { font-size: .95rem; margin: 0 0 .75rem; display: flex; justify-content: space-between; gap: 1rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
figure { margin: 0; min-width: 0; } figcaption { color: var(--soft); font-size: .85rem; margin-top: .5rem; }
figcaption b { color: CanvasText; font-weight: 600; }
img { display: block; max-width: 100%; max-height: 420px; height: auto; margin: 0 auto;
  background: repeating-conic-gradient(light-dark(#eee, #2a2a2c) 0 25%, transparent 0 50%) 0 / 16px 16px; }
.none { display: grid; place-items: center; min-height: 120px; border: 1px dashed var(--line); color: var(--soft);
  padding: 1rem; text-align: center; }
.less { color: var(--good); } .more { color: var(--bad); } .same { color: var(--soft); font-weight: 400; }
@media (max-width: 640px) { .pair { grid-template-columns: 1fr; } }
"""


class Pair(Struct, frozen=True, kw_only=True):
    """One variant of one picture, before and after; None where it is made on one side alone."""

    picture: str
    variant: str
    before: Render | None
    after: Render | None

    @property
    def is_same(self) -> bool:
        """The same bytes on both sides."""
        return self.before is not None and self.after is not None and self.before.body == self.after.body != b""


def page(title: str, about: str, pairs: Sequence[Pair], *, before: str, after: str) -> str:
    """The whole file. `before` and `after` are what the sides are called."""
    pictures = dict.fromkeys(pair.picture for pair in pairs)
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(about)}</p>", _summary(pairs, before, after)]
    for picture in pictures:
        body.append(f"<h2>{escape(picture)}</h2>")
        body += [_article(pair, before, after) for pair in pairs if pair.picture == picture]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _summary(pairs: Sequence[Pair], before: str, after: str) -> str:
    rows = []
    names = list(dict.fromkeys(pair.variant for pair in pairs))
    for name in [*names, None]:
        those = [pair for pair in pairs if name is None or pair.variant == name]
        both = [(pair.before, pair.after) for pair in those if pair.before and pair.after]
        # only what both sides made says how they differ
        made = [(old, new) for old, new in both if old.body and new.body]
        old_bytes, new_bytes = sum(len(old.body) for old, _ in made), sum(len(new.body) for _, new in made)
        cells = [
            escape(name) if name is not None else "all",
            str(len(those)),
            str(sum(pair.is_same for pair in those)),
            f"{_bytes(old_bytes)} → {_bytes(new_bytes)}" if made else "–",
            _change(old_bytes, new_bytes),
            _medians([old.ssim for old, _ in made], [new.ssim for _, new in made], 4),
            _medians([old.ms for old, _ in made], [new.ms for _, new in made], 1),
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = ["variant", "pictures", "same bytes", "bytes in all", "change", "median SSIM", "median ms"]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    said = f"{before} → {after}. What only one of them made is not counted; SSIM is to the same picture without loss."
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<p>{escape(said)}</p><div class="scroll">{table}</div>'


def _article(pair: Pair, before: str, after: str) -> str:
    verdict = '<span class="same">the same bytes</span>' if pair.is_same else _verdict(pair)
    sides = _figure(before, pair.before) + _figure(after, pair.after)
    return f'<article><h3>{escape(pair.variant)} {verdict}</h3><div class="pair">{sides}</div></article>'


def _verdict(pair: Pair) -> str:
    old, new = pair.before, pair.after
    if old is None or new is None or not old.body or not new.body:
        return '<span class="same">on one side alone</span>'
    return f"<span>{_change(len(old.body), len(new.body))}</span>"


def _figure(side: str, one: Render | None) -> str:
    if one is None or not one.body or one.format is None:
        why = "not made" if one is None else escape(one.trouble or "not made")
        return f'<figure><div class="none">{why}</div><figcaption><b>{escape(side)}</b></figcaption></figure>'
    facts = [one.format.value, f"{one.size[0]}×{one.size[1]}", _bytes(len(one.body))]
    facts += [] if one.ssim is None else [f"SSIM {one.ssim:.4f}"]
    facts += [] if one.ms is None else [f"{one.ms:.1f} ms"]
    media_type, data = _showable(one.body, one.format)
    source = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    caption = f"<figcaption><b>{escape(side)}</b> {escape(' · '.join(facts))}</figcaption>"
    return f'<figure><img loading="lazy" alt="" src="{source}">{caption}</figure>'


def _showable(body: bytes, form: OutputFormat) -> tuple[str, bytes]:
    if form.value in _SHOWN:
        return form.media_type, body
    shown = encode(pixels_of(body, ImageFormat(form.value)).pixels, Output(format=OutputFormat.PNG), None)
    return "image/png", bytes(shown)


def _bytes(count: int) -> str:
    return f"{count / 1_000_000:,.2f} MB" if count >= 1_000_000 else f"{count / 1_000:,.1f} kB"


def _change(old: int, new: int) -> str:
    if not old:
        return "–"
    percent = 100 * (new - old) / old
    kind = "same" if abs(percent) < 0.05 else "less" if percent < 0 else "more"
    return '<span class="same">0.0 %</span>' if kind == "same" else f'<span class="{kind}">{percent:+.1f} %</span>'


def _medians(old: Sequence[float | None], new: Sequence[float | None], digits: int) -> str:
    known = [[value for value in values if value is not None] for values in (old, new)]
    return " → ".join(f"{statistics.median(values):.{digits}f}" if values else "–" for values in known)
