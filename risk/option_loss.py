"""Worst result at expiry of option positions, exact for defined risk, unbounded told apart.

A short option is covered by a long one of the same right that lives at least as long. Shares cover
nothing here: covered calls and cash-secured puts count as undefined risk. Within one expiry the payoff
is piecewise linear, so its minimum lies at zero or at a strike. A long that outlives the short which
it covers is taken at its intrinsic value at that expiry, the least it is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations

import msgspec

from risk.intent import InstrumentTerms, Right

ZERO = Decimal(0)
MAX_ORDERS_COMBINED = 6
"""Working orders of one underlying whose subsets are all tried; beyond it losses are added up."""


class Holding(msgspec.Struct, frozen=True):
    """A signed number of contracts of one option."""

    terms: InstrumentTerms
    quantity: int


class OptionOrder(msgspec.Struct, frozen=True):
    """What a working order would add: contracts by leg, and the money it pays in USD (negative: gets).

    `cost_usd` is None when no price is known.
    """

    holdings: tuple[Holding, ...]
    cost_usd: Decimal | None


def floor_usd(holdings: Iterable[Holding]) -> Decimal | None:
    """Return the least value at expiry in USD (0 or less counts against), None when it is unbounded."""
    total = ZERO
    for multiplier, by_expiry in _grouped(holdings).items():
        if not (_cover(by_expiry, "call") and _cover(by_expiry, "put")):
            return None
        total += sum((_least_value(legs) for legs in by_expiry.values()), ZERO) * multiplier
    return total


def worst_loss_usd(
    held: Sequence[Holding], cost_usd: Decimal, orders: Sequence[OptionOrder]
) -> Decimal | None:
    """Return the worst loss in USD, 0 or more, whichever of `orders` fill.

    None when it is unbounded or an order's price is unknown. A part of an order lies between none and
    all of it, and the loss is convex in it, so whole orders are enough.
    """
    costs = [order.cost_usd for order in orders if order.cost_usd is not None]
    if len(costs) < len(orders):
        return None
    if len(orders) > MAX_ORDERS_COMBINED:
        losses = [worst_loss_usd(order.holdings, cost, ()) for order, cost in zip(orders, costs, strict=True)]
        return add_known([worst_loss_usd(held, cost_usd, ()), *losses])
    worst = ZERO
    for filled in _subsets(orders):
        floor = floor_usd(_together(held, filled))
        if floor is None:
            return None
        paid = sum((order.cost_usd or ZERO for order in filled), cost_usd)
        worst = max(worst, paid - floor)
    return worst


def worst_floor_usd(held: Sequence[Holding], orders: Sequence[OptionOrder]) -> Decimal | None:
    """Return the least value at expiry whichever of `orders` fill; None when it is unbounded.

    What only sells never raises it and what only buys never lowers it: all sales fill, and no purchase.
    """
    held, mixed = _after_sales(held, orders)
    if len(mixed) > MAX_ORDERS_COMBINED:
        return add_known([floor_usd(held), *(floor_usd(order.holdings) for order in mixed)])
    floors = [floor_usd(_together(held, filled)) for filled in _subsets(mixed)]
    known = [floor for floor in floors if floor is not None]
    return min(known) if len(known) == len(floors) else None


def uncovered_short(held: Sequence[Holding], orders: Sequence[OptionOrder]) -> InstrumentTerms | None:
    """Return a short option that could lack its cover, one of the later `orders` first; None when none could.

    There is one exactly where `worst_floor_usd` is None: it names what that only counts.
    """
    held, mixed = _after_sales(held, orders)
    tried: Iterable[Sequence[Holding]]
    if len(mixed) > MAX_ORDERS_COMBINED:
        tried = [held, *(order.holdings for order in mixed)]
    else:
        tried = (_together(held, filled) for filled in _subsets(mixed))
    for holdings in tried:
        for short in reversed(holdings):
            if short.quantity < 0 and _net_that_lives_as_long(short.terms, holdings) < 0:
                return short.terms
    return None


def uncovers(sold: OptionOrder, held: Sequence[Holding], orders: Sequence[OptionOrder]) -> bool:
    """Return whether an order could leave more short options without cover, each right and size by itself."""
    for kind in {_kind(leg.terms) for leg in sold.holdings if leg.quantity < 0}:
        of_kind = [leg for leg in held if _kind(leg.terms) == kind]
        before = [_part(order, kind) for order in orders]
        if _worst_shortage(of_kind, [*before, _part(sold, kind)]) > _worst_shortage(of_kind, before):
            return True
    return False


def can_be_short(sold: OptionOrder, held: Sequence[Holding], orders: Sequence[OptionOrder]) -> bool:
    """Return whether an option of a right and size that `sold` sells could be short once all sales fill."""
    kinds = {_kind(each.terms) for each in sold.holdings if each.quantity < 0}
    counts: dict[str, int] = {}
    for each in (*held, *(leg for order in (*orders, sold) for leg in order.holdings if leg.quantity < 0)):
        if _kind(each.terms) in kinds:
            name = each.terms.instrument_id
            counts[name] = counts.get(name, 0) + each.quantity
    return any(count < 0 for count in counts.values())


def _worst_shortage(held: Sequence[Holding], orders: Sequence[OptionOrder]) -> int:
    """Return the most short options of one right and size that could lack their cover."""
    held, mixed = _after_sales(held, orders)
    if len(mixed) > MAX_ORDERS_COMBINED:
        return sum(_shortage(part) for part in (held, *(order.holdings for order in mixed)))
    return max(_shortage(_together(held, filled)) for filled in _subsets(mixed))


def _shortage(holdings: Sequence[Holding]) -> int:
    """Return how many short options of one right and size lack a long one that lives as long."""
    counts: dict[int, int] = {}
    for each in holdings:
        expires_ns = each.terms.expiration_ns or 0
        counts[expires_ns] = counts.get(expires_ns, 0) + each.quantity
    spare = missing = 0
    for expires_ns in sorted(counts, reverse=True):  # what lives longest covers what ends before
        spare += counts[expires_ns]
        if spare < 0:
            missing, spare = missing - spare, 0
    return missing


def _part(order: OptionOrder, kind: tuple[Right | None, int]) -> OptionOrder:
    """Return the legs of one right and size."""
    return OptionOrder(tuple(leg for leg in order.holdings if _kind(leg.terms) == kind), None)


def _kind(terms: InstrumentTerms) -> tuple[Right | None, int]:
    return terms.right, terms.multiplier


def _after_sales(
    held: Sequence[Holding], orders: Sequence[OptionOrder]
) -> tuple[list[Holding], list[OptionOrder]]:
    """Return what is held once all that only sells has filled, and the orders that buy and sell."""
    sold = [order for order in orders if all(leg.quantity <= 0 for leg in order.holdings)]
    mixed = [
        order
        for order in orders
        if any(leg.quantity < 0 for leg in order.holdings) and any(leg.quantity > 0 for leg in order.holdings)
    ]
    return _together(held, sold), mixed


def _net_that_lives_as_long(terms: InstrumentTerms, holdings: Sequence[Holding]) -> int:
    """Return the signed contracts of a right and size that expire with an option or later."""
    return sum(
        other.quantity
        for other in holdings
        if (other.terms.multiplier, other.terms.right) == (terms.multiplier, terms.right)
        and (other.terms.expiration_ns or 0) >= (terms.expiration_ns or 0)
    )


def _subsets(orders: Sequence[OptionOrder]) -> Iterator[tuple[OptionOrder, ...]]:
    for count in range(len(orders) + 1):
        yield from combinations(orders, count)


def _together(held: Sequence[Holding], filled: Sequence[OptionOrder]) -> list[Holding]:
    return [*held, *(holding for order in filled for holding in order.holdings)]


def add_known(parts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum, None when any part is unknown."""
    total = ZERO
    for part in parts:
        if part is None:
            return None
        total += part
    return total


_ByStrike = dict[tuple[Right, Decimal], int]


def _grouped(holdings: Iterable[Holding]) -> dict[int, dict[int, _ByStrike]]:
    """Group contracts by multiplier (an adjusted option covers none of another size) and expiry."""
    groups: dict[int, dict[int, _ByStrike]] = {}
    for holding in holdings:
        terms = holding.terms
        if terms.right is None or terms.strike is None or terms.expiration_ns is None:
            raise ValueError(f"{terms.instrument_id} is no option: right, strike or expiry is missing.")
        legs = groups.setdefault(terms.multiplier, {}).setdefault(terms.expiration_ns, {})
        key = (terms.right, terms.strike)
        legs[key] = legs.get(key, 0) + holding.quantity
    return groups


def _cover(by_expiry: dict[int, _ByStrike], right: Right) -> bool:
    """Lend spare long options of later expiries to expiries that are short; False when some stay short."""
    for expiry in sorted(by_expiry):
        legs = by_expiry[expiry]
        missing = -_count(legs, right)
        for later in sorted(by_expiry):
            if missing <= 0 or later <= expiry:
                continue
            missing -= _lend(by_expiry[later], legs, right, missing)
        if missing > 0:
            return False
    return True


def _count(legs: _ByStrike, right: Right) -> int:
    return sum(quantity for (kind, _), quantity in legs.items() if kind == right)


def _lend(lender: _ByStrike, borrower: _ByStrike, right: Right, wanted: int) -> int:
    spare = min(max(_count(lender, right), 0), wanted)
    lent = 0
    strikes = sorted((strike for kind, strike in lender if kind == right), reverse=right == "put")
    for strike in strikes:  # the most valuable first
        moved = min(max(lender[right, strike], 0), spare - lent)
        lender[right, strike] -= moved
        borrower[right, strike] = borrower.get((right, strike), 0) + moved
        lent += moved
    return lent


def _least_value(legs: _ByStrike) -> Decimal:
    prices = [ZERO, *(strike for _, strike in legs)]
    return min(_value(legs, price) for price in prices)


def _value(legs: _ByStrike, price: Decimal) -> Decimal:
    value = ZERO
    for (right, strike), quantity in legs.items():
        intrinsic = price - strike if right == "call" else strike - price
        if intrinsic > 0:
            value += quantity * intrinsic
    return value
