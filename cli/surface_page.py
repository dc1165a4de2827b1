"""The page of `harvester surface --html`: a heat map in one file that opens without a network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from backtests.report.page_parts import asset

_LEFT, _TOP, _CELL_WIDTH, _CELL_HEIGHT = 150, 44, 66, 34
_COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis, dark for low: readable without seeing red and green."""


def write_surface_page(view: dict[str, Any], target: Path) -> Path:
    """Write the page of a surface's JSON and return its path; an older one is replaced as a whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_text(render(view), encoding="utf-8")
    return unfinished.replace(target)


def render(view: dict[str, Any]) -> str:
    """Return the page of a surface's JSON."""
    title = f"{escape(view['underlying'])} implied volatility"
    about = f"{escape(view['at'])} · price {view['underlying_price']:,.2f} · percent a year"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{asset('report.css')}</style></head><body><main>"
        f"<header><h1>{title}</h1><p>{about}</p></header>"
        f"<h2>Expiry by moneyness <small>columns: strike over price; puts below it, calls above</small></h2>"
        f"{_map(view)}"
        '<p class="legend">Each cell is read between the two quoted strikes around it; empty: none.</p>'
        "</main></body></html>\n"
    )


def _map(view: dict[str, Any]) -> Markup:
    width = _LEFT + _CELL_WIDTH * len(view["moneyness"])
    height = _TOP + _CELL_HEIGHT * len(view["expiries"])
    parts = [f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" font-size="12">']
    for column, share in enumerate(view["moneyness"]):
        x = _LEFT + (column + 0.5) * _CELL_WIDTH
        parts.append(_text(x, _TOP - 12, f"{share:g}", "var(--soft)"))
    parts.extend(_rows(view))
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it went through escape()


def _rows(view: dict[str, Any]) -> Iterator[str]:
    values = [value for row in view["expiries"] for value in row["iv"] if not math.isnan(value)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
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
