"""What a catalog knows that pricing needs: the rates of a moment."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from catalog.daily_series import curve_at
from market.dividends import DividendSchedule
from market.option_chain_pricing import PricingInputs
from market.rates import RateCurve

RATE_NAME = "USD"


class KnownInputs(NamedTuple):
    """`inputs`, and where the rates come from, for people: `catalog`, `given` or `none (0 %)`."""

    inputs: PricingInputs
    rates_from: str


def inputs_at(
    root: Path,
    at_ns: int,
    *,
    rate: float | None = None,
    dividends: DividendSchedule | None = None,
) -> KnownInputs:
    """Return the pricing inputs of a moment: the given flat `rate`, else the catalog's curve, else 0 %."""
    paid = dividends or DividendSchedule()
    if rate is not None:
        return KnownInputs(PricingInputs(rates=RateCurve.flat(rate), dividends=paid), "given")
    curve = curve_at(root, at_ns, name=RATE_NAME)
    if curve is not None:
        return KnownInputs(PricingInputs(rates=curve, dividends=paid), "catalog")
    return KnownInputs(PricingInputs(rates=RateCurve.flat(0.0), dividends=paid), "none (0 %)")
