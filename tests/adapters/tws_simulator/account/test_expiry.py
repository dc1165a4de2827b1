"""Options at expiry: exercise, assignment, cash settlement, and what becomes of open orders."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest

from adapters.tws_simulator.messages import IN, OUT
from market.time import new_york_ns
from tests.adapters.tws_simulator.orders.floor import (
    AAPL,
    CALL_200,
    CALL_210,
    PUT_200,
    SPX,
    SPX_CALL,
    Floor,
    bag,
    place,
)

EXPIRY_DAY = date(2026, 1, 16)
TRADED = (CALL_200, CALL_210, PUT_200, SPX_CALL)


def _expired(price: str, con_id: int, action: str, *, quantity: int = 2, index: str = "5000") -> Floor:
    floor = Floor(now_ns=new_york_ns(EXPIRY_DAY, time(15, 0)))
    floor.quote(AAPL, 200, 200)
    floor.quote(SPX, 5000, 5000)
    for option in TRADED:
        floor.quote(option, "1.00", "1.00")
    client = floor.client(1)
    place(client, 1, con_id, action=action, quantity=quantity)
    floor.run()
    assert floor.truth_of(1)["status"] == "Filled"
    floor.quote(AAPL, price, price)
    floor.quote(SPX, index, index)
    floor.broker.advance(new_york_ns(EXPIRY_DAY, time(16, 1)))
    floor.quote(AAPL, "300", "300")  # what happens after the close does not matter
    floor.broker.advance(new_york_ns(EXPIRY_DAY, time(18, 0)))
    floor.run()
    return floor


@pytest.mark.parametrize(
    ("con_id", "action", "price", "shares", "cash"),
    [
        (CALL_200, "BUY", "203", 200, -200 - 40_000),
        (CALL_200, "SELL", "203", -200, 200 + 40_000),
        (PUT_200, "BUY", "190", -200, -200 + 40_000),
        (PUT_200, "SELL", "190", 200, 200 - 40_000),
        (CALL_200, "BUY", "200.01", 200, -200 - 40_000),
        (CALL_200, "BUY", "200.00", 0, -200),
        (PUT_200, "SELL", "200.00", 0, 200),
    ],
)
def test_stock_options_in_the_money_become_shares_at_the_strike(
    con_id: int, action: str, price: str, shares: int, cash: int
) -> None:
    floor = _expired(price, con_id, action)
    books = floor.books()
    held = {int(key): Decimal(one["quantity"]) for key, one in books["positions"].items()}
    assert held == ({AAPL: shares} if shares else {})
    assert Decimal(books["cash"]) == 1_000_000 + cash - Decimal(books["commissions"])
    assert books["commissions"] == "1.30"


@pytest.mark.parametrize(
    ("action", "index", "cash"),
    [("BUY", "5030.50", 5_900), ("SELL", "5030.50", -5_900), ("BUY", "4990", -200)],
)
def test_index_options_settle_in_cash(action: str, index: str, cash: int) -> None:
    floor = _expired("200", SPX_CALL, action, index=index)
    books = floor.books()
    assert books["positions"] == {}
    assert Decimal(books["cash"]) == 1_000_000 + cash - Decimal(books["commissions"])


def test_an_expiry_is_told_by_positions_and_makes_no_execution() -> None:
    floor = Floor(now_ns=new_york_ns(EXPIRY_DAY, time(15, 0)))
    floor.quote(AAPL, 205, 205)
    floor.quote(CALL_200, "5.00", "5.00")
    client = floor.client(1)
    place(client, 1, CALL_200, quantity=1)
    floor.run()
    client.request(OUT.REQ_POSITIONS, "PositionsRequest")
    client.take()
    floor.broker.advance(new_york_ns(EXPIRY_DAY, time(18, 0)))
    told = [(body.contract.conId, body.position) for body in client.take(IN.POSITION_DATA)]
    assert told == [(CALL_200, "0"), (AAPL, "100")]
    assert client.take(IN.EXECUTION_DATA) == []


def test_orders_in_an_expired_option_end_even_good_till_cancelled_ones() -> None:
    floor = Floor(now_ns=new_york_ns(EXPIRY_DAY, time(15, 0)))
    floor.quote(CALL_200, "5.00", "5.10")
    floor.quote(CALL_210, "2.00", "2.10")
    client = floor.client(1)
    spread = bag((CALL_200, "BUY", 1), (CALL_210, "SELL", 1))
    place(client, 1, CALL_200, kind="LMT", lmtPrice=1.0, tif="GTC", quantity=1)
    place(client, 2, spread, kind="LMT", lmtPrice=0.5, tif="GTC", quantity=1)
    floor.broker.advance(new_york_ns(EXPIRY_DAY, time(17, 0)))
    assert [floor.truth_of(n)["status"] for n in (1, 2)] == ["Cancelled", "Cancelled"]


def test_a_listing_can_be_taken_off_trading() -> None:
    floor = Floor()
    floor.quote(CALL_200, "5.00", "5.10")
    client = floor.client(1)
    place(client, 1, CALL_200, kind="LMT", lmtPrice=1.0, quantity=1)
    floor.run()
    floor.orders.cancel_listing(CALL_200, "Delisted")
    assert floor.truth_of(1)["reason"] == "Delisted"


def test_without_a_price_of_the_underlying_positions_stay_and_a_failure_says_so() -> None:
    floor = Floor(now_ns=new_york_ns(EXPIRY_DAY, time(15, 0)))
    floor.quote(CALL_200, "5.00", "5.10")
    client = floor.client(1)
    place(client, 1, CALL_200, quantity=1)
    floor.broker.advance(new_york_ns(EXPIRY_DAY, time(18, 0)))
    assert list(floor.books()["positions"]) == [str(CALL_200)]
    assert "has no price" in floor.broker.failures[0]
