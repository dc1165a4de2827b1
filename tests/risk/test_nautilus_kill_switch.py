"""Cancels and flattenings in a Nautilus kernel."""

from __future__ import annotations

from typing import Any

from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, TriggerType

from market.time import to_ns
from risk.operator_commands import CancelAll, FlattenSymbol
from risk.records import CommandRecord, RiskRecord
from tests.risk.nautilus_rig import (
    START_NS,
    F,
    Rig,
    Scripted,
    buy,
    equity,
    market,
    quotes,
    scripted,
    shares,
    usd,
)


def test_cancel_all_reaches_emulated_orders_too() -> None:
    rig = Rig()

    def place(strategy: Scripted) -> None:
        strategy.submit_order(buy(strategy, 10))
        strategy.submit_order(
            strategy.order_factory.stop_market(
                F, OrderSide.BUY, shares(10), usd("5.5000"), emulation_trigger=TriggerType.BID_ASK
            )
        )

    outcomes: list[str] = []
    stop = CancelAll(by="Ann", reason="news")
    rig.run(scripted({1: place, 3: lambda _: outcomes.append(rig.gate.command(stop).outcome)}))
    assert outcomes == ["2 orders canceled"]
    assert rig.open_orders == []
    assert rig.engine.cache.orders_emulated() == []


def test_flattening_a_symbol_leaves_the_others_alone() -> None:
    rig = Rig(symbols=("F", "GE"), data=quotes("F", count=30) + quotes("GE", count=30))
    ge = equity("GE").id

    def open_both(strategy: Scripted) -> None:
        for instrument_id in (F, ge):
            strategy.submit_order(strategy.order_factory.market(instrument_id, OrderSide.BUY, shares(10)))

    def place(strategy: Scripted) -> None:
        strategy.submit_order(buy(strategy, 10))
        strategy.submit_order(strategy.order_factory.limit(ge, OrderSide.BUY, shares(11), usd("4.9000")))

    flatten = FlattenSymbol(by="Ann", reason="news", symbol="F")
    strategy = Scripted(
        lambda each, seen: {2: open_both, 4: place, 6: lambda _: rig.gate.command(flatten)}.get(
            seen, lambda _: None
        )(each),
        symbols=("F", "GE"),
    )
    rig.run(strategy)
    assert (rig.net("F"), rig.net("GE")) == (0, 10)
    assert [order.instrument_id for order in rig.open_orders] == [ge]
    assert not rig.gate.kill_switch.is_flattening


def test_a_flattening_that_cannot_finish_says_so_in_the_record() -> None:
    close = to_ns("2024-03-05T16:00:00-05:00")
    data = quotes("F", count=3) + [tick for tick in quotes("F", count=22_000) if tick.ts_event >= close][:40]
    rig = Rig(data=data)
    flatten = FlattenSymbol(by="Ann", reason="news", symbol="F")
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(market(each, 10)),
                5: lambda _: rig.gate.command(flatten),
            }
        )
    )
    (report,) = rig.gate.kill_switch.reports
    assert not report.is_flat
    reports = [entry for entry in rig.recorder.entries if _is_report(entry)]
    assert [entry.outcome for entry in reports] == [  # type: ignore[union-attr]
        "NOT FLAT after 20 rounds, tried again every minute: 10 F.SMART of S-ONE: the session is closed"
    ]


def _is_report(entry: RiskRecord) -> bool:
    return isinstance(entry, CommandRecord) and entry.command == "flatten_report"


def test_an_order_that_is_already_closed_is_not_canceled_again() -> None:
    rig = Rig()
    rig.run(scripted({1: lambda each: each.submit_order(market(each, 5))}))
    before = rig.gate.keeper.account.replaces.count(START_NS)
    rig.gate.kill_switch._orders.cancel([str(rig.orders[0].client_order_id), "unknown"])
    assert rig.gate.keeper.account.replaces.count(START_NS) == before


def test_an_order_that_the_cache_does_not_know_keeps_no_other_working() -> None:
    rig = Rig()

    def cancel(_: Scripted) -> None:
        known = [order.client_order_id.value for order in rig.engine.cache.orders_open()]
        rig.gate.kill_switch._orders.cancel(["UNKNOWN", *known])

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: cancel}))
    assert len(rig.orders) == 1
    assert rig.engine.cache.orders_open() == []


def test_a_halt_cancels_what_opens_and_lets_a_partly_filled_closing_order_work() -> None:
    dear = quotes("F", count=4, bid="5.5000", ask="5.5100")[3]
    few = QuoteTick(F, dear.bid_price, dear.ask_price, shares(40), shares(40), dear.ts_event, dear.ts_init)
    rig = Rig(data=[few if tick.ts_event == few.ts_event else tick for tick in quotes("F", count=10)])

    def place(strategy: Scripted) -> None:
        strategy.submit_order(buy(strategy, 10))
        strategy.submit_order(strategy.order_factory.limit(F, OrderSide.SELL, shares(100), usd("5.5000")))

    def halt(strategy: Scripted) -> None:
        rig.gate.supervisor.halt(strategy.clock.timestamp_ns(), by="Ann", reason="news")

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 100)), 2: place, 6: halt}))
    (order,) = rig.open_orders
    assert (order.side, int(order.filled_qty), rig.net()) == (OrderSide.SELL, 40, 60)


def test_a_closing_order_names_the_position_that_it_closes() -> None:
    """In an account that hedges it would open a second position otherwise."""
    rig = Rig()
    sent: list[Any] = []
    forward = rig.gate._forward

    def note(command: Any) -> None:
        sent.append(getattr(command, "position_id", None))
        forward(command)

    rig.gate._forward = note
    flatten = FlattenSymbol(by="Ann", reason="news", symbol="F")
    rig.run(
        scripted(
            {1: lambda each: each.submit_order(market(each, 10)), 3: lambda _: rig.gate.command(flatten)}
        )
    )
    (position,) = rig.engine.cache.positions_closed()
    assert sent == [None, position.id]
