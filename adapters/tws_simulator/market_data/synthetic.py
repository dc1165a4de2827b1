"""The seeded synthetic market: quotes and trades of every name as functions of time.

Each name changes its quote at moments of a regular grid (shifted per name, so that names take turns).
Everything about tick k follows from (seed, name, k): the live feed and the history are the same numbers,
at any time, in any order, without a store. Live ticks are made in blocks over all names at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from adapters.tws_simulator.contracts.names import Name
from adapters.tws_simulator.market_data.noise import hashed, key_of, path
from adapters.tws_simulator.market_data.settings import SyntheticSettings
from adapters.tws_simulator.market_data.source import (
    TEN_THOUSANDTHS,
    FeedSink,
    IntArray,
    QuoteArrays,
    TradeArrays,
)

BLOCK_TICKS_MIN, BLOCK_TICKS_MAX = 64, 1024
"""How many ticks of each name are made at once: a second's worth, within these bounds."""

SKIP_NS = 5_000_000_000
"""A jump of the clock beyond this is not played tick by tick: the market goes on at the new time."""

YEARS_BACK = 10
NS_PER_YEAR = 365 * 86_400 * 1_000_000_000
SPREAD_FRACTION = 0.0001
INDEX_TICK = 100
CENT = 100
SUB_DOLLAR_TICK = 1
ROUND_LOT = 100
VOLATILITY_OF_VOLATILITY = 0.6


class SyntheticName:
    """One stock or index: its ticks by number."""

    def __init__(self, con_id: int, name: Name, seed: int, *, anchor_ns: int, step_ns: int) -> None:
        self.con_id, self.is_index = con_id, name.is_index
        self._key = key_of(seed, con_id)
        self._volatility_key = key_of(seed, con_id, 1)
        self._chance_key = key_of(seed, con_id, 2)
        self._volatility = name.volatility
        self._step_ns = step_ns
        self.offset_ns = key_of(con_id) % step_ns
        start = np.array([anchor_ns], dtype=np.int64)
        self._log_price = math.log(float(name.price)) - float(path(self._key, start, name.volatility)[0])

    def times(self, ticks: IntArray) -> IntArray:
        """Return when ticks happen (ns)."""
        return ticks * self._step_ns + self.offset_ns

    def tick_at(self, market_ns: int) -> int:
        """Return the number of the last tick at or before a time."""
        return (market_ns - self.offset_ns) // self._step_ns

    def mids(self, ts_ns: IntArray) -> IntArray:
        """Return mid prices (1/10,000 USD, at least 1) at times."""
        prices = np.exp(self._log_price + path(self._key, ts_ns, self._volatility)) * TEN_THOUSANDTHS
        return np.maximum(np.rint(prices).astype(np.int64), 2)

    def quotes(self, ticks: IntArray) -> QuoteArrays:
        """Return the quotes of ticks; an index has none (all `MISSING`)."""
        ts_ns = self.times(ticks)
        mids = self.mids(ts_ns)
        if self.is_index:
            nothing = np.zeros_like(mids)
            return QuoteArrays(ts_ns, nothing, nothing, nothing, nothing)
        tick = np.where(mids < TEN_THOUSANDTHS, SUB_DOLLAR_TICK, CENT)
        spread = np.maximum(np.rint(mids * SPREAD_FRACTION / tick).astype(np.int64), 1) * tick
        bids = np.maximum((mids - spread // 2) // tick * tick, tick)
        chance = hashed(self._chance_key, ticks)
        bid_sizes = (1 + (chance & np.uint64(15)).astype(np.int64)) * ROUND_LOT
        ask_sizes = (1 + ((chance >> np.uint64(4)) & np.uint64(15)).astype(np.int64)) * ROUND_LOT
        return QuoteArrays(ts_ns, bids, bids + spread, bid_sizes, ask_sizes)

    def trades(self, ticks: IntArray, quotes: QuoteArrays, fraction: float) -> TradeArrays:
        """Return price and size of the trade with each tick; price 0 where there is none.

        A trade takes the bid or the ask of its tick; an index trades at its mid, with size 0.
        """
        if self.is_index:
            mids = self.mids(quotes.ts_ns) // INDEX_TICK * INDEX_TICK
            return TradeArrays(quotes.ts_ns, mids, np.zeros_like(mids))
        chance = hashed(self._chance_key ^ 0x5851F42D4C957F2D, ticks)
        happens = (chance >> np.uint64(11)).astype(np.float64) * 2.0**-53 < fraction
        buys = (chance & np.uint64(1)).astype(np.bool_)
        lots = ((chance >> np.uint64(1)) & np.uint64(7)).astype(np.int64)
        sizes = np.where(
            lots == 0, 1 + ((chance >> np.uint64(4)) & np.uint64(63)).astype(np.int64), lots * 100
        )
        prices = np.where(happens, np.where(buys, quotes.ask, quotes.bid), 0)
        return TradeArrays(quotes.ts_ns, prices, np.where(happens, sizes, 0))

    def implied_volatility(self, ts_ns: IntArray) -> npt.NDArray[np.float64]:
        """Return the at-the-money implied volatility (a year) at times."""
        deviation = path(self._volatility_key, ts_ns, VOLATILITY_OF_VOLATILITY)
        volatility: npt.NDArray[np.float64] = self._volatility * np.exp(deviation)
        return volatility


class SyntheticMarket:
    """Feed and history of the synthetic market; implements `Feed` and `PriceHistory`."""

    def __init__(
        self, names: Mapping[int, Name], seed: int, *, anchor_ns: int, settings: SyntheticSettings
    ) -> None:
        self._step_ns = max(round(1e9 / settings.ticks_per_second), 1)
        self._fraction = settings.trade_fraction
        second = math.ceil(settings.ticks_per_second)
        self._block_ticks = min(max(second, BLOCK_TICKS_MIN), BLOCK_TICKS_MAX)
        self._names = {
            con_id: SyntheticName(con_id, name, seed, anchor_ns=anchor_ns, step_ns=self._step_ns)
            for con_id, name in names.items()
        }
        self._turns = sorted(self._names.values(), key=lambda name: (name.offset_ns, name.con_id))
        self._earliest_ns = anchor_ns - YEARS_BACK * NS_PER_YEAR
        self._events: list[tuple[int, ...]] = []
        self._position = 0
        self._next_tick = 0

    # ------------------------------------------------------------------ Feed

    def start(self, market_ns: int) -> None:
        """Begin with the first tick after `market_ns`."""
        self._begin(market_ns)
        self._make_block()
        while self._events[self._position][1] <= market_ns:
            self._position += 1

    def next_ns(self) -> int:
        """Return the market time of the next tick; the market never ends."""
        if self._position == len(self._events):
            self._make_block()
        return self._events[self._position][1]

    def run(self, sink: FeedSink, until_ns: int) -> None:
        """Tell `sink` every tick up to `until_ns`; after a jump of the clock only those just before it."""
        if until_ns - self.next_ns() > max(SKIP_NS, 2 * self._step_ns):
            self._begin(until_ns)
        quote, trade = sink.feed_quote, sink.feed_trade
        while True:
            if self._position == len(self._events):
                self._make_block()
            events, position = self._events, self._position
            while position < len(events):
                con_id, ts_ns, bid, ask, bid_size, ask_size, price, size = events[position]
                if ts_ns > until_ns:
                    self._position = position
                    return
                position += 1
                if bid:
                    quote(con_id, bid, ask, bid_size, ask_size, ts_ns)
                if price:
                    trade(con_id, price, size, ts_ns)
            self._position = position

    def _begin(self, market_ns: int) -> None:
        self._events, self._position = [], 0
        self._next_tick = market_ns // self._step_ns - 1

    def _make_block(self) -> None:
        """Make the next ticks of all names, in order of time: names take turns within each grid step."""
        ticks = np.arange(self._next_tick, self._next_tick + self._block_ticks, dtype=np.int64)
        self._next_tick += self._block_ticks
        count = len(self._turns)
        table = np.empty((self._block_ticks, count, 8), dtype=np.int64)
        for column, name in enumerate(self._turns):
            quotes = name.quotes(ticks)
            trades = name.trades(ticks, quotes, self._fraction)
            parts = (quotes.ts_ns, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
            table[:, column, 0] = name.con_id
            for place, values in enumerate((*parts, trades.price, trades.size), start=1):
                table[:, column, place] = values
        self._events = [tuple(row) for row in table.reshape(-1, 8).tolist()]
        self._position = 0

    # ------------------------------------------------------------------ PriceHistory

    def earliest_ns(self, con_id: int) -> int | None:
        """Return the time of the first price, None for a listing that is no synthetic name."""
        return self._earliest_ns if con_id in self._names else None

    def quotes(self, con_id: int, start_ns: int, end_ns: int) -> QuoteArrays:
        """Return the quotes in `[start_ns, end_ns)`; none for an index."""
        name = self._names[con_id]
        ticks = self._ticks(name, start_ns, end_ns)
        return name.quotes(ticks if not name.is_index else ticks[:0])

    def trades(self, con_id: int, start_ns: int, end_ns: int) -> TradeArrays:
        """Return the trades in `[start_ns, end_ns)`."""
        name = self._names[con_id]
        ticks = self._ticks(name, start_ns, end_ns)
        quotes = name.quotes(ticks)
        made = name.trades(ticks, quotes, self._fraction)
        where = made.price != 0
        return TradeArrays(made.ts_ns[where], made.price[where], made.size[where])

    def quote_at(self, con_id: int, market_ns: int) -> tuple[int, int, int, int] | None:
        """Return bid, ask, bid size and ask size in force at `market_ns`, None for no synthetic stock."""
        name = self._names.get(con_id)
        if name is None or name.is_index:
            return None
        quotes = name.quotes(np.array([name.tick_at(market_ns)], dtype=np.int64))
        return int(quotes.bid[0]), int(quotes.ask[0]), int(quotes.bid_size[0]), int(quotes.ask_size[0])

    def ticks_between(self, con_id: int, start_ns: int, end_ns: int) -> int:
        """Return how many ticks lie between two times."""
        return max(0, end_ns - start_ns) // self._step_ns if con_id in self._names else 0

    def samples(self, con_id: int, ts_ns: IntArray) -> IntArray:
        """Return the mid prices in force at times."""
        return self._names[con_id].mids(ts_ns)

    def volatility(self, con_id: int, ts_ns: IntArray) -> npt.NDArray[np.float64]:
        """Return the implied volatility of options on a name at times."""
        return self._names[con_id].implied_volatility(ts_ns)

    def _ticks(self, name: SyntheticName, start_ns: int, end_ns: int) -> IntArray:
        first, last = name.tick_at(start_ns - 1) + 1, name.tick_at(end_ns - 1)
        return np.arange(first, last + 1, dtype=np.int64)
