"""Which intents were sent already: one decision makes one order, and no order repeats at once."""

from __future__ import annotations

import itertools
from decimal import Decimal

from risk.intent import OrderIntent

MAX_REMEMBERED = 1_000_000
"""Decisions, and order ids, remembered; the oldest are forgotten beyond this."""

_DecisionKey = tuple[str, str, str, str]
_Likeness = tuple[str, str, str, int, str, Decimal | None]


class SentIntents:
    """Remembers intents by decision for the life of the node, and by content for `window_ns`."""

    def __init__(self, *, window_ns: int) -> None:
        self._window_ns = window_ns
        self._by_decision: dict[_DecisionKey, str] = {}
        self._by_content: dict[_Likeness, tuple[int, str]] = {}
        self._order_ids: dict[str, None] = {}
        self._intent: OrderIntent | None = None
        self._decision: _DecisionKey | None = None
        self._likeness: _Likeness = ("", "", "", 0, "", None)

    def has_order(self, order_id: str) -> bool:
        """Whether an order of this id was sent before."""
        return order_id in self._order_ids

    def earlier(self, intent: OrderIntent, now_ns: int) -> str | None:
        """Return the id of the order that `intent` repeats at `now_ns`, or None."""
        self._read(intent)
        if self._decision is not None:
            repeated = self._by_decision.get(self._decision)
            if repeated is not None and repeated != intent.order_id:
                return repeated
        sent = self._by_content.get(self._likeness)
        if sent is None:
            return None
        sent_ns, order_id = sent
        return order_id if now_ns - sent_ns < self._window_ns else None

    def remember(self, intent: OrderIntent, now_ns: int) -> None:
        """Note that `intent` was sent at `now_ns`."""
        if intent is not self._intent:  # most often `earlier` has just read it
            self._read(intent)
        order_id = intent.order_id
        self._order_ids[order_id] = None
        if self._decision is not None:
            self._by_decision[self._decision] = order_id
        self._by_content[self._likeness] = (now_ns, order_id)
        if len(self._order_ids) > MAX_REMEMBERED:  # each has an id of its own, so the others are no larger
            self._drop_oldest()

    def forget(self, intent: OrderIntent) -> None:
        """Let the decision be sent again: the broker rejected its order, so nothing came of it."""
        self._read(intent)
        if self._decision is not None:
            self._by_decision.pop(self._decision, None)
        self._by_content.pop(self._likeness, None)

    def _read(self, intent: OrderIntent) -> None:
        """Make the keys of the decision and of the content."""
        strategy_id, instrument_id, side = intent.strategy_id, intent.terms.instrument_id, intent.side
        key, price = intent.idempotency_key, intent.price
        self._intent = intent
        self._decision = None if key is None else (strategy_id, key, instrument_id, side)
        self._likeness = (strategy_id, instrument_id, side, intent.quantity, intent.order_type, price)

    def _drop_oldest(self) -> None:
        """Keep nine tenths: a dict is slow to find its first key after many were deleted one by one."""
        for remembered in (self._order_ids, self._by_decision, self._by_content):
            excess = len(remembered) - MAX_REMEMBERED * 9 // 10
            for key in list(itertools.islice(remembered, max(excess, 0))):
                del remembered[key]  # type: ignore[arg-type]
