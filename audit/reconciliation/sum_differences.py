"""Checks a side's own sums against its own executions: positions, cash, fees, realized profit.

Together with the comparison of executions this reconciles to the cent: where the executions of two sides
agree and each side's sums follow from its executions, the sums agree. What does not follow is named here,
once, and not again as a consequence of each execution that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from audit.reconciliation.causes import Cause, Difference
from audit.reconciliation.ledger import (
    CENT,
    HALF_CENT,
    ZERO,
    CashMovement,
    Execution,
    Ledger,
    SideName,
    cash_of,
    fees_of,
    is_usd,
    traded_positions,
)
from audit.reconciliation.lots import average_gross_usd, fifo_net_usd

_CAUSE_OF_MOVEMENT: dict[str, Cause] = {
    "deposit": "deposit",
    "dividend": "dividend",
    "interest": "interest",
    "fee": "fee",
    "tax": "tax",
    "transfer": "transfer",
    "currency": "currency",
    "other": "cash_other",
}

_METHODS: dict[SideName, tuple[Callable[[Iterable[Execution]], Decimal], Cause]] = {
    "engine": (average_gross_usd, "sums_disagree"),
    "statement": (fifo_net_usd, "lot_method"),
}
"""How each side counts realized profit, and what it is called when that does not follow."""


def sum_differences(journal: Ledger, other: Ledger, *, twice: Sequence[Execution]) -> list[Difference]:
    """Return what the other side states and does not follow from its executions; `twice` may count once.

    A sum that follows from the journal's executions is sound, too: then an execution was told wrongly, or
    left out, and the sum was not. That difference is named with the execution.
    """
    found = list(_positions(journal, other, twice))
    found += _starting_cash(journal, other)
    found += [_movement(movement, other) for movement in other.movements]
    found += _cash(journal, other, twice)
    found += _fees(journal, other, twice)
    found += _realized(journal, other, twice)
    return found


def _positions(journal: Ledger, other: Ledger, twice: Sequence[Execution]) -> Iterator[Difference]:
    if other.positions is None:
        return
    traded = traded_positions(other.executions)
    repeated, ours = traded_positions(twice), traded_positions(journal.executions)
    for symbol in sorted({*other.positions, *traded, *journal.starting_positions}):
        stated = other.positions.get(symbol, ZERO)
        started = journal.starting_positions.get(symbol, ZERO)
        follows = started + traded.get(symbol, ZERO)
        once = stated - follows + repeated.get(symbol, ZERO)
        more = _nearest(stated - follows, once, stated - started - ours.get(symbol, ZERO))
        if more:
            cause, why = _cause_of_position(symbol, other)
            yield Difference(
                other_side=other.name,
                what="position",
                cause=cause,
                symbol=symbol,
                quantity=more,
                journal=f"{follows:f}",
                other=f"{stated:f}",
                why=f"the {other.name} ends with {stated:f}, its trades leave {follows:f}: {why}",
            )


def _cause_of_position(symbol: str, other: Ledger) -> tuple[Cause, str]:
    if symbol in other.corporate_actions:
        return "corporate_action", other.corporate_actions[symbol]
    if other.name == "engine":
        return "sums_disagree", "the engine's position is not the sum of its fills"
    return "position_from_before", "held from before, transferred, or changed without a trade"


def _starting_cash(journal: Ledger, other: Ledger) -> Iterator[Difference]:
    ours, theirs = journal.starting_cash_usd, other.starting_cash_usd
    if ours is None or theirs is None or abs(theirs - ours) < CENT:
        return
    yield _sum_difference(other, "cash", "starting_cash", (ours, theirs), "the day began with different cash")


def _movement(movement: CashMovement, other: Ledger) -> Difference:
    return Difference(
        other_side=other.name,
        what="cash",
        cause=_CAUSE_OF_MOVEMENT[movement.kind],
        amount_usd=movement.amount_usd,
        other=f"{movement.amount_usd:f} USD",
        where=(movement.where,),
        why=f"cash that no trade brought: {movement.label} {movement.amount_usd:+f} USD",
    )


def _cash(journal: Ledger, other: Ledger, twice: Sequence[Execution]) -> Iterator[Difference]:
    if other.starting_cash_usd is None or other.ending_cash_usd is None or not says_commissions(other):
        return
    change = other.ending_cash_usd - other.starting_cash_usd
    moved = sum((movement.amount_usd for movement in other.movements), ZERO)
    follows = moved + cash_of(filter(is_usd, other.executions))
    once = change - follows + cash_of(filter(is_usd, twice))
    more = _nearest(change - follows, once, change - moved - cash_of(journal.executions))
    # Nautilus rounds the account to a cent with every fill; a statement keeps all digits.
    slack = HALF_CENT * len(other.executions) if other.name == "engine" else ZERO
    if abs(more) < CENT or abs(more) <= slack:
        return
    cause: Cause = "sums_disagree" if other.name == "engine" else "cash_unexplained"
    why = "the change of cash is not what trades and the other lines add up to"
    yield _sum_difference(other, "cash", cause, (follows, follows + more), why)


def _fees(journal: Ledger, other: Ledger, twice: Sequence[Execution]) -> Iterator[Difference]:
    if other.fees_usd is None:
        return
    follows = fees_of(other.executions)
    once = other.fees_usd - follows + fees_of(twice)
    more = _nearest(other.fees_usd - follows, once, other.fees_usd - fees_of(journal.executions))
    if abs(more) >= CENT:
        why = "the stated fees are not the sum of the commissions"
        yield _sum_difference(other, "fees", "sums_disagree", (follows, follows + more), why, sign=-1)


def _realized(journal: Ledger, other: Ledger, twice: Sequence[Execution]) -> Iterator[Difference]:
    if other.realized_usd is None or not can_realize(journal, other):
        return
    realized, named = _METHODS[other.name]
    follows = realized(other.executions)
    without, ours = realized(_without(other.executions, twice)), realized(journal.executions)
    more = _nearest(*(other.realized_usd - amount for amount in (follows, without, ours)))
    slack = HALF_CENT * len(other.executions) if _prints_cents(other) else ZERO
    if abs(more) >= CENT and abs(more) > slack:
        why = "the stated realized profit is not what the trades give, first in, first out"
        yield _sum_difference(other, "realized", named, (follows, follows + more), why)


def says_commissions(other: Ledger) -> bool:
    """Say whether a side names all commissions of trades in USD: without them its cash cannot follow."""
    return all(execution.commission_usd is not None for execution in filter(is_usd, other.executions))


def can_realize(journal: Ledger, other: Ledger) -> bool:
    """Say whether realized profit follows from the trades: all in USD, from flat, order rows only to flat."""
    executions = other.executions
    if not says_commissions(other):
        return False
    if journal.starting_positions or other.corporate_actions or not all(map(is_usd, executions)):
        return False
    if any(execution.event is not None for execution in executions):
        return False
    held = traded_positions(executions)
    stated = held if other.positions is None else other.positions
    if any(stated.get(symbol, ZERO) != quantity for symbol, quantity in held.items()):
        return False
    return not any(execution.is_order and held[execution.symbol] for execution in executions)


def _prints_cents(other: Ledger) -> bool:
    """Say whether a statement rounds the profit of each execution to a cent."""
    printed = [each.realized_usd for each in other.executions if each.realized_usd is not None]
    return bool(printed) and all(amount == amount.quantize(CENT) for amount in printed)


def _without(executions: Sequence[Execution], twice: Sequence[Execution]) -> list[Execution]:
    """Return the executions less one telling of each that was told twice."""
    places = {execution.where for execution in twice}
    return [execution for execution in executions if execution.where not in places]


def _nearest(*amounts: Decimal) -> Decimal:
    return min(amounts, key=abs)


def _sum_difference(
    other: Ledger, what: str, cause: Cause, amounts: tuple[Decimal, Decimal], why: str, *, sign: int = 1
) -> Difference:
    follows, stated = amounts
    return Difference(
        other_side=other.name,
        what=what,  # type: ignore[arg-type]
        cause=cause,
        amount_usd=sign * (stated - follows),
        journal=f"{follows:.4f} USD",
        other=f"{stated:.4f} USD",
        why=f"{why}: {stated - follows:+.4f} USD",
    )
