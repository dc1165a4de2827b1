from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import StrategyId, TraderId
from nautilus_trader.model.objects import Price

from catalog.instruments import nautilus_equity
from market.instruments import EquitySpec
from strategies.intents_to_orders import order_for, price_for, side_of
from strategies.intraday.orders import Place

BAC = nautilus_equity(EquitySpec(symbol="BAC"))


def order(**changes: Any) -> Any:
    place: dict[str, Any] = {
        "correlation_id": "harvester-BAC-20131007-1",
        "purpose": "entry",
        "side": "buy",
        "quantity": 7,
        "limit_price": Decimal("5.00"),
        "time_in_force": "day",
        "reason": "test",
    }
    factory = OrderFactory(TraderId("T-1"), StrategyId("S-1"), TestClock())
    return order_for(Place(**(place | changes)), factory=factory, instrument=BAC)


def test_an_entry_is_a_tagged_limit_order() -> None:
    made = order()
    assert made.order_type == OrderType.LIMIT
    assert (made.side, made.quantity, made.time_in_force) == (OrderSide.BUY, 7, TimeInForce.DAY)
    assert made.price == Price.from_str("5.0000")
    assert made.tags == ["decision:harvester-BAC-20131007-1"]
    assert not made.is_reduce_only


def test_an_exit_is_reduce_only_and_may_be_a_market_order() -> None:
    made = order(purpose="exit", side="sell", limit_price=None)
    assert made.order_type == OrderType.MARKET
    assert made.side == OrderSide.SELL
    assert made.is_reduce_only


def test_a_marketable_entry_is_immediate_or_cancel() -> None:
    assert order(time_in_force="ioc").time_in_force == TimeInForce.IOC


@pytest.mark.parametrize(
    ("price", "side", "expected"),
    [
        ("5.0051", "buy", "5.0000"),
        ("5.0051", "sell", "5.0100"),
        ("0.50515", "buy", "0.5051"),
        ("0.50515", "sell", "0.5052"),
    ],
)
def test_every_price_is_put_on_its_tick_at_four_decimals(price: str, side: Any, expected: str) -> None:
    made = price_for(Decimal(price), side, decimals=4)
    assert str(made) == expected
    assert made.precision == 4


def test_sides_are_told_apart() -> None:
    assert side_of(OrderSide.BUY) == "buy"
    assert side_of(OrderSide.SELL) == "sell"


@pytest.mark.parametrize(
    ("price", "side", "expected"),
    [
        ("200.03", "buy", "200.03"),
        ("200.0300", "sell", "200.03"),
        ("0.5051", "buy", "0.50"),
        ("0.5051", "sell", "0.51"),
    ],
)
def test_a_price_has_the_decimals_of_its_instrument(price: str, side: Any, expected: str) -> None:
    """IB's adapter gives a stock two, and Nautilus denies prices with more."""
    made = price_for(Decimal(price), side, decimals=2)
    assert str(made) == expected
