"""Bars over the market's past: where they begin and end, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.market_data.history_request import DAY_SECONDS, SECOND_NS, BarRequest
from adapters.tws_simulator.market_data.price_series import NOT_TRADED, Series
from market.time import NEW_YORK, new_york_midnight_ns

DAY_NS = DAY_SECONDS * SECOND_NS
LOOK_BACK_DAYS_MAX = 14


class BarEdges(NamedTuple):
    """Begin (inclusive) and end (exclusive) of each bar, and the label of its day ("" within a day)."""

    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in USD (or volatility); `volume`, `average` and `count` are -1 where TWS sends -1."""

    begin_ns: int
    label: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    average: float
    count: int


def range_of(request: BarRequest, hours: TradingHours, now_ns: int) -> tuple[int, int]:
    """Return begin and end (ns) of the time that a request covers."""
    end_ns = min(request.end_ns if request.end_ns is not None else now_ns, now_ns)
    duration = request.duration
    if duration.days:
        return end_ns - duration.days * DAY_NS, end_ns
    reach = (duration.sessions + LOOK_BACK_DAYS_MAX) * 2 * DAY_NS
    sessions = hours.sessions_between(
        request.listing, end_ns - reach, end_ns, is_regular=request.is_regular_only
    )
    if not sessions:
        return end_ns, end_ns
    if duration.sessions:
        return sessions[-duration.sessions :][0][0], end_ns
    left = duration.seconds * SECOND_NS
    for begin, end in reversed(sessions):
        length = min(end, end_ns) - begin
        if length >= left:
            return min(end, end_ns) - left, end_ns
        left -= length
    return sessions[0][0], end_ns


def bar_edges(request: BarRequest, hours: TradingHours, start_ns: int, end_ns: int) -> BarEdges:
    """Return the bars of a request between two times, those that begin before `end_ns`.

    Bars lie on the clock of New York (the first one of a session may be shorter, as captured:
    09:30 then 10:00 for hours). Days, weeks and months are the sessions in them.
    """
    sessions = hours.sessions_between(request.listing, start_ns, end_ns, is_regular=request.is_regular_only)
    if not request.is_intraday:
        return _days(sessions, request.bar_seconds)
    step = request.bar_seconds * SECOND_NS
    begins, ends = [], []
    for session_begin, session_end in sessions:
        midnight = new_york_midnight_ns(hours.day_of(session_begin))
        grid = np.arange(midnight + (session_begin - midnight) // step * step, session_end, step)
        first = np.maximum(grid, session_begin)
        last = np.minimum(grid + step, session_end)
        inside = (last > start_ns) & (first < end_ns)
        begins.append(first[inside])
        ends.append(last[inside])
    if not begins:
        return BarEdges(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), [])
    joined = np.concatenate(begins)
    return BarEdges(joined, np.concatenate(ends), [""] * len(joined))


def _days(sessions: list[tuple[int, int]], bar_seconds: int) -> BarEdges:
    groups: dict[str, list[tuple[int, int]]] = {}
    for session in sessions:
        day = datetime.fromtimestamp(session[0] // SECOND_NS, NEW_YORK).date()
        if bar_seconds == 7 * DAY_SECONDS:
            day += timedelta(days=4 - day.weekday())
        elif bar_seconds > 7 * DAY_SECONDS:
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        groups.setdefault(f"{day:%Y%m%d}", []).append(session)
    begins = np.array([members[0][0] for members in groups.values()], dtype=np.int64)
    ends = np.array([members[-1][1] for members in groups.values()], dtype=np.int64)
    return BarEdges(begins, ends, list(groups))


def build_bars(series: Series, edges: BarEdges, until_ns: int) -> list[Bar]:
    """Return a bar for each pair of edges that has something in it, data after `until_ns` left out.

    Quotes carry over: a bar opens with what was in force when it began. Trades do not.
    """
    ends = np.minimum(edges.ends, until_ns)
    firsts = np.searchsorted(series.ts_ns, edges.begins, side="left")
    lasts = np.searchsorted(series.ts_ns, ends, side="left")
    bars = []
    for place, (first, last) in enumerate(zip(firsts.tolist(), lasts.tolist(), strict=True)):
        start = max(first - 1, 0) if series.is_carried and first > 0 else first
        if start < last:
            bars.append(_bar(series, start, last, edges, place))
    return bars


def _bar(series: Series, first: int, last: int, edges: BarEdges, place: int) -> Bar:
    lows, highs = series.low[first:last], series.high[first:last]
    if series.is_averaged:
        opened, closed = round(float(lows.mean()), 4), round(float(highs.mean()), 4)
    else:
        opened, closed = float(lows[0]), float(highs[-1])
    volume, average, count = NOT_TRADED, float(NOT_TRADED), NOT_TRADED
    if series.size is not None:
        sizes = series.size[first:last]
        volume, count = int(sizes.sum()), last - first
        weighted = float((lows * sizes).sum()) / volume if volume else 0.0
        average = round(weighted, 4)
    return Bar(
        int(edges.begins[place]),
        edges.labels[place],
        opened,
        float(highs.max()),
        float(lows.min()),
        closed,
        volume,
        average,
        count,
    )
