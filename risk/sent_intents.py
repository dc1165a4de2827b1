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
        self._free_from_ns: dict[str, int] = {}
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
            if repeated is not None and repeated != intent.order_id and not self._is_free(repeated, now_ns):
                return repeated
        sent = self._by_content.get(self._likeness)
        if sent is None:
            return None
        sent_ns, order_id = sent
        is_repeated = now_ns - sent_ns < self._window_ns and not self._is_free(order_id, now_ns)
        return order_id if is_repeated else None

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

    def forget(self, order_id: str, from_ns: int) -> None:
        """Let the order's decision be sent again from `from_ns` on: it was refused, so nothing came of it."""
        self._free_from_ns[order_id] = from_ns

    def recall(self, order_id: str) -> None:
        """Take `forget` back: the order filled after all."""
        self._free_from_ns.pop(order_id, None)

    def _is_free(self, order_id: str, now_ns: int) -> bool:
        free_ns = self._free_from_ns.get(order_id)
        return free_ns is not None and now_ns >= free_ns

    def _read(self, intent: OrderIntent) -> None:
        """Make the keys of the decision and of the content."""
        strategy_id, instrument_id, side = intent.strategy_id, intent.terms.instrument_id, intent.side
        key, price = intent.idempotency_key, intent.price
        self._intent = intent
        self._decision = None if key is None else (strategy_id, key, instrument_id, side)
        self._likeness = (strategy_id, instrument_id, side, intent.quantity, intent.order_type, price)

    def _drop_oldest(self) -> None:
        """Keep nine tenths: a dict is slow to find its first key after many were deleted one by one."""
        for remembered in (self._order_ids, self._by_decision, self._by_content, self._free_from_ns):
            excess = len(remembered) - MAX_REMEMBERED * 9 // 10
            for key in list(itertools.islice(remembered, max(excess, 0))):
                del remembered[key]  # type: ignore[arg-type]
