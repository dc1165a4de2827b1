"""A seeded synthetic market: quotes, trades, depth and halts of several stocks, into a catalog.

For demonstrations and tests, where recorded data cannot be shipped. What is planted in it, and what
is not, is in `docs/reference/synthetic-market.md`; it must never be taken for evidence that a
strategy makes money.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from catalog.columns import (
    DataKind,
    DeltaColumns,
    QuoteColumns,
    TradeColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
)
from catalog.lanes import event_clock
from catalog.manifest import Halt as HaltRecord
from catalog.manifest import IngestResult, SourceDescription
from catalog.synthetic.chance import Int64Array, Part, generator
from catalog.synthetic.depth import DepthTicks, draw_depth
from catalog.synthetic.price import Halt, draw_halts, price_path
from catalog.synthetic.quotes import QuoteTicks, draw_quotes
from catalog.synthetic.spec import LOW_PRICED_STOCKS, SyntheticMarketSpec, SyntheticSymbol
from catalog.synthetic.trades import TradeTicks, draw_trades
from market.calendar import Session, TradingCalendar
from market.errors import ConfigError
from market.instruments import EquitySpec, instrument_id
from market.time import NS_PER_SECOND

if TYPE_CHECKING:
    from catalog.storage.ingest import Ingest
    from catalog.store import CatalogStore

__all__ = [
    "LOW_PRICED_STOCKS",
    "SyntheticDay",
    "SyntheticMarketSpec",
    "SyntheticSymbol",
    "synthetic_days",
    "write_synthetic_market",
]

GENERATOR_VERSION = "1"
"""Part of the source's identity: raise it when equal specs begin to give other records."""

_OVERNIGHT_FRACTION = 0.4  # standard deviation of the overnight gap as a fraction of the day's volatility
_CENT = 100  # in 1/10,000 USD


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDay:
    """One session of one symbol, before it takes the form of a catalog."""

    symbol: str
    session: Session
    quotes: QuoteTicks
    trades: TradeTicks
    depth: DepthTicks | None
    halts: tuple[Halt, ...]


def synthetic_days(spec: SyntheticMarketSpec) -> Iterator[SyntheticDay]:
    """Yield the sessions of `spec` by day, then by symbol; pure but for reading the exchange calendar.

    Raises `ConfigError` when the exchange is closed on all days of `spec`.
    """
    sessions = TradingCalendar(spec.start, spec.end).sessions(spec.start, spec.end)
    if not sessions:
        raise ConfigError(
            f"The exchange is closed from {spec.start} to {spec.end}. Choose a range that holds a session."
        )
    closes: dict[str, float] = {}
    for session in sessions:
        for stock in spec.symbols:
            day = _draw_day(spec, stock, session=session, previous_close=closes.get(stock.symbol))
            closes[stock.symbol] = float(day.quotes.bid[-1] + day.quotes.ask[-1]) / 200.0
            yield day


def write_synthetic_market(
    spec: SyntheticMarketSpec, *, store: CatalogStore, replace: bool = False
) -> IngestResult:
    """Write the market of `spec` into `store`; the same spec a second time changes nothing.

    With `replace`, data of other sources for the same instruments and days gives way; without it
    that raises `DataError`. Memory is that of one symbol's day and the store's open row groups.
    """
    with store.ingest(_source(spec), replace=replace) as ingest:
        if not ingest.unchanged:
            for stock in spec.symbols:
                ingest.add_instrument(EquitySpec(symbol=stock.symbol))
            for day in synthetic_days(spec):
                _write_day(ingest, day)
    return ingest.result


def _draw_day(
    spec: SyntheticMarketSpec, stock: SyntheticSymbol, *, session: Session, previous_close: float | None
) -> SyntheticDay:
    def chance(part: Part) -> np.random.Generator:
        return generator(spec.seed, session.date, stock.symbol, part)

    seconds = (session.close_ns - session.open_ns) // NS_PER_SECOND
    halts = draw_halts(spec, symbol=stock.symbol, day=session.date, seconds=seconds)
    gap = chance("overnight").standard_normal() * _OVERNIGHT_FRACTION * stock.volatility_fraction_day
    opening_price = stock.price_usd if previous_close is None else previous_close * float(np.exp(gap))
    path = price_path(spec, stock, session=session, opening_price=opening_price, halts=halts)
    quotes = draw_quotes(spec, stock, session=session, path=path, halts=halts)
    trades = draw_trades(
        chance("trades"),
        quotes,
        trade_fraction=spec.trade_fraction,
        midpoint_fraction=spec.midpoint_fraction,
    )
    depth = None
    if spec.depth_levels:
        depth = draw_depth(
            chance("depth"),
            quotes,
            levels=spec.depth_levels,
            updates_per_quote=spec.deep_updates_per_quote,
            displayed=stock.displayed_shares,
        )
    return SyntheticDay(
        symbol=stock.symbol, session=session, quotes=quotes, trades=trades, depth=depth, halts=halts
    )


def _write_day(ingest: Ingest, day: SyntheticDay) -> None:
    instrument = instrument_id(day.symbol)
    depth_clock, quote_clock = _clocks(day)
    if day.depth is not None:
        lane = ingest.lane(DataKind.DELTA, instrument)
        ingest.write(DataKind.DELTA, instrument, _delta_columns(day.depth, depth_clock + lane))
    lane = ingest.lane(DataKind.TRADE, instrument)
    ingest.write(DataKind.TRADE, instrument, _trade_columns(day, quote_clock + lane))
    lane = ingest.lane(DataKind.QUOTE, instrument)
    ingest.write(DataKind.QUOTE, instrument, _quote_columns(day.quotes, quote_clock + lane))
    open_ns = day.session.open_ns
    ingest.add_halts(
        HaltRecord(
            instrument, open_ns + halt.start * NS_PER_SECOND, open_ns + halt.end * NS_PER_SECOND, "synthetic"
        )
        for halt in day.halts
    )


def _clocks(day: SyntheticDay) -> tuple[Int64Array, Int64Array]:
    """Return the event clocks of the deltas and of the quotes: deltas of an event come first."""
    depth_times = day.depth.ts_event if day.depth is not None else np.empty(0, dtype=np.int64)
    times = np.concatenate([depth_times, day.quotes.ts_event])
    order = np.argsort(times, kind="stable")
    clock = np.empty_like(times)
    clock[order] = event_clock(times[order])
    return clock[: len(depth_times)], clock[len(depth_times) :]


def _quote_columns(quotes: QuoteTicks, ts_init: Int64Array) -> QuoteColumns:
    return QuoteColumns(
        ts_event=quotes.ts_event,
        ts_init=ts_init,
        bid_price=prices_from_ten_thousandths(quotes.bid * _CENT),
        ask_price=prices_from_ten_thousandths(quotes.ask * _CENT),
        bid_size=sizes_from_integers(quotes.bid_size),
        ask_size=sizes_from_integers(quotes.ask_size),
    )


def _trade_columns(day: SyntheticDay, quote_ts_init: Int64Array) -> TradeColumns:
    import pyarrow as pa

    trades = day.trades
    date_digits = int(day.session.date.strftime("%Y%m%d")) * 10_000_000
    return TradeColumns(
        ts_event=day.quotes.ts_event[trades.event],
        ts_init=quote_ts_init[trades.event],
        price=prices_from_ten_thousandths(trades.price),
        size=sizes_from_integers(trades.size),
        aggressor_side=trades.aggressor,
        trade_id=pa.array(date_digits + np.arange(1, len(trades) + 1)).cast(pa.string()),
    )


def _delta_columns(depth: DepthTicks, ts_init: Int64Array) -> DeltaColumns:
    return DeltaColumns(
        ts_event=depth.ts_event,
        ts_init=ts_init,
        action=depth.action,
        side=depth.side,
        price=prices_from_ten_thousandths(depth.price * _CENT),
        size=sizes_from_integers(depth.size),
        order_id=np.zeros(len(depth), dtype=np.uint64),
        flags=depth.flags,
        sequence=depth.sequence.astype(np.uint64),
    )


def _source(spec: SyntheticMarketSpec) -> SourceDescription:
    names = ", ".join(stock.symbol for stock in spec.symbols)
    settings = msgspec.json.encode(spec, order="deterministic")
    return SourceDescription(
        kind="synthetic",
        path=f"synthetic market, seed {spec.seed}, {spec.start} to {spec.end}: {names}",
        sha256=hashlib.sha256(settings).hexdigest(),
        options={"generator": GENERATOR_VERSION, "numpy": np.__version__},
    )
