"""Greeks of option lines: the computations at bid, ask, last and by the model (tick types 10 to 13)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data import tick_messages as ticks
from adapters.tws_simulator.market_data.line import Frame, Line
from adapters.tws_simulator.market_data.option_model import OptionGreeks
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.messages import IN, message_type

ON_PRICE = 1
"""`tickAttrib` 1: the volatility was computed on prices, not on returns (documented)."""

NOT_COMPUTED_VOLATILITY = -1.0
NOT_COMPUTED_GREEK = -2.0
"""What TWS sends for "not yet computed"; `ibapi` turns these into None."""

IMPLIED_VOLATILITY_REQUEST = 106


def computation_frames(prices: MarketPrices, line: Line, quote: Quote, market_ns: int) -> Iterator[Frame]:
    """Yield an option's computations, and an underlying's implied volatility when it was asked for."""
    listing = line.listing
    if listing is None:
        return
    if not listing.is_option:
        if IMPLIED_VOLATILITY_REQUEST in line.generic_ticks:
            volatility = round(prices.volatility(listing.con_id, market_ns), 6)
            if line.computed != (volatility,):
                line.computed = (volatility,)
                yield IN.TICK_GENERIC, ticks.tick_generic(ticks.OPTION_IMPLIED_VOLATILITY, volatility)
        return
    assert listing.underlying_con_id is not None
    if prices.options.quote(listing.con_id, market_ns) is None:
        return
    premiums = (quote.bid, quote.ask, quote.last)
    spot = prices.options.spot(listing.underlying_con_id)
    if line.computed == (spot, *premiums):
        return
    line.computed = (spot, *premiums)
    wanted = [(listing.con_id, math.nan if price is None else float(price)) for price in premiums]
    found = prices.options.computations(
        listing.underlying_con_id, [*wanted, (listing.con_id, math.nan)], market_ns
    )
    kinds = (ticks.BID_COMPUTATION, ticks.ASK_COMPUTATION, ticks.LAST_COMPUTATION, ticks.MODEL_COMPUTATION)
    for kind, greeks, price in zip(kinds, found, (*premiums, quote.bid or quote.ask), strict=True):
        if price is not None:
            yield IN.TICK_OPTION_COMPUTATION, encoded(greeks, line.tick_type(kind), spot)


def encoded(greeks: OptionGreeks, tick_type: int, spot: float) -> bytes:
    """Return a `TickOptionComputation` without its request id; what cannot be computed as TWS marks it."""
    message = message_type("TickOptionComputation")(
        tickType=tick_type,
        tickAttrib=ON_PRICE,
        impliedVol=_or(greeks.implied_volatility, NOT_COMPUTED_VOLATILITY),
        delta=_or(greeks.delta, NOT_COMPUTED_GREEK),
        optPrice=_or(greeks.price, NOT_COMPUTED_VOLATILITY),
        pvDividend=0.0,
        gamma=_or(greeks.gamma, NOT_COMPUTED_GREEK),
        vega=_or(greeks.vega, NOT_COMPUTED_GREEK),
        theta=_or(greeks.theta, NOT_COMPUTED_GREEK),
        undPrice=spot,
    )
    shared: bytes = message.SerializeToString()
    return shared


def _or(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise
