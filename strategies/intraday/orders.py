"""Commands that the lifecycle gives to its shell, and the working orders it keeps track of."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from strategies.intents import Side

Purpose = Literal["entry", "exit"]
TimeInForce = Literal["day", "ioc"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Submit a new order. `limit_price` is USD a share; None asks for a market order."""

    correlation_id: str
    purpose: Purpose
    side: Side
    quantity: int
    limit_price: Decimal | None
    time_in_force: TimeInForce
    reason: str


class Reprice(msgspec.Struct, frozen=True, kw_only=True):
    """Move the working order to `limit_price`, in USD a share."""

    correlation_id: str
    purpose: Purpose
    side: Side
    quantity: int
    limit_price: Decimal
    reason: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel the working order."""

    correlation_id: str
    purpose: Purpose
    side: Side
    quantity: int
    reason: str


Command = Place | Reprice | Withdraw


class OrderState(StrEnum):
    """What is known of a live order; an order that ended is no longer kept."""

    SENT = "sent"  # not acknowledged yet
    WORKING = "working"
    REPLACING = "replacing"  # a new price is on its way
    CANCELLING = "cancelling"


@dataclass(slots=True, kw_only=True)
class WorkingOrder:
    """One live order; quantities in shares, times in ns UTC."""

    correlation_id: str
    purpose: Purpose
    side: Side
    quantity: int
    limit_price: Decimal | None
    sent_ns: int
    priced_ns: int
    filled: int = 0
    state: OrderState = OrderState.SENT
    cancel_sent_ns: int = 0

    @property
    def remaining(self) -> int:
        """Shares that may still fill."""
        return self.quantity - self.filled

    @property
    def is_settled(self) -> bool:
        """Whether no request about it is under way, so that it may be repriced."""
        return self.state is OrderState.WORKING

    def may_withdraw(self, now_ns: int, *, retry_ns: int) -> bool:
        """Whether a cancel may go out: none under way, and none refused within the last `retry_ns`."""
        if self.state is OrderState.CANCELLING:
            return False
        return not self.cancel_sent_ns or now_ns - self.cancel_sent_ns >= retry_ns

    def placed(self, reason: str, time_in_force: TimeInForce) -> Place:
        """Return the command that submits this order."""
        return Place(
            correlation_id=self.correlation_id,
            purpose=self.purpose,
            side=self.side,
            quantity=self.quantity,
            limit_price=self.limit_price,
            time_in_force=time_in_force,
            reason=reason,
        )

    def repriced(self, limit_price: Decimal, *, now_ns: int, reason: str) -> Reprice:
        """Note that a new price is on its way and return the command for it."""
        self.state = OrderState.REPLACING
        self.priced_ns = now_ns
        return Reprice(
            correlation_id=self.correlation_id,
            purpose=self.purpose,
            side=self.side,
            quantity=self.remaining,
            limit_price=limit_price,
            reason=reason,
        )

    def withdrawn(self, *, now_ns: int, reason: str) -> Withdraw:
        """Note that a cancel is on its way and return the command for it."""
        self.state = OrderState.CANCELLING
        self.cancel_sent_ns = now_ns
        return Withdraw(
            correlation_id=self.correlation_id,
            purpose=self.purpose,
            side=self.side,
            quantity=self.remaining,
            reason=reason,
        )
