"""Names what is wrong with executions: those that one side lacks or has twice, and those told differently."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import time, timedelta
from decimal import Decimal

import msgspec

from audit.reconciliation.causes import Cause, Difference
from audit.reconciliation.commission_differences import commission_differences
from audit.reconciliation.ledger import CENT, HALF_CENT, Execution, Ledger, is_usd
from audit.reconciliation.matching import NS_PER_HOUR, PRICE_AGREES, Match, Matching, is_shifted
from audit.reconciliation.time_shift import HOURS_OF_ZONES
from market.time import NS_PER_SECOND, format_new_york, new_york_date, new_york_ns

CUTOFF_NEW_YORK = time(20, 20)
"""IBKR books later trades in securities on the next day's statement (Reporting Guide, cutoff times)."""


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The journal and who it is compared with; `engine_ids` are the execution ids that the engine knows.

    `own_orders` and `traded` are the client order ids and the symbols of the journal.
    """

    journal: Ledger
    other: Ledger
    window_ns: int
    engine_ids: Set[str] = frozenset()
    own_orders: Set[str] = frozenset()
    traded: Set[str] = frozenset()

    def __post_init__(self) -> None:
        executions = self.journal.executions
        orders = {each.client_order_id for each in executions if each.client_order_id is not None}
        msgspec.structs.force_setattr(self, "own_orders", orders | set(self.journal.ordered))
        msgspec.structs.force_setattr(self, "traded", {each.symbol for each in executions})


def execution_differences(matching: Matching, sides: Sides) -> list[Difference]:
    """Return all differences between executions, each once, those of single executions first."""
    found = [_only_ours(execution, sides) for execution in matching.only_ours]
    found += [_only_theirs(execution, sides) for execution in matching.only_theirs]
    found += [_twice_ours(execution, sides) for execution in matching.ours_twice]
    found += [_twice_theirs(execution, sides) for execution in matching.theirs_twice]
    like_for_like = []
    for pair in matching.matches:
        told_differently = _terms(pair, sides)
        if told_differently is None:
            like_for_like.append(pair)
        else:
            found.append(told_differently)
    comparable = [pair for pair in like_for_like if is_usd(pair.theirs)]
    found += commission_differences(comparable, sides.other.name)
    return found + list(_time_differences(like_for_like, sides))


def _only_ours(own: Execution, sides: Sides) -> Difference:
    cause: Cause = "missing_in_engine" if sides.other.name == "engine" else "missing_at_broker"
    why = f"the journal has {words(own)}, the {sides.other.name} does not"
    if sides.other.name == "statement" and _is_booked_outside(own, sides.other):
        cause = "another_period"
        why = f"{words(own)} is not of {_period(sides.other)}, which the statement covers"
    return _one_sided(own, sides, cause, why, sign=-1)


def _only_theirs(row: Execution, sides: Sides) -> Difference:
    cause, why = _cause_of_unknown(row, sides)
    return _one_sided(row, sides, cause, why, sign=1)


def _cause_of_unknown(row: Execution, sides: Sides) -> tuple[Cause, str]:
    said = f"the {sides.other.name} has {words(row)}"
    if row.event is not None:
        return row.event, f"{said}, which no order of ours made"
    if not is_usd(row):
        return "currency", f"{said}, in {row.currency}"
    if _is_outside(row, sides.journal):
        return "another_period", f"{said}; the journal covers {_period(sides.journal)}"
    if _is_of_another(row, sides):
        return "other_client", f"{said}, whose order is not one of the journal's"
    if row.exec_id is not None and row.exec_id in sides.engine_ids:
        return "missing_in_journal", f"{said} and so has the engine; the journal does not"
    return "missing_in_journal", f"{said}, the journal does not"


def _is_of_another(row: Execution, sides: Sides) -> bool:
    if row.client_order_id is not None:
        return row.client_order_id not in sides.own_orders
    return row.is_api_order is False or row.symbol not in sides.traded


def _twice_ours(own: Execution, sides: Sides) -> Difference:
    why = f"the journal has {words(own)} twice, with execution id {own.exec_id}"
    return _one_sided(own, sides, "duplicate_in_journal", why, sign=-1)


def _twice_theirs(row: Execution, sides: Sides) -> Difference:
    if row.event in ("cancellation", "correction"):
        why = f"the {sides.other.name} takes a trade back: {words(row)}"
        return _one_sided(row, sides, row.event, why, sign=1)
    cause: Cause = "duplicate_in_engine" if sides.other.name == "engine" else "duplicate_at_broker"
    why = f"the {sides.other.name} has {words(row)} twice"
    return _one_sided(row, sides, cause, why, sign=1)


def _one_sided(execution: Execution, sides: Sides, cause: Cause, why: str, *, sign: int) -> Difference:
    return Difference(
        other_side=sides.other.name,
        what="execution",
        cause=cause,
        symbol=execution.symbol,
        amount_usd=sign * execution.cash_usd if is_usd(execution) else Decimal(0),
        quantity=sign * execution.signed_quantity,
        journal=words(execution) if sign < 0 else None,
        other=words(execution) if sign > 0 else None,
        where=(execution.where,),
        why=why,
    )


def _terms(pair: Match, sides: Sides) -> Difference | None:
    """Return what two tellings of one execution differ in, or None when its terms are the same."""
    own, row = pair.total, pair.theirs
    named = _cause_of_terms(pair, sides)
    if named is None:
        return None
    cause, why = named
    is_foreign = cause == "currency"
    return Difference(
        other_side=sides.other.name,
        what="terms",
        cause=cause,
        symbol=own.symbol,
        amount_usd=Decimal(0) if is_foreign else row.cash_usd - own.cash_usd,
        quantity=row.signed_quantity - own.signed_quantity,
        journal=words(own),
        other=words(row),
        where=(own.where, row.where),
        why=why,
    )


def _cause_of_terms(pair: Match, sides: Sides) -> tuple[Cause, str] | None:
    own, row = pair.total, pair.theirs
    if not is_usd(row):
        return "currency", f"the {sides.other.name} counts this execution in {row.currency}"
    named = _differing_terms(pair, sides)
    is_corrected = row.event == "correction" or (
        pair.by == "exec_id" and None not in (own.exec_id, row.exec_id) and own.exec_id != row.exec_id
    )
    if named is not None and is_corrected:
        return "correction", f"execution {own.exec_id} was corrected: {words(own)} became {words(row)}"
    return named


def _differing_terms(pair: Match, sides: Sides) -> tuple[Cause, str] | None:
    own, row = pair.total, pair.theirs
    apart = row.price - own.price
    if own.side != row.side:
        return "wrong_side", f"the journal says {own.side}, the {sides.other.name} {row.side}"
    if own.quantity != row.quantity:
        return _cause_of_quantity(pair, sides)
    if abs(apart) > HALF_CENT:
        return "wrong_price", f"the {sides.other.name}'s price is {apart:+f} USD a share from the journal's"
    if own.multiplier != row.multiplier:
        return "contract_size", f"one contract is {own.multiplier} shares here and {row.multiplier} there"
    if abs(apart) >= PRICE_AGREES or abs(row.value_usd - own.value_usd) >= CENT:
        return "price_rounding", f"the prices differ by {apart:+f} USD a share, half a cent at most"
    return None


def _cause_of_quantity(pair: Match, sides: Sides) -> tuple[Cause, str]:
    """Return why quantities differ; a row of a whole order may be short of a fill of either side."""
    own, row = pair.total, pair.theirs
    more = row.quantity - own.quantity
    said = f"{own.quantity} in the journal, {row.quantity} in the {sides.other.name}"
    ordered = sides.journal.ordered.get(own.client_order_id or "")
    if row.is_order and more > 0 and ordered is not None and row.quantity <= ordered:
        return "missing_in_journal", f"{said}: a fill of {more} of this order is not in the journal"
    if row.is_order and len(pair.ours) > 1 and any(fill.quantity == -more for fill in pair.ours):
        return "missing_at_broker", f"{said}: a fill of {-more} of this order is not in the statement"
    return "wrong_quantity", said


def _time_differences(pairs: list[Match], sides: Sides) -> Iterator[Difference]:
    """Yield one difference for each distance in time beyond the window; a wrong zone moves all alike."""
    by_shift: dict[tuple[Cause, int], list[Match]] = {}
    for pair in pairs:
        own, row = pair.ours[-1], pair.theirs
        apart_ns = _apart_ns(pair)
        if row.ts_ns is None or own.ts_ns is None or abs(apart_ns) <= sides.window_ns:
            continue
        cause = _cause_of_time(abs(apart_ns), sides.window_ns)
        shift = round(apart_ns / NS_PER_HOUR) if cause != "clock" else apart_ns // NS_PER_SECOND
        by_shift.setdefault((cause, shift), []).append(pair)
    for (cause, shift), moved in by_shift.items():
        own, row = moved[0].ours[-1], moved[0].theirs
        unit = "seconds" if cause == "clock" else "hours"
        yield Difference(
            other_side=sides.other.name,
            what="time",
            cause=cause,
            symbol=own.symbol if len(moved) == 1 else None,
            journal=format_new_york(own.ts_ns or 0, places=0),
            other=format_new_york(row.ts_ns or 0, places=0),
            where=tuple(place for pair in moved[:3] for place in (pair.ours[-1].where, pair.theirs.where)),
            why=f"{len(moved)} executions are {shift:+d} {unit} from the journal's time",
        )


def _apart_ns(pair: Match) -> int:
    """Return how far the other side's time lies outside our first to last execution."""
    at = pair.theirs.ts_ns or 0
    times = [execution.ts_ns or 0 for execution in pair.ours]
    if min(times) <= at <= max(times):
        return 0
    return at - (min(times) if at < min(times) else max(times))


def _cause_of_time(apart_ns: int, window_ns: int) -> Cause:
    if not is_shifted(apart_ns, window_ns):
        return "clock"
    return "time_zone" if apart_ns <= HOURS_OF_ZONES * NS_PER_HOUR + window_ns else "another_day"


def _is_outside(execution: Execution, ledger: Ledger) -> bool:
    if execution.ts_ns is None or ledger.first_day is None or ledger.last_day is None:
        return False
    return not ledger.first_day <= new_york_date(execution.ts_ns) <= ledger.last_day


def _is_booked_outside(own: Execution, statement: Ledger) -> bool:
    """Say whether the statement's days leave an execution out, late trades counting for the next day."""
    if own.ts_ns is None or statement.first_day is None or statement.last_day is None:
        return False
    day = new_york_date(own.ts_ns)
    if own.ts_ns >= new_york_ns(day, CUTOFF_NEW_YORK):
        day += timedelta(days=1)
    return not statement.first_day <= day <= statement.last_day


def _period(ledger: Ledger) -> str:
    if ledger.first_day == ledger.last_day:
        return str(ledger.first_day)
    return f"{ledger.first_day} to {ledger.last_day}"


def words(execution: Execution) -> str:
    """Return an execution in words: side, quantity, symbol, price and time."""
    at = "" if execution.ts_ns is None else f" at {format_new_york(execution.ts_ns, places=0)}"
    name = execution.symbol.rpartition(".")[0] or execution.symbol
    return f"{execution.side} {execution.quantity:f} {name} @ {execution.price:f}{at}"
