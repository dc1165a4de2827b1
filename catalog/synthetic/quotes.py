"""Level-1 quotes of a synthetic stock: how a bid and an offer in whole cents follow the efficient price.

Bid and offer stay put while the efficient price wanders between them, and follow once it has strayed
beyond half a cent plus `quote_stickiness_ticks` from the mid. Sizes lean to where the efficient price
is: near the offer, bids are large and offers small. So the imbalance foretells the next move of the
mid, as it does in real large-tick stocks (Cartea, Donnelly and Jaimungal 2018; Robert and Rosenbaum
2011 on uncertainty zones), while the efficient price itself stays a martingale.
`imbalance_information` 0 draws the lean from noise alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.synthetic.chance import (
    BoolArray,
    FloatArray,
    Int64Array,
    Part,
    generator,
    last_true,
    round_with_hysteresis,
    slow_noise,
)
from catalog.synthetic.price import Halt, PricePath, intraday_curve, sample_price
from catalog.synthetic.spec import SyntheticMarketSpec, SyntheticSymbol
from market.calendar import Session
from market.time import NS_PER_SECOND

ROUND_LOT = 100
EVENT_STEP_NS = 1_000
"""Times are whole microseconds, and no two events of a symbol share one."""

REGULAR_SESSION_SECONDS = 23_400

_SPREAD_REACH = 0.75
_SPREAD_MEMORY_SECONDS = 300.0
_BURST_FRACTION, _BURST_GAP = 0.6, 0.02  # six in ten events follow the one before within 2 % of the mean gap
_IMBALANCE_MEMORY_EVENTS = 40.0
_DEPTH_MEMORY_EVENTS = 2_000.0
_PLACE_DEVIATION = 0.5  # standard deviation of the efficient price's place between the quotes
_LEAN_GAIN = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTicks:
    """The best bid and offer after each event, `(n,)` each: ns UTC, cents, shares."""

    ts_event: Int64Array
    bid: Int64Array
    ask: Int64Array
    bid_size: Int64Array
    ask_size: Int64Array
    is_opening: BoolArray
    """The first quote of the session and after each halt."""

    def __len__(self) -> int:
        return len(self.ts_event)

    @property
    def bid_moved(self) -> BoolArray:
        """Where the bid's price differs from the quote before."""
        return _moved(self.bid)

    @property
    def ask_moved(self) -> BoolArray:
        """Where the offer's price differs from the quote before."""
        return _moved(self.ask)


def event_times(
    rng: np.random.Generator,
    path: PricePath,
    *,
    per_session: float,
    halts: tuple[Halt, ...],
) -> Int64Array:
    """Return increasing times in ns after the open, `(n,)`: U-shaped, clustered, none in a halt.

    About `per_session` events come in a session without halts; busier after jumps and when
    volatility is high. The session and each end of a halt begin with one.
    """
    seconds = len(path.volatility)
    rate = intraday_curve(seconds, at_open=3.0, at_close=3.0) * np.sqrt(path.volatility)
    rate *= (per_session / rate.sum()) * (1.0 + 2.0 * path.excitement)
    for halt in halts:
        rate[halt.start : halt.end] = 0.0
    expected = np.concatenate([[0.0], np.cumsum(rate)])
    arrivals = _arrivals(rng, float(expected[-1]))
    times = np.interp(arrivals, expected, np.arange(seconds + 1.0))
    times = np.sort(np.concatenate([[0.0], [halt.end for halt in halts], times]))
    index = np.arange(len(times), dtype=np.int64)
    steps = (times * (NS_PER_SECOND // EVENT_STEP_NS)).astype(np.int64) - index
    offsets = (np.maximum.accumulate(steps) + index) * EVENT_STEP_NS
    keep = offsets < seconds * NS_PER_SECOND
    for halt in halts:
        keep &= (offsets < halt.start * NS_PER_SECOND) | (offsets >= halt.end * NS_PER_SECOND)
    return np.asarray(offsets[keep], dtype=np.int64)


def draw_quotes(
    spec: SyntheticMarketSpec,
    stock: SyntheticSymbol,
    *,
    session: Session,
    path: PricePath,
    halts: tuple[Halt, ...],
) -> QuoteTicks:
    """Draw the quotes of `stock` in `session`; consecutive quotes differ in a price or a size."""

    def chance(part: Part) -> np.random.Generator:
        return generator(spec.seed, session.date, stock.symbol, part)

    per_session = stock.quote_updates_day * len(path.volatility) / REGULAR_SESSION_SECONDS
    offsets = event_times(chance("events"), path, per_session=per_session, halts=halts)
    cents = sample_price(path, chance("price"), offsets / NS_PER_SECOND) * 100.0
    spread = _spread_cents(chance("spread"), path, mean_cents=stock.spread_cents)[offsets // NS_PER_SECOND]
    reach = 0.5 + spec.quote_stickiness_ticks
    bid = np.maximum(round_with_hysteresis(cents - spread / 2, reach=reach), spec.depth_levels + 1)
    ask = bid + spread
    is_opening = np.isin(offsets, [0, *(halt.end * NS_PER_SECOND for halt in halts)])
    place = np.clip((cents - (bid + ask) / 2) / reach, -1.0, 1.0)
    rng = chance("sizes")
    imbalance = _imbalance(rng, place, information=spec.imbalance_information)
    refresh_bid = rng.random(len(offsets)) < 0.5  # an ordinary event changes the size of one side
    depth = _displayed(rng, len(offsets), median=stock.displayed_shares)
    sizes = [
        _in_lots(depth * (1 + sign * imbalance) / 2)[last_true(chosen | is_opening | _moved(price))]
        for sign, chosen, price in ((1, refresh_bid, bid), (-1, ~refresh_bid, ask))
    ]
    changed = is_opening | _moved(bid) | _moved(ask) | _moved(sizes[0]) | _moved(sizes[1])
    return QuoteTicks(
        ts_event=session.open_ns + offsets[changed],
        bid=bid[changed],
        ask=ask[changed],
        bid_size=sizes[0][changed],
        ask_size=sizes[1][changed],
        is_opening=is_opening[changed],
    )


def _spread_cents(rng: np.random.Generator, path: PricePath, *, mean_cents: float) -> Int64Array:
    """Return the quoted spread in whole cents, at least 1, over seconds: wide at the open, after jumps
    and when volatility is high."""
    seconds = len(path.volatility)
    curve = intraday_curve(seconds, at_open=1.5, at_close=0.3)
    relative = np.sqrt(path.volatility / np.sqrt(intraday_curve(seconds, at_open=5.0, at_close=1.5)))
    noise = np.exp(0.12 * slow_noise(rng, seconds, memory=_SPREAD_MEMORY_SECONDS))
    wished = mean_cents * curve * relative * noise * (1.0 + path.excitement)
    return np.maximum(round_with_hysteresis(wished, reach=_SPREAD_REACH), 1)


def _imbalance(rng: np.random.Generator, place: FloatArray, *, information: float) -> FloatArray:
    """Return the wished imbalance, -1 (offers only) to 1 (bids only), over events.

    `place` is where the efficient price lies: -1 where the bid falls, 1 where the offer rises.
    """
    noise = slow_noise(rng, len(place), memory=_IMBALANCE_MEMORY_EVENTS) * _PLACE_DEVIATION
    return np.tanh(_LEAN_GAIN * (information * place + np.sqrt(1.0 - information**2) * noise))


def _displayed(rng: np.random.Generator, count: int, *, median: int) -> FloatArray:
    slow = 0.35 * slow_noise(rng, count, memory=_DEPTH_MEMORY_EVENTS)
    return np.asarray(median * np.exp(slow + 0.2 * rng.standard_normal(count)), dtype=np.float64)


def _in_lots(shares: FloatArray) -> Int64Array:
    return np.maximum(np.rint(shares / ROUND_LOT).astype(np.int64), 1) * ROUND_LOT


def _moved(values: Int64Array) -> BoolArray:
    return np.diff(values, prepend=values[:1]) != 0


def _arrivals(rng: np.random.Generator, total: float) -> FloatArray:
    """Return the arrivals of a clustered renewal process of unit rate before `total`."""
    count = int(total + 10 * np.sqrt(total) + 10)
    rest = (1.0 - _BURST_FRACTION * _BURST_GAP) / (1.0 - _BURST_FRACTION)
    scale = np.where(rng.random(count) < _BURST_FRACTION, _BURST_GAP, rest)
    arrivals = np.cumsum(rng.standard_exponential(count) * scale)
    return np.asarray(arrivals[arrivals < total], dtype=np.float64)
