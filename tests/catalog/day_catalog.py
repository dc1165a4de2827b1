"""Small catalogs of one session, written through the real store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalog.columns import (
    BarColumns,
    DataKind,
    DeltaColumns,
    QuoteColumns,
    TradeColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
    trade_ids_from,
)
from catalog.lanes import event_clock
from catalog.manifest import SourceDescription
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.instruments import EquitySpec, instrument_id
from market.time import to_ns

DAY = "2013-10-07"
QuoteRow = tuple[str, int, int, int, int]  # clock, bid and ask in cents, bid and ask size
TradeRow = tuple[str, int, int]  # clock, cents, shares
BarRow = tuple[str, int, int, int]  # clock of the end, open and close in cents, shares


def new_york(clock: str, day: str = DAY) -> int:
    """Return `clock` in New York on `day` (summer time) in ns UTC."""
    return to_ns(f"{day}T{clock}-04:00")


def _clock(rows: Sequence[tuple[str, ...]] | Sequence[tuple[object, ...]]) -> np.ndarray:
    return np.array([new_york(str(row[0])) for row in rows], dtype=np.int64)


def _prices(rows: Sequence[tuple[object, ...]], column: int) -> object:
    return prices_from_ten_thousandths(np.array([row[column] for row in rows], dtype=np.int64) * 100)


def _sizes(rows: Sequence[tuple[object, ...]], column: int) -> object:
    return sizes_from_integers(np.array([row[column] for row in rows], dtype=np.int64))


def write_quotes(ingest: Ingest, symbol: str, rows: Sequence[QuoteRow]) -> None:
    """Write quotes of `symbol` on `DAY`."""
    ts_event, identifier = _clock(rows), instrument_id(symbol)
    ingest.write(
        DataKind.QUOTE,
        identifier,
        QuoteColumns(
            ts_event=ts_event,
            ts_init=event_clock(ts_event) + ingest.lane(DataKind.QUOTE, identifier),
            bid_price=_prices(rows, 1),
            ask_price=_prices(rows, 2),
            bid_size=_sizes(rows, 3),
            ask_size=_sizes(rows, 4),
        ),
    )


def write_trades(ingest: Ingest, symbol: str, rows: Sequence[TradeRow]) -> None:
    """Write trades of `symbol` on `DAY`."""
    ts_event, identifier = _clock(rows), instrument_id(symbol)
    ts_init = event_clock(ts_event) + ingest.lane(DataKind.TRADE, identifier)
    ingest.write(
        DataKind.TRADE,
        identifier,
        TradeColumns(
            ts_event=ts_event,
            ts_init=ts_init,
            price=_prices(rows, 1),
            size=_sizes(rows, 2),
            aggressor_side=np.zeros(len(rows), dtype=np.uint8),
            trade_id=trade_ids_from(ts_init),
        ),
    )


def write_bars(ingest: Ingest, symbol: str, specification: str, rows: Sequence[BarRow]) -> None:
    """Write bars of `symbol` on `DAY`; `specification` is e.g. `1-MINUTE-LAST`."""
    ts_event, identifier = _clock(rows), instrument_id(symbol)
    bar_type = f"{identifier}-{specification}-EXTERNAL"
    lane = ingest.lane(DataKind.BAR, identifier, bar_type)
    opens, closes = _prices(rows, 1), _prices(rows, 2)
    columns = BarColumns(
        ts_event=ts_event,
        ts_init=event_clock(ts_event) + lane,
        open=opens,
        high=prices_from_ten_thousandths(np.array([max(row[1:3]) for row in rows], dtype=np.int64) * 100),
        low=prices_from_ten_thousandths(np.array([min(row[1:3]) for row in rows], dtype=np.int64) * 100),
        close=closes,
        volume=_sizes(rows, 3),
    )
    ingest.write(DataKind.BAR, identifier, columns, bar_type=bar_type)


def write_depth(ingest: Ingest, symbol: str, clocks: Sequence[str]) -> None:
    """Write one book addition at each of `clocks`."""
    rows = [(clock, 500, 100) for clock in clocks]
    ts_event, identifier, count = _clock(rows), instrument_id(symbol), len(rows)
    columns = DeltaColumns(
        ts_event=ts_event,
        ts_init=event_clock(ts_event) + ingest.lane(DataKind.DELTA, identifier),
        action=np.ones(count, dtype=np.uint8),
        side=np.ones(count, dtype=np.uint8),
        price=_prices(rows, 1),
        size=_sizes(rows, 2),
        order_id=np.arange(count, dtype=np.uint64),
        flags=np.full(count, 128, dtype=np.uint8),
        sequence=np.arange(count, dtype=np.uint64),
    )
    ingest.write(DataKind.DELTA, identifier, columns)


def liquid_and_thin(root: Path) -> Path:
    """Make a catalog: LQD at 5 USD with quotes, trades and depth; DEAR at 50 USD; BARS with bars alone."""
    source = SourceDescription(kind="csv", path="made-up", sha256="0" * 64)
    with CatalogStore(root).ingest(source) as ingest:
        for symbol in ("LQD", "DEAR", "BARS", "IDLE"):
            ingest.add_instrument(EquitySpec(symbol=symbol))
        quotes = [
            ("09:00:00", 400, 450, 100, 100),
            ("09:30:00", 500, 501, 100, 300),
            ("09:30:03", 500, 503, 100, 300),
        ]
        write_depth(ingest, "LQD", ["09:29:59", "09:30:00", "09:30:01"])
        write_trades(
            ingest, "LQD", [("09:30:01", 500, 40_000), ("15:59:59", 502, 10_000), ("16:00:00", 600, 7)]
        )
        write_quotes(ingest, "LQD", [*quotes, ("09:30:04", 500, 501, 100, 300), ("16:00:00", 1, 900, 1, 1)])
        write_quotes(ingest, "DEAR", [("10:00:00", 5_000, 5_100, 100, 100), ("10:00:05", 5_010, 5_110, 1, 1)])
        write_bars(
            ingest,
            "BARS",
            "1-MINUTE-LAST",
            [("09:30:00", 800, 700, 9), ("09:31:00", 700, 710, 500), ("16:00:00", 710, 720, 600)],
        )
        write_bars(ingest, "BARS", "1-DAY-LAST", [("16:00:00", 700, 720, 2_000)])
        write_bars(
            ingest,
            "BARS",
            "1-MINUTE-BID",
            [("09:31:00", 1, 2, 0), ("09:32:00", 1, 2, 0), ("09:33:00", 1, 2, 0)],
        )
    return root
