"""Drill: a strategy sends 1,000 orders within one second."""

from __future__ import annotations

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import LIMITS, limits
from risk.drills.nautilus_rig import Rig, Scripted, quotes
from risk.limits import RiskLimits

_F = InstrumentId.from_str("F.SMART")
ORDERS = 1_000


def _run_away(strategy: Scripted, seen: int) -> None:
    if seen != 1:
        return
    for number in range(ORDERS):
        count = Quantity.from_int(1 + number % 50)
        order = strategy.order_factory.limit(_F, OrderSide.BUY, count, Price.from_str("4.9000"))
        strategy.submit_order(order)


def rehearse() -> list[Check]:
    """Run it in a backtest engine and count what reached the venue; twice, so that each guard halts alone."""
    rejects = limits(max_open_orders=ORDERS)
    attempts = limits(max_open_orders=ORDERS, max_rejects_per_minute=ORDERS)
    return [*_stopped_by("reject_rate", rejects), *_stopped_by("runaway", attempts)]


def _stopped_by(trigger: str, under: RiskLimits) -> list[Check]:
    rig = Rig(data=quotes("F", count=5), limits=under)
    rig.run(Scripted(_run_away))
    reached = [order for order in rig.orders if order.venue_order_id is not None]
    breaker = rig.gate.keeper.account.breaker
    return [
        equal("only a second's orders reached the venue", len(reached), LIMITS.max_orders_per_second),
        equal("the next was refused by the order rate", rig.rules()[:1], ["order_rate"]),
        equal("the breaker is in HALT", (breaker.state, breaker.changed_by), ("HALT", trigger)),
        equal("no order works any more", len(rig.open_orders), 0),
        equal("every other order was refused", len(rig.recorder.refusals), ORDERS - len(reached)),
        equal("nothing was bought", rig.net(), 0),
    ]


DRILL = Drill(
    name="runaway-strategy", incident="A strategy sends 1,000 orders in one second.", rehearse=rehearse
)
