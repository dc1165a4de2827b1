"""The expiries of a chain: where each begins, its New York date, days left, kind, and events before it.

A chain's rows are ordered by expiry, so that everything about expiries is worked out once for each of them
and spread over its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.option_chain import OptionChain
from market.time import new_york_date
from scanner.context import Event
from scanner.criteria import EventRule, ExpiryKind

_FRIDAY, _SATURDAY = 4, 5


@dataclass(frozen=True)
class Expiries:
    """The m expiries of a chain in order of time."""

    first_row: NDArray[np.intp]
    """Row at which each begins, shape `(m,)`."""
    count: NDArray[np.intp]
    dates: tuple[date, ...]
    today: date

    @classmethod
    def of(cls, chain: OptionChain) -> Expiries:
        """Return the expiries of `chain`; needs its order."""
        expiry_ns = chain.expiry_ns
        changes = np.flatnonzero(expiry_ns[1:] != expiry_ns[:-1]) + 1
        first = np.concatenate(([0], changes)) if len(chain) else np.empty(0, dtype=np.intp)
        count = np.diff(np.append(first, len(chain)))
        dates = tuple(new_york_date(int(ns)) for ns in expiry_ns[first])
        return cls(first.astype(np.intp), count, dates, new_york_date(chain.ts_ns))

    @cached_property
    def dte(self) -> NDArray[np.int64]:
        """Calendar days from today to each expiry, shape `(m,)`."""
        return np.array([(day - self.today).days for day in self.dates], dtype=np.int64)

    def spread(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return one value for each row from one for each expiry."""
        return np.repeat(values, self.count)

    def of_kinds(self, kinds: tuple[ExpiryKind, ...]) -> NDArray[np.bool_]:
        """Return which expiries are of `kinds`, shape `(m,)`."""
        listed = frozenset(self.dates)
        return np.array([kind_of(day, listed) in kinds for day in self.dates], dtype=np.bool_)

    def with_events(self, events: tuple[Event, ...], kind: str, rule: EventRule) -> NDArray[np.bool_]:
        """Return which expiries satisfy `rule` about events from today to expiry, both included."""
        days = sorted(event.day for event in events if event.kind == kind and event.day >= self.today)
        happens = np.array([bool(days) and days[0] <= day for day in self.dates], dtype=np.bool_)
        return happens if rule == "require" else ~happens


def kind_of(day: date, listed: frozenset[date]) -> ExpiryKind:
    """Return the kind of the expiry on `day` (New York) in a chain with the expiry dates `listed`.

    Monthly is the third Friday, the Saturday after it (until 2015), or the Thursday before where the chain
    has neither, because the Friday is a holiday. Quarterly is the last weekday of a quarter, or likewise the
    day before a Friday without expiry. Everything else is weekly.
    """
    if _stands_for_friday(day, _third_friday(day), listed):
        return "monthly"
    last = _last_weekday(day)
    is_quarter_end = day.month % 3 == 0
    if is_quarter_end and (
        day == last or (last.weekday() == _FRIDAY and _stands_for_friday(day, last, listed))
    ):
        return "quarterly"
    return "weekly"


def _stands_for_friday(day: date, friday: date, listed: frozenset[date]) -> bool:
    before, after = friday - timedelta(days=1), friday + timedelta(days=1)
    return day in (friday, after) or (day == before and friday not in listed and after not in listed)


def _third_friday(day: date) -> date:
    first = day.replace(day=1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def _last_weekday(day: date) -> date:
    last = (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return last - timedelta(days=max(0, last.weekday() - _FRIDAY))
