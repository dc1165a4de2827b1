"""The position of one symbol as its fills make it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from strategies.intents import Side


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """Shares bought or sold at `price` USD a share, at `ts_ns` (ns UTC)."""

    side: Side
    quantity: int
    price: float
    ts_ns: int


@dataclass(slots=True)
class Position:
    """Signed `shares` (short is negative), their average price in USD, and when they were opened.

    `average_price` feeds decisions only, so it is a float; accounts are kept by Nautilus.
    """

    shares: int = 0
    average_price: float = 0.0
    opened_ns: int = 0

    def apply(self, fill: Fill) -> None:
        """Count a fill."""
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        before, after = self.shares, self.shares + signed
        if after == 0:
            self.average_price, self.opened_ns = 0.0, 0
        elif before == 0 or (before > 0) != (after > 0):  # opened, or turned around
            self.average_price, self.opened_ns = fill.price, fill.ts_ns
        elif abs(after) > abs(before):
            self.average_price += (fill.price - self.average_price) * fill.quantity / abs(after)
        self.shares = after

    @property
    def closing_side(self) -> Side:
        """The side that reduces it; only meaningful when shares are held."""
        return "sell" if self.shares > 0 else "buy"
