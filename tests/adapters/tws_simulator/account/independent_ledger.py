"""A second ledger, written from IB's price list and the margin rules, that sees only messages.

It shares no code with the simulator: exact fractions instead of decimals, commissions from the price
list, margin by trying prices. It knows the listings of the test's exchange and nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

F = Fraction
NOTHING = F(0)
TAF_PER_SHARE_2026 = F("0.000195")
TAF_MAX_2026 = F("9.79")
CAT_PER_SHARE_2026 = F("0.000003")


def cents(amount: Fraction) -> Fraction:
    """Round to cents, halves to even."""
    scaled = amount * 100
    low = math.floor(scaled)
    rest = scaled - low
    up = rest > F(1, 2) or (rest == F(1, 2) and low % 2 == 1)
    return F(low + up, 100)


def stock_order_commission(shares: int, value: Fraction, *, is_sale: bool) -> Fraction:
    """IB's fixed list for one order on 2026-01-02."""
    total = min(max(F("0.005") * shares, F(1)), value / 100) + CAT_PER_SHARE_2026 * shares
    if is_sale:
        total += min(TAF_PER_SHARE_2026 * shares, TAF_MAX_2026)
    return cents(total)


def option_order_commission(fills: list[tuple[int, Fraction]]) -> Fraction:
    """IB's option list, up to 10,000 contracts a month."""
    total = F(0)
    for contracts, premium in fills:
        rate = F("0.65") if premium >= F("0.10") else F("0.50") if premium >= F("0.05") else F("0.25")
        total += rate * contracts
    return cents(max(total, F(1)))


@dataclass
class AverageCost:
    """Quantity and average cost per unit including commissions, and the profit realized so far."""

    quantity: Fraction = NOTHING
    unit_cost: Fraction = NOTHING
    realized: Fraction = NOTHING

    def trade(self, quantity: Fraction, unit_price: Fraction, commission: Fraction) -> None:
        per_unit = unit_price + commission / quantity
        closing = F(0)
        if self.quantity * quantity < 0:
            closing = -self.quantity if abs(quantity) > abs(self.quantity) else quantity
            self.realized -= closing * (per_unit - self.unit_cost)
        opening = quantity - closing
        kept = self.quantity + closing
        if opening:
            self.unit_cost = (kept * self.unit_cost + opening * per_unit) / (kept + opening)
        self.quantity = kept + opening


@dataclass
class IndependentLedger:
    """Cash, positions, profit, commissions and margin from executions and quotes."""

    start: Fraction
    multipliers: dict[int, int]
    cash: Fraction = NOTHING
    holdings: dict[int, AverageCost] = field(default_factory=lambda: defaultdict(AverageCost))
    seen: set[str] = field(default_factory=set)
    orders: dict[tuple[int, int, str], list[tuple[int, Fraction]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    commissions: Fraction = NOTHING

    def __post_init__(self) -> None:
        self.cash = self.start

    def on_execution(self, details: Any) -> None:
        """Book an execution of a stock, an option or a leg; a combination's own is skipped."""
        execution, contract = details.execution, details.contract
        if contract.secType == "BAG" or execution.execId in self.seen:
            return
        self.seen.add(execution.execId)
        shares, price = int(execution.shares), F(repr(execution.price))
        fills = self.orders[execution.permId, contract.conId, execution.side]
        before = self._order_commission(contract.secType, execution.side, fills)
        fills.append((shares, price))
        commission = self._order_commission(contract.secType, execution.side, fills) - before
        self.commissions += commission
        quantity = F(shares if execution.side == "BOT" else -shares)
        unit = price * self.multipliers[contract.conId]
        self.cash -= quantity * unit + commission
        self.holdings[contract.conId].trade(quantity, unit, commission)

    @staticmethod
    def _order_commission(kind: str, side: str, fills: list[tuple[int, Fraction]]) -> Fraction:
        if not fills:
            return F(0)
        if kind == "OPT":
            return option_order_commission(fills)
        shares = sum(quantity for quantity, _ in fills)
        value = sum((quantity * price for quantity, price in fills), F(0))
        return stock_order_commission(shares, value, is_sale=side == "SLD")

    def quantities(self) -> dict[int, Fraction]:
        """Return what is held."""
        return {con_id: held.quantity for con_id, held in self.holdings.items() if held.quantity}

    def realized(self) -> Fraction:
        """Return the realized profit."""
        return sum((held.realized for held in self.holdings.values()), F(0))

    def net_liquidation(self, marks: dict[int, Fraction]) -> Fraction:
        """Return cash and what is held at `marks`."""
        held = self.quantities().items()
        return self.cash + sum(
            (quantity * marks[con_id] * self.multipliers[con_id] for con_id, quantity in held), F(0)
        )


def stock_initial(quantity: Fraction, price: Fraction) -> Fraction:
    """Return half the value; for shorts at least the maintenance requirement."""
    half = abs(quantity) * price / 2
    return half if quantity > 0 else max(half, stock_maintenance(quantity, price))


def stock_maintenance(quantity: Fraction, price: Fraction) -> Fraction:
    """Return the requirement of IB's table."""
    if quantity > 0:
        return quantity * price / 4
    if price >= F("16.67"):
        per_share = max(price * F("0.30"), F(5))
    elif price >= 5:
        per_share = F(5)
    else:
        per_share = max(price, F("2.50"))
    return -quantity * per_share


def option_requirement(
    held: dict[tuple[str, int], int], marks: dict[tuple[str, int], Fraction], price: Fraction, stock: int
) -> Fraction:
    """Return the margin of options of one expiry and two strikes a side, contract by contract.

    `held` is contracts by (right, strike).
    """
    units: list[tuple[str, int, int]] = []
    for (right, strike), quantity in held.items():
        units += [(right, strike, 1 if quantity > 0 else -1)] * abs(quantity)
    cover = {"C": max(stock, 0) // 100, "P": max(-stock, 0) // 100}
    shorts = []
    for right, strike, sign in sorted(units, key=lambda unit: unit[1] if unit[0] == "C" else -unit[1]):
        if sign < 0 and cover[right] > 0:
            cover[right] -= 1
        elif sign < 0:
            shorts.append((right, strike))
    all_naked = _naked(shorts, marks, price)
    longs = [(right, strike) for right, strike, sign in units if sign > 0]
    paired: list[tuple[str, int, int]] = []
    distances = sorted(
        {
            (_at_risk(short, long), abs(short[1] - long[1]))
            for short in shorts
            for long in longs
            if short[0] == long[0]
        }
    )
    for wanted in distances:
        for short in list(shorts):
            for long in longs:
                if short[0] == long[0] and (_at_risk(short, long), abs(short[1] - long[1])) == wanted:
                    shorts.remove(short)
                    longs.remove(long)
                    paired += [(*short, -1), (*long, 1)]
                    break
    worst = min((sum((_payoff(unit, at) for unit in paired), F(0)) for at in range(0, 401, 5)), default=F(0))
    return min(all_naked, max(-worst, F(0)) + _naked(shorts, marks, price))


def _at_risk(short: tuple[str, int], long: tuple[str, int]) -> int:
    return max(long[1] - short[1] if short[0] == "C" else short[1] - long[1], 0)


def _payoff(unit: tuple[str, int, int], at: int) -> Fraction:
    right, strike, sign = unit
    return F(100 * sign * max(at - strike if right == "C" else strike - at, 0))


def _naked(
    shorts: list[tuple[str, int]], marks: dict[tuple[str, int], Fraction], price: Fraction
) -> Fraction:
    def rows(right: str) -> list[tuple[Fraction, Fraction]]:
        found = []
        for short in shorts:
            if short[0] == right:
                strike = F(short[1])
                out = max(strike - price if right == "C" else price - strike, F(0))
                floor = (price if right == "C" else strike) / 10
                premium = 100 * marks[short]
                found.append((100 * max(price / 5 - out, floor) + premium, premium))
        return sorted(found, reverse=True)

    calls, puts = rows("C"), rows("P")
    total = F(0)
    for index in range(max(len(calls), len(puts))):
        pair = sorted((side[index] for side in (calls, puts) if index < len(side)), reverse=True)
        total += pair[0][0] + sum((premium for _, premium in pair[1:]), F(0))
    return total
