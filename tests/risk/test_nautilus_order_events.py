"""What Nautilus' order events leave in the books: refusals of the venue, fees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import LiquiditySide, OrderType
from nautilus_trader.model.events import OrderCancelRejected, OrderFilled, OrderModifyRejected
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Money

from tests.risk.nautilus_rig import (
    START_NS,
    Rig,
    Scripted,
    buy,
    names,
    scripted,
    shares,
    usd,
    working,
)


@pytest.mark.parametrize("event_type", [OrderModifyRejected, OrderCancelRejected])
def test_the_venues_refusals_are_booked(event_type: type[Any]) -> None:
    rig = Rig()

    def refuse(strategy: Scripted) -> None:
        order = working(strategy)
        ledger = rig.gate.keeper.account.ledger
        ledger.reserve_change(order.client_order_id.value, 50, None)
        ledger.cancel_requested(order.client_order_id.value)
        fields = names(order, strategy)
        fields["event_id"] = fields.pop("command_id")
        rig.gate.events.on_order_event(
            event_type(account_id=order.account_id, reason="too late", ts_event=1, **fields)
        )

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: refuse}))
    (reservation,) = rig.gate.keeper.account.ledger.reservations.values()
    is_modify = event_type is OrderModifyRejected
    assert (len(reservation.pending), reservation.is_cancel_pending) == (
        (0, True) if is_modify else (1, False)
    )


def test_a_rejection_by_the_venue_frees_the_order_and_counts() -> None:
    rig = Rig()
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10, "5.0000", post_only=True))}))
    assert rig.open_orders == []
    assert rig.gate.keeper.account.ledger.reservations == {}
    assert rig.gate.keeper.account.rejects.count(START_NS) == 1


def test_a_fill_pays_its_fee() -> None:
    rig = Rig()

    def fill(strategy: Scripted) -> None:
        order = working(strategy)
        fields = names(order, strategy)
        fields["event_id"] = fields.pop("command_id")
        rig.gate.events.on_order_event(
            OrderFilled(
                account_id=order.account_id, trade_id=TradeId("T"), position_id=None, order_side=order.side,
                order_type=OrderType.LIMIT, last_qty=shares(4), last_px=usd("4.9000"), currency=USD,
                commission=Money(Decimal("1.25"), USD), liquidity_side=LiquiditySide.MAKER,
                ts_event=1, **fields,
            )
        )  # fmt: skip

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: fill}))
    account = rig.gate.keeper.account
    assert account.ledger.net("F.SMART") == 4
    assert account.performance.realized_usd == Decimal("-1.25")
    assert account.breaker.state == "RUNNING"
