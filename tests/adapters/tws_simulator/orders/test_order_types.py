"""Each order type against a market moved by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.tws_simulator.messages import IN
from tests.adapters.tws_simulator.orders.floor import (
    AAPL,
    BAC,
    CALL_200,
    Floor,
    cancel,
    place,
    quick,
    statuses,
)


def test_a_market_order_buys_at_the_ask_and_sells_at_the_bid() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1)
    place(client, 2, action="SELL", quantity=40)
    floor.run()
    assert floor.truth_of(1)["average_price"] == "200.01"
    assert floor.truth_of(2)["average_price"] == "199.99"
    assert floor.books()["positions"][str(AAPL)]["quantity"] == "60"


def test_the_frames_of_a_fill_follow_the_captured_order() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1)
    floor.run()
    assert client.ids() == [
        IN.OPEN_ORDER,
        IN.ORDER_STATUS,
        IN.EXECUTION_DATA,
        IN.OPEN_ORDER,
        IN.ORDER_STATUS,
        IN.OPEN_ORDER,
        IN.COMMISSION_AND_FEES_REPORT,
    ]
    opens = client.take(IN.OPEN_ORDER)
    assert [body.orderState.status for body in opens] == ["PreSubmitted", "Filled", "Filled"]
    assert opens[2].orderState.commissionAndFees == 1.0
    status = client.take(IN.ORDER_STATUS)[-1]
    assert (status.filled, status.remaining, status.avgFillPrice) == ("100", "0", 200.01)
    execution = client.take(IN.EXECUTION_DATA)[0].execution
    assert execution.time == "20260102 10:00:00 US/Eastern"
    assert (execution.side, execution.shares, execution.cumQty) == ("BOT", "100", "100")
    report = client.take(IN.COMMISSION_AND_FEES_REPORT)[0]
    assert report.execId == execution.execId


def test_a_limit_order_rests_until_the_market_touches_it_and_trades_at_its_own_price() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=199.95)
    floor.run()
    assert statuses(client, 1) == ["Submitted"]
    floor.quote(AAPL, "199.94", "199.96")
    assert floor.truth_of(1)["filled"] == "0"
    floor.quote(AAPL, "199.93", "199.95")
    assert floor.truth_of(1)["average_price"] == "199.95"


def test_a_marketable_limit_order_takes_the_better_price() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=201.0)
    floor.run()
    assert floor.truth_of(1)["average_price"] == "200.01"


@pytest.mark.parametrize(("rule", "filled"), [("touch", "100"), ("through", "0"), ("queue", "100")])
def test_touching_fills_unless_the_rule_wants_it_traded_through(rule: str, filled: str) -> None:
    floor = Floor(orders=quick(fill_rule=rule))
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=199.95)
    floor.run()
    floor.quote(AAPL, "199.94", "199.95")
    assert floor.truth_of(1)["filled"] == filled
    floor.quote(AAPL, "199.93", "199.94")
    assert floor.truth_of(1)["filled"] == "100"


def test_by_queue_an_order_waits_for_what_was_displayed_before_it() -> None:
    floor = Floor(orders=quick(fill_rule="queue"))
    floor.quote(AAPL, "199.99", "200.01", size=300)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=199.99)
    floor.run()
    floor.trade(AAPL, "199.99", 250)
    assert floor.truth_of(1)["filled"] == "0"
    floor.trade(AAPL, "199.99", 120)
    assert floor.truth_of(1)["filled"] == "70"
    floor.trade(AAPL, "199.99", 500)
    assert floor.truth_of(1)["status"] == "Filled"


def test_a_stop_order_waits_for_a_trade_and_then_takes_the_market() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", last="200.00")
    client = floor.client(1)
    place(client, 1, action="SELL", kind="STP", auxPrice=199.50)
    floor.run()
    held = client.take(IN.ORDER_STATUS)[-1]
    assert (held.status, held.whyHeld) == ("PreSubmitted", "trigger")
    floor.quote(AAPL, "199.40", "199.44", last="199.60")
    assert floor.truth_of(1)["filled"] == "0"
    floor.quote(AAPL, "199.40", "199.44", last="199.50")
    assert floor.truth_of(1)["average_price"] == "199.40"


def test_a_stop_of_an_option_triggers_on_the_far_side_of_the_spread() -> None:
    floor = Floor()
    floor.quote(CALL_200, "2.00", "2.10")
    client = floor.client(1)
    place(client, 1, CALL_200, quantity=1, kind="STP", auxPrice=2.20)
    floor.run()
    floor.quote(CALL_200, "2.15", "2.25")
    assert floor.truth_of(1)["status"] == "PreSubmitted"
    floor.quote(CALL_200, "2.20", "2.30")
    assert floor.truth_of(1)["average_price"] == "2.30"


def test_double_bid_ask_needs_two_quotes_in_a_row() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="STP", auxPrice=200.50, triggerMethod=1)
    floor.run()
    for bid in ("200.50", "200.49", "200.50"):
        floor.quote(AAPL, bid, "200.60")
        assert floor.truth_of(1)["status"] == "PreSubmitted"
    floor.quote(AAPL, "200.51", "200.60")
    assert floor.truth_of(1)["status"] == "Filled"


def test_a_stop_limit_order_becomes_a_limit_order() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", last="200.00")
    client = floor.client(1)
    place(client, 1, kind="STP LMT", auxPrice=200.50, lmtPrice=200.55)
    floor.run()
    floor.quote(AAPL, "200.58", "200.60", last="200.60")
    assert floor.truth_of(1)["status"] == "Submitted"
    assert floor.truth_of(1)["filled"] == "0"
    floor.quote(AAPL, "200.53", "200.55")
    assert floor.truth_of(1)["average_price"] == "200.55"


def test_a_trailing_stop_follows_the_market_up_and_never_down() -> None:
    floor = Floor()
    floor.quote(AAPL, "200.00", "200.02", last="200.00")
    client = floor.client(1)
    place(client, 1, action="SELL", kind="TRAIL", auxPrice=1.0)
    floor.run()
    assert floor.truth_of(1)["stop"] == "199.00"
    floor.quote(AAPL, "202.00", "202.02", last="202.00")
    assert floor.truth_of(1)["stop"] == "201.00"
    floor.quote(AAPL, "201.10", "201.12", last="201.10")
    assert floor.truth_of(1)["stop"] == "201.00"
    floor.quote(AAPL, "200.95", "200.97", last="200.95")
    assert floor.truth_of(1)["average_price"] == "200.95"


def test_a_trailing_percentage_and_a_trailing_limit() -> None:
    floor = Floor()
    floor.quote(AAPL, "200.00", "200.02", last="200.00")
    client = floor.client(1)
    place(client, 1, action="SELL", kind="TRAIL LIMIT", trailingPercent=1.0, lmtPriceOffset=0.10)
    floor.run()
    assert Decimal(floor.truth_of(1)["stop"]) == 198
    floor.quote(AAPL, "197.80", "197.82", last="197.95")
    assert floor.truth_of(1)["status"] == "Submitted"
    floor.quote(AAPL, "197.90", "197.92")
    assert Decimal(floor.truth_of(1)["average_price"]) == Decimal("197.90")


def test_if_touched_orders_wait_for_the_better_price() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", last="200.00")
    client = floor.client(1)
    place(client, 1, kind="MIT", auxPrice=199.00)
    place(client, 2, kind="LIT", auxPrice=199.00, lmtPrice=199.01)
    floor.run()
    floor.quote(AAPL, "199.05", "199.07", last="199.06")
    assert floor.truth_of(1)["filled"] == "0"
    floor.quote(AAPL, "199.00", "199.02", last="199.00")
    assert floor.truth_of(1)["average_price"] == "199.02"
    assert floor.truth_of(2)["filled"] == "0"
    floor.quote(AAPL, "198.99", "199.01", last="199.00")
    assert floor.truth_of(2)["average_price"] == "199.01"


def test_a_quote_fills_no_more_than_it_displays() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", size=60)
    client = floor.client(1)
    place(client, 1)
    place(client, 2, quantity=10)
    floor.run()
    assert (floor.truth_of(1)["filled"], floor.truth_of(1)["status"]) == ("60", "Submitted")
    assert floor.truth_of(2)["filled"] == "0"
    floor.quote(AAPL, "200.01", "200.03", size=60)
    assert floor.truth_of(1)["average_price"] == str((60 * Decimal("200.01") + 40 * Decimal("200.03")) / 100)
    assert floor.truth_of(2)["average_price"] == "200.03"


def test_fills_come_in_parts_with_one_commission_per_order() -> None:
    floor = Floor(orders=quick(fill_quantity_max=30))
    floor.quote(BAC, "9.99", "10.00")
    client = floor.client(1)
    place(client, 1, BAC)
    floor.run()
    shares = [body.execution.shares for body in client.take(IN.EXECUTION_DATA)]
    assert shares == ["30", "30", "30", "10"]
    paid = [body.commissionAndFees for body in client.take(IN.COMMISSION_AND_FEES_REPORT)]
    assert sum(paid) == pytest.approx(1.0)
    assert floor.books()["commissions"] == "1.00"


def test_immediate_or_cancel_keeps_nothing_working() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", size=60)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=200.01, tif="IOC")
    floor.run()
    assert floor.truth_of(1)["filled"] == "60"
    assert floor.truth_of(1)["status"] == "Cancelled"
    assert client.take_errors() == [(1, 202)]


def test_fill_or_kill_takes_all_or_nothing() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", size=60)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=200.01, tif="FOK")
    place(client, 2, kind="LMT", lmtPrice=200.01, tif="FOK", quantity=60)
    floor.run()
    assert (floor.truth_of(1)["filled"], floor.truth_of(1)["status"]) == ("0", "Cancelled")
    assert floor.truth_of(2)["status"] == "Filled"


def test_cancelling_takes_time_and_ends_with_202() -> None:
    floor = Floor(orders=quick(cancel_delay_ms=20))
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0)
    floor.run()
    client.take()
    cancel(client, 1)
    cancel(client, 1)
    assert client.take_errors() == [(1, 161)]
    floor.run(0.05)
    assert statuses(client, 1) == ["PendingCancel", "Cancelled"]
    assert client.take_errors() == [(1, 202)]
    cancel(client, 1)
    assert client.take_errors() == [(1, 10148)]


def test_the_market_may_fill_an_order_before_its_cancel_arrives() -> None:
    floor = Floor(orders=quick(cancel_delay_ms=20))
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=199.95)
    floor.run()
    cancel(client, 1)
    floor.quote(AAPL, "199.90", "199.95")
    floor.run(0.05)
    assert floor.truth_of(1)["status"] == "Filled"
    assert client.take_errors() == [(1, 161)]


def test_the_midpoint_and_either_side_can_trigger() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.98", "200.02", last="200.00")
    client = floor.client(1)
    place(client, 1, kind="STP", auxPrice=200.50, triggerMethod=8)
    place(client, 2, kind="STP", auxPrice=200.55, triggerMethod=7)
    floor.run()
    floor.quote(AAPL, "200.40", "200.58")
    assert floor.truth_of(1)["status"] == "PreSubmitted"
    floor.quote(AAPL, "200.42", "200.58")
    assert [floor.truth_of(n)["status"] for n in (1, 2)] == ["Filled", "PreSubmitted"]
    floor.quote(AAPL, "200.42", "200.58", last="200.55")
    assert floor.truth_of(2)["status"] == "Filled"


def test_a_trade_in_the_market_triggers_a_stop() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.98", "200.02", last="200.00")
    client = floor.client(1)
    place(client, 1, kind="STP LMT", auxPrice=200.01, lmtPrice=200.00)
    floor.run()
    floor.trade(AAPL, "200.01", 10)
    assert floor.truth_of(1)["status"] == "Submitted"


def test_nothing_is_sold_to_a_bid_of_nothing() -> None:
    floor = Floor()
    floor.quote(CALL_200, "0.00", "0.05")
    client = floor.client(1)
    place(client, 1, CALL_200, action="SELL", quantity=1)
    floor.run()
    assert floor.truth_of(1)["filled"] == "0"
