"""What one order may be at the broker while its modifications are under way, whatever order answers take.

A word of the broker (its report that the order now has a quantity and a price) proves what worked at
its time; which request it answers, it does not say. Of all readings the earliest request that the words
in their order can be about is taken: it and what came before are settled, what came after may still take
effect. A refusal names no request either, so refusals free nothing until every request has its answer.

What is relied on: the broker acts on requests in the order in which they were sent; the time stamps of
its words are in the order in which it acted, or equal; an answer told twice bears the stamp of the first.
A word that can be an answer is taken for one, never for a change that somebody else made.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby, permutations
from operator import itemgetter
from typing import NamedTuple

Terms = tuple[int, Decimal | None]
"""Quantity of the whole order, and its price in USD a share (None: a market order)."""

MAX_TIED_WORDS = 4
"""Words with one time stamp whose every order is tried; of more each may be the last, settling nothing."""
MAX_KEPT_REQUESTS = 64
"""Requests that are kept to tell a belated answer; older ones are settled, and never answered."""

_STAMP = itemgetter(0)


class _Word(NamedTuple):
    """What the broker said: its time stamp in ns UTC, and how many requests it can be about."""

    ts_ns: int
    terms: Terms
    requests: int


class _Reading(NamedTuple):
    """One way to read the words: the last request that they settle, how many they answer, what works."""

    settled: int
    answered: int
    works: Terms


class Changes:
    """The modifications of one order that was `works` at `since_ns`."""

    __slots__ = (
        "_known",
        "_lost",
        "_past",
        "_refused",
        "_refused_ns",
        "_requests",
        "_since_ns",
        "_start",
        "_words",
        "possible",
    )

    def __init__(self, works: Terms, since_ns: int) -> None:
        self.possible: list[Terms] = [works]
        """What may work, now or once the broker has acted; the largest of what it reported comes first."""
        self._start: list[Terms] = [works]
        self._since_ns = since_ns
        self._requests: list[Terms] = []
        self._words: list[_Word] = []
        self._known: set[tuple[int, Terms]] = set()
        self._past: set[Terms] = set()
        self._refused = 0
        self._refused_ns: set[int] = set()
        self._lost = 0

    def request(self, terms: Terms) -> None:
        """Count a modification that is sent now."""
        self._requests.append(terms)
        self.possible = [*self.possible, terms]

    def withdraw(self) -> None:
        """Forget the last request: it was never sent."""
        self._requests.pop()
        self._work_out()

    def accept(self, terms: Terms, ts_ns: int) -> None:
        """Take the broker's word of `ts_ns` that the order has these terms."""
        is_past = ts_ns < self._since_ns or (ts_ns == self._since_ns and terms in self._past)
        if is_past or (ts_ns, terms) in self._known:
            return
        self._known.add((ts_ns, terms))
        insort(self._words, _Word(ts_ns, terms, len(self._requests)), key=_STAMP)
        self._work_out()

    def reject(self, ts_ns: int) -> None:
        """Take the broker's refusal of `ts_ns`: of which request, it does not say."""
        if ts_ns in self._refused_ns:
            return
        self._refused_ns.add(ts_ns)
        if self._unanswered(0) > 0:
            self._refused += 1
            self._work_out()

    def _unanswered(self, answered: int) -> int:
        return self._lost + len(self._requests) - self._refused - answered

    def _work_out(self) -> None:
        """Settle what the words prove, and forget what can no longer matter."""
        readings = [_Reading(-1, 0, works) for works in self._start]
        for stamp, tied in groupby(self._words, key=_STAMP):
            read = self._read(list(tied), readings)
            if stamp == self._since_ns:  # it may be older than what is known to have worked
                read += [each for each in readings if not any(new.answered for new in read)]
            readings = read
        works = sorted({each.works for each in readings}, key=itemgetter(0), reverse=True)
        settled = min(each.settled for each in readings)
        answered = min(each.answered for each in readings)
        is_settled = self._unanswered(answered) <= 0
        self.possible = works if is_settled else [*works, *self._requests[settled + 1 :]]
        if is_settled:
            self._lost = 0
            self._begin_anew(works)
        elif len(self._requests) > MAX_KEPT_REQUESTS:
            self._lost += settled + 1 - answered
            self._begin_anew(works, self._requests[settled + 1 :], self._refused)

    def _begin_anew(self, works: list[Terms], requests: Sequence[Terms] = (), refused: int = 0) -> None:
        if self._words:
            since_ns = self._words[-1].ts_ns
            past = {*self._start, *self._requests[: len(self._requests) - len(requests)]}
            self._past = past | (self._past if since_ns == self._since_ns else set())
            self._since_ns = since_ns
            self._known = {word for word in self._known if word[0] == since_ns}
        self._start, self._requests, self._words, self._refused = works, list(requests), [], refused

    def _read(self, tied: Sequence[_Word], readings: Sequence[_Reading]) -> list[_Reading]:
        """Return the readings that words of one time stamp leave: those that explain the most of them."""
        if len(tied) > MAX_TIED_WORDS:
            return [each._replace(works=word.terms) for each in readings for word in tied]
        found: dict[_Reading, int] = {}
        for reading in readings:
            for order in permutations(tied):
                after, strange = self._follow(reading, order)
                found[after] = min(strange, found.get(after, strange))
        least = min(found.values())
        return [each for each, strange in found.items() if strange == least]

    def _follow(self, reading: _Reading, words: Iterable[_Word]) -> tuple[_Reading, int]:
        """Return where words in this order lead to, and how many of them no request explains."""
        settled, answered, works = reading
        strange = 0
        for _, terms, requests in words:
            if terms == works:  # told again
                continue
            try:
                settled = self._requests.index(terms, settled + 1, requests)
                answered += 1
            except ValueError:
                strange += 1
            works = terms
        return _Reading(settled, answered, works), strange
