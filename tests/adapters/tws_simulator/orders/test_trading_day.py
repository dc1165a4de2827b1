"""Orders and the clock: sessions, auctions, times in force, midnight and the daily restart."""

from __future__ import annotations

from datetime import date, time

from adapters.tws_simulator.messages import IN, OUT
from market.time import new_york_ns
from tests.adapters.tws_simulator.orders.floor import AAPL, BAC, Floor, place, statuses

FRIDAY, MONDAY = date(2026, 1, 2), date(2026, 1, 5)


def _at(day: date, hour: int, minute: int = 0) -> Floor:
    floor = Floor(now_ns=new_york_ns(day, time(hour, minute)))
    floor.quote(AAPL, "199.99", "200.01", last="200.00")
    return floor


def _until(floor: Floor, day: date, hour: int, minute: int = 0) -> None:
    floor.broker.advance(new_york_ns(day, time(hour, minute)))
    floor.run()


def test_a_day_order_ends_at_the_close_and_a_gtc_order_goes_on() -> None:
    floor = _at(FRIDAY, 15, 30)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0)
    place(client, 2, kind="LMT", lmtPrice=190.0, tif="GTC")
    _until(floor, FRIDAY, 16, 1)
    assert floor.truth_of(1)["status"] == "Cancelled"
    assert client.take_errors() == [(1, 202)]
    _until(floor, MONDAY, 10)
    floor.quote(AAPL, "189.98", "190.00")
    assert floor.truth_of(2)["status"] == "Filled"


def test_an_order_placed_while_the_market_is_closed_warns_and_waits_for_the_opening() -> None:
    floor = _at(FRIDAY, 20, 30)
    client = floor.client(1)
    place(client, 1)
    floor.run()
    error = client.take(IN.ERR_MSG)[0]
    assert (error.id, error.errorCode) == (1, 399)
    assert "BUY 100 AAPL NASDAQ" in error.errorMsg
    assert "until 2026-01-05 09:30:00 US/Eastern" in error.errorMsg
    assert floor.truth_of(1)["status"] == "PreSubmitted"
    _until(floor, MONDAY, 9, 29)
    assert floor.truth_of(1)["filled"] == "0"
    _until(floor, MONDAY, 9, 31)
    assert floor.truth_of(1)["status"] == "Filled"


def test_outside_hours_only_orders_that_ask_for_it_trade_and_market_orders_never() -> None:
    floor = _at(FRIDAY, 17)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=201.0)
    place(client, 2, kind="LMT", lmtPrice=201.0, outsideRth=True)
    place(client, 3, outsideRth=True)
    floor.run()
    assert [floor.truth_of(n)["status"] for n in (1, 2, 3)] == ["Submitted", "Filled", "PreSubmitted"]
    assert {code for _, code in client.take_errors()} == {399, 2109}


def test_a_day_order_outside_hours_ends_at_twenty_hours() -> None:
    floor = _at(FRIDAY, 15, 30)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0, outsideRth=True)
    _until(floor, FRIDAY, 19, 59)
    assert floor.truth_of(1)["status"] == "Submitted"
    _until(floor, FRIDAY, 20, 1)
    assert floor.truth_of(1)["status"] == "Cancelled"


def test_on_close_orders_trade_the_last_price_at_the_close_or_end() -> None:
    floor = _at(FRIDAY, 15)
    client = floor.client(1)
    place(client, 1, kind="MOC")
    place(client, 2, kind="LOC", lmtPrice=199.0)
    place(client, 3, kind="LOC", lmtPrice=201.0)
    floor.run()
    floor.quote(AAPL, "200.49", "200.51", last="200.50")
    assert floor.truth_of(1)["filled"] == "0"
    _until(floor, FRIDAY, 16)
    assert floor.truth_of(1)["average_price"] == "200.50"
    assert floor.truth_of(2)["status"] == "Cancelled"
    assert floor.truth_of(3)["average_price"] == "200.50"


def test_an_on_close_order_comes_too_late_after_the_cutoff() -> None:
    floor = _at(FRIDAY, 15, 51)
    client = floor.client(1)
    place(client, 1, kind="MOC")
    floor.run()
    assert client.take_errors() == [(1, 201)]


def test_on_open_orders_trade_the_next_opening_or_end() -> None:
    floor = _at(FRIDAY, 10)
    client = floor.client(1)
    place(client, 1, tif="OPG")
    place(client, 2, kind="LMT", lmtPrice=150.0, tif="OPG")
    floor.run(60)
    assert floor.truth_of(1)["filled"] == "0"
    _until(floor, MONDAY, 9, 31)
    assert floor.truth_of(1)["status"] == "Filled"
    assert floor.truth_of(2)["status"] == "Cancelled"


def test_good_till_date_and_good_after_time() -> None:
    floor = _at(FRIDAY, 10)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0, tif="GTD", goodTillDate="20260102 11:00:00 US/Eastern")
    place(client, 2, goodAfterTime="20260102-16:00:00")
    _until(floor, FRIDAY, 10, 59)
    assert floor.truth_of(1)["status"] == "Submitted"
    assert floor.truth_of(2)["filled"] == "0"
    _until(floor, FRIDAY, 11, 1)
    assert floor.truth_of(1)["status"] == "Cancelled"
    assert floor.truth_of(2)["status"] == "Filled"


def test_a_changed_time_in_force_moves_the_end() -> None:
    floor = _at(FRIDAY, 15)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0)
    floor.run()
    place(client, 1, kind="LMT", lmtPrice=190.0, tif="GTC")
    _until(floor, MONDAY, 10)
    assert floor.truth_of(1)["status"] == "Submitted"


def test_midnight_forgets_yesterdays_executions_and_the_daily_profit() -> None:
    floor = _at(FRIDAY, 15)
    floor.quote(BAC, "9.99", "10.00")
    client = floor.client(1)
    place(client, 1)
    floor.run()
    floor.quote(AAPL, "202.00", "202.02")
    assert floor.books()["daily"] == "199.00"
    _until(floor, date(2026, 1, 3), 0, 1)
    assert floor.books()["daily"] == "0.00"
    client.take()
    client.request(OUT.REQ_EXECUTIONS, "ExecutionRequest", reqId=7)
    assert client.ids() == [IN.EXECUTION_DATA_END]
    assert floor.orders.next_valid_id() == 2


def test_orders_and_positions_survive_the_daily_restart_and_are_replayed() -> None:
    floor = _at(FRIDAY, 10)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0, tif="GTC")
    place(client, 2, quantity=30)
    place(client, 3, kind="LMT", lmtPrice=190.0, transmit=False)
    floor.run()
    floor.broker.restart()
    assert client.is_hung_up
    again = floor.connect()
    again.request(OUT.START_API, "StartApiRequest", clientId=1)
    assert [body.orderId for body in again.take(IN.OPEN_ORDER)] == [1]
    assert statuses(again, 1) == ["Submitted"]
    assert floor.books()["positions"][str(AAPL)]["quantity"] == "30"
    assert floor.truth_of(3)["status"] == "Cancelled"
