"""Structured records of what was decided: everything sent or refused, suppressed ones when they change."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from audit.events import DecisionRecord
from market.features import FeatureSnapshot
from strategies.intents import Cancel, Decision, Enter, Exit, Hold, Intent, Replace, Side
from strategies.intraday.correlation import CorrelationIds
from strategies.intraday.orders import Command, Place, Reprice, WorkingOrder

Action = Literal["enter", "replace", "cancel", "exit", "hold"]

_ACTIONS: dict[type[Intent], Action] = {
    Hold: "hold",
    Enter: "enter",
    Replace: "replace",
    Cancel: "cancel",
    Exit: "exit",
}


class Asked(NamedTuple):
    """A decision and the market it was taken on."""

    decision: Decision
    features: FeatureSnapshot

    def seen(self) -> dict[str, float]:
        """Return every known feature and the decision's own values, by name."""
        return self.features.known() | self.decision.extra


class DecisionLog:
    """Builds the records of one symbol. Records about an order carry the order's correlation id."""

    __slots__ = ("_last_suppressed", "_strategy_id", "ids", "instrument_id")

    def __init__(self, strategy_id: str, instrument_id: str, ids: CorrelationIds) -> None:
        self._strategy_id = strategy_id
        self.instrument_id = instrument_id
        self.ids = ids
        self._last_suppressed: tuple[str, Side | None] | None = None

    def reset(self) -> None:
        """Begin anew, as before a new backtest."""
        self.ids.sequence = 0
        self._last_suppressed = None

    def sent(self, command: Command, now_ns: int, asked_by: Asked | None = None) -> DecisionRecord:
        """Return the record of `command`; `asked_by` is None if time or the session demanded it."""
        self._last_suppressed = None
        return DecisionRecord(
            correlation_id=command.correlation_id,
            ts_ns=now_ns,
            strategy_id=self._strategy_id,
            instrument_id=self.instrument_id,
            action=_action_of(command),
            reason=command.reason,
            outcome="sent",
            side=command.side,
            quantity=command.quantity,
            limit_price=_text(command.limit_price) if isinstance(command, Place | Reprice) else None,
            features=asked_by.seen() if asked_by else {},
            thresholds=asked_by.decision.thresholds if asked_by else {},
        )

    def suppressed(self, asked: Asked, reason: str) -> DecisionRecord | None:
        """Return the record of an intent that was not sent; None when the last one was of the same kind."""
        intent, now_ns = asked.decision.intent, asked.features.ts_ns
        side = _side_of(intent)
        if self._last_suppressed == (reason, side):
            return None
        self._last_suppressed = (reason, side)
        return DecisionRecord(
            correlation_id=self.ids.next(now_ns),
            ts_ns=now_ns,
            strategy_id=self._strategy_id,
            instrument_id=self.instrument_id,
            action=_ACTIONS[type(intent)],
            reason=reason,
            outcome="suppressed",
            side=side,
            quantity=intent.quantity if isinstance(intent, Enter) else None,
            features=asked.seen(),
            thresholds=asked.decision.thresholds,
        )

    def failed(self, error: Exception, now_ns: int) -> DecisionRecord:
        """Return the record that the decision function raised `error`."""
        return DecisionRecord(
            correlation_id=self.ids.next(now_ns),
            ts_ns=now_ns,
            strategy_id=self._strategy_id,
            instrument_id=self.instrument_id,
            action="hold",
            reason="decision_failed",
            outcome="refused",
            refused_by=repr(error),
        )

    def refused(
        self, order: WorkingOrder, action: Action, reason: str, now_ns: int, *, refused_by: str
    ) -> DecisionRecord:
        """Return the record of an order, replace or cancel that a limit of ours or the venue refused."""
        return DecisionRecord(
            correlation_id=order.correlation_id,
            ts_ns=now_ns,
            strategy_id=self._strategy_id,
            instrument_id=self.instrument_id,
            action=action,
            reason=reason,
            outcome="refused",
            side=order.side,
            quantity=order.remaining,
            limit_price=_text(order.limit_price),
            refused_by=refused_by,
        )


def _action_of(command: Command) -> Action:
    if isinstance(command, Place):
        return "enter" if command.purpose == "entry" else "exit"
    return "replace" if isinstance(command, Reprice) else "cancel"


def _side_of(intent: Intent) -> Side | None:
    if isinstance(intent, Enter):
        return intent.side
    return intent.signal if isinstance(intent, Hold) else None


def _text(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")
