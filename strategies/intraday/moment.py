"""One instant as the lifecycle may know it."""

from __future__ import annotations

from dataclasses import dataclass

from market.session_windows import SessionPhase


@dataclass(slots=True)
class Moment:
    """Event time and session open in ns UTC; prices in USD a share, 0.0 if unknown or too old to price by."""

    now_ns: int
    phase: SessionPhase
    session_open_ns: int
    bid: float
    ask: float

    @property
    def is_priced(self) -> bool:
        """Whether both prices are known."""
        return self.bid > 0.0 and self.ask > 0.0
