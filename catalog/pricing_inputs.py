"""What a catalog knows that pricing needs: the rates of a moment, and the dividends declared by then."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from catalog.daily_series import RATE_AGE_MAX, curve_at, dividends_at, last_curve_ns
from catalog.manifest import read_manifest
from market.errors import ConfigError
from market.option_chain_pricing import PricingInputs
from market.rates import RATE_HIGHEST, RATE_LOWEST, RateCurve
from market.time import new_york_date

RATE_NAME = "USD"
DIVIDEND_YIELDS = (-0.10, 1.0)
"""The yields a year that pricing takes; below 0 where lending the shares pays."""


class KnownInputs(NamedTuple):
    """`inputs`, and for people where rates and dividends come from."""

    inputs: PricingInputs
    rates_from: str
    """`catalog`, `given`, or `none (0 %)` and why."""
    dividends_from: str
    """`given`, `catalog (2 ahead)`, `none, it is an index`, or `unknown`: none had been declared by then."""


def inputs_at(
    root: Path,
    at_ns: int,
    *,
    symbol: str,
    rate: float | None = None,
    dividend_yield: float | None = None,
) -> KnownInputs:
    """Return the pricing inputs of an underlying at a moment (ns UTC): what is given, else what was known.

    `rate` is flat, otherwise the catalog's curve counts, without one 0 %. A `dividend_yield` takes the place
    of the dividends that the catalog knows; without both, put-call parity tells the yield of European
    contracts and American ones have none. Raises `ConfigError` for a rate or yield that is none a year.
    """
    rates, rates_from = _rates_at(root, at_ns, rate)
    if dividend_yield is not None:
        _require_fraction(dividend_yield, "dividend-yield", *DIVIDEND_YIELDS)
        inputs = PricingInputs(rates=rates, dividend_yield=dividend_yield)
        return KnownInputs(inputs, rates_from, "given")
    dividends = dividends_at(root, symbol, at_ns)
    if dividends.ex_ns:
        dividends_from = f"catalog ({sum(ex_ns > at_ns for ex_ns in dividends.ex_ns)} ahead)"
    else:
        dividends_from = "none, it is an index" if _is_index(root, symbol) else "unknown"
    return KnownInputs(PricingInputs(rates=rates, dividends=dividends), rates_from, dividends_from)


def knows_dividends(root: Path, symbol: str, at_ns: int) -> bool:
    """Whether a catalog knew at a moment when an underlying goes ex-dividend; an index never does."""
    return bool(dividends_at(root, symbol, at_ns).ex_ns) or _is_index(root, symbol)


def _rates_at(root: Path, at_ns: int, rate: float | None) -> tuple[RateCurve, str]:
    """Return the curve to price with, and in words where it is from or why there is none."""
    if rate is not None:
        _require_fraction(rate, "rate", RATE_LOWEST, RATE_HIGHEST)
        return RateCurve.flat(rate), "given"
    curve = curve_at(root, at_ns, name=RATE_NAME)
    if curve is not None:
        return curve, "catalog"
    last_ns = last_curve_ns(root, at_ns, name=RATE_NAME)
    why = ""
    if last_ns is not None:
        why = (
            f": the catalog's last curve, of {new_york_date(last_ns)}, is older than {RATE_AGE_MAX.days} days"
        )
    return RateCurve.flat(0.0), f"none (0 %){why}"


def _require_fraction(value: float, option: str, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"--{option} is {value}, allowed: {low:g} to {high:g} a year. Write 4 % as 0.04.")


def _is_index(root: Path, symbol: str) -> bool:
    manifest = read_manifest(root)
    chains = manifest.chains.values() if manifest else ()
    return any(chain.is_index for chain in chains if symbol in (chain.underlying, chain.root))
