"""What TWS refuses, by code; and that a refused change leaves the order as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.messages import IN, message_type
from adapters.tws_simulator.settings import SessionSettings
from tests.adapters.tws_simulator.orders.floor import (
    AAPL,
    BAC,
    CALL_200,
    PUT_200,
    SPX,
    Floor,
    bag,
    cancel,
    contract,
    place,
    quick,
    statuses,
)


def _floor() -> Floor:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", last="200.00")
    floor.quote(BAC, "0.5000", "0.5001")
    return floor


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"quantity": 0}, 434),
        ({"quantity": -5}, 434),
        ({"quantity": "1.5"}, 10318),
        ({"quantity": "many"}, 321),
        ({"quantity": "NaN"}, 321),
        ({"kind": "PEG MID"}, 387),
        ({"action": "HOLD"}, 321),
        ({"kind": "LMT"}, 321),
        ({"kind": "LMT", "lmtPrice": 200.005}, 110),
        ({"kind": "LMT", "lmtPrice": -1.0}, 321),
        ({"kind": "LMT", "lmtPrice": 0.0}, 321),
        ({"kind": "STP"}, 321),
        ({"kind": "STP", "auxPrice": 199.999}, 110),
        ({"kind": "TRAIL"}, 321),
        ({"kind": "TRAIL", "auxPrice": 1.0, "trailingPercent": 1.0}, 321),
        ({"kind": "TRAIL", "auxPrice": -1.0}, 321),
        ({"tif": "GTX"}, 321),
        ({"tif": "GTD"}, 321),
        ({"tif": "GTD", "goodTillDate": "tomorrow"}, 321),
        ({"kind": "MOC", "tif": "GTC"}, 113),
        ({"kind": "STP", "auxPrice": 190.0, "tif": "IOC"}, 111),
        ({"kind": "STP", "auxPrice": 190.0, "tif": "OPG"}, 111),
        ({"account": "U999"}, 321),
        ({"ocaGroup": "G", "ocaType": 9}, 321),
        ({"triggerMethod": 5, "kind": "STP", "auxPrice": 190.0}, 321),
        ({"algoStrategy": "Twap"}, 201),
        ({"hedgeType": "D"}, 201),
    ],
)
def test_orders_that_make_no_sense_are_refused_by_code(fields: dict[str, Any], code: int) -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, **fields)
    floor.run()
    assert client.take_errors() == [(1, code)]
    assert floor.orders.truth()["orders"] == []


def test_prices_below_one_dollar_may_be_finer() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, BAC, kind="LMT", lmtPrice=0.5001)
    place(client, 2, BAC, kind="LMT", lmtPrice=1.0001)
    floor.run()
    assert client.take_errors() == [(2, 110)]


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (message_type("Contract")(conId=4711, exchange="SMART"), 200),
        (message_type("Contract")(conId=AAPL), 321),
        (message_type("Contract")(conId=AAPL, exchange="MOON"), 200),
        (message_type("Contract")(symbol="AAPL", secType="OPT", exchange="SMART"), 200),
        (contract(SPX), 201),
        (bag(), 321),
        (bag((CALL_200, "BUY", 1)), 321),
        (bag((CALL_200, "BUY", 1), (4711, "SELL", 1)), 200),
        (bag((CALL_200, "BUY", 1), (PUT_200, "SELL", 0)), 321),
        (bag((CALL_200, "BUY", 1), (CALL_200, "SELL", 1)), 321),
        (bag((CALL_200, "BUY", 1), (SPX, "SELL", 1)), 200),
    ],
)
def test_contracts_that_cannot_be_traded_are_refused(where: Any, code: int) -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, where)
    assert client.take_errors() == [(1, code)]


def test_an_order_the_account_cannot_carry_is_refused_with_201_and_becomes_inactive() -> None:
    floor = Floor(account=AccountSettings(starting_cash_usd=Decimal(10_000)))
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, quantity=101)
    place(client, 2, quantity=99)
    floor.run()
    errors = client.take(IN.ERR_MSG)
    assert [(error.id, error.errorCode) for error in errors] == [(1, 201)]
    assert "INITIAL MARGIN" in errors[0].errorMsg
    assert statuses(client, 1) == ["Inactive"]
    assert floor.truth_of(2)["status"] == "Filled"


def test_a_closing_order_is_always_accepted() -> None:
    floor = Floor(account=AccountSettings(starting_cash_usd=Decimal(10_000)))
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, quantity=99)
    floor.run()
    floor.quote(AAPL, "99.99", "100.01")
    place(client, 2, action="SELL", quantity=99)
    floor.run()
    assert floor.truth_of(2)["status"] == "Filled"


def test_with_two_accounts_an_order_must_name_one() -> None:
    session = SessionSettings(accounts=("DU1", "DU2"))
    floor = Floor(session=session)
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1)
    place(client, 2, account="DU2")
    floor.run()
    assert client.take_errors() == [(1, 435)]
    assert floor.books("DU2")["positions"][str(AAPL)]["quantity"] == "100"
    assert floor.books("DU1")["positions"] == {}


def test_an_order_id_is_used_once_and_never_below_the_highest() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 5, kind="LMT", lmtPrice=190.0)
    floor.run()
    place(client, 4)
    assert client.take_errors() == [(4, 103)]
    cancel(client, 5)
    floor.run()
    client.take()
    place(client, 5)
    assert client.take_errors() == [(5, 103)]
    assert floor.orders.next_valid_id() == 6


def test_cancelling_what_is_not_there_or_another_clients_is_not_found() -> None:
    floor = _floor()
    one, two = floor.client(1), floor.client(2)
    place(one, 1, kind="LMT", lmtPrice=190.0)
    floor.run()
    cancel(two, 1)
    cancel(one, 77)
    assert two.take_errors() == [(1, 10147)]
    assert one.take_errors() == [(77, 10147)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"lmtPrice": 190.005}, 110),
        ({"action": "SELL"}, 105),
        ({"con_id": BAC}, 105),
        ({"ocaGroup": "other"}, 105),
        ({"quantity": 10_000_000}, 201),
    ],
)
def test_a_refused_change_leaves_the_order_working_as_it_was(fields: dict[str, Any], code: int) -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0)
    floor.run()
    before = floor.truth_of(1)
    client.take()
    place(client, 1, **{"kind": "LMT", "lmtPrice": 190.0, **fields})
    floor.run()
    assert client.take_errors() == [(1, code)]
    assert client.ids() == []
    assert floor.truth_of(1) == before


def test_a_filled_order_cannot_be_changed() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1)
    floor.run()
    client.take()
    place(client, 1, quantity=200)
    assert client.take_errors() == [(1, 104)]


def test_an_order_under_cancellation_cannot_be_changed() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0)
    floor.run()
    cancel(client, 1)
    client.take()
    place(client, 1, kind="LMT", lmtPrice=191.0)
    assert client.take_errors() == [(1, 134)]


def test_a_change_to_less_than_has_traded_is_refused() -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01", size=60)
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=200.01)
    floor.run()
    client.take()
    place(client, 1, kind="LMT", lmtPrice=200.01, quantity=60)
    assert client.take_errors() == [(1, 201)]


def test_a_change_is_acknowledged_and_works_at_once() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=190.0)
    floor.run()
    client.take()
    place(client, 1, kind="LMT", lmtPrice=200.01, quantity=50)
    floor.run()
    opened = client.take(IN.OPEN_ORDER)[0]
    assert (opened.order.lmtPrice, opened.order.totalQuantity) == (200.01, "50")
    assert floor.truth_of(1)["status"] == "Filled"
    assert floor.truth_of(1)["quantity"] == "50"


def test_scripted_rejections_hit_the_next_orders_only() -> None:
    floor = _floor()
    client = floor.client(1)
    floor.command("reject_next_orders", code=201, text="Order rejected - reason:No", count=2)
    for order_id in (1, 2, 3):
        place(client, order_id, kind="LMT", lmtPrice=190.0)
    floor.run()
    assert client.take_errors() == [(1, 201), (2, 201)]
    assert floor.truth_of(3)["status"] == "Submitted"


def test_a_change_that_comes_after_the_fill_is_answered_with_104() -> None:
    floor = Floor(orders=quick(acknowledge_delay_ms=20))
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=199.5)
    floor.run(0.05)
    floor.run(0.05)
    client.take()
    place(client, 1, kind="LMT", lmtPrice=199.0)
    floor.quote(AAPL, "199.40", "199.45")
    floor.run(0.05)
    assert floor.truth_of(1)["status"] == "Filled"
    assert client.take_errors() == [(1, 104)]
