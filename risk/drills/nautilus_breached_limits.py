"""Drill: every limit is taken to its edge, where orders pass, and beyond it, where its rule must refuse.

Each in a real engine behind the real gate, with real orders, fills and times. All rules are asked; the
limits that are not at stake are wide, so that only the one in question can refuse.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR

import msgspec

from risk.drills.breach import CENT, Breach, Rulings
from risk.drills.drill import Check, Drill
from risk.drills.drill_limits import OPTION_LIMITS, SESSION_RULES, limits
from risk.drills.nautilus_conduct_breaches import CONDUCT_BREACHES
from risk.drills.nautilus_market_breaches import MARKET_BREACHES
from risk.drills.nautilus_money_breaches import MONEY_BREACHES
from risk.drills.nautilus_option_breaches import OPTION_BREACHES
from risk.drills.nautilus_order_breaches import FUNDS_USD, ORDER_BREACHES
from risk.drills.nautilus_rig import UNIVERSE
from risk.drills.nautilus_stepped_rig import SteppedRig
from risk.limits import UNIVERSE as LISTED

BREACHES: tuple[Breach, ...] = (
    *CONDUCT_BREACHES,
    *ORDER_BREACHES,
    *MARKET_BREACHES,
    *MONEY_BREACHES,
    *OPTION_BREACHES,
)
"""Every rule, and every limit that moves the breaker, has one or more."""
NAME = "breached-limits"


def breach_all(rulings: Rulings) -> list[Check]:
    """Send one order under all limits together, then breach each of them alone."""
    checks = [_ordinary_order(rulings)]
    for breach in BREACHES:
        if breach.concerns(rulings.limits):
            checks += breach.rehearse(rulings)
    return checks


def _ordinary_order(rulings: Rulings) -> Check:
    """Buy one share of the first symbol that may trade, in the middle of the band."""
    now = rulings.limits
    listed = rulings.universe if now.allowed_symbols == LISTED else now.allowed_symbols
    symbol = next((name for name in listed if name not in now.prohibited_symbols), listed[0])
    price = ((now.min_price_usd + now.max_price_usd) / 2).quantize(CENT, ROUND_FLOOR)
    rig = SteppedRig(now, symbols=(symbol,), universe=rulings.universe, balance_usd=FUNDS_USD)
    rig.quote(symbol, price)
    what = f"1 share of {symbol} at {price} USD, under all limits together,"
    return rig.passes(what, rig.send(1, price, name=symbol))


def under(rulings: Rulings, *, incident: str) -> Drill:
    """Return the drill under the limits of a profile."""
    return Drill(name=NAME, incident=incident, rehearse=lambda: breach_all(rulings))


RULINGS = Rulings(
    limits=limits(
        canceled_order_grace_ms=2_000,
        options=msgspec.structs.replace(OPTION_LIMITS, min_displayed_contracts=2),
    ),
    session_rules=SESSION_RULES,
    universe=UNIVERSE,
)
"""The limits of the other drills, with two that are narrow enough to be breached."""

DRILL = under(RULINGS, incident="Every limit is taken to its edge, and breached.")
