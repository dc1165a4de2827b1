"""Parameters that every intraday strategy has: cadence, size, how orders are worked, feature horizons.

A strategy's own `Parameters` inherits from these and adds the thresholds of its thesis. Times are
milliseconds of event time.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from market.features import FeatureSettings

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

Milliseconds = Annotated[int, Meta(ge=1, le=HOUR_MS)]
MillisecondsOrZero = Annotated[int, Meta(ge=0, le=HOUR_MS)]
Ticks = Annotated[int, Meta(ge=0, le=100)]


class IntradayParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one symbol is traded, whatever the thesis.

    Bounds hold on construction as well as on decode; both raise `msgspec.ValidationError` (a
    `ValueError`) that names the field. Subclasses check relations in `check_relations`.
    """

    # Cadence and size
    decision_interval_ms: Milliseconds = 250
    shares_per_entry: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    allow_short: bool = False

    # Entries
    marketable_offset_ticks: Ticks = 1
    """How far beyond the opposite best price a marketable limit reaches."""
    entry_timeout_ms: Milliseconds = 3_000
    replace_interval_ms: Milliseconds = 500
    replaces_per_minute_max: Annotated[int, Meta(ge=0, le=600)] = 30
    cooldown_ms: MillisecondsOrZero = 10_000
    """Pause after a closed position or an unfilled entry."""
    rejection_backoff_ms: Milliseconds = 2_000
    """Pause after a rejection; doubles with each one in a row."""
    rejection_backoff_ms_max: Milliseconds = 300_000

    # Exits
    exit_reprice_ms: Milliseconds = 1_000
    exit_reprices_max: Annotated[int, Meta(ge=0, le=20)] = 3
    """Limit prices tried, each nearer to the market, before a market order."""
    entry_cancel_wait_ms: Milliseconds = 1_000
    """How long an exit waits for the cancel of a half-filled entry before it goes ahead."""
    quote_age_ms_max: Milliseconds = 5_000
    """Older quotes price no order: no entry, and an exit becomes a market order."""

    # Features
    grid_ms: Milliseconds = 500
    momentum_horizon_ms: Milliseconds = 5_000
    volatility_window_ms: Milliseconds = 60_000
    order_flow_half_life_ms: Milliseconds = 2_000
    book_levels: Annotated[int, Meta(ge=1, le=50)] = 5
    """Levels of each side that count, where the catalog or the subscription has depth."""

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(type(self)):
            _require_valid(field.name, getattr(self, field.name), field.type)
        if self.rejection_backoff_ms_max < self.rejection_backoff_ms:
            raise ValueError(
                f"rejection_backoff_ms_max is {self.rejection_backoff_ms_max}, below rejection_backoff_ms "
                f"({self.rejection_backoff_ms}). Raise it to at least that."
            )
        self.feature_settings()
        self.check_relations()

    def feature_settings(self) -> FeatureSettings:
        """Return the time scales of the features; raises `ValueError` when they do not fit each other."""
        return FeatureSettings(
            grid_ms=self.grid_ms,
            momentum_horizon_ms=self.momentum_horizon_ms,
            volatility_window_ms=self.volatility_window_ms,
            order_flow_half_life_ms=self.order_flow_half_life_ms,
        )

    def check_relations(self) -> None:
        """Raise `ValueError` when fields contradict each other; a subclass overrides it for its own."""


def _require_valid(name: str, value: object, field_type: object) -> None:
    try:
        msgspec.convert(value, field_type)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name} is {value!r}: {error}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}: Expected a finite number")
