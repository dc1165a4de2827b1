"""Parameters of the harvester: what counts as a signal, what it may cost, when to leave."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from strategies.intents import EntryStyle
from strategies.intraday.parameters import HOUR_MS, IntradayParameters

UnitInterval = Annotated[float, Meta(ge=0.0, le=1.0)]
BasisPoints = Annotated[float, Meta(ge=0.0, le=1_000.0)]


class Parameters(IntradayParameters, frozen=True, kw_only=True):
    """Thresholds of `decide`; each is met when the value is equal to it.

    Imbalances and flow lie in [0, 1] (of size that leans one way), `*_bps` are basis points of the
    price. Raises `ValueError` for values out of bounds and for thresholds that contradict each other.
    """

    # Signal: all must agree on the side
    imbalance_min: UnitInterval = 0.4
    book_imbalance_min: UnitInterval = 0.1
    """Of `book_levels` levels; asked only where there is depth."""
    order_flow_ratio_min: UnitInterval = 0.2
    momentum_bps_min: BasisPoints = 0.5

    # Filters: a signal is passed over outside of these
    spread_bps_max: BasisPoints = 12.0
    volatility_bps_min: BasisPoints = 1.0
    """Realised over `volatility_window_ms`: below it, nothing moves enough to pay for the spread."""
    volatility_bps_max: BasisPoints = 60.0

    # Entry and exit
    entry_style: EntryStyle = "passive"
    profit_target_bps: BasisPoints = 15.0
    stop_loss_bps: BasisPoints = 20.0
    time_stop_ms: Annotated[int, Meta(ge=1, le=8 * HOUR_MS)] = 120_000

    def check_relations(self) -> None:
        """Raise `ValueError` when thresholds contradict each other."""
        if self.volatility_bps_max < self.volatility_bps_min:
            raise ValueError(
                f"volatility_bps_max is {self.volatility_bps_max}, below volatility_bps_min "
                f"({self.volatility_bps_min}). Raise it or lower the minimum."
            )
        if self.stop_loss_bps <= self.spread_bps_max:
            raise ValueError(
                f"stop_loss_bps is {self.stop_loss_bps}, not above spread_bps_max ({self.spread_bps_max}): "
                "the spread alone would stop a position out. Raise the stop or lower the spread."
            )
        if self.profit_target_bps <= 0.0:
            raise ValueError(f"profit_target_bps is {self.profit_target_bps}, allowed: above 0")
