"""What the page draws: series for uPlot (zoomable, in the browser) and bars as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from backtests.report.statistics import NS_PER_SECOND, drawdown
from market.instruments import symbol_of

POINTS_PER_CHART_MAX = 6_000
_BAR_HEIGHT, _BAR_GAP, _LABEL_WIDTH, _BAR_WIDTH, _VALUE_WIDTH = 18, 6, 130, 300, 90


def equity_series(equity: pd.DataFrame) -> dict[str, list[float]]:
    """Seconds UTC, equity and drawdown in USD, thinned to what a screen can show."""
    values = equity["equity_usd"].to_numpy(float)
    seconds = equity["ts_ns"].to_numpy(np.int64) / NS_PER_SECOND
    below = drawdown(values)
    keep = _thinned(len(values))
    return {
        "time": seconds[keep].tolist(),
        "equity": np.round(values[keep], 4).tolist(),
        "drawdown": np.round(below[keep], 4).tolist(),
    }


def breaker_marks(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Seconds UTC and words of every change of the breaker, for vertical lines in the charts."""
    return [
        {"time": int(change["ts_ns"]) / NS_PER_SECOND, "text": f"{change['after']}: {change['by']}"}
        for change in changes
    ]


def price_series(prices: pd.DataFrame, positions: pd.DataFrame, *, instrument_id: str) -> dict[str, Any]:
    """Mid price of one instrument with the entries and exits of its round trips."""
    own = prices[prices["instrument_id"] == instrument_id].sort_values("ts_ns")
    trades = positions[positions["instrument_id"] == instrument_id]
    keep = _thinned(len(own))
    return {
        "symbol": symbol_of(instrument_id),
        "time": (own["ts_ns"].to_numpy(np.int64)[keep] / NS_PER_SECOND).tolist(),
        "mid": np.round(own["mid"].to_numpy(float)[keep], 4).tolist(),
        "trades": [_trade_marks(row) for row in trades.to_dict("records")],
    }


def _trade_marks(row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "long": str(row["side"]).lower() in ("long", "buy"),
        "entry": [int(row["entry_ts_ns"]) / NS_PER_SECOND, float(row["entry_price"])],
        "exit": [int(row["exit_ts_ns"]) / NS_PER_SECOND, float(row["exit_price"])],
        "net": round(float(row["net_pnl_usd"]), 4),
        "quantity": int(row["quantity"]),
        "why": f"{row['entry_reason']} > {row['exit_reason']}",
    }


def _thinned(n: int) -> np.ndarray:
    """Indices of at most `POINTS_PER_CHART_MAX` points, the first and the last among them."""
    if n <= POINTS_PER_CHART_MAX:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, POINTS_PER_CHART_MAX).astype(np.int64))


def bars(rows: Sequence[tuple[str, float]], *, unit: str = "", decimals: int = 0) -> Markup:
    """Horizontal bars as SVG, one a row, growing from a zero line; negative values in the loss colour."""
    if not rows:
        return Markup("")
    low = min(0.0, *(value for _, value in rows))
    high = max(0.0, *(value for _, value in rows))
    scale = _BAR_WIDTH / ((high - low) or 1.0)
    zero = _LABEL_WIDTH - low * scale
    parts = []
    for index, (label, value) in enumerate(rows):
        top = index * (_BAR_HEIGHT + _BAR_GAP)
        parts.append(_bar(label, f"{value:,.{decimals}f}{unit}", top=top, left=zero, length=value * scale))
    return _svg(parts, rows=len(rows), zero=zero)


def bridge(steps: Sequence[tuple[str, float]], *, total: str, decimals: int = 2) -> Markup:
    """Amounts that add up, each bar beginning where the one before ended, and their sum from zero."""
    ends = np.cumsum([0.0, *(amount for _, amount in steps)])
    low, high = min(0.0, float(ends.min())), max(0.0, float(ends.max()))
    scale = _BAR_WIDTH / ((high - low) or 1.0)
    zero = _LABEL_WIDTH - low * scale
    rows = [(label, amount, float(start)) for (label, amount), start in zip(steps, ends, strict=False)]
    rows.append((total, float(ends[-1]), 0.0))
    parts = [
        _bar(
            label,
            f"{amount:,.{decimals}f}",
            top=index * (_BAR_HEIGHT + _BAR_GAP),
            left=zero + start * scale,
            length=amount * scale,
        )
        for index, (label, amount, start) in enumerate(rows)
    ]
    return _svg(parts, rows=len(rows), zero=zero)


def _svg(parts: Sequence[str], *, rows: int, zero: float) -> Markup:
    height = rows * (_BAR_HEIGHT + _BAR_GAP)
    width = _LABEL_WIDTH + _BAR_WIDTH + _VALUE_WIDTH
    line = f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>'
    head = f'<svg class="bars" viewBox="0 0 {width} {height}" role="img">'
    return Markup(f"{head}{''.join(parts)}{line}</svg>")  # noqa: S704 - every text went through escape()


def _bar(label: str, value: str, *, top: float, left: float, length: float) -> str:
    middle = top + _BAR_HEIGHT / 2
    x, kind = (left, "gain") if length >= 0 else (left + length, "loss")
    place = f'x="{x:.1f}" y="{top:.1f}" width="{abs(length):.1f}" height="{_BAR_HEIGHT}" rx="2"'
    return (
        f'<text class="label" x="{_LABEL_WIDTH - 8}" y="{middle:.1f}">{escape(label)}</text>'
        f'<rect class="{kind}" {place}/>'
        f'<text class="value" x="{_LABEL_WIDTH + _BAR_WIDTH + 8}" y="{middle:.1f}">{escape(value)}</text>'
    )
