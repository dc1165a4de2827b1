"""Reg-T margin of the options on one underlying, in USD: pure functions of positions and prices.

In this order: short calls covered by long stock and short puts by short stock need nothing; shorts
paired with longs that expire no earlier need the most that the pairs of one expiry can lose together
(FINRA Rule 4210(f)(2), which gives a vertical its width, a condor its wider side, a butterfly nothing);
what is left is uncovered: premium plus the greater of 20 % of the underlying (15 % of an index) less
what it is out of the money, and 10 % of the underlying (a call) or of the strike (a put). Of an
uncovered straddle the greater side counts, plus the premium of the other. Where pairing would need more
than leaving every short uncovered, nothing is paired. Bought options are paid for and need nothing.
Initial and maintenance requirements are the same.

Interactive Brokers' house rules are higher at times (a short straddle of SPY by 6 %): not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)
EQUITY_FRACTION = Decimal("0.20")
INDEX_FRACTION = Decimal("0.15")
MINIMUM_FRACTION = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class OptionPosition:
    """Contracts of one series; `quantity` is signed, `mark` USD per share (None: unknown, taken as 0)."""

    right: str
    strike: Decimal
    expiry: str
    multiplier: int
    quantity: Decimal
    mark: Decimal | None = None

    def of(self, quantity: Decimal) -> OptionPosition:
        """Return the same series in another quantity."""
        return OptionPosition(self.right, self.strike, self.expiry, self.multiplier, quantity, self.mark)

    def payoff(self, price: Decimal) -> Decimal:
        """Return what the position pays at expiry, in USD, with the underlying at `price`."""
        intrinsic = price - self.strike if self.right == "C" else self.strike - price
        return max(intrinsic, ZERO) * self.multiplier * self.quantity


@dataclass(frozen=True, slots=True)
class UnderlyingPrice:
    """Price in USD (None when unknown: each option then counts as at the money), and whether an index."""

    price: Decimal | None
    is_index: bool = False


def option_margin(
    positions: Iterable[OptionPosition], underlying: UnderlyingPrice, *, stock: Decimal = ZERO
) -> Decimal:
    """Return the requirement of all options on one underlying, with `stock` shares of it held."""
    held = [position for position in positions if position.quantity]
    shorts = _uncovered_by_stock([one for one in held if one.quantity < 0], stock)
    longs = [one for one in held if one.quantity > 0]
    pairs, naked = _pair(shorts, longs)
    paired = _most_lost(pairs) + _naked_margin(naked, underlying)
    return min(paired, _naked_margin(shorts, underlying))


def naked_margin_per_contract(position: OptionPosition, underlying: UnderlyingPrice) -> Decimal:
    """Return the requirement of one uncovered contract, its premium included."""
    price = position.strike if underlying.price is None else underlying.price
    is_call = position.right == "C"
    out_of_the_money = max(position.strike - price if is_call else price - position.strike, ZERO)
    fraction = INDEX_FRACTION if underlying.is_index else EQUITY_FRACTION
    minimum = MINIMUM_FRACTION * (price if is_call else position.strike)
    risk = max(fraction * price - out_of_the_money, minimum)
    return (risk + (position.mark or ZERO)) * position.multiplier


def _uncovered_by_stock(shorts: list[OptionPosition], stock: Decimal) -> list[OptionPosition]:
    right, shares = ("C", stock) if stock > 0 else ("P", -stock)
    left = []
    for short in sorted(shorts, key=lambda one: one.strike if right == "C" else -one.strike):
        covered = ZERO
        if short.right == right:
            covered = min(-short.quantity, shares // short.multiplier)
            shares -= covered * short.multiplier
        if covered < -short.quantity:
            left.append(short.of(short.quantity + covered))
    return left


def _pair(
    shorts: list[OptionPosition], longs: list[OptionPosition]
) -> tuple[list[tuple[OptionPosition, OptionPosition]], list[OptionPosition]]:
    """Cover shorts by longs, the cheapest pairs first; return the pairs and what stays uncovered."""
    left_short = [-short.quantity for short in shorts]
    left_long = [long.quantity for long in longs]
    candidates = sorted(
        (_width_at_risk(short, long), abs(long.strike - short.strike), s, n)
        for s, short in enumerate(shorts)
        for n, long in enumerate(longs)
        if _covers(long, short)
    )
    pairs = []
    for _, _, s, n in candidates:
        quantity = min(left_short[s], left_long[n])
        if quantity > 0:
            left_short[s] -= quantity
            left_long[n] -= quantity
            pairs.append((shorts[s].of(-quantity), longs[n].of(quantity)))
    naked = [short.of(-left) for short, left in zip(shorts, left_short, strict=True) if left > 0]
    return pairs, naked


def _covers(long: OptionPosition, short: OptionPosition) -> bool:
    return long.right == short.right and long.multiplier == short.multiplier and long.expiry >= short.expiry


def _width_at_risk(short: OptionPosition, long: OptionPosition) -> Decimal:
    width = long.strike - short.strike if short.right == "C" else short.strike - long.strike
    return max(width, ZERO)


def _most_lost(pairs: list[tuple[OptionPosition, OptionPosition]]) -> Decimal:
    """Return the most that the pairs can lose, those of one short expiry together.

    Every short is covered, so the loss is greatest at a strike or at zero, never beyond the last strike.
    """
    by_expiry: dict[str, list[OptionPosition]] = {}
    for short, long in pairs:
        by_expiry.setdefault(short.expiry, []).extend((short, long))
    total = ZERO
    for legs in by_expiry.values():
        prices = {ZERO, *(leg.strike for leg in legs)}
        total -= min(ZERO, *(sum((leg.payoff(price) for leg in legs), ZERO) for price in prices))
    return total


def _naked_margin(naked: list[OptionPosition], underlying: UnderlyingPrice) -> Decimal:
    """Return the requirement of uncovered shorts: calls and puts in pairs, the dearest first."""
    calls = _dearest_first([one for one in naked if one.right == "C"], underlying)
    puts = _dearest_first([one for one in naked if one.right == "P"], underlying)
    total = ZERO
    while calls or puts:
        quantity = min(side[0][2] for side in (calls, puts) if side)
        sides = sorted((side[0][:2] for side in (calls, puts) if side), reverse=True)
        total += quantity * (sides[0][0] + sum((premium for _, premium in sides[1:]), ZERO))
        calls, puts = _less(calls, quantity), _less(puts, quantity)
    return total


_Side = list[tuple[Decimal, Decimal, Decimal]]


def _dearest_first(naked: list[OptionPosition], underlying: UnderlyingPrice) -> _Side:
    """Return (margin per contract, premium per contract, contracts) of each."""
    rows = [
        (
            naked_margin_per_contract(one, underlying),
            (one.mark or ZERO) * one.multiplier,
            -one.quantity,
        )
        for one in naked
    ]
    return sorted(rows, reverse=True)


def _less(side: _Side, quantity: Decimal) -> _Side:
    if not side:
        return side
    margin, premium, held = side[0]
    return [(margin, premium, held - quantity), *side[1:]] if held > quantity else side[1:]
