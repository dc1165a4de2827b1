"""A scan as a strategy's entry: the best position that fits beside what is held, with legs and a limit price.

    entry = best_entry(chain, criteria, context, held=contracts_held)
    if entry is not None:
        for leg in entry.legs: ...        # leg.contract, leg.ratio, leg.limit_usd

The same criteria file that `harvester scan` reads, on a snapshot that just arrived: what the command finds at
that moment, a strategy enters. Pure: no clock, no state; the caller says what is held.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import msgspec

from market.errors import ConfigError
from market.option_chain import OptionChain
from scanner.candidates import Candidate, CandidateLeg
from scanner.context import ScanContext
from scanner.criteria import Criteria, Structure
from scanner.scan import scan

_CENT = Decimal("0.01")


class EntryLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One order's worth of an entry: the contract, units (positive bought), and the worst price to accept."""

    contract: str
    ratio: int
    limit_usd: Decimal
    """USD a share: the most to pay for a leg bought, the least to get for a leg sold."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A position to open, one unit."""

    candidate: Candidate
    legs: tuple[EntryLeg, ...]
    """Bought legs first: whoever sends them one by one is never short without protection."""
    shares: int
    """Shares to buy with it, for a covered call."""
    limit_usd: Decimal
    """Of all option legs as one combination, USD a share, as its buyer pays: a credit is negative. Never
    worse than what the scan assumed."""


def best_entry(
    chain: OptionChain,
    criteria: Criteria,
    context: ScanContext,
    *,
    held: Collection[str] = (),
    increment: Decimal = _CENT,
) -> Entry | None:
    """Return the best candidate of the scan that shares no contract with `held`, or None.

    Prices are whole multiples of `increment`. Only the `top` candidates of the criteria are looked at. Raises
    as `scan`, and `ConfigError` for an increment that is not above 0.
    """
    if not increment > 0:
        raise ConfigError(f"The price increment is {increment}, allowed: above 0, such as 0.01 or 0.05.")
    taken = frozenset(held)
    for candidate in scan(chain, criteria, context).candidates:
        if not any(leg.contract in taken for leg in candidate.legs):
            return entry_of(candidate, increment=increment)
    return None


def entry_of(candidate: Candidate, *, increment: Decimal = _CENT) -> Entry:
    """Return the legs and limit prices that open one unit of a candidate."""
    legs = sorted(candidate.legs, key=lambda leg: leg.side != "buy")
    net = sum((_ratio(leg) * _exact(leg.price) for leg in legs), Decimal(0))
    is_covered = candidate.structure is Structure.COVERED_CALL
    return Entry(
        candidate=candidate,
        legs=tuple(_entry_leg(leg, increment) for leg in legs),
        shares=int(candidate.legs[0].multiplier) if is_covered else 0,
        limit_usd=_rounded(net, increment, ROUND_FLOOR),
    )


def _entry_leg(leg: CandidateLeg, increment: Decimal) -> EntryLeg:
    rounding = ROUND_FLOOR if leg.side == "buy" else ROUND_CEILING
    price = max(_rounded(_exact(leg.price), increment, rounding), increment)
    return EntryLeg(contract=leg.contract, ratio=_ratio(leg), limit_usd=price)


def _ratio(leg: CandidateLeg) -> int:
    return leg.quantity if leg.side == "buy" else -leg.quantity


def _exact(price: float) -> Decimal:
    """Return a price as it was quoted: 0.30 and not its binary neighbour."""
    return Decimal(repr(round(price, 6)))


def _rounded(price: Decimal, increment: Decimal, rounding: str) -> Decimal:
    return (price / increment).to_integral_value(rounding=rounding) * increment
