"""What Nautilus' order events leave in the books: refusals of the venue, fees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import LiquiditySide, OrderType
from nautilus_trader.model.events import OrderCancelRejected, OrderFilled, OrderModifyRejected, OrderRejected
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Money

from tests.risk.limit_cases import limits
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
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10, reduce_only=True))}))
    assert rig.open_orders == []
    assert rig.gate.keeper.account.ledger.reservations == {}
    assert rig.gate.keeper.account.rejects.count(START_NS) == 1


@pytest.mark.parametrize(
    ("is_accepted", "is_supposed", "counted"),
    [(False, False, 0), (False, True, 10), (True, False, 10), (True, True, 10)],
)
def test_only_a_rejection_that_the_venue_has_told_of_an_order_that_never_worked_frees_it_at_once(
    is_accepted: bool, is_supposed: bool, counted: int
) -> None:
    """Nautilus supposes one where answers fail to come, and the adapter to IB where it cannot send."""
    rig = Rig(limits=limits(canceled_order_grace_ms=60_000))
    if not is_accepted:
        rig.gate._forward = lambda _command: None

    def reject(strategy: Scripted) -> None:
        (order,) = strategy.cache.orders()
        assert bool(order.ts_accepted) == is_accepted
        fields = names(order, strategy)
        fields["event_id"] = fields.pop("command_id")
        del fields["venue_order_id"]
        account_id, reason = strategy.cache.accounts()[0].id, "UNKNOWN"
        rejected = OrderRejected(
            account_id=account_id, reason=reason, ts_event=1, reconciliation=is_supposed, **fields
        )
        rig.gate.events.on_order_event(rejected)
        seen.append(rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long)

    seen: list[int] = []
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: reject}))
    assert seen == [counted]


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
