"""Realized profit from executions alone, by the two methods that the sides use."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from decimal import Decimal

from audit.reconciliation.ledger import ZERO, Execution

_EXACT_PLACES = Decimal("0.00000001")
"""Finer than any statement, and coarser than what is left of divisions that do not come out even."""


def fifo_net_usd(executions: Iterable[Execution]) -> Decimal:
    """Return the realized profit of an account that began flat: first in, first out, commissions in it.

    Interactive Brokers' method: the commission of an opening trade belongs to its lot, that of a closing
    trade to what it closes; strategies share lots. `executions` are in order of time.
    """
    realized = ZERO
    lots: dict[str, deque[_Lot]] = defaultdict(deque)
    for execution in executions:
        realized += _trade(lots[execution.symbol], execution)
    return realized.quantize(_EXACT_PLACES)


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
    """Signed units that are still held, and the cash that they brought, commission included."""

    __slots__ = ("cash", "units")

    def __init__(self, units: Decimal, cash: Decimal) -> None:
        self.units = units
        self.cash = cash

    def take(self, units: Decimal) -> Decimal:
        """Take so many units (without sign) out of the lot; return their part of its cash."""
        part = self.cash if units == abs(self.units) else self.cash * units / abs(self.units)
        self.units -= units.copy_sign(self.units)
        self.cash -= part
        return part


def _trade(lots: deque[_Lot], execution: Execution) -> Decimal:
    trade = _Lot(execution.signed_quantity, execution.cash_usd)
    realized = ZERO
    while trade.units and lots and lots[0].units * trade.units < 0:
        closed = min(abs(lots[0].units), abs(trade.units))
        realized += lots[0].take(closed) + trade.take(closed)
        if not lots[0].units:
            lots.popleft()
    if trade.units:
        lots.append(trade)
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
