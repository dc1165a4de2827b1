"""What a decision may know of its own position and orders."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from market.features import FeatureSnapshot
from market.time import NS_PER_MS
from strategies.intents import Side

BPS = 1e4


class Holding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Signed `shares` (short is negative), their average price in USD, times in ns UTC.

    `entry_side` and `entry_price` tell of a working entry, None without one.
    """

    shares: int = 0
    average_price: float = 0.0
    opened_ns: int = 0
    entry_side: Side | None = None
    entry_price: Decimal | None = None
    entry_sent_ns: int = 0
    is_exiting: bool = False

    def pnl_bps(self, features: FeatureSnapshot) -> float:
        """Return what closing at the opposite best price would earn before fees, in bps of the entry.

        Rounded to a millionth, so that a price that lies exactly on a threshold meets it.
        """
        price = features.bid if self.shares > 0 else features.ask
        gain_bps = round((price / self.average_price - 1.0) * BPS, 6)
        return gain_bps if self.shares > 0 else -gain_bps

    def held_ms(self, now_ns: int) -> float:
        """Return for how long the position has been held, in milliseconds."""
        return (now_ns - self.opened_ns) / NS_PER_MS


FLAT = Holding()
"""Nothing held, nothing working."""
