"""The plots of the day page as inline SVG: profit within a day, and net profit day by day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from market.time import NS_PER_SECOND, format_new_york

WIDTH, HEIGHT = 1100, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 12, 20, 24
_LETTER_WIDTH = 7.0
TICKS = 5
POINTS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps values to places in the picture; `low` and `high` are of the vertical axis."""

    first: float
    last: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return _LEFT + (value - self.first) / ((self.last - self.first) or 1.0) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _TOP + (self.high - value) / ((self.high - self.low) or 1.0) * (HEIGHT - _TOP - _BOTTOM)


def profit_curve(points: Sequence[tuple[int, float]], marks: Sequence[tuple[int, str]] = ()) -> Markup:
    """Return the profit (ns UTC, USD) of a day as a line, with a dashed line at each mark (ns UTC, words).

    Between two points the profit stands where the first one left it.
    """
    if len(points) < 2:
        return Markup("")
    step = math.ceil(len(points) / POINTS_MAX)
    kept = [*points[:-1:step], points[-1]]
    frame = _frame([value for _, value in kept], first=kept[0][0], last=kept[-1][0])
    path = [f"{frame.x(kept[0][0]):.1f},{frame.y(kept[0][1]):.1f}"]
    for (_, before), (ts, value) in pairwise(kept):
        path += [f"{frame.x(ts):.1f},{frame.y(before):.1f}", f"{frame.x(ts):.1f},{frame.y(value):.1f}"]
    parts = [*_grid(frame), *_clock(frame), *_marks(frame, marks)]
    parts.append(f'<polyline class="curve" points="{" ".join(path)}"/>')
    return _svg(parts, "Profit within the day")


def daily_bars(days: Sequence[tuple[str, float]]) -> Markup:
    """Return net profit (label, USD) as a bar a day, and their running sum as a line."""
    if not days:
        return Markup("")
    sums = [math.fsum(value for _, value in days[: index + 1]) for index in range(len(days))]
    frame = _frame([*(value for _, value in days), *sums], first=-0.5, last=len(days) - 0.5)
    width = max(2.0, 0.6 * (frame.x(1) - frame.x(0)))
    parts = [*_grid(frame)]
    for index, (label, value) in enumerate(days):
        top, bottom = sorted((frame.y(value), frame.y(0.0)))
        kind = "gain" if value >= 0 else "loss"
        parts.append(
            f'<rect class="{kind}" x="{frame.x(index) - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{max(bottom - top, 0.5):.1f}"><title>{escape(label)}: {value:,.2f} USD</title></rect>'
        )
    every = math.ceil(len(days) / 12)
    parts.extend(_below(frame.x(index), label) for index, (label, _) in enumerate(days) if index % every == 0)
    line = " ".join(f"{frame.x(index):.1f},{frame.y(value):.1f}" for index, value in enumerate(sums))
    parts.append(f'<polyline class="curve" points="{line}"/>')
    return _svg(parts, "Net profit by day")


def _frame(values: Sequence[float], *, first: float, last: float) -> _Frame:
    low, high = min(0.0, *values), max(0.0, *values)
    if low == high:
        high = 1.0
    margin = 0.06 * (high - low)
    return _Frame(first, last, low - (margin if low < 0 else 0.0), high + (margin if high > 0 else 0.0))


def _grid(frame: _Frame) -> list[str]:
    step = _round_step((frame.high - frame.low) / TICKS)
    decimals = max(0, -math.floor(math.log10(step)))
    first, last = math.ceil(frame.low / step), math.floor(frame.high / step)
    parts = []
    for index in range(first, last + 1):
        y = frame.y(index * step)
        kind = "zero" if index == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="money" x="{_LEFT - 8}" y="{y:.1f}">{index * step:,.{decimals}f}</text>')
    return parts


def _round_step(raw: float) -> float:
    """Return the next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def _clock(frame: _Frame) -> list[str]:
    """Return New York times along the axis, at full steps of the clock."""
    span_s = (frame.last - frame.first) / NS_PER_SECOND
    steps_s = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 86_400)
    step = next((each for each in steps_s if span_s / each <= 12), steps_s[-1]) * NS_PER_SECOND
    first = -(-int(frame.first) // step) * step
    times = [(ts, format_new_york(ts, places=0)[11:16]) for ts in range(first, int(frame.last) + 1, step)]
    return [_below(frame.x(ts), time) for ts, time in times]


def _below(x: float, words: str) -> str:
    """Return words under the axis at `x`, moved to the left where the picture would cut them off."""
    place = min(x, WIDTH - len(words) * _LETTER_WIDTH / 2)
    return f'<text class="time" x="{place:.1f}" y="{HEIGHT - 6}">{escape(words)}</text>'


def _marks(frame: _Frame, marks: Sequence[tuple[int, str]]) -> list[str]:
    parts = []
    for ts, words in marks:
        if frame.first <= ts <= frame.last:
            x = frame.x(ts)
            anchor, place = ("end", x - 5) if x > WIDTH / 2 else ("start", x + 5)
            where = f'x="{place:.1f}" y="{_TOP - 7}" text-anchor="{anchor}"'
            parts.append(
                f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
            )
            parts.append(f'<text class="mark" {where}>{escape(words)}</text>')
    return parts


def _svg(parts: Sequence[str], title: str) -> Markup:
    head = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - every text went through escape()
