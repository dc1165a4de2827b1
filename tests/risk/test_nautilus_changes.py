"""Modifications under way in a running node: which refusals and fills leave them counting."""

from __future__ import annotations

from typing import Any

import pytest
from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import LiquiditySide, OrderType
from nautilus_trader.model.events import OrderFilled, OrderModifyRejected
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Money

from market.time import NS_PER_MS
from risk.records import ApprovalRecord, MemoryRecorder, RiskRecord
from tests.risk.limit_cases import limits
from tests.risk.live_rig import LiveRig, Node
from tests.risk.nautilus_rig import Rig, Scripted, buy, names, scripted, shares, usd, working


def lose_modifications(rig: Any) -> None:
    """Let every approved modification stay under way: no venue ever answers it."""
    forward = rig.gate._forward
    rig.gate._forward = lambda command: None if isinstance(command, ModifyOrder) else forward(command)


def counted(rig: Any) -> list[tuple[int, int]]:
    """Return how much of each order counts, and how many modifications are under way."""
    reservations = rig.gate.keeper.account.ledger.reservations.values()
    return [(each.committed, len(each.pending)) for each in reservations]


def event_fields(strategy: Scripted) -> dict[str, Any]:
    order = working(strategy)
    fields = names(order, strategy)
    fields["event_id"] = fields.pop("command_id")
    return fields | {"account_id": order.account_id}


def change(count: int) -> Any:
    return lambda strategy: strategy.modify_order(working(strategy), quantity=shares(count))


def test_what_the_gate_itself_refuses_frees_no_change_that_is_under_way(node: Node) -> None:
    rig = node()
    lose_modifications(rig)
    seen: list[list[tuple[int, int]]] = []
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(buy(each, 10)),
                4: change(100),
                7: change(101),
                10: lambda _: seen.append(counted(rig)),
            }
        )
    )
    assert len(rig.rules()) == 1
    assert seen == [[(100, 1)]]


@pytest.mark.slow
@pytest.mark.parametrize(("is_engines", "left"), [(True, 1), (False, 0)])
def test_what_nautilus_risk_engine_refuses_frees_no_change_that_is_under_way(
    is_engines: bool, left: int
) -> None:
    """It stamps its refusals once; an execution client reads the live clock twice."""
    rig = LiveRig()
    lose_modifications(rig)
    seen: list[list[tuple[int, int]]] = []

    def refuse(strategy: Scripted) -> None:
        fields = event_fields(strategy)
        event = OrderModifyRejected(reason="no", ts_event=fields["ts_init"] - (not is_engines), **fields)
        rig.gate.events.on_order_event(event)
        seen.append(counted(rig))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 4: change(100), 7: refuse}))
    assert seen == [[(100 if left else 10, left)]]


class ForgetsChanges(MemoryRecorder):
    """Fails to record that a modification was approved."""

    def record(self, entry: RiskRecord) -> None:
        if isinstance(entry, ApprovalRecord) and entry.command == "modify":
            raise OSError("disk full")
        super().record(entry)


def test_a_change_whose_approval_cannot_be_recorded_counts_no_more(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = node()
    rig.gate.supervisor._recorder = ForgetsChanges()
    seen: list[list[tuple[int, int]]] = []
    monkeypatch.setattr(rig.gate.kill_switch, "cancel_openings", lambda: None)  # the halt would cancel it

    def grow(strategy: Scripted) -> None:
        change(100)(strategy)
        seen.append(counted(rig))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 4: grow}))
    assert seen == [[(10, 0)]]
    assert rig.gate.keeper.account.breaker.changed_by == "recorder_failure"


def test_an_order_that_fills_while_it_grows_counts_on_for_the_grace_period() -> None:
    """Nautilus takes 10 of 10 for the end; the broker may work 90 more."""
    rig = Rig(limits=limits(canceled_order_grace_ms=2_000))
    lose_modifications(rig)
    seen: list[list[tuple[int, int]]] = []

    def fill(strategy: Scripted) -> None:
        order = working(strategy)
        event = OrderFilled(
            trade_id=TradeId("T"), position_id=None, order_side=order.side, order_type=OrderType.LIMIT,
            last_qty=shares(10), last_px=usd("4.9000"), currency=USD, commission=Money(0, USD),
            liquidity_side=LiquiditySide.MAKER, ts_event=1, **event_fields(strategy),
        )  # fmt: skip
        order.apply(event)
        rig.gate.events.on_order_event(event)
        ledger = rig.gate.keeper.account.ledger
        seen.append(counted(rig))
        assert ledger.exposure("F.SMART").worst_long == 100
        ledger.release_expired(strategy.clock.timestamp_ns() + 2_000 * NS_PER_MS)
        assert ledger.exposure("F.SMART").worst_long == 10

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: change(100), 5: fill}))
    assert seen == [[(100, 0)]]
