"""Realized profit from executions alone, by the two methods that the sides use."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from decimal import Decimal

from audit.reconciliation.ledger import ZERO, Execution


def fifo_net_usd(executions: Iterable[Execution]) -> Decimal:
    """Return the realized profit of an account that began flat: first in, first out, commissions in it.

    Interactive Brokers' method: the commission of an opening trade belongs to its lot, that of a closing
    trade to what it closes; strategies share lots. `executions` are in order of time.
    """
    realized = ZERO
    lots: dict[str, deque[_Lot]] = defaultdict(deque)
    for execution in executions:
        realized += _trade(lots[execution.symbol], execution)
    return realized


def average_gross_usd(executions: Iterable[Execution]) -> Decimal:
    """Return the profit before commissions as a run's summary counts it; `executions` in order of time.

    Each strategy owns its shares. What is still open counts at the average price of all that was entered
    since the strategy was last flat.
    """
    legs: dict[tuple[str, str], list[Execution]] = defaultdict(list)
    for execution in executions:
        legs[execution.book, execution.symbol].append(execution)
    return sum((_gross(leg) for leg in legs.values()), ZERO)


class _Lot:
    """Signed units that are still held, and what one of them brought in cash, commission included."""

    __slots__ = ("cash_per_unit", "units")

    def __init__(self, units: Decimal, cash_per_unit: Decimal) -> None:
        self.units = units
        self.cash_per_unit = cash_per_unit


def _trade(lots: deque[_Lot], execution: Execution) -> Decimal:
    units = execution.signed_quantity
    if not units:
        return ZERO
    cash_per_unit = execution.cash_usd / abs(units)
    realized = ZERO
    while units and lots and lots[0].units * units < 0:
        lot = lots[0]
        closed = min(abs(lot.units), abs(units))
        realized += closed * (lot.cash_per_unit + cash_per_unit)
        lot.units -= closed.copy_sign(lot.units)
        units -= closed.copy_sign(units)
        if not lot.units:
            lots.popleft()
    if units:
        lots.append(_Lot(units, cash_per_unit))
    return realized


def _gross(leg: Sequence[Execution]) -> Decimal:
    """Return the cash of one strategy's trades in one symbol, what is open valued at its entries' average."""
    cash = held = entered = cost = ZERO
    for execution in leg:
        change, unit = execution.signed_quantity, execution.price * execution.multiplier
        cash += execution.value_usd
        if held * change >= 0:
            entered, cost = entered + abs(change), cost + abs(change) * unit
        elif abs(change) >= abs(held):  # flat, or beyond: what is left is a new entry
            entered = abs(change) - abs(held)
            cost = entered * unit
        held += change
    return cash + (held * cost / entered if held else ZERO)
