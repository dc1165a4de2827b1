"""Reconciles journal, engine and broker, and says in one table and one list where they disagree."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from audit.reconciliation.causes import Difference
from audit.reconciliation.execution_differences import Sides, execution_differences
from audit.reconciliation.ledger import (
    ZERO,
    Execution,
    Ledger,
    SideName,
    cash_of,
    fees_of,
    is_usd,
    traded_positions,
)
from audit.reconciliation.lots import fifo_net_usd
from audit.reconciliation.matching import NS_PER_HOUR, match
from audit.reconciliation.sum_differences import can_realize, sum_differences
from audit.reconciliation.time_shift import hours_apart
from market.time import NS_PER_SECOND

DEFAULT_WINDOW_NS = 60 * NS_PER_SECOND
"""How far the times of one execution may lie apart: statements know seconds, and clocks differ."""


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """One sum as each side has it; None where a side is not there or does not say.

    `apart` is the largest difference between two sides that say it.
    """

    name: str
    journal: Decimal | None = None
    engine: Decimal | None = None
    statement: Decimal | None = None
    apart: Decimal = ZERO

    @property
    def is_usd(self) -> bool:
        """Whether it is an amount of money."""
        return " USD" in self.name


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """The result: sums side by side, what differs and why, and what could not be compared."""

    sides: tuple[SideName, ...]
    account: str | None
    period: tuple[str, str] | None
    totals: tuple[Total, ...]
    differences: tuple[Difference, ...]
    not_compared: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that was compared is the same to the cent."""
        return not self.differences

    @property
    def apart_usd(self) -> Decimal:
        """By how much sums in USD lie apart at most: rounding of the fills, where all agrees."""
        return max((total.apart for total in self.totals if total.is_usd), default=ZERO)


def reconcile(
    journal: Ledger,
    *,
    engine: Ledger | None = None,
    statement: Ledger | None = None,
    window_ns: int = DEFAULT_WINDOW_NS,
) -> Reconciliation:
    """Compare the journal with the engine and with the broker's statement, whichever are given."""
    found: list[Difference] = []
    remarks: list[str] = []
    others = [side for side in (engine, statement) if side is not None]
    engine_ids = {each.exec_id for each in engine.executions if each.exec_id} if engine else set()
    for other in others:
        scope = _scope_difference(journal, other)
        remarks += other.remarks
        if scope is not None:
            found.append(scope)
            remarks.append(f"All else of the {other.name}: {scope.why}.")
            continue
        own_account, foreign = _by_account(journal, other)
        found += foreign
        found += _differences(journal, own_account, window_ns=window_ns, engine_ids=engine_ids)
        if other.realized_usd is not None and not can_realize(journal, own_account):
            remarks.append(_why_not_realized(own_account))
    days = journal.first_day, journal.last_day
    return Reconciliation(
        sides=("journal", *(side.name for side in others)),
        account=journal.account,
        period=None if None in days else (str(days[0]), str(days[1])),
        totals=_totals(journal, engine, statement),
        differences=tuple(found),
        not_compared=tuple(dict.fromkeys(remarks)),
    )


def _why_not_realized(other: Ledger) -> str:
    silent = [each for each in filter(is_usd, other.executions) if each.commission_usd is None]
    if silent:
        return (
            f"Commissions, cash and realized profit of the {other.name}: {len(silent)} of its trades say no "
            f"commission, the first on {silent[0].where}. Add the field ibCommission to the Flex query's "
            "section Trades (a CSV statement has it as Comm/Fee)."
        )
    return f"Realized profit of the {other.name}: it depends on lots from before, or is no trade."


def _differences(journal: Ledger, other: Ledger, *, window_ns: int, engine_ids: set[str]) -> list[Difference]:
    found: list[Difference] = []
    hours = hours_apart(journal.executions, other.executions, window_ns=window_ns)
    if hours:
        found.append(_wrong_zone(other, hours))
        other = _moved(other, -hours * NS_PER_HOUR)
    matching = match(journal.executions, other.executions, window_ns=window_ns)
    sides = Sides(journal=journal, other=other, window_ns=window_ns, engine_ids=frozenset(engine_ids))
    found += execution_differences(matching, sides)
    return found + sum_differences(journal, other, twice=matching.theirs_twice)


def _wrong_zone(other: Ledger, hours: int) -> Difference:
    return Difference(
        other_side=other.name,
        what="time",
        cause="time_zone",
        where=(other.executions[0].where,),
        why=f"{len(other.executions)} executions are {hours:+d} hours from the journal's time",
    )


def _moved(ledger: Ledger, by_ns: int) -> Ledger:
    """Return a ledger whose executions without ids happened so much later."""
    executions = tuple(
        msgspec.structs.replace(each, ts_ns=each.ts_ns + by_ns)
        if each.exec_id is None and each.ts_ns is not None
        else each
        for each in ledger.executions
    )
    return msgspec.structs.replace(ledger, executions=executions)


def _scope_difference(journal: Ledger, other: Ledger) -> Difference | None:
    """Return why nothing can be compared: another account, or no day in common."""
    if None not in (journal.account, other.account) and journal.account != other.account:
        return Difference(
            other_side=other.name,
            what="scope",
            cause="another_account",
            journal=journal.account,
            other=other.account,
            why=f"the statement is of account {other.account}, the journal of {journal.account}",
        )
    if None in (journal.first_day, other.first_day, journal.last_day, other.last_day):
        return None
    if other.last_day < journal.first_day or journal.last_day < other.first_day:  # type: ignore[operator]
        return Difference(
            other_side=other.name,
            what="scope",
            cause="another_period",
            journal=f"{journal.first_day} to {journal.last_day}",
            other=f"{other.first_day} to {other.last_day}",
            why=f"the statement covers {other.first_day} to {other.last_day}, the journal "
            f"{journal.first_day} to {journal.last_day}",
        )
    return None


def _by_account(journal: Ledger, other: Ledger) -> tuple[Ledger, list[Difference]]:
    """Return the other side without what its rows give to other accounts, and that as differences."""
    account = journal.account or other.account
    foreign = [each for each in other.executions if each.account and account and each.account != account]
    if not foreign:
        return other, []
    own = tuple(each for each in other.executions if each not in foreign)
    return msgspec.structs.replace(other, executions=own), [_foreign(each, other) for each in foreign]


def _foreign(execution: Execution, other: Ledger) -> Difference:
    return Difference(
        other_side=other.name,
        what="execution",
        cause="another_account",
        symbol=execution.symbol,
        amount_usd=execution.cash_usd,
        quantity=execution.signed_quantity,
        other=execution.account,
        where=(execution.where,),
        why=f"the row is of account {execution.account}",
    )


def _totals(journal: Ledger, engine: Ledger | None, statement: Ledger | None) -> tuple[Total, ...]:
    sides = (journal, engine, statement)
    sums = [None if side is None else _sums(side) for side in sides]
    symbols = sorted({each.symbol for side in sides if side is not None for each in side.executions})
    held = {f"{symbol} at the end": [_held(side, symbol) for side in sides] for symbol in symbols}
    rows = {name: [None if each is None else each[name] for each in sums] for name in _sums(journal)}
    rows |= {name: values for name, values in held.items() if any(values)}
    return tuple(
        Total(name=name, journal=values[0], engine=values[1], statement=values[2], apart=_apart(values))
        for name, values in rows.items()
        if any(value is not None for value in values)
    )


def _apart(values: Iterable[Decimal | None]) -> Decimal:
    said = [value for value in values if value is not None]
    return max(said) - min(said)


def _sums(side: Ledger) -> dict[str, Decimal | None]:
    in_usd = list(filter(is_usd, side.executions))
    ending = side.ending_cash_usd
    if ending is None and side.name == "journal" and side.starting_cash_usd is not None:
        ending = side.starting_cash_usd + cash_of(in_usd)
    return {
        "executions or order rows": Decimal(len(side.executions)),
        "shares and contracts": sum((each.quantity for each in side.executions), ZERO),
        "fees USD": fees_of(in_usd),
        "cash from trades USD": cash_of(in_usd),
        "realized USD (first in, first out)": fifo_net_usd(in_usd),
        "cash at the end USD": ending,
    }


def _held(side: Ledger | None, symbol: str) -> Decimal | None:
    if side is None:
        return None
    if side.positions is not None:
        return side.positions.get(symbol, ZERO)
    started = side.starting_positions.get(symbol, ZERO)
    return started + traded_positions(side.executions).get(symbol, ZERO)
