"""A recorded day out of a catalog: as feed, as history, and through the whole desk."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.market_data import catalog_files
from adapters.tws_simulator.market_data.catalog_day import CatalogDay
from adapters.tws_simulator.market_data.origin import MarketOrigin, recorded_origin
from adapters.tws_simulator.messages import IN, OUT
from market.errors import DataError, NotFoundError
from market.time import to_ns
from tests.adapters.tws_simulator.in_process import START_NS
from tests.adapters.tws_simulator.market_data.market import MarketInProcess, contract
from tests.catalog.day_catalog import liquid_and_thin

DAY = date(2013, 10, 7)
SECOND = 10**9


def at(clock: str) -> int:
    return to_ns(f"2013-10-07T{clock}-04:00")


class Recorder:
    """A sink that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def feed_quote(self, *event: int) -> None:
        self.events.append(("quote", *event))

    def feed_trade(self, *event: int) -> None:
        self.events.append(("trade", *event))

    def feed_level(self, *event: Any, is_last: bool) -> None:
        self.events.append(("level", *event, is_last))

    def feed_clear(self, con_id: int) -> None:
        self.events.append(("clear", con_id))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded") / "catalog"
    liquid_and_thin(folder)
    return folder


@pytest.fixture
def origin(root: Path) -> MarketOrigin:
    return recorded_origin(root, DAY)


def ids(origin: MarketOrigin) -> dict[str, int]:
    return {name.symbol: con_id for con_id, name in origin.names.items()}


def test_the_universe_is_what_has_quotes_or_trades_that_day(origin: MarketOrigin) -> None:
    assert set(ids(origin)) == {"LQD", "DEAR"}
    assert origin.names[ids(origin)["LQD"]].price == Decimal("4.00")
    assert origin.opening_ns == at("09:30:00")


def test_the_day_is_replayed_in_its_order_with_its_own_times(origin: MarketOrigin) -> None:
    sink = Recorder()
    liquid = ids(origin)["LQD"]
    origin.begin(at("09:29:30"))
    origin.feed.run(sink, at("09:30:02"))
    assert sink.events == [
        ("level", liquid, True, 50_000, 100, True),
        ("level", liquid, True, 50_000, 100, True),
        ("quote", liquid, 50_000, 50_100, 100, 300, at("09:30:00")),
        ("level", liquid, True, 50_000, 100, True),
        ("trade", liquid, 50_000, 40_000, at("09:30:01")),
    ]
    next_ns = origin.feed.next_ns()
    assert next_ns is not None
    assert at("09:30:03") <= next_ns < at("09:30:03") + 10_000
    origin.feed.run(sink, at("20:00:00"))
    assert origin.feed.next_ns() is None
    assert [event[0] for event in sink.events].count("quote") == 6
    assert [event[0] for event in sink.events].count("trade") == 3


def test_a_start_in_the_middle_leaves_out_what_was_but_builds_the_book(origin: MarketOrigin) -> None:
    sink = Recorder()
    origin.begin(at("12:00:00"))
    origin.feed.run(sink, at("20:00:00"))
    assert [event[0] for event in sink.events] == ["level"] * 3 + ["trade", "trade", "quote"]


def test_reading_in_small_batches_changes_nothing(
    origin: MarketOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = Recorder(), Recorder()
    origin.begin(at("00:00:00"))
    origin.feed.run(whole, at("23:00:00"))
    monkeypatch.setattr(catalog_files, "BATCH_ROWS", 1)
    origin.begin(at("00:00:00"))
    origin.feed.run(parts, at("23:00:00"))
    assert parts.events == whole.events


def test_the_past_is_the_record(origin: MarketOrigin) -> None:
    history, liquid = origin.history, ids(origin)["LQD"]
    assert history.quote_at(liquid, at("09:30:03") + 10_000) == (50_000, 50_300, 100, 300)
    assert history.quote_at(liquid, at("08:00:00")) is None
    trades = history.trades(liquid, at("09:30:00"), at("16:00:00"))
    assert (trades.price.tolist(), trades.size.tolist()) == ([50_000, 50_200], [40_000, 10_000])
    earliest = history.earliest_ns(liquid)
    assert earliest is not None
    assert at("09:00:00") <= earliest < at("09:00:01")
    assert history.earliest_ns(12345) is None


def test_a_client_sees_the_day_at_the_chosen_speed(root: Path) -> None:
    origin = recorded_origin(root, DAY)
    clock = MarketClock(START_NS, at("09:29:30"), 10.0)
    tws = MarketInProcess(origin=origin, clock=clock)
    client = tws.client(1)
    liquid = tws.con_id("LQD")
    for request_id, kind in ((1, "BidAsk"), (2, "AllLast")):
        client.request(
            OUT.REQ_TICK_BY_TICK_DATA,
            "TickByTickRequest",
            reqId=request_id,
            contract=contract(liquid),
            tickType=kind,
        )
    client.request(
        OUT.REQ_MKT_DEPTH,
        "MarketDepthRequest",
        reqId=3,
        contract=contract(liquid, "NASDAQ"),
        numRows=5,
        isSmartDepth=False,
    )
    client.take()
    tws.run_for(2.9)
    assert [number for number in client.ids() if number == IN.TICK_BY_TICK] == []
    tws.run_for(0.6)
    seen = client.take(IN.TICK_BY_TICK)
    assert [
        (tick.reqId, tick.historicalTickBidAsk.time or tick.historicalTickLast.time) for tick in seen
    ] == [
        (1, at("09:30:00") // SECOND),
        (2, at("09:30:01") // SECOND),
        (1, at("09:30:03") // SECOND),
        (1, at("09:30:04") // SECOND),
    ]
    rows = [message.marketDepthData for message in client.take(IN.MARKET_DEPTH_L2)]
    assert [(row.operation, row.side, row.price, row.size) for row in rows][:1] == [(0, 1, 5.0, "100")]
    assert tws.broker.failures == []


def test_bars_of_a_recorded_day_hold_its_trades(root: Path) -> None:
    clock = MarketClock(START_NS, at("16:30:00"), 1.0)
    tws = MarketInProcess(origin=recorded_origin(root, DAY), clock=clock)
    client = tws.client(1)
    wanted = {"barSizeSetting": "1 day", "duration": "1 D", "whatToShow": "TRADES", "useRTH": True}
    client.request(
        OUT.REQ_HISTORICAL_DATA,
        "HistoricalDataRequest",
        reqId=5,
        contract=contract(tws.con_id("LQD")),
        **wanted,
    )
    tws.run_for(0.1)
    (bar,) = client.take(IN.HISTORICAL_DATA)[0].historicalDataBars
    assert (bar.date, bar.open, bar.high, bar.low, bar.close) == ("20131007", 5.0, 5.02, 5.0, 5.02)
    assert (bar.volume, bar.barCount) == ("50000", 2)


def test_a_day_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="2013-10-08"):
        CatalogDay(root, date(2013, 10, 8))
    with pytest.raises(NotFoundError, match="no quotes"):
        CatalogDay(tmp_path, DAY)


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not named"):
        catalog_files.file_range(tmp_path / "quotes.parquet")


def test_values_are_read_as_nautilus_writes_them(tmp_path: Path) -> None:
    """Prices beyond 922 USD and sizes beyond 922 shares need more than 64 bits."""
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.objects import Price, Quantity
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    prices = ["0.0001", "1.0000", "921.9999", "922.5000", "5899.1234", "92233.7200"]
    identifier = InstrumentId.from_str("BRK.SMART")
    written = [
        QuoteTick(
            identifier,
            Price.from_str(price),
            Price.from_str(price),
            Quantity.from_int(1),
            Quantity.from_int(50_000_000),
            at("10:00:00") + index,
            at("10:00:00") + index,
        )
        for index, price in enumerate(prices)
    ]
    ParquetDataCatalog(str(tmp_path)).write_data(written)
    (path,) = catalog_files.files_between(
        tmp_path, catalog_files.QUOTES, "BRK.SMART", at("09:00:00"), at("11:00:00")
    )
    (batch,) = catalog_files.batches(path, catalog_files.QUOTES, 0, 2**62)
    assert batch["bid_price"].tolist() == [int(Decimal(price) * 10_000) for price in prices]
    assert set(batch["ask_size"].tolist()) == {50_000_000}
    assert set(batch["bid_size"].tolist()) == {1}
    assert batch["ts_event"].tolist() == [tick.ts_event for tick in written]
    assert list(catalog_files.batches(path, catalog_files.QUOTES, 0, at("10:00:00"))) == []
