"""What Nautilus' order events leave in the books: refusals of the venue, fees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
from nautilus_trader.model.events import (
    OrderCancelRejected,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Money

from tests.risk.limit_cases import limits
from tests.risk.nautilus_rig import (
    START_NS,
    F,
    Rig,
    Scripted,
    buy,
    market,
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


# -- Prices that IB tells of orders that have none ------------------------------------------------


def echo(rig: Rig, order: Any, *, price: str | None, trigger: str | None, ts_ns: int) -> None:
    """Tell the gate what Nautilus' adapter makes of IB's openOrder."""
    event = OrderUpdated(
        order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id, order.venue_order_id,
        order.account_id, order.quantity, None if price is None else usd(price),
        None if trigger is None else usd(trigger), UUID4(), ts_ns, ts_ns,
    )  # fmt: skip
    rig.gate.events.on_order_event(event)


def test_a_stop_loss_moves_again_and_again_though_ib_tells_a_limit_of_0_of_it() -> None:
    rig = Rig(limits=limits(max_replaces_per_minute=1_000))
    told: list[tuple[str, str]] = []

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 100))
        if seen == 3:
            stop = strategy.order_factory.stop_market(F, OrderSide.SELL, shares(100), usd("4.5000"))
            strategy.submit_order(stop)
        if seen > 4:
            order = working(strategy)
            trigger = f"4.{50 + seen % 40}00"
            strategy.modify_order(order, trigger_price=usd(trigger))
            echo(rig, order, price="0.0000", trigger=trigger, ts_ns=strategy.clock.timestamp_ns() + 1)
            (reservation,) = rig.gate.keeper.account.ledger.reservations.values()
            told.append((str(reservation.price), trigger))
            assert reservation.pending == []

    rig.run(Scripted(script))
    assert rig.rules() == []
    assert len(told) > 40
    assert all(Decimal(price) == Decimal(trigger) for price, trigger in told)


@pytest.mark.parametrize(
    ("kind", "price", "trigger", "known"),
    [
        ("limit", "4.8000", None, "4.80"),
        ("limit", "4.8000", "0.0000", "4.80"),
        ("limit", None, None, "4.90"),
        ("stop_market", "0.0000", "5.0300", "5.03"),
        ("stop_market", "0.0000", None, "5.02"),
        ("stop_limit", "5.0400", "5.0300", "5.04"),
        ("market", "0.0000", "0.0000", None),
    ],
)
def test_an_updated_order_has_the_price_of_its_type(
    kind: str, price: str | None, trigger: str | None, known: str | None
) -> None:
    rig = Rig()
    seen: list[Any] = []
    prices = {
        "limit": {"price": usd("4.9000")},
        "stop_market": {"trigger_price": usd("5.0200")},
        "stop_limit": {"price": usd("5.0300"), "trigger_price": usd("5.0200")},
        "market": {},
    }

    def place(strategy: Scripted) -> None:
        order = getattr(strategy.order_factory, kind)(F, OrderSide.BUY, shares(10), **prices[kind])
        if kind != "market":
            strategy.submit_order(order)
        else:  # working on, as IB's do after hours
            strategy.cache.add_order(order)
            rig.gate.keeper.adopt_order(rig.gate._intent(order), filled=0)
        echo(rig, order, price=price, trigger=trigger, ts_ns=strategy.clock.timestamp_ns() + 1)
        seen.append(rig.gate.keeper.account.ledger.reservations[order.client_order_id.value].price)

    rig.run(scripted({1: place}))
    assert seen == [None if known is None else Decimal(known)]
