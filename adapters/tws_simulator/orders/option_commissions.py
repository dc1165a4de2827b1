"""Commissions of US option orders at Interactive Brokers, tiered by contracts per month.

Source: interactivebrokers.com, "Commissions - Options", United States; tests hold the examples of the
shared reference values. Per contract by premium, at least 1.00 USD per order. Exchange, clearing and
regulatory fees (ORF, OCC) differ by venue and year: one number per contract in the settings, 0 by
default. Whether a combination pays the minimum once or per leg is not known: modelled per leg.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)
CENT = Decimal("0.01")
USD_MIN_PER_ORDER = Decimal("1.00")
DIME, NICKEL = Decimal("0.10"), Decimal("0.05")
QUARTER, HALF = Decimal("0.25"), Decimal("0.50")

TIERS = (
    (100_000, (Decimal("0.15"), Decimal("0.15"), Decimal("0.15"))),
    (50_000, (QUARTER, QUARTER, QUARTER)),
    (10_000, (HALF, HALF, QUARTER)),
    (-1, (Decimal("0.65"), HALF, QUARTER)),
)
"""Contracts of the month that must be exceeded; USD per contract from 0.10, from 0.05 and below 0.05."""


def usd_per_contract(premium: Decimal, contracts_this_month: int) -> Decimal:
    """Return the commission of one contract at `premium` USD per share."""
    rates = next(rates for beyond, rates in TIERS if contracts_this_month > beyond)
    if premium >= DIME:
        return rates[0]
    return rates[1] if premium >= NICKEL else rates[2]


@dataclass(slots=True)
class OptionOrderCommission:
    """The commission of one option order, or one leg of a combination, as its fills come in."""

    contracts_this_month: int = 0
    fees_usd_per_contract: Decimal = ZERO
    contracts: int = 0
    rated: Decimal = ZERO

    def on_fill(self, contracts: int, premium: Decimal) -> Decimal:
        """Return what a fill adds in whole cents; the fills of an order sum to its commission."""
        before = self.total()
        self.rated += contracts * usd_per_contract(premium, self.contracts_this_month)
        self.contracts += contracts
        return self.total() - before

    def total(self) -> Decimal:
        """Return the order's commission so far, 0 before the first fill."""
        if self.contracts == 0:
            return ZERO
        fees = self.fees_usd_per_contract * self.contracts
        return (max(self.rated, USD_MIN_PER_ORDER) + fees).quantize(CENT)
