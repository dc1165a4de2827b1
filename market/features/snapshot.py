"""What a decision sees of the market: one immutable record."""

from __future__ import annotations

import msgspec


class FeatureSnapshot(msgspec.Struct, frozen=True, gc=False):
    """All features at `ts_ns` (ns UTC); docs/concepts/features.md defines each.

    Prices and `spread` are USD a share, sizes shares, `*_bps` basis points (1e-4). `imbalance`,
    `order_flow_ratio` and `book_imbalance` lie in [-1, 1], positive when buyers weigh more. None means
    not known yet: the window is not covered, nothing has traded, or there is no depth.
    """

    ts_ns: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    mid: float
    spread: float
    spread_bps: float
    microprice: float
    imbalance: float
    order_flow_imbalance: float
    order_flow_ratio: float
    momentum_bps: float | None = None
    volatility_bps: float | None = None
    vwap: float | None = None
    book_imbalance: float | None = None
    book_microprice: float | None = None

    def known(self) -> dict[str, float]:
        """Return every feature that is known, by name, for a decision's record."""
        values = {name: getattr(self, name) for name in _FEATURES}
        return {name: value for name, value in values.items() if value is not None}


_FEATURES = tuple(name for name in FeatureSnapshot.__struct_fields__ if name != "ts_ns")
