"""The page of `harvester surface --html`: a heat map in one file that opens without a network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from backtests.report.page_parts import asset
from cli.result_file import write_text_file

_LEFT, _TOP, _CELL_WIDTH, _CELL_HEIGHT = 150, 56, 66, 34
_COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis, dark for low: readable without seeing red and green."""
_SOURCES = {"quotes": "quotes", "vendor": "vendor, as the snapshot has no quotes"}
_CSS = """
.map { display: block; width: 100%; min-width: 860px; }
.scale i { display: inline-block; width: 180px; height: 10px; border-radius: 5px; margin: 0 6px; }
@media (max-width: 600px) { main { padding: 16px 12px 40px; } }
"""


def write_surface_page(view: dict[str, Any], target: Path) -> Path:
    """Write the page of a surface's JSON and return its path; an older one is replaced as a whole."""
    return write_text_file(target, render(view), option="--html")


def picture_height(view: dict[str, Any]) -> int:
    """Return the pixels that the page needs at the width of a picture."""
    return 330 + _CELL_HEIGHT * len(view["expiries"]) + 24 * len(view["notes"])


def render(view: dict[str, Any]) -> str:
    """Return the page of a surface's JSON."""
    title = f"{escape(view['underlying'])} implied volatility"
    price = view["underlying_price"]
    shown = "unknown" if math.isnan(price) else f"{price:,.2f}"
    about = (
        f"{escape(view['at'])} · price {shown} · volatilities of the {_SOURCES[view['volatilities_from']]}"
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in view["notes"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{asset('report.css')}{_CSS}</style></head><body><main>"
        f"<header><h1>{title}</h1><p>{about}</p>{notes}</header>{_map(view) if view['expiries'] else ''}"
        "</main></body></html>\n"
    )


def _map(view: dict[str, Any]) -> Markup:
    """Return the heading, the scale of colours and the heat map."""
    values = [value for row in view["expiries"] for value in row["iv"] if not math.isnan(value)]
    low, high = min(values), max(values)
    width = _LEFT + _CELL_WIDTH * len(view["moneyness"])
    height = _TOP + _CELL_HEIGHT * len(view["expiries"])
    parts = [
        "<h2>Expiry by moneyness <small>percent a year; puts below the price, calls above it</small></h2>",
        _scale(low, high),
        f'<div class="scroll"><svg class="map" viewBox="0 0 {width} {height}" role="img" font-size="12">',
        _text(_LEFT + _CELL_WIDTH * len(view["moneyness"]) / 2, 16, "strike over price", "var(--soft)"),
        _text(_LEFT - 10, _TOP - 12, "expiry", "var(--soft)", anchor="end"),
    ]
    for column, share in enumerate(view["moneyness"]):
        x = _LEFT + (column + 0.5) * _CELL_WIDTH
        parts.append(_text(x, _TOP - 12, f"{share:g}", "var(--soft)"))
    parts.extend(_rows(view, low, high))
    legend = (
        "Each cell is read between the two strikes around it that have a volatility; empty: none is near."
    )
    parts.append(f'</svg></div><p class="legend">{legend}</p>')
    return Markup("".join(parts))  # noqa: S704 - every text in it went through escape()


def _scale(low: float, high: float) -> str:
    stops = ", ".join(f"rgb({red},{green},{blue})" for red, green, blue in _COLOURS)
    bar = f'<i style="background: linear-gradient(to right, {stops})"></i>'
    return f'<p class="legend scale">{100 * low:.1f} % {bar} {100 * high:.1f} %</p>'


def _rows(view: dict[str, Any], low: float, high: float) -> Iterator[str]:
    for number, row in enumerate(view["expiries"]):
        y = _TOP + number * _CELL_HEIGHT
        label = f"{row['expiry']}, {row['dte']} days"
        yield _text(_LEFT - 10, y + _CELL_HEIGHT / 2 + 4, label, "var(--ink)", anchor="end")
        for column, value in enumerate(row["iv"]):
            if not math.isnan(value):
                yield _cell(column, y, value, (value - low) / ((high - low) or 1.0))


def _cell(column: int, y: float, value: float, share: float) -> str:
    x = _LEFT + column * _CELL_WIDTH
    red, green, blue = _colour(share)
    ink = "#fff" if share < 0.55 else "#111"
    box = (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL_WIDTH - 2}" height="{_CELL_HEIGHT - 2}" rx="3" '
        f'fill="rgb({red},{green},{blue})"/>'
    )
    return box + _text(x + _CELL_WIDTH / 2, y + _CELL_HEIGHT / 2 + 4, f"{100 * value:.1f}", ink)


def _colour(share: float) -> tuple[int, int, int]:
    place = share * (len(_COLOURS) - 1)
    left = min(int(place), len(_COLOURS) - 2)
    mixed = (
        round(a + (b - a) * (place - left)) for a, b in zip(_COLOURS[left], _COLOURS[left + 1], strict=True)
    )
    red, green, blue = mixed
    return red, green, blue


def _text(x: float, y: float, text: str, colour: str, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
