"""What a catalog knows that pricing needs: the rates of a moment, and the dividends declared by then."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from catalog.columns import DataKind
from catalog.daily_series import curve_at, dividends_at, series_names
from catalog.manifest import read_manifest
from market.option_chain_pricing import PricingInputs
from market.rates import RateCurve

RATE_NAME = "USD"


class KnownInputs(NamedTuple):
    """`inputs`, and for people where rates and dividends come from."""

    inputs: PricingInputs
    rates_from: str
    """`catalog`, `given` or `none (0 %)`."""
    dividends_from: str
    """`given`, `catalog (2 ahead)`, `none, it is an index` or `unknown`."""


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
    contracts and American ones have none.
    """
    curve = RateCurve.flat(rate) if rate is not None else curve_at(root, at_ns, name=RATE_NAME)
    rates_from = "given" if rate is not None else "catalog" if curve is not None else "none (0 %)"
    rates = curve or RateCurve.flat(0.0)
    if dividend_yield is not None:
        inputs = PricingInputs(rates=rates, dividend_yield=dividend_yield)
        return KnownInputs(inputs, rates_from, "given")
    dividends = dividends_at(root, symbol, at_ns)
    if symbol in series_names(root, DataKind.DIVIDEND):
        dividends_from = f"catalog ({sum(ex_ns > at_ns for ex_ns in dividends.ex_ns)} ahead)"
    else:
        dividends_from = "none, it is an index" if _is_index(root, symbol) else "unknown"
    return KnownInputs(PricingInputs(rates=rates, dividends=dividends), rates_from, dividends_from)


def knows_dividends(root: Path, symbol: str) -> bool:
    """Whether a catalog knows when an underlying goes ex-dividend; an index never does."""
    return symbol in series_names(root, DataKind.DIVIDEND) or _is_index(root, symbol)


def _is_index(root: Path, symbol: str) -> bool:
    manifest = read_manifest(root)
    chains = manifest.chains.values() if manifest else ()
    return any(chain.is_index for chain in chains if symbol in (chain.underlying, chain.root))
