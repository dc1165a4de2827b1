"""Brackets of Nautilus at the gate: what their children may sell, in a BacktestEngine and a TradingNode."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import ContingencyType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId, OrderListId
from nautilus_trader.model.orders import LimitOrder, OrderList

from tests.risk.limit_cases import limits
from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import F, Scripted, quotes, scripted, shares, usd

LIMITS = limits(max_open_orders=20, duplicate_window_ms=1)


def bracket(strategy: Scripted, number: int, entry: int, child: int) -> OrderList:
    """Return a list that buys `entry` shares at once and then sells `child` at a price out of reach."""
    entry_id, child_id = ClientOrderId(f"E-{number}"), ClientOrderId(f"C-{number}")
    list_id, now_ns = OrderListId(f"L-{number}"), strategy.clock.timestamp_ns()
    common: dict[str, Any] = {
        "trader_id": strategy.trader_id,
        "strategy_id": strategy.id,
        "instrument_id": F,
        "ts_init": now_ns,
        "time_in_force": TimeInForce.DAY,
        "order_list_id": list_id,
    }
    buys = LimitOrder(
        client_order_id=entry_id, order_side=OrderSide.BUY, quantity=shares(entry), price=usd("5.0000"),
        init_id=UUID4(), contingency_type=ContingencyType.OTO, linked_order_ids=[child_id], **common,
    )  # fmt: skip
    sells = LimitOrder(
        client_order_id=child_id, order_side=OrderSide.SELL, quantity=shares(child),
        price=usd(str(Decimal("5.0200") + Decimal(number) / 100)), init_id=UUID4(),
        parent_order_id=entry_id, **common,
    )  # fmt: skip
    return OrderList(list_id, [buys, sells])


def test_children_larger_than_their_entries_cannot_sell_beyond_the_limit(node: Node) -> None:
    rig, reach = node(limits=LIMITS, data=quotes("F", count=40)), []

    def look(strategy: Scripted) -> None:
        sells = [order for order in strategy.cache.orders_open() if order.side == OrderSide.SELL]
        held = sum(int(position.quantity) for position in strategy.cache.positions_open())
        reach.append(sum(int(order.leaves_qty) for order in sells) - held)

    def send(number: int) -> Any:
        return lambda strategy: strategy.submit_order_list(bracket(strategy, number, number, 100))

    rig.run(scripted({4: send(1), 8: send(2), 12: send(3), 35: look}))
    assert rig.rules() == ["order_list", "position_per_symbol"]
    assert rig.net() == 3
    assert reach == [197]


def test_a_bracket_of_equal_parts_passes_at_the_position_limit(node: Node) -> None:
    rig = node(limits=LIMITS, data=quotes("F", count=30))
    rig.run(
        scripted({
            4: lambda strategy: strategy.submit_order_list(bracket(strategy, 1, 100, 100)),
            8: lambda strategy: strategy.submit_order_list(bracket(strategy, 2, 100, 100)),
        })
    )  # fmt: skip
    assert rig.rules() == []
    assert rig.net() == LIMITS.max_position_shares_per_symbol
