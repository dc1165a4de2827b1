"""Breaches of the limits on how strategies behave: rates, repeats, refusals, pauses, the breaker."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from nautilus_trader.model.objects import Quantity

from market.time import NS_PER_MS, NS_PER_SECOND
from risk.drills.breach import Breach, Rulings, steps
from risk.drills.drill import Check, equal
from risk.drills.nautilus_stepped_rig import PRICE, SteppedRig
from risk.operator_commands import Halt, PauseAll, PauseSymbol, Resume, ResumeSymbol

BELOW = PRICE - 1
BETWEEN_CHANGES_NS = 20 * NS_PER_MS
"""The highest limit on replaces is reached within a minute."""
POSITION = 10
NOT_A_TICK = PRICE + Decimal("0.005")
_WHO = {"by": "drill", "reason": "rehearsal"}


def _breaker_state(rulings: Rulings) -> Iterator[Check]:
    rig = SteppedRig(rulings.limits)
    rig.hold(10)
    rig.gate.supervisor.raise_cause("drill", rig.now_ns, reason="rehearsal")
    yield rig.refuses("breaker_state", "an order in SAFE_MODE", rig.send(1))
    yield rig.passes("a closing order in SAFE_MODE", rig.send(-5))
    rig.gate.supervisor.clear_cause("drill", rig.now_ns, reason="rehearsal")
    yield rig.passes("an order in RUNNING", rig.send(1))
    rig.gate.command(Halt(**_WHO))
    yield rig.refuses("breaker_state", "an order in HALT", rig.send(1))
    yield rig.passes("a closing order in HALT", rig.send(-6))


def _trading_paused(rulings: Rulings) -> Iterator[Check]:
    rig = SteppedRig(rulings.limits)
    rig.gate.command(PauseSymbol(**_WHO, symbol="F"))
    yield rig.refuses("trading_paused", "an order in a paused symbol", rig.send(1))
    yield rig.passes("an order in another symbol", rig.send(1, name="GE"))
    rig.gate.command(ResumeSymbol(**_WHO, symbol="F"))
    yield rig.passes("an order once it is resumed", rig.send(2))
    rig.gate.command(PauseAll(**_WHO))
    yield rig.refuses("trading_paused", "an order while all is paused", rig.send(3))
    rig.gate.command(Resume(**_WHO))
    yield rig.passes("an order after Resume", rig.send(4))


def _duplicate_intent(rulings: Rulings) -> Iterator[Check]:
    rig, window_ns = SteppedRig(rulings.limits), rulings.limits.duplicate_window_ms * NS_PER_MS
    orders = [rig.send(1)]
    rig.wait(window_ns - 1)
    repeated = rig.send(1)
    rig.wait(1)
    orders.append(rig.send(1))
    yield rig.refuses("duplicate_intent", "an equal order a nanosecond before the window's end", repeated)
    yield rig.passes("an equal order at its end", *orders)
    yield rig.passes("an order of a decision", rig.send(2, tags=["decision:drill"]))
    rig.wait(window_ns)
    repeated = rig.send(3, tags=["decision:drill"])
    yield rig.refuses("duplicate_intent", "another order of that decision", repeated)


def _order_rate(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_orders_per_second
    orders = [rig.send(number + 1) for number in steps("max_orders_per_second", most)]
    rig.wait(NS_PER_SECOND - 1)
    one_more = rig.send(most + 1)
    rig.wait(1)
    orders.append(rig.send(most + 2))
    yield rig.refuses("order_rate", f"order {most + 1} within a second", one_more)
    yield rig.passes(f"{most} orders at once, and one a second later", *orders)


def _replace_rate(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_replaces_per_minute
    order = rig.send(1, BELOW)
    rig.wait()
    for number in range(most + 1):
        if number == most:
            yield equal(f"{most} modifications pass", int(order.quantity), 1 + most)
        rig.strategy.modify_order(order, quantity=Quantity.from_int(2 + number))
        rig.wait(BETWEEN_CHANGES_NS)
    refusal = rig.refusal(order) or "sent"
    is_met = refusal.startswith("replace_rate:") and int(order.quantity) == 1 + most
    yield Check("one more within the minute is refused by replace_rate", is_met, refusal)


def _reject_rate(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_rejects_per_minute
    for _ in steps("max_rejects_per_minute", most):
        rig.send(1, NOT_A_TICK)
        rig.wait()
    yield rig.passes(f"an order after {most} rejects", rig.send(1))
    yield rig.refuses("ib_tick (IB 110)", "an order between two ticks", rig.send(1, NOT_A_TICK))
    yield equal("it was a reject too many", rig.state, "HALT")


def _canceled_order(rulings: Rulings) -> Iterator[Check]:
    rig, grace_ns = SteppedRig(rulings.limits), rulings.limits.canceled_order_grace_ms * NS_PER_MS
    canceled = rig.send(POSITION, BELOW)
    rig.wait()
    rig.strategy.cancel_order(canceled)
    rig.wait()
    if grace_ns:
        rig.wait(grace_ns - 1)
        early = rig.send(1, BELOW)
        rig.wait(1)
    order = rig.send(POSITION, BELOW)
    yield equal("the order was canceled", canceled.is_canceled, True)
    if grace_ns:
        yield rig.refuses("position_per_symbol", "an order before a canceled one's grace is over", early)
    yield rig.passes("an order when it is over", order)


CONDUCT_BREACHES = (
    Breach(name="breaker_state", scene=_breaker_state),
    Breach(name="trading_paused", scene=_trading_paused),
    Breach(name="duplicate_intent", keys=("duplicate_window_ms",), scene=_duplicate_intent),
    Breach(name="order_rate", keys=("max_orders_per_second",), scene=_order_rate),
    Breach(name="replace_rate", keys=("max_replaces_per_minute",), scene=_replace_rate),
    Breach(name="reject_rate", keys=("max_rejects_per_minute",), scene=_reject_rate),
    Breach(
        name="canceled_order",
        keys=("canceled_order_grace_ms",),
        beside={"max_position_shares_per_symbol": POSITION, "max_shares_per_order": POSITION},
        scene=_canceled_order,
    ),
)
