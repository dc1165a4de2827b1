"""Time of the simulated broker: real nanoseconds drive timers, market nanoseconds are what TWS shows.

With the synthetic market both are the same. With a recorded day, market time starts in that day and
runs at the chosen speed: it stamps ticks, executions and TWS's own clock, and decides which session
of the day it is. Pacing, acknowledgements and time-outs happen in real time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class MarketClock:
    """A linear map between real and market nanoseconds (both UTC since 1970).

    `speed` is market seconds per real second and must be above 0.
    """

    origin_real_ns: int = 0
    origin_market_ns: int = 0
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed {self.speed} is not above 0; use 1.0 for real time")

    def market_ns(self, real_ns: int) -> int:
        """Return the market's time at `real_ns`."""
        elapsed = real_ns - self.origin_real_ns
        if self.speed == 1.0:
            return self.origin_market_ns + elapsed
        return self.origin_market_ns + round(elapsed * self.speed)

    def real_ns(self, market_ns: int) -> int:
        """Return the first real nanosecond at which the market's time is at least `market_ns`."""
        ahead = market_ns - self.origin_market_ns
        if self.speed == 1.0:
            return self.origin_real_ns + ahead
        guess = self.origin_real_ns + round(ahead / self.speed)
        while self.market_ns(guess) < market_ns:
            guess += 1
        return guess

    def jump(self, *, real_ns: int, market_ns: int) -> None:
        """Set the market's time to `market_ns` as of `real_ns`; the speed stays."""
        self.origin_real_ns, self.origin_market_ns = real_ns, market_ns
