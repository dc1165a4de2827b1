"""Market depth: rows, operations, requests and their limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data.board import QuoteBoard
from adapters.tws_simulator.market_data.books import Row, SourceBooks, drawn_up
from adapters.tws_simulator.market_data.depth_rows import Operation, row_changes
from adapters.tws_simulator.messages import IN, OUT
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, SPY, MarketInProcess, contract


def subscribe(
    client: FakeSession, request_id: int, con_id: int, *, exchange: str = "SMART", rows: int = 5
) -> None:
    client.request(
        OUT.REQ_MKT_DEPTH,
        "MarketDepthRequest",
        reqId=request_id,
        contract=contract(con_id, exchange),
        numRows=rows,
        isSmartDepth=exchange == "SMART",
    )


class ClientBook:
    """What a client holds that does as IB documents: insert moves down, delete moves up."""

    def __init__(self) -> None:
        self.sides: dict[int, list[tuple[float, str, str]]] = {0: [], 1: []}

    def apply(self, messages: list[Any]) -> None:
        for message in messages:
            row = message.marketDepthData
            side = self.sides[row.side]
            if row.operation == Operation.INSERT:
                assert 0 <= row.position <= len(side)
                side.insert(row.position, (row.price, row.size, row.marketMaker))
            elif row.operation == Operation.UPDATE:
                side[row.position] = (row.price, row.size, row.marketMaker)
            else:
                del side[row.position]


levels = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["NASDAQ", "ARCA"]), st.integers(1, 3)),
    max_size=12,
    unique_by=lambda level: (level[0], level[1]),
)


def _rows(found: list[tuple[int, str, int]], count: int) -> list[Row]:
    ordered = sorted(found, key=lambda level: (level[0], level[1]))
    return [Row(Decimal(price), Decimal(size), exchange) for price, exchange, size in ordered][:count]


@given(st.lists(levels, min_size=1, max_size=8), st.integers(1, 8))
def test_rows_after_any_operations_are_the_source_s_rows(
    states: list[list[tuple[int, str, int]]], count: int
) -> None:
    held: list[Row] = []
    for state in states:
        wanted = _rows(state, count)
        for change in row_changes(list(held), wanted, count):
            if change.operation is Operation.INSERT:
                held.insert(change.position, change.row)
            elif change.operation is Operation.UPDATE:
                held[change.position] = change.row
            else:
                del held[change.position]
            assert len(held) <= count
        assert held == wanted


@pytest.mark.parametrize("exchange", ["SMART", "NASDAQ", "ARCA"])
def test_a_client_s_book_follows_the_market(exchange: str) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 5, AAPL, exchange=exchange, rows=7)
    book = ClientBook()
    seen = set()
    for _ in range(40):
        tws.run_for(0.5)
        messages = client.take(IN.MARKET_DEPTH_L2)
        seen |= {message.marketDepthData.operation for message in messages}
        book.apply(messages)
        books = tws.market.prices.books
        source = books.book(AAPL, 7) if exchange == "SMART" else books.exchange_book(AAPL, exchange, 7)
        for side, rows in ((1, source.bids), (0, source.asks)):
            assert [row[:2] for row in book.sides[side]] == [(float(r.price), str(r.size)) for r in rows]
    assert seen == {0, 1, 2}


def test_consolidated_rows_name_their_exchange_and_direct_ones_a_market_maker() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 1, AAPL, rows=10)
    smart = client.take(IN.MARKET_DEPTH_L2)
    assert len({message.marketDepthData.marketMaker for message in smart}) > 1
    assert all(message.marketDepthData.isSmartDepth for message in smart)
    subscribe(client, 2, AAPL, exchange="NASDAQ", rows=3)
    direct = client.take(IN.MARKET_DEPTH_L2)
    assert {message.marketDepthData.marketMaker for message in direct} == {"NSDQ"}
    assert not any(message.marketDepthData.isSmartDepth for message in direct)
    assert len(direct) == 6


def test_at_most_three_requests_are_served_over_all_clients() -> None:
    tws = MarketInProcess()
    first, second = tws.client(1), tws.client(2)
    subscribe(first, 1, AAPL)
    subscribe(first, 2, SPY)
    subscribe(second, 1, AAPL)
    subscribe(second, 2, SPY)
    assert second.take_errors() == [(2, 309)]
    first.request(OUT.CANCEL_MKT_DEPTH, "CancelMarketDepth", reqId=1)
    subscribe(second, 2, SPY)
    assert second.take_errors() == []
    first.request(OUT.CANCEL_MKT_DEPTH, "CancelMarketDepth", reqId=1)
    assert first.take_errors() == [(1, 310)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"con_id": SPX, "exchange": "CBOE"}, 10092),
        ({"con_id": AAPL, "exchange": "IEX"}, 10092),
        ({"con_id": AAPL, "rows": 0}, 321),
        ({"con_id": 5}, 200),
    ],
)
def test_depth_that_does_not_exist_is_refused(fields: dict[str, Any], code: int) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 5, **fields)
    assert client.take_errors() == [(5, code)]
    assert tws.market.depth.count() == 0


def test_a_reset_sends_317_and_then_the_whole_book() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 5, AAPL, rows=4)
    client.take()
    tws.run_for(3.0)
    client.take()
    tws.broker.run_command("reset_depth", {"con_id": AAPL})
    assert client.take_errors() == [(5, 317)]
    rows = client.take(IN.MARKET_DEPTH_L2)
    assert [message.marketDepthData.operation for message in rows] == [0] * 8
    tws.run_for(3.0)
    assert client.take(IN.MARKET_DEPTH_L2)


def test_a_halt_sends_316_and_ends_the_request() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 5, AAPL)
    client.take()
    assert tws.broker.run_command("halt_depth", {}) == 1
    assert client.take_errors() == [(5, 316)]
    tws.run_for(3.0)
    assert client.ids() == []


def test_depth_is_sampled_where_the_setting_says_so() -> None:
    tws = MarketInProcess(data={"depth_ms": 1000})
    client = tws.client(1)
    subscribe(client, 5, AAPL)
    client.take()
    tws.hold(AAPL, "100.00", "100.02")
    tws.hold(AAPL, "101.00", "101.02")
    assert client.ids() == []
    tws.run_for(1.0)
    book = {message.marketDepthData.price for message in client.take(IN.MARKET_DEPTH_L2)}
    assert 101.0 in book
    assert 100.0 not in book


@given(st.integers(1, 10**6), st.integers(1, 50), st.integers(1, 40))
def test_a_book_around_a_quote_begins_with_it_and_falls_away(price: int, size: int, rows: int) -> None:
    bid = Decimal(price) / 100
    book = drawn_up(Quote(bid, bid + Decimal("0.01"), Decimal(size * 100), Decimal(100)), rows)
    top = [row for row in book.bids if row.price == bid]
    if len(book.bids) > len(top) or len(book.bids) < rows:
        assert sum(row.size for row in top) == size * 100
    for side, sign in ((book.bids, -1), (book.asks, 1)):
        keys = [sign * row.price for row in side]
        assert keys == sorted(keys)
        assert all(row.price > 0 and row.size > 0 for row in side)
        assert len({(row.price, row.exchange) for row in side}) == len(side) <= rows


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(0, 5)), max_size=60))
def test_a_recorded_book_holds_the_last_size_of_each_price(changes: list[tuple[bool, int, int]]) -> None:
    books = SourceBooks(QuoteBoard(), 10)
    model: dict[bool, dict[int, int]] = {True: {}, False: {}}
    books.clear(1)
    for is_bid, price, size in changes:
        books.set_level(1, is_bid, price * 100, size, is_last=True)
        model[is_bid][price * 100] = size
    book = books.book(1, 20)
    for is_bid, rows in ((True, book.bids), (False, book.asks)):
        wanted = {price: size for price, size in model[is_bid].items() if size}
        assert [int(row.price * 10_000) for row in rows] == sorted(wanted, reverse=is_bid)
        assert [int(row.size) for row in rows] == [wanted[int(row.price * 10_000)] for row in rows]
