"""Breaches of the limits on losses, each a cent before its edge and at it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from market.time import NS_PER_MINUTE, NS_PER_MS
from risk.day_account import LOOKS_OF_A_HIGH
from risk.drills.breach import CENT, Breach, Rulings, cents, steps
from risk.drills.drill import Check, equal
from risk.drills.nautilus_stepped_rig import PRICE, SteppedRig

LOSS = Decimal(10)


def _daily_loss(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_daily_loss_usd
    _lose(rig, most)
    yield rig.passes(f"an order after a loss of {cents(most) - CENT} USD", rig.send(1, name="GE"))
    rig.quote("F", PRICE - CENT)
    yield rig.refuses("daily_loss", "an order after a cent more", rig.send(2, name="GE"))


def _daily_drawdown(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), cents(rulings.limits.max_daily_drawdown_usd)
    rig.hold(1)
    for _ in range(LOOKS_OF_A_HIGH):
        rig.quote("F", PRICE + most, after_ns=NS_PER_MINUTE)
    rig.quote("F", PRICE + CENT)
    yield rig.passes(f"an order {most - CENT} USD below the high", rig.send(1, name="GE"))
    rig.quote("F", PRICE)
    yield rig.refuses("daily_drawdown", "an order a cent lower", rig.send(2, name="GE"))


def _loss_per_trade(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_loss_usd_per_trade
    _lose(rig, most)
    yield rig.passes(f"an order that adds to a loss of {cents(most) - CENT} USD", rig.send(1, PRICE - 1))
    rig.quote("F", PRICE - CENT)
    yield rig.refuses("loss_per_trade", "an order after a cent more", rig.send(2, PRICE - 1))
    yield rig.passes("an order in another symbol", rig.send(2, name="GE"))


def _lose(rig: SteppedRig, most: Decimal) -> None:
    """Hold a share whose loss is a cent less than `most`, at a bid of `PRICE`."""
    rig.quote("F", PRICE + cents(most) - CENT)
    rig.hold(1)
    rig.quote("F", PRICE)


def _consecutive_losses(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_consecutive_losses
    for number in steps("max_consecutive_losses", most):
        if number == most - 1:
            yield rig.passes(f"an order after {number} losses in a row", rig.send(1, name="GE"))
        rig.quote("F", PRICE)
        rig.hold(1)
        rig.quote("F", PRICE - CENT)
        rig.hold(-1)
    ends_ns = rig.now_ns + rulings.limits.consecutive_loss_pause_minutes * NS_PER_MINUTE
    yield rig.refuses("consecutive_losses", f"an order after {most}", rig.send(2, name="GE"))
    rig.wait_until(ends_ns - 1)
    early = rig.send(2, name="GE")
    rig.wait(1)
    order = rig.send(3, name="GE")
    yield rig.refuses("consecutive_losses", "an order a nanosecond before the pause is over", early)
    yield rig.passes("an order when it is over", order)


def _readings(rulings: Rulings) -> Iterator[Check]:
    rig, interval_ns = SteppedRig(rulings.limits), rulings.limits.halt_reading_interval_ms * NS_PER_MS
    _lose(rig, LOSS)
    for _ in range(2):
        rig.quote("F", PRICE - 1, after_ns=interval_ns)
    rig.quote("F", PRICE - 1, after_ns=interval_ns - 1)
    yield equal("two readings, and a third too soon, do not halt", rig.state, "RUNNING")
    rig.quote("F", PRICE - 1, after_ns=1)
    yield equal("the third in its time does", rig.state, "HALT")


MONEY_BREACHES = (
    Breach(name="daily_loss", keys=("max_daily_loss_usd",), scene=_daily_loss),
    Breach(name="daily_drawdown", keys=("max_daily_drawdown_usd",), scene=_daily_drawdown),
    Breach(name="loss_per_trade", keys=("max_loss_usd_per_trade",), scene=_loss_per_trade),
    Breach(
        name="consecutive_losses",
        keys=("max_consecutive_losses", "consecutive_loss_pause_minutes"),
        scene=_consecutive_losses,
    ),
    Breach(
        name="halt_readings",
        keys=("halt_reading_interval_ms",),
        beside={"max_daily_loss_usd": LOSS, "max_loss_usd_per_trade": LOSS},
        scene=_readings,
    ),
)
