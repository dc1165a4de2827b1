"""The day of a listing before anybody looked: open, high, low, volume and last, out of the past."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data.price_series import price_series
from adapters.tws_simulator.market_data.prices import MarketPrices
from market.money import to_decimal

PLACES = 4


def look_up_day(prices: MarketPrices, con_id: int, market_ns: int) -> None:
    """Fill in the day's statistics and the last trade of a stock or index, once a day.

    A busy synthetic market is sampled, as its bars are. Harmless for options, whose day begins with
    their first trade here, and for listings that a test holds.
    """
    listing = prices.universe.listing(con_id)
    if con_id in prices.primed or con_id in prices.held or listing is None or listing.is_option:
        return
    prices.primed.add(con_id)
    hours = prices.universe.hours
    session = hours.trading_session(listing, hours.day_of(market_ns))
    if session is None or session[0] >= market_ns:
        return
    series = price_series(prices, listing, "TRADES", session[0], min(market_ns + 1, session[1]))
    if series is None or series.size is None or not len(series.low):
        return
    day = prices.board.day(con_id)
    day.open = _price(series.low[0])
    day.high, day.low = _price(series.high.max()), _price(series.low.min())
    day.volume = Decimal(int(series.size.sum()))
    quote = prices.board.quotes.get(con_id, Quote(ts_ns=market_ns))
    if quote.last is None:
        last_size = Decimal(int(series.size[-1]))
        prices.board.quotes[con_id] = replace(quote, last=_price(series.high[-1]), last_size=last_size)


def _price(value: float) -> Decimal:
    """Return a price with two decimals where they suffice."""
    exact = to_decimal(value, PLACES)
    cents = exact.quantize(Decimal("0.01"))
    return cents if cents == exact else exact
