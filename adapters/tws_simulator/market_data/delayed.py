"""Quotes of 15 minutes ago, for lines without a live subscription."""

from __future__ import annotations

from adapters.tws_simulator.interfaces import Listing, Quote
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.source import TEN_THOUSANDTHS, price_of, size_of

TICKS_MAX = 20_000
BUSY_LOOK_BACK_NS = 1_000_000_000
"""Where a name ticks this often within the delay, a second holds its last trade."""


class DelayedPrices:
    """Reads the market's past; what was set by hand since then is not in it."""

    def __init__(self, prices: MarketPrices, delay_seconds: int) -> None:
        self._prices, self._delay_ns = prices, delay_seconds * 1_000_000_000

    def quote(self, listing: Listing, market_ns: int) -> Quote | None:
        """Return the quote of `listing` as it was, None when there was none."""
        history, then_ns = self._prices.history, market_ns - self._delay_ns
        if history is None:
            return None
        if not listing.is_option:
            found = history.quote_at(listing.con_id, then_ns)
            busy = history.ticks_between(listing.con_id, then_ns - self._delay_ns, then_ns) > TICKS_MAX
            back_ns = BUSY_LOOK_BACK_NS if busy else self._delay_ns
            trades = history.trades(listing.con_id, then_ns - back_ns, then_ns)
            last = int(trades.price[-1]) if len(trades.price) else 0
            size = int(trades.size[-1]) if len(trades.size) else 0
        else:
            under = history.quote_at(listing.underlying_con_id or 0, then_ns)
            if under is None or not under[0] or not under[1]:
                return None
            spot = (under[0] + under[1]) / 2 / TEN_THOUSANDTHS
            found, last, size = self._prices.options.quotes_at(listing.con_id, spot, then_ns), 0, 0
        if found is None and not last:
            return None
        bid, ask, bid_size, ask_size = found or (0, 0, 0, 0)
        return Quote(
            bid=price_of(bid),
            ask=price_of(ask),
            bid_size=size_of(bid_size) if bid else None,
            ask_size=size_of(ask_size) if ask else None,
            last=price_of(last),
            last_size=size_of(size) if last else None,
            ts_ns=then_ns,
        )
