"""Requests with random fields: refused or taken, never a defect, and the books stay in balance."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

import pytest

from adapters.tws_simulator.messages import OUT, REQUEST_TYPES, message_type
from adapters.tws_simulator.orders.terms import ORDER_TYPES, TIMES_IN_FORCE, UNSET_DOUBLE
from tests.adapters.tws_simulator.orders.floor import AAPL, CALL_200, CALL_210, PUT_200, Floor

HANDLED = (
    *(OUT.PLACE_ORDER, OUT.CANCEL_ORDER, OUT.REQ_GLOBAL_CANCEL, OUT.REQ_OPEN_ORDERS),
    *(OUT.REQ_ALL_OPEN_ORDERS, OUT.REQ_EXECUTIONS, OUT.REQ_COMPLETED_ORDERS, OUT.REQ_ACCOUNT_SUMMARY),
    *(OUT.REQ_ACCT_DATA, OUT.REQ_POSITIONS, OUT.REQ_POSITIONS_MULTI, OUT.REQ_ACCOUNT_UPDATES_MULTI),
    *(OUT.REQ_PNL, OUT.REQ_PNL_SINGLE, OUT.CANCEL_PNL, OUT.CANCEL_ACCOUNT_SUMMARY),
)
TEXTS: tuple[str, ...] = (
    "",
    "x",
    "BUY",
    "SELL",
    "BAG",
    "STK",
    "OPT",
    "SMART",
    "AAPL",
    "DU1234567",
    "99999999-99:99:99",
    "é\0ü",
)
TEXTS += (
    "20260102 11:00:00 US/Eastern",
    "00000000",
    "1E400",
    "-1",
    "NaN",
    *sorted(ORDER_TYPES | TIMES_IN_FORCE),
)
DOUBLES = (0.0, -1.0, 0.01, 199.99, 200.0, 1e-300, 1e300, UNSET_DOUBLE, math.inf, -math.inf, math.nan)
INTEGERS = (0, 1, 2, 3, -1, 7, 2**31 - 1, -(2**31), AAPL, CALL_200, CALL_210, PUT_200)


def _scribble(chance: random.Random, message: Any, *, depth: int = 0) -> None:
    """Set random fields of a message to random values of their type."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() > 0.25:
            continue
        value: Any = _value(chance, field)
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            getattr(message, field.name)[chance.choice(TEXTS[:4])] = chance.choice(TEXTS)
        elif field.message_type is not None and hasattr(getattr(message, field.name), "add"):
            for _ in range(chance.randint(0, 3)):
                _scribble(chance, getattr(message, field.name).add(), depth=depth + 1)
        elif field.message_type is not None:
            if depth < 3:
                getattr(message, field.name).SetInParent()
                _scribble(chance, getattr(message, field.name), depth=depth + 1)
        elif hasattr(getattr(message, field.name), "append"):
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def _value(chance: random.Random, field: Any) -> Any:
    if field.type == field.TYPE_STRING:
        return chance.choice(TEXTS)
    if field.type == field.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type in {field.TYPE_DOUBLE, field.TYPE_FLOAT}:
        return chance.choice(DOUBLES)
    return chance.choice(INTEGERS)


def _nearly_right(chance: random.Random, request: Any, order_id: int) -> None:
    """Make a random order one that is mostly meant, so that it gets further than the first check."""
    request.orderId = order_id
    for name in ("algoStrategy", "hedgeType", "faGroup", "adjustedOrderType", "parentId"):
        if chance.random() < 0.9:
            request.order.ClearField(name)
    for name in (
        "cashQty",
        "scalePriceIncrement",
        "volatility",
        "percentOffset",
        "discretionaryAmt",
        "conditions",
    ):
        request.order.ClearField(name)
    request.ClearField("attachedOrders")
    request.order.action = chance.choice(["BUY", "SELL"])
    request.order.totalQuantity = str(chance.randint(1, 300))
    request.order.orderType = chance.choice(sorted(ORDER_TYPES))
    request.order.lmtPrice = chance.choice([199.5, 200.0, 200.5, *DOUBLES])
    request.order.auxPrice = chance.choice([1.0, 200.0, *DOUBLES])
    request.order.account = chance.choice(["", "DU1234567"])
    request.order.transmit = chance.random() < 0.8
    if chance.random() < 0.7:
        request.order.tif = "DAY"
    if chance.random() < 0.8:
        request.contract.Clear()
        request.contract.conId = chance.choice([AAPL, CALL_200, PUT_200])
        request.contract.exchange = "SMART"


@pytest.mark.parametrize("seed", range(8))
def test_random_requests_are_no_defect_and_leave_the_books_in_balance(seed: int) -> None:
    chance, floor = random.Random(seed), Floor()
    client = floor.client(1)
    for number in range(1, 400):
        for con_id, price in ((AAPL, 200), (CALL_200, 5), (CALL_210, 2), (PUT_200, 5)):
            middle = Decimal(price) + Decimal(chance.randint(-100, 100)) / 100
            floor.quote(
                con_id, middle, middle + Decimal("0.02"), size=chance.choice([0, 7, 5_000]), last=middle
            )
        message_id = chance.choice([OUT.PLACE_ORDER, *HANDLED])
        request = message_type(REQUEST_TYPES[message_id])()
        _scribble(chance, request)
        if message_id == OUT.PLACE_ORDER and chance.random() < 0.8:
            _nearly_right(chance, request, number)
        client.send(message_id, request)
        floor.run(chance.choice([0.0, 1.0, 90.0]))
        client.take()
    books = floor.books()
    cost = sum((Decimal(one["cost"]) for one in books["positions"].values()), Decimal(0))
    assert Decimal(books["cash"]) == 1_000_000 + Decimal(books["realized"]) - cost
    orders = floor.orders.truth()["orders"]
    assert len(orders) > 4
    assert all(0 <= Decimal(one["filled"]) <= Decimal(one["quantity"]) for one in orders)
