from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.model.enums import BookType, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from catalog.columns import DeltaAction, DeltaFlag, DeltaSide
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticDay, write_synthetic_market
from tests.catalog.synthetic.builders import OTHER, STOCK, one_day, small_spec
from tests.catalog.synthetic.test_market import specs


@settings(max_examples=25, deadline=None)
@given(specs)
def test_the_book_always_agrees_with_the_quote_and_never_crosses(changes: dict[str, Any]) -> None:
    _replay(one_day(**changes), levels=changes["depth_levels"])


def test_a_jump_beyond_the_whole_book_is_replayed_too() -> None:
    day = one_day(jumps_per_day=20.0, jump_fraction=3.0, depth_levels=2)
    assert np.abs(np.diff(day.quotes.bid)).max() > 2
    _replay(day, levels=2)


def _replay(day: SyntheticDay, *, levels: int) -> None:
    """Apply the deltas one by one to a plain dictionary a side, and compare at each quote."""
    depth, quotes = day.depth, day.quotes
    assert depth is not None
    books: dict[int, dict[int, int]] = {DeltaSide.BUY: {}, DeltaSide.SELL: {}}
    touch = {int(ts): i for i, ts in enumerate(quotes.ts_event)}
    seen = 0
    for ts, action, side, price, size, flags in zip(
        *(
            c.tolist()
            for c in (depth.ts_event, depth.action, depth.side, depth.price, depth.size, depth.flags)
        ),
        strict=True,
    ):
        if action == DeltaAction.CLEAR:
            books = {DeltaSide.BUY: {}, DeltaSide.SELL: {}}
        elif action == DeltaAction.DELETE:
            del books[side][price]
        else:
            assert (price in books[side]) == (action == DeltaAction.UPDATE)
            assert size > 0
            books[side][price] = size
        bids, asks = books[DeltaSide.BUY], books[DeltaSide.SELL]
        assert not bids or not asks or max(bids) < min(asks)
        if flags & DeltaFlag.LAST:
            assert len(bids) == len(asks) == levels
            if ts in touch:
                i = touch[ts]
                seen += 1
                assert (max(bids), bids[max(bids)]) == (quotes.bid[i], quotes.bid_size[i])
                assert (min(asks), asks[min(asks)]) == (quotes.ask[i], quotes.ask_size[i])
    assert seen == len(quotes)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> ParquetDataCatalog:
    root = tmp_path_factory.mktemp("synthetic")
    write_synthetic_market(small_spec(halt_probability=1.0), store=CatalogStore(root))
    return ParquetDataCatalog(str(root))


@pytest.mark.parametrize("symbol", [STOCK.symbol, OTHER.symbol])
def test_a_nautilus_book_agrees_with_every_quote_in_replay_order(
    catalog: ParquetDataCatalog, symbol: str
) -> None:
    ids = [f"{symbol}.SMART"]
    book = OrderBook(InstrumentId.from_str(ids[0]), BookType.L2_MBP)
    deltas = catalog.query(OrderBookDelta, identifiers=ids)
    quotes = catalog.query(QuoteTick, identifiers=ids)
    assert len(quotes) > 1_000
    for record in sorted(deltas + quotes, key=lambda record: record.ts_init):
        if isinstance(record, OrderBookDelta):
            book.apply_delta(record)
            continue
        assert (book.best_bid_price(), book.best_ask_price()) == (record.bid_price, record.ask_price)
        assert (book.best_bid_size(), book.best_ask_size()) == (record.bid_size, record.ask_size)


def test_snapshots_are_marked_and_every_event_ends_with_the_last_flag(catalog: ParquetDataCatalog) -> None:
    deltas = catalog.query(OrderBookDelta, identifiers=["ZVZZT.SMART"])
    clears = [delta for delta in deltas if delta.is_clear]
    assert len(clears) == 2  # the open and the end of the halt
    assert all(delta.flags & RecordFlag.F_SNAPSHOT for delta in clears)
    ends = {delta.sequence for delta in deltas if delta.flags & RecordFlag.F_LAST}
    assert ends == {delta.sequence for delta in deltas}


def test_no_two_records_of_the_catalog_share_a_ts_init(catalog: ParquetDataCatalog) -> None:
    records = [record for cls in (OrderBookDelta, QuoteTick, TradeTick) for record in catalog.query(cls)]
    assert len({record.ts_init for record in records}) == len(records)
    assert all(record.ts_init >= record.ts_event for record in records)


def test_a_trade_comes_before_the_quote_that_shows_what_is_left(catalog: ParquetDataCatalog) -> None:
    quotes = {
        quote.ts_event: quote.ts_init for quote in catalog.query(QuoteTick, identifiers=["ZVZZT.SMART"])
    }
    trades = catalog.query(TradeTick, identifiers=["ZVZZT.SMART"])
    assert len(trades) > 100
    assert all(trade.ts_init < quotes[trade.ts_event] for trade in trades)
