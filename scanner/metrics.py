"""How the metrics of positions, the keys of `[position]` and `[[ranking]]`, are measured on a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from market.pricing.european import DAYS_PER_YEAR
from market.pricing.scaled_erfc import Array
from scanner.positions import Block


def _per_year(block: Block) -> Array:
    return block.max_profit / block.max_loss / np.maximum(block.years, 1.0 / (DAYS_PER_YEAR * 24.0))


POSITION_METRICS: Mapping[str, Callable[[Any], Array]] = {
    "width_usd": lambda block: block.width,
    "credit_usd": lambda block: block.net,
    "debit_usd": lambda block: -block.net,
    "credit_to_width": lambda block: block.net / block.width,
    "max_profit_usd": lambda block: block.max_profit * block.multiplier,
    "max_loss_usd": lambda block: block.max_loss * block.multiplier,
    "return_on_risk": lambda block: block.max_profit / block.max_loss,
    "annualised_return": _per_year,
    "breakeven_distance_fraction": lambda block: block.room / block.spot,
    "breakeven_low_usd": lambda block: np.fmin.reduce(block.breakevens()),
    "breakeven_high_usd": lambda block: np.fmax.reduce(block.breakevens()),
    "legs_bid_ask_to_width": lambda block: block.bid_ask,
    "delta": lambda block: block.greek("delta"),
    "gamma": lambda block: block.greek("gamma"),
    "theta": lambda block: block.greek("theta"),
    "vega": lambda block: block.greek("vega"),
    "probability_of_profit": lambda block: block.probability,
    "expected_value_usd": lambda block: block.expected * block.multiplier,
    "expected_return": lambda block: block.expected / block.max_loss,
}
"""How each key of `PositionFilter` is measured, shape `(m,)`."""

METRICS_AT_MOST: Mapping[str, Callable[[Any], Array]] = {
    "probability_of_profit": lambda block: block.probability_at_most,
}
"""Upper bounds of the metrics that cost most."""
