"""A real day of NASDAQ depth replayed: the book that a client builds has the recorded best bid and offer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.market_data.origin import recorded_origin
from adapters.tws_simulator.messages import IN, OUT
from catalog.ingest_lobster import ingest_lobster
from catalog.store import CatalogStore
from market.time import to_ns
from tests.adapters.tws_simulator.in_process import START_NS
from tests.adapters.tws_simulator.market_data.market import AAPL, MarketInProcess, contract
from tests.adapters.tws_simulator.market_data.test_depth import ClientBook

pytestmark = pytest.mark.real_data

SLICE_SECONDS = 5.0
SLICES = 24


def test_a_client_s_book_agrees_with_the_recorded_quotes(real_data: Path, tmp_path: Path) -> None:
    ingest_lobster(real_data / "nasdaq_depth_aapl_2012", store=CatalogStore(tmp_path))
    origin = recorded_origin(tmp_path, date(2012, 6, 21))
    clock = MarketClock(START_NS, to_ns("2012-06-21T09:29:59-04:00"), 1.0)
    tws = MarketInProcess(origin=origin, clock=clock)
    client = tws.client(1)
    named = {"contract": contract(AAPL, "NASDAQ"), "numRows": 10, "isSmartDepth": False}
    client.request(OUT.REQ_MKT_DEPTH, "MarketDepthRequest", reqId=1, **named)
    book, changes = ClientBook(), 0
    for _ in range(SLICES):
        tws.run_for(SLICE_SECONDS)
        rows = client.take(IN.MARKET_DEPTH_L2)
        changes += len(rows)
        book.apply(rows)
        quote = tws.market.quote(AAPL)
        assert quote is not None
        best_bid, best_ask = book.sides[1][0], book.sides[0][0]
        assert best_bid[:2] == (float(quote.bid or 0), str(quote.bid_size))
        assert best_ask[:2] == (float(quote.ask or 0), str(quote.ask_size))
        assert [row[0] for row in book.sides[1]] == sorted((row[0] for row in book.sides[1]), reverse=True)
        assert [row[0] for row in book.sides[0]] == sorted(row[0] for row in book.sides[0])
    assert changes > 1_000
    assert tws.broker.failures == []
