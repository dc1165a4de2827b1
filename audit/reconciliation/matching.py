"""Finds which executions of two sides are the same, so that what is left over is a difference.

First by execution id; a broker's correction carries the id of what it corrects with another last part. Then,
for statements without ids, by terms: symbol, side, quantity, price and time within a window. A statement's
row for a whole order is matched with all executions of one of our orders together. At last by likeness:
executions of one symbol that differ in one term alone are the same one, told wrongly by a side.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from audit.reconciliation.ledger import ZERO, Execution, fees_of
from market.time import NS_PER_MINUTE

PRICE_AGREES = Decimal("0.00005")
"""Average prices that differ by less, in USD a share, are equal: statements round them to four decimals."""

NS_PER_HOUR = 60 * NS_PER_MINUTE
NS_PER_DAY = 24 * NS_PER_HOUR

_NO_ORDER = frozenset(("assignment", "exercise", "expiry", "corporate_action"))
AVERAGE_PLACES = Decimal("0.0001")
_IB_EXEC_ID = re.compile(r"(?P<stem>[0-9a-f]+\.[0-9a-f]+\.\d+)\.\d+")
Terms = tuple[str, str, Decimal, Decimal]
"""Symbol, side, quantity and price."""

MatchedBy = Literal["exec_id", "terms", "likeness"]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What our side says, one execution or all of an order, and what the other side says of the same."""

    ours: tuple[Execution, ...]
    theirs: Execution
    by: MatchedBy

    @property
    def total(self) -> Execution:
        """Our executions as one."""
        return together(self.ours)


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """All of two sides' executions: the same, told twice by a side, and known to one side alone."""

    matches: tuple[Match, ...]
    ours_twice: tuple[Execution, ...]
    theirs_twice: tuple[Execution, ...]
    only_ours: tuple[Execution, ...]
    only_theirs: tuple[Execution, ...]


def together(executions: Sequence[Execution]) -> Execution:
    """Return executions of one order as one: quantities added, average price, time of the last."""
    if len(executions) == 1:
        return executions[0]
    units = sum((execution.signed_quantity for execution in executions), ZERO)
    traded = sum((execution.quantity for execution in executions), ZERO)
    value = sum((execution.quantity * execution.price for execution in executions), ZERO)
    first = executions[0]
    return msgspec.structs.replace(
        executions[-1],
        where=f"{first.where} to {executions[-1].where.rpartition(' ')[2]}",
        side="BUY" if units > 0 else "SELL",
        quantity=abs(units),
        price=value / traded,
        stated_value_usd=sum((execution.value_usd for execution in executions), ZERO),
        commission_usd=fees_of(executions),
        exec_id=None,
    )


def match(ours: Sequence[Execution], theirs: Sequence[Execution], *, window_ns: int) -> Matching:
    """Return how the executions of two sides belong together; `window_ns` is how far clocks may differ."""
    own, own_twice = _without_repeats(ours)
    other, other_twice = _without_repeats(theirs)
    pool = _Pool(own, other, window_ns)
    pool.pair_by(lambda execution: execution.exec_id)
    pool.pair_by(_corrected_id)
    pool.pair_orders_by_id()
    for is_order in (True, False):
        pool.pair_equal(is_order=is_order)
        pool.pair_alike(is_order=is_order)
    repeats = pool.repeats()
    return Matching(
        matches=tuple(pool.matches),
        ours_twice=tuple(own_twice),
        theirs_twice=(*other_twice, *(pool.theirs[number] for number in repeats)),
        only_ours=tuple(pool.ours.values()),
        only_theirs=tuple(row for number, row in pool.theirs.items() if number not in repeats),
    )


def _without_repeats(executions: Iterable[Execution]) -> tuple[list[Execution], list[Execution]]:
    """Return the executions, and apart those whose id came before."""
    seen: set[tuple[str, str]] = set()
    once, twice = [], []
    for execution in executions:
        key = (execution.symbol, execution.exec_id or "")
        if execution.exec_id is not None and key in seen:
            twice.append(execution)
        else:
            seen.add(key)
            once.append(execution)
    return once, twice


def _corrected_id(execution: Execution) -> str | None:
    found = _IB_EXEC_ID.fullmatch(execution.exec_id or "")
    return found["stem"] if found else None


class _Pool:
    """What is not matched yet, by a number of its own."""

    def __init__(self, ours: Sequence[Execution], theirs: Sequence[Execution], window_ns: int) -> None:
        self.ours = dict(enumerate(ours))
        self.theirs = dict(enumerate(theirs))
        self.matches: list[Match] = []
        self._window_ns = window_ns

    def pair_by(self, key_of: Callable[[Execution], str | None]) -> None:
        """Pair executions of one symbol with the same key, one to one."""
        waiting: dict[tuple[str, str | None], deque[int]] = defaultdict(deque)
        for number, execution in self.ours.items():
            if key_of(execution) is not None:
                waiting[execution.symbol, key_of(execution)].append(number)
        for number, execution in list(self.theirs.items()):
            queue = waiting.get((execution.symbol, key_of(execution)))
            if queue:
                self._take((queue.popleft(),), number, by="exec_id")

    def pair_orders_by_id(self) -> None:
        """Pair rows of whole orders with our executions of the same order, where they name it."""
        units = self._units(is_order=True)
        by_id = {
            (self.ours[unit[0]].symbol, name): unit
            for unit in units
            for name in (self.ours[unit[0]].client_order_id, self.ours[unit[0]].order_id)
            if name is not None
        }
        for number in self._rows(is_order=True):
            row = self.theirs[number]
            for name in (row.client_order_id, row.order_id):
                unit = by_id.get((row.symbol, name or ""))
                if unit is not None and all(each in self.ours for each in unit):
                    self._take(unit, number, by="exec_id")
                    break

    def pair_equal(self, *, is_order: bool) -> None:
        """Pair what has equal terms and times within the window, in order of time."""
        waiting: dict[Terms, deque[tuple[int, ...]]] = defaultdict(deque)
        for unit in sorted(self._units(is_order=is_order), key=lambda unit: self._total(unit).ts_ns or 0):
            waiting[terms_of(self._total(unit), is_order=is_order)].append(unit)
        for number in self._rows(is_order=is_order):
            row = self.theirs[number]
            queue = waiting[terms_of(row, is_order=is_order)]
            while queue and _lead_ns(row, self._total(queue[0])) > self._window_ns:
                queue.popleft()  # too early for this row, and for all that follow
            if queue and _lead_ns(row, self._total(queue[0])) >= -self._window_ns:
                self._take(queue.popleft(), number, by="terms")

    def pair_alike(self, *, is_order: bool) -> None:
        """Pair what differs in one term alone, the most alike and the nearest in time first."""
        found = []
        candidates = _Candidates(
            [(unit, self._total(unit)) for unit in self._units(is_order=is_order)],
            window_ns=self._window_ns,
            is_order=is_order,
        )
        for number in self._rows(is_order=is_order):
            row = self.theirs[number]
            for unit in candidates.of(row):
                unlikeness = self._unlikeness(self._total(unit), row)
                if unlikeness is not None:
                    found.append((*unlikeness, unit, number))
        for *_, unit, number in sorted(found):
            if number in self.theirs and all(each in self.ours for each in unit):
                self._take(unit, number, by="likeness")

    def repeats(self) -> list[int]:
        """Return which rows of theirs without a counterpart say again what a matched one said."""
        told = {(terms_of(pair.theirs, is_order=False), pair.theirs.ts_ns) for pair in self.matches}
        return [
            number
            for number, row in self.theirs.items()
            if row.exec_id is None and (terms_of(row, is_order=False), row.ts_ns) in told
        ]

    def _unlikeness(self, own: Execution, row: Execution) -> tuple[int, int] | None:
        """Return in how many terms two differ and how far in time, or None when they are not the same."""
        apart_ns = abs(_lead_ns(row, own))
        is_near = apart_ns <= self._window_ns
        differing = {
            "side": own.side != row.side,
            "quantity": own.quantity != row.quantity,
            "price": abs(own.price - row.price) >= PRICE_AGREES,
            "time": not is_near,
        }
        names = {name for name, differs in differing.items() if differs}
        have_ids = own.exec_id is not None and row.exec_id is not None
        if names and (have_ids or row.event in _NO_ORDER):
            return None
        part_of_order = row.is_order and names == {"quantity", "price"}
        if len(names) > 1 and not part_of_order:
            return None
        if names == {"time"} and not is_shifted(apart_ns, self._window_ns):
            return None
        return len(names), apart_ns

    def _take(self, unit: Sequence[int], number: int, *, by: MatchedBy) -> None:
        own = tuple(self.ours.pop(each) for each in unit)
        self.matches.append(Match(ours=own, theirs=self.theirs.pop(number), by=by))

    def _rows(self, *, is_order: bool) -> list[int]:
        return [number for number, row in self.theirs.items() if row.is_order == is_order]

    def _units(self, *, is_order: bool) -> list[tuple[int, ...]]:
        """Return our executions one by one, or those of each order together."""
        if not is_order:
            return [(number,) for number in self.ours]
        return orders_of(self.ours)

    def _total(self, unit: Sequence[int]) -> Execution:
        return together([self.ours[number] for number in unit])


class _Candidates:
    """Our executions by symbol and time, and by terms: few of many can be the same as a row of theirs."""

    def __init__(
        self, units: Sequence[tuple[tuple[int, ...], Execution]], *, window_ns: int, is_order: bool
    ) -> None:
        self._window_ns = window_ns
        self._is_order = is_order
        self._timed: dict[str, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
        self._by_terms: dict[Terms, list[tuple[int, ...]]] = defaultdict(list)
        for unit, total in units:
            self._timed[total.symbol].append((total.ts_ns or 0, unit))
            self._by_terms[terms_of(total, is_order=is_order)].append(unit)
        for timed in self._timed.values():
            timed.sort()

    def of(self, row: Execution) -> set[tuple[int, ...]]:
        """Return ours of the row's symbol at about its time, and those with its terms at any time."""
        timed = self._timed.get(row.symbol, [])
        first, end = 0, len(timed)
        if row.ts_ns is not None:
            first = bisect_left(timed, row.ts_ns - self._window_ns, key=_time_of_unit)
            end = bisect_right(timed, row.ts_ns + self._window_ns, key=_time_of_unit)
        alike = self._by_terms.get(terms_of(row, is_order=self._is_order), ())
        return {unit for _, unit in timed[first:end]} | set(alike)


def _time_of_unit(timed: tuple[int, tuple[int, ...]]) -> int:
    return timed[0]


def is_shifted(apart_ns: int, window_ns: int) -> bool:
    """Say whether a distance in time is whole hours, or a day and more: a zone or a date told wrongly."""
    from_hour = min(apart_ns % NS_PER_HOUR, -apart_ns % NS_PER_HOUR)
    return apart_ns >= NS_PER_HOUR - window_ns and (from_hour <= window_ns or apart_ns >= NS_PER_DAY)


def orders_of(numbered: Mapping[int, Execution]) -> list[tuple[int, ...]]:
    """Return the numbers of executions order by order; one that names no order stands alone."""
    orders: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, each in numbered.items():
        orders[each.client_order_id or each.where, each.symbol, each.side].append(number)
    return [tuple(order) for order in orders.values()]


def terms_of(execution: Execution, *, is_order: bool) -> Terms:
    """Return what equal executions have in common; an order's average price is rounded as statements do."""
    price = execution.price.quantize(AVERAGE_PLACES) if is_order else execution.price
    return execution.symbol, execution.side, execution.quantity, price


def _lead_ns(row: Execution, own: Execution) -> int:
    """Return how much later the row is; 0 where a side names no time."""
    return 0 if row.ts_ns is None or own.ts_ns is None else row.ts_ns - own.ts_ns
