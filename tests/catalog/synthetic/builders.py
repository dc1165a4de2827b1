"""Small synthetic markets for tests, quick to draw."""

from __future__ import annotations

from datetime import date
from typing import Any

from catalog.synthetic_market import SyntheticDay, SyntheticMarketSpec, SyntheticSymbol, synthetic_days

STOCK = SyntheticSymbol(symbol="ZVZZT", price_usd=5.0, spread_cents=1.5, quote_updates_day=2_000)
OTHER = SyntheticSymbol(symbol="ZWZZT", price_usd=8.0, spread_cents=1.0, quote_updates_day=2_000)


def small_spec(**changes: Any) -> SyntheticMarketSpec:
    """One day of two stocks with 2,000 quotes each, unless `changes` say otherwise."""
    return SyntheticMarketSpec(**({"symbols": (STOCK, OTHER)} | changes))


def days_of(**changes: Any) -> list[SyntheticDay]:
    """The days of `small_spec(**changes)`."""
    return list(synthetic_days(small_spec(**changes)))


def one_day(**changes: Any) -> SyntheticDay:
    """The first day of the first stock of `small_spec(**changes)`."""
    return next(iter(synthetic_days(small_spec(**changes))))


EARLY_CLOSE = date(2024, 12, 24)
HOLIDAY = date(2024, 12, 25)
