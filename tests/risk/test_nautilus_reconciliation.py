"""Once somebody says that the cache agrees with the broker, the gate holds what the cache holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from risk.operator_commands import FlattenAll
from risk.performance import Fill
from tests.risk.flatten_rig import WHO, buys, closings, outcomes
from tests.risk.nautilus_rig import START_NS, F, Rig, buy, scripted
from tests.risk.table_market import order

D = Decimal


def imagine(rig: Rig, count: int, strategy_id: str = "S-ONE") -> Any:
    """Return an action that makes the gate, and nobody else, believe in a fill."""

    def book(_: Any) -> None:
        terms = rig.gate.instruments.terms(F)
        fill = Fill(strategy_id=strategy_id, terms=terms, signed_quantity=count, price=D(5))
        rig.gate.keeper.filled("", f"BUSTED-{strategy_id}", fill, START_NS)

    return book


def reconcile(rig: Rig) -> Any:
    """Return an action that says that the cache agrees with the broker."""
    return lambda _: rig.gate.confirm_reconciled(reason="compared with TWS")


def test_a_position_that_does_not_exist_is_gone_and_nothing_is_sold() -> None:
    rig = Rig()
    flatten = FlattenAll(**WHO)
    rig.run(scripted({2: imagine(rig, 100), 4: reconcile(rig), 6: lambda _: rig.gate.command(flatten)}))
    account = rig.gate.keeper.account
    assert (account.ledger.books, account.performance.lots) == ({}, {})
    assert (rig.net(), closings(rig)) == (0, [])
    assert outcomes(rig, "flatten_report") == ["flat"]
    assert outcomes(rig, "reconcile") == ["F.SMART of S-ONE 100 -> 0"]


def test_a_position_that_differs_becomes_the_caches() -> None:
    rig = Rig()
    rig.run(scripted({1: buys(40), 3: imagine(rig, 60), 5: reconcile(rig)}))
    account = rig.gate.keeper.account
    assert account.ledger.net("F.SMART") == 40
    assert [lot.quantity for lot in account.performance.lots.values()] == [40]


def test_a_position_under_another_owner_is_not_counted_twice() -> None:
    rig = Rig()
    rig.run(scripted({1: buys(40), 3: imagine(rig, 40, "S-OLD"), 5: reconcile(rig)}))
    assert rig.gate.keeper.account.ledger.books["F.SMART"].positions == {"S-ONE": 40}
    assert outcomes(rig, "reconcile") == ["F.SMART of S-OLD 40 -> 0"]


def test_an_order_that_does_not_exist_counts_no_longer() -> None:
    rig = Rig()

    def invent(_: Any) -> None:
        intent = order(rig.gate.instruments.terms(F), 100, order_id="GHOST")
        rig.gate.keeper.adopt_order(intent, filled=0)

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: invent, 5: reconcile(rig)}))
    (kept,) = rig.gate.keeper.account.ledger.reservations
    assert kept == str(rig.open_orders[0].client_order_id)
    assert outcomes(rig, "reconcile") == ["order GHOST works no longer"]


def test_an_order_whose_end_was_missed_counts_no_longer() -> None:
    rig = Rig()
    rig.gate.keeper.ended = lambda *_: None  # type: ignore[method-assign]

    def cancel(strategy: Any) -> None:
        strategy.cancel_all_orders(F)

    def mend(_: Any) -> None:
        del rig.gate.keeper.ended
        rig.gate.confirm_reconciled(reason="compared with TWS")

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: cancel, 6: mend}))
    assert rig.gate.keeper.account.ledger.reservations == {}


def test_nothing_is_recorded_where_nothing_differs() -> None:
    rig = Rig()
    rig.run(scripted({1: buys(40), 3: lambda each: each.submit_order(buy(each, 10)), 5: reconcile(rig)}))
    assert outcomes(rig, "reconcile") == []
