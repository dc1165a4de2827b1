"""What becomes of an option at expiry: a pure decision from its terms and the settlement price.

Physical settlement (stocks): long options at least 0.01 in the money are exercised, and every short
one is assigned; the option closes at 0 and shares change hands at the strike. Cash settlement
(indexes): the option closes at what it is worth. Out of the money it closes at 0. No commission is
charged, as Interactive Brokers charges none for exercise and assignment.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.interfaces import Listing

ZERO = Decimal(0)
EXERCISE_THRESHOLD = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Settlement:
    """The option closes at `option_price`; `shares` (signed) of the underlying are traded at `strike`."""

    option_price: Decimal
    shares: Decimal
    strike: Decimal


def settle(listing: Listing, quantity: Decimal, settlement_price: Decimal) -> Settlement:
    """Return what happens to `quantity` (signed) contracts with the underlying at `settlement_price`."""
    assert listing.strike is not None, f"option {listing.local_symbol} has no strike"
    is_call = listing.right == "C"
    worth = settlement_price - listing.strike if is_call else listing.strike - settlement_price
    if listing.settlement != "PHYSICAL":
        return Settlement(max(worth, ZERO), ZERO, listing.strike)
    if worth < EXERCISE_THRESHOLD:
        return Settlement(ZERO, ZERO, listing.strike)
    shares = quantity * listing.multiplier
    return Settlement(ZERO, shares if is_call else -shares, listing.strike)
