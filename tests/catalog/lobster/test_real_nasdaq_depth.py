"""Recorded NASDAQ depth: the numbers of the data's README, from the catalog read by an unmodified reader."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.ingest_lobster import ingest_lobster
from catalog.ingest_summary import IngestSummary
from catalog.store import CatalogStore
from market.time import new_york_midnight_ns, to_ns

pytestmark = pytest.mark.real_data

AAPL, AMZN = "nasdaq_depth_aapl_2012", "nasdaq_level1_amzn_2012"
MIDNIGHT_NS = new_york_midnight_ns(date(2012, 6, 21))


def read(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [line.split(",") for line in text.decode().splitlines()]


def ingested(path: Path, root: Path) -> tuple[Any, IngestSummary]:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    summary = ingest_lobster(path, store=CatalogStore(root))
    return ParquetDataCatalog(str(root)), summary


def replayed(deltas: list[Any], count: int, levels: int) -> list[list[int]]:
    """Order book rows as in the files, from a Nautilus L2 book after each of `count` messages."""
    from nautilus_trader.model.book import OrderBook
    from nautilus_trader.model.enums import BookType

    book = OrderBook(deltas[0].instrument_id, BookType.L2_MBP)
    rows, position = [], 0
    for line in range(1, count + 1):
        while position < len(deltas) and deltas[position].sequence <= line:
            book.apply_delta(deltas[position])
            position += 1
        sides = (book.asks()[:levels], book.bids()[:levels])
        row = []
        for ask, bid in zip(*sides, strict=True):
            for level in (ask, bid):
                row += [round(level.price.as_double() * 10_000), int(level.size())]
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def aapl(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, IngestSummary]:
    return ingested(real_data / AAPL, tmp_path_factory.mktemp("aapl"))


@pytest.fixture(scope="module")
def amzn(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, IngestSummary]:
    return ingested(real_data / AMZN, tmp_path_factory.mktemp("amzn"))


def test_aapl_book_has_the_recorded_best_bid_and_offer_after_all_20_000_messages(
    aapl: tuple[Any, IngestSummary], real_data: Path
) -> None:
    catalog, summary = aapl
    bbo = read(real_data / AAPL / "AAPL_2012-06-21_34200000_37800000_bbo_rowaligned.csv.gz")
    found = replayed(list(catalog.order_book_deltas(instrument_ids=["AAPL.SMART"])), len(bbo), 1)
    assert len(found) == 20_000
    assert found == [[int(cell) for cell in row] for row in bbo]
    assert "AAPL 2012-06-21: 6 reductions ignored: their orders were never shown" in summary.notes
    assert "AAPL 2012-06-21: the book's best bid and offer differ from the bbo file 0 times" in summary.notes


def test_aapl_messages_give_one_delta_each_and_keep_their_times(
    aapl: tuple[Any, IngestSummary], real_data: Path
) -> None:
    catalog, _ = aapl
    messages = read(real_data / AAPL / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz")
    deltas = list(catalog.order_book_deltas(instrument_ids=["AAPL.SMART"]))
    after_snapshot = [delta for delta in deltas if delta.sequence > 1]
    first_row = read(real_data / AAPL / "AAPL_2012-06-21_orderbook_50_first672.csv.gz")[0]
    levels = sum(int(size) > 0 for size in first_row[1::2])
    assert len(deltas) - len(after_snapshot) == 1 + levels  # the snapshot clears the book first
    assert len({delta.sequence for delta in after_snapshot}) == len(after_snapshot)
    for delta in after_snapshot[::97]:
        seconds, _, fraction = messages[delta.sequence - 1][0].partition(".")
        assert delta.ts_event == MIDNIGHT_NS + int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
        price = int(messages[delta.sequence - 1][4])
        assert str(delta.order.price) == f"{price // 10_000}.{price % 10_000:04d}"


def test_aapl_executions_are_trades_with_aggressor_and_sub_penny_prices(
    aapl: tuple[Any, IngestSummary], real_data: Path
) -> None:
    catalog, _ = aapl
    messages = read(real_data / AAPL / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz")
    executed = [row for row in messages if row[1] in ("4", "5")]
    trades = list(catalog.trade_ticks(instrument_ids=["AAPL.SMART"]))
    found = [(round(float(t.price) * 10_000), int(t.size), t.aggressor_side.name) for t in trades]
    assert found == [(int(row[4]), int(row[3]), "SELLER" if row[5] == "1" else "BUYER") for row in executed]
    assert any(price % 100 for price, *_ in found)


@pytest.mark.parametrize(
    ("folder", "messages", "book", "levels"),
    [
        (
            AAPL,
            "AAPL_2012-06-21_message_10_first999.csv.gz",
            "AAPL_2012-06-21_orderbook_10_first999.csv.gz",
            10,
        ),
        (AMZN, "AMZN_2012-06-21_message_5_first1000.csv", "AMZN_2012-06-21_orderbook_5_first1000.csv", 5),
    ],
)
def test_a_book_with_all_its_rows_is_what_each_row_shows(
    real_data: Path, tmp_path: Path, folder: str, messages: str, book: str, levels: int
) -> None:
    """Messages alone go wrong here (44 of 999 and 434 of 1,000 rows): levels come into sight unannounced."""
    catalog, _ = ingested(real_data / folder / messages, tmp_path)
    rows = [[int(cell) for cell in row] for row in read(real_data / folder / book)]
    deltas = list(catalog.order_book_deltas(instrument_ids=[f"{messages[:4]}.SMART"]))
    assert replayed(deltas, len(rows), levels) == rows


def test_amzn_has_the_recorded_executions(amzn: tuple[Any, IngestSummary], real_data: Path) -> None:
    catalog, summary = amzn
    trades = list(catalog.trade_ticks(instrument_ids=["AMZN.SMART"]))
    price = np.array([trade.price.as_double() for trade in trades])
    size = np.array([int(trade.size) for trade in trades])
    assert len(trades) == 11_419
    assert size.sum() == 810_755
    assert (price * size).sum() / size.sum() == pytest.approx(222.6348, abs=5e-5)
    rows = read(real_data / AMZN / "AMZN_2012-06-21_34200000_57600000_message_1.csv.gz")
    assert len(rows) == 57_515
    is_hidden = np.array([rows[int(trade.trade_id.value[9:]) - 1][1] == "5" for trade in trades])
    assert (size[~is_hidden].sum(), size[is_hidden].sum()) == (613_248, 197_507)
    assert summary.rejected == 0


def test_amzn_quotes_have_the_recorded_range_and_spread(
    amzn: tuple[Any, IngestSummary], real_data: Path
) -> None:
    catalog, _ = amzn
    quotes = list(catalog.quote_ticks(instrument_ids=["AMZN.SMART"]))
    bid = np.array([quote.bid_price.as_double() for quote in quotes])
    ask = np.array([quote.ask_price.as_double() for quote in quotes])
    assert (bid.min(), bid.max()) == (220.51, 226.02)
    close_ns = to_ns("2012-06-21T16:00:00-04:00")
    times = np.array([quote.ts_event for quote in quotes] + [close_ns])
    lasted = np.diff(times)
    assert ((ask - bid) * lasted).sum() / lasted.sum() == pytest.approx(0.12849, abs=5e-6)
    assert not list(catalog.order_book_deltas(instrument_ids=["AMZN.SMART"]))


def test_repeating_the_ingest_changes_nothing(real_data: Path, tmp_path: Path) -> None:
    ingest_lobster(real_data / AMZN, store=CatalogStore(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert ingest_lobster(real_data / AMZN, store=CatalogStore(tmp_path)).unchanged
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before


def replay(root: Path, chunk_size: int | None) -> tuple[list[tuple[str, int]], int]:
    """What a strategy sees, in order, and how many quotes differ from the book that the deltas made."""
    from nautilus_trader.backtest.config import (
        BacktestDataConfig,
        BacktestEngineConfig,
        BacktestRunConfig,
        BacktestVenueConfig,
    )
    from nautilus_trader.backtest.node import BacktestNode
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.data import OrderBookDelta, QuoteTick, TradeTick
    from nautilus_trader.model.enums import BookType
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.trading.strategy import Strategy

    instrument_id = InstrumentId.from_str("AAPL.SMART")
    seen: list[tuple[str, int]] = []
    differing: list[int] = []

    class Watch(Strategy):
        def on_start(self) -> None:
            self.subscribe_order_book_deltas(instrument_id, BookType.L2_MBP)
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_trade_ticks(instrument_id)

        def on_order_book_deltas(self, deltas: Any) -> None:
            seen.append(("delta", deltas.ts_init))

        def on_trade_tick(self, tick: Any) -> None:
            seen.append(("trade", tick.ts_init))

        def on_quote_tick(self, tick: Any) -> None:
            seen.append(("quote", tick.ts_init))
            book = self.cache.order_book(instrument_id)
            stated = (tick.bid_price, tick.bid_size, tick.ask_price, tick.ask_size)
            bid, ask = (
                (book.best_bid_price(), book.best_bid_size()),
                (book.best_ask_price(), book.best_ask_size()),
            )
            if (*bid, *ask) != stated:
                differing.append(tick.ts_init)

    venue = BacktestVenueConfig(
        name="SMART",
        oms_type="NETTING",
        account_type="MARGIN",
        starting_balances=["100000 USD"],
        book_type="L2_MBP",
    )
    data = [
        BacktestDataConfig(catalog_path=str(root), data_cls=data_cls, instrument_id=instrument_id)
        for data_cls in (QuoteTick, TradeTick, OrderBookDelta)
    ]
    engine_config = BacktestEngineConfig(logging=LoggingConfig(log_level="ERROR"))
    node = BacktestNode(
        [BacktestRunConfig(engine=engine_config, venues=[venue], data=data, chunk_size=chunk_size)]
    )
    node.build()
    node.get_engines()[0].add_strategy(Watch())
    node.run()
    node.dispose()
    return seen, len(differing)


def test_aapl_replays_in_one_order_chunked_or_not_and_quotes_are_the_top_of_its_book(
    real_data: Path, tmp_path: Path
) -> None:
    ingest_lobster(real_data / AAPL, store=CatalogStore(tmp_path))
    whole, differing = replay(tmp_path, None)
    assert differing == 0
    assert whole == sorted(whole, key=lambda record: record[1])
    assert [kind for kind, _ in whole].count("quote") == 7_968
    assert replay(tmp_path, 5_000) == (whole, 0)
