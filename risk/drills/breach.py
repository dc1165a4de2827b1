"""What a breach is: one limit of a profile, taken to its edge and beyond while all others are wide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import msgspec

from market.session_windows import SessionRules
from risk.drills.drill import Check
from risk.drills.wide_limits import alone, limit_keys
from risk.limits import RiskLimits

MAX_STEPS = 2_000
"""Orders that one breach sends to reach a limit; one that lies further away cannot be rehearsed."""
CENT = Decimal("0.01")


class Rulings(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile says about orders: its limits, its session and the symbols of its universe."""

    limits: RiskLimits
    session_rules: SessionRules
    universe: tuple[str, ...]


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """The breach of one rule, or of a limit that moves the breaker.

    `keys` are the limits that are taken from the profile, `beside` limits that the scene needs to be narrow
    too. `rehearse` acts it in a real engine and yields what came of it.
    """

    name: str
    scene: Callable[[Rulings], Iterator[Check]]
    keys: tuple[str, ...] = ()
    beside: dict[str, Any] = {}

    def concerns(self, limits: RiskLimits) -> bool:
        """Whether the profile has the limits that are breached."""
        return limit_keys(limits).issuperset(self.keys)

    def rehearse(self, rulings: Rulings) -> list[Check]:
        """Act the breach; one that cannot be acted is an expectation that was not met."""
        limits = alone(msgspec.structs.replace(rulings.limits, **self.beside), (*self.keys, *self.beside))
        try:
            return list(self.scene(msgspec.structs.replace(rulings, limits=limits)))
        except Exception as error:  # noqa: BLE001 - the border: the other limits are breached all the same
            seen = f"{type(error).__name__}: {error}"
            return [Check(f"{self.name} can be breached", False, seen)]


def steps(key: str, count: int) -> range:
    """Return a range of `count` orders; raises ValueError when the limit `key` is too far away."""
    if count > MAX_STEPS:
        raise ValueError(f"{key} is {count}; a drill sends at most {MAX_STEPS} orders to reach a limit.")
    return range(count)


def cents(amount: Decimal) -> Decimal:
    """Return an amount in USD rounded down to whole cents."""
    return amount.quantize(CENT, ROUND_FLOOR)
