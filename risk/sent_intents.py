"""Which intents were sent already: one decision makes one order, and no order repeats at once."""

from __future__ import annotations

from decimal import Decimal

from risk.intent import OrderIntent

MAX_REMEMBERED = 1_000_000
"""Decisions, and order ids, remembered; the oldest are forgotten beyond this."""

_Likeness = tuple[str, str, str, int, str, Decimal | None]


class SentIntents:
    """Remembers intents by decision for the life of the node, and by content for `window_ns`."""

    def __init__(self, *, window_ns: int) -> None:
        self._window_ns = window_ns
        self._by_decision: dict[tuple[str, str, str, str], str] = {}
        self._by_content: dict[_Likeness, tuple[int, str]] = {}
        self._order_ids: dict[str, None] = {}

    def has_order(self, order_id: str) -> bool:
        """Whether an order of this id was sent before."""
        return order_id in self._order_ids

    def earlier(self, intent: OrderIntent, now_ns: int) -> str | None:
        """Return the id of the order that `intent` repeats at `now_ns`, or None."""
        key = intent.idempotency_key
        if key is not None:
            repeated = self._by_decision.get(_decision(intent, key))
            if repeated is not None and repeated != intent.order_id:
                return repeated
        sent = self._by_content.get(_likeness(intent))
        if sent is None:
            return None
        sent_ns, order_id = sent
        return order_id if now_ns - sent_ns < self._window_ns else None

    def remember(self, intent: OrderIntent, now_ns: int) -> None:
        """Note that `intent` was sent at `now_ns`."""
        order_id, key = intent.order_id, intent.idempotency_key
        self._order_ids[order_id] = None
        if key is not None:
            self._by_decision[_decision(intent, key)] = order_id
        self._by_content[_likeness(intent)] = (now_ns, order_id)
        ids, decisions, contents = self._order_ids, self._by_decision, self._by_content
        if len(ids) > MAX_REMEMBERED or len(decisions) > MAX_REMEMBERED or len(contents) > MAX_REMEMBERED:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        for remembered in (self._order_ids, self._by_decision, self._by_content):
            if len(remembered) > MAX_REMEMBERED:
                del remembered[next(iter(remembered))]  # type: ignore[arg-type]

    def forget(self, intent: OrderIntent) -> None:
        """Let the decision be sent again: the broker rejected its order, so nothing came of it."""
        if intent.idempotency_key is not None:
            self._by_decision.pop(_decision(intent, intent.idempotency_key), None)
        self._by_content.pop(_likeness(intent), None)


def _decision(intent: OrderIntent, key: str) -> tuple[str, str, str, str]:
    return (intent.strategy_id, key, intent.terms.instrument_id, intent.side)


def _likeness(intent: OrderIntent) -> _Likeness:
    return (
        intent.strategy_id, intent.terms.instrument_id, intent.side,
        intent.quantity, intent.order_type, intent.price,
    )  # fmt: skip
