"""What fills cost against the prices known at the decision: the mid, and the order's limit. Pure.

A positive number is a cost. The mid is the feature `mid` of the first decision with the order's correlation
id; an order without one (an exit that time or a halt demanded) is not priced, and not counted as zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from audit.amounts import rounded
from audit.events import DecisionRecord, FillRecord
from audit.order_history import OrderHistory
from audit.round_trips import ZERO

BPS = 10_000


class PricesAtDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The mid and the order's limit when an order was decided, in USD; None where not known."""

    mid: Decimal | None
    limit: Decimal | None


class Slippage(msgspec.Struct, frozen=True, kw_only=True):
    """Cost in USD of fills, positive is worse; None where no fill is priced.

    `mid_quantity` and `limit_quantity` are the shares that a cost is made of, `mid_value_usd` what they
    were worth at the mid.
    """

    fills: int = 0
    fills_priced: int = 0
    mid_quantity: int = 0
    mid_value_usd: Decimal = ZERO
    mid_usd: Decimal | None = None
    limit_quantity: int = 0
    limit_usd: Decimal | None = None

    @property
    def mid_bps(self) -> float | None:
        """Cost against the mid in hundredths of a percent of the value traded."""
        if self.mid_usd is None or not self.mid_value_usd:
            return None
        return float(self.mid_usd / self.mid_value_usd * BPS)


def prices_at_decision(history: OrderHistory) -> PricesAtDecision:
    """Return what the decision behind an order saw, and the limit that the order was made with."""
    decision: DecisionRecord | None = history.signal.body if history.signal else None
    limit = history.order.body.limit_price if history.order else None
    return PricesAtDecision(mid=None if decision is None else _mid(decision), limit=limit)


def fill_slippage(fill: FillRecord, prices: PricesAtDecision, *, quantity: int | None = None) -> Slippage:
    """Return the cost of a fill, or of `quantity` of its shares."""
    shares = (fill.quantity if quantity is None else quantity) * fill.multiplier
    sign = 1 if fill.side == "BUY" else -1
    has_mid, has_limit = prices.mid is not None, prices.limit is not None
    return Slippage(
        fills=1,
        fills_priced=int(has_mid),
        mid_quantity=shares if has_mid else 0,
        mid_value_usd=ZERO if prices.mid is None else prices.mid * shares,
        mid_usd=None if prices.mid is None else sign * (fill.price - prices.mid) * shares,
        limit_quantity=shares if has_limit else 0,
        limit_usd=None if prices.limit is None else sign * (fill.price - prices.limit) * shares,
    )


def total(parts: Iterable[Slippage]) -> Slippage:
    """Return the sum of several fills' slippage."""
    known = list(parts)
    return Slippage(
        fills=sum(part.fills for part in known),
        fills_priced=sum(part.fills_priced for part in known),
        mid_quantity=sum(part.mid_quantity for part in known),
        mid_value_usd=sum((part.mid_value_usd for part in known), ZERO),
        mid_usd=_sum(part.mid_usd for part in known),
        limit_quantity=sum(part.limit_quantity for part in known),
        limit_usd=_sum(part.limit_usd for part in known),
    )


def history_slippage(history: OrderHistory) -> Slippage:
    """Return the cost of all fills of an order."""
    prices = prices_at_decision(history)
    return total(fill_slippage(entry.body, prices) for entry in history.fills)


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if known else None


def _mid(decision: DecisionRecord) -> Decimal | None:
    # Half a cent is not a binary fraction: six decimals take the noise of the float away.
    mid = decision.features.get("mid", math.nan)
    return rounded(Decimal(repr(float(mid)))) if math.isfinite(mid) else None
