"""Executions of a synthetic stock, read off its quotes: some of what vanishes from the touch was traded.

A print takes place at the offer (a buyer was the aggressor) or the bid (a seller) as they stood just
before, is no larger than the size that then disappears, and precedes the quote that shows the rest. A
few hidden orders execute at the mid-point, without an aggressor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.columns import Aggressor, UInt8Array
from catalog.synthetic.chance import BoolArray, FloatArray, Int64Array
from catalog.synthetic.quotes import ROUND_LOT, QuoteTicks

_ODD_LOT_FRACTION = 0.45  # of prints below 100 shares, as on today's tape
_MEAN_LOTS = 3.0
_URGENCY = 0.6  # executions against a thin side are up to this much likelier, against a full one rarer


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTicks:
    """Executions, `(m,)` each, in order of time."""

    event: Int64Array
    """Position of the quote that follows it, in the symbol's `QuoteTicks`; strictly increasing."""
    price: Int64Array
    """In 1/10,000 USD: a mid-point may lie half a cent between two prices."""
    size: Int64Array
    aggressor: UInt8Array

    def __len__(self) -> int:
        return len(self.event)


def draw_trades(
    rng: np.random.Generator, quotes: QuoteTicks, *, trade_fraction: float, midpoint_fraction: float
) -> TradeTicks:
    """Draw the executions behind `quotes`: at most one for each quote, none at an opening."""
    before = slice(None, -1)
    bid_vanished = _vanished(quotes.bid, quotes.bid_size, away=-1)
    ask_vanished = _vanished(quotes.ask, quotes.ask_size, away=1)
    chance = rng.random(len(quotes))
    chance[quotes.is_opening] = np.inf
    urge = _URGENCY * _imbalance_before(quotes)
    buys = (ask_vanished > 0) & (chance < trade_fraction * (1.0 + urge))
    sells = (bid_vanished > 0) & (chance < trade_fraction * (1.0 - urge)) & ~buys
    hidden = (rng.random(len(quotes)) < midpoint_fraction) & ~quotes.is_opening & ~buys & ~sells
    events = np.flatnonzero(buys | sells | hidden)
    bid, ask = (np.concatenate([side[:1], side[before]])[events] for side in (quotes.bid, quotes.ask))
    bought, sold = buys[events], sells[events]
    wished = _wished_sizes(rng, len(events))
    available = np.select([bought, sold], [ask_vanished[events], bid_vanished[events]], wished)
    return TradeTicks(
        event=events,
        price=np.select([bought, sold], [ask * 100, bid * 100], (bid + ask) * 50),
        size=np.minimum(wished, available),
        aggressor=np.select([bought, sold], [Aggressor.BUYER, Aggressor.SELLER], Aggressor.NONE).astype(
            np.uint8
        ),
    )


def _vanished(price: Int64Array, size: Int64Array, *, away: int) -> Int64Array:
    """Return the shares that each quote took from the touch; all of them where the price moved `away`."""
    moved = np.diff(price, prepend=price[:1]) * away
    previous = np.concatenate([size[:1], size[:-1]])
    shrunk: BoolArray = (moved == 0) & (size < previous)
    return np.where(moved > 0, previous, np.where(shrunk, previous - size, 0))


def _imbalance_before(quotes: QuoteTicks) -> FloatArray:
    """Return the imbalance that takers saw before each quote, -1 (offers only) to 1 (bids only)."""
    imbalance = (quotes.bid_size - quotes.ask_size) / (quotes.bid_size + quotes.ask_size)
    return np.concatenate([imbalance[:1], imbalance[:-1]])


def _wished_sizes(rng: np.random.Generator, count: int) -> Int64Array:
    """Return sizes as on the tape: many odd lots, else whole lots with a long tail."""
    is_odd = rng.random(count) < _ODD_LOT_FRACTION
    odd = rng.integers(1, ROUND_LOT, count)
    lots = rng.geometric(1.0 / _MEAN_LOTS, count)
    return np.where(is_odd, odd, lots * ROUND_LOT)
