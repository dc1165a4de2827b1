"""The book of `catalog.lobster.book` as a plain loop over messages: what the vectorised one must equal."""

from __future__ import annotations

from dataclasses import dataclass, field

Message = tuple[int, int, int, int, int]  # type, order id, size, price, direction
Change = tuple[int, int, int, int, int]  # message, side, price, before, after


@dataclass
class NaiveBook:
    """Levels by (side, price); orders by (id, side, price); the seed's shares that no known order holds."""

    levels: dict[tuple[int, int], int] = field(default_factory=dict)
    orders: dict[tuple[int, int, int], int] = field(default_factory=dict)
    unattributed: dict[tuple[int, int], int] = field(default_factory=dict)
    ignored: int = 0

    @classmethod
    def seeded(cls, levels: dict[tuple[int, int], int]) -> NaiveBook:
        return cls(levels=dict(levels), unattributed=dict(levels))

    def apply(self, index: int, message: Message) -> Change | None:
        kind, order_id, size, price, side = message
        if kind > 4:
            return None
        level, order = (side, price), (order_id, side, price)
        if kind == 1:
            self.orders[order] = self.orders.get(order, 0) + size
            change = size
        elif self.orders.get(order, 0) >= size:
            self.orders[order] -= size
            change = -size
        elif self.unattributed.get(level, 0) >= size:
            self.unattributed[level] -= size
            change = -size
        else:
            self.ignored += 1
            return None
        before = self.levels.get(level, 0)
        self.levels[level] = before + change
        return index, side, price, before, before + change

    def open_levels(self) -> dict[tuple[int, int], int]:
        return {level: size for level, size in self.levels.items() if size}

    def top(self) -> tuple[int, int, int, int]:
        """Best bid and its size, best ask and its size; 0, 0 for an empty side."""
        bids = {price: size for (side, price), size in self.open_levels().items() if side == 1}
        asks = {price: size for (side, price), size in self.open_levels().items() if side == -1}
        bid, ask = max(bids, default=0), min(asks, default=0)
        return bid, bids.get(bid, 0), ask, asks.get(ask, 0)
