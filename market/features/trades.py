"""Features of prints on the tape."""

from __future__ import annotations


class Vwap:
    """Volume-weighted average price in USD since the start or the last `reset`."""

    __slots__ = ("_turnover", "volume")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all trades, as at the start of a session."""
        self._turnover = 0.0
        self.volume = 0.0
        """Shares traded."""

    def on_trade(self, price: float, size: float) -> None:
        """Take a trade of `size` shares at `price` USD."""
        self._turnover += price * size
        self.volume += size

    @property
    def value(self) -> float | None:
        """The average price in USD; None before the first share traded."""
        return self._turnover / self.volume if self.volume > 0.0 else None
