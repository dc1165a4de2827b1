"""What `harvester scan` and `harvester payoff` know of the market beside the chain, from flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from market.errors import ConfigError

if TYPE_CHECKING:
    from scanner.context import ScanContext


@dataclass(frozen=True)
class MarketFlags:
    """Flags of the market."""

    rate: Annotated[float, Parameter(help="Interest rate, a fraction a year: 0.04 is 4 %.")] = 0.0
    dividend_yield: Annotated[
        float | None,
        Parameter(
            help="Dividend yield, a fraction a year; default: what put-call parity says, 0 for shares."
        ),
    ] = None
    iv_rank: Annotated[float | None, Parameter(help="IV rank, 0 to 1, for criteria that use it.")] = None
    iv_percentile: Annotated[
        float | None, Parameter(help="IV percentile, 0 to 1, for criteria that use it.")
    ] = None
    realised_volatility: Annotated[
        float | None, Parameter(help="Realised volatility, a fraction a year, for criteria that use it.")
    ] = None
    events: Annotated[
        Path | None, Parameter(help="CSV of events: symbol, date, kind (ex_dividend or earnings).")
    ] = None


def context_of(symbol: str, flags: MarketFlags) -> ScanContext:
    """Return the context of one underlying; raises `ConfigError` for flags out of bounds."""
    from configs.criteria import read_events
    from market.option_chain_pricing import PARITY, PricingInputs
    from market.rates import RateCurve
    from scanner.context import ScanContext

    for name, value in (("iv-rank", flags.iv_rank), ("iv-percentile", flags.iv_percentile)):
        if value is not None and not 0 <= value <= 1:
            raise ConfigError(f"--{name} is {value}, allowed: 0 to 1. Write 60 % as 0.6.")
    events = None if flags.events is None else read_events(flags.events).get(symbol.upper(), ())
    dividend_yield = PARITY if flags.dividend_yield is None else flags.dividend_yield
    return ScanContext(
        pricing=PricingInputs(rates=RateCurve.flat(flags.rate), dividend_yield=dividend_yield),
        iv_rank=flags.iv_rank,
        iv_percentile=flags.iv_percentile,
        realised_volatility=flags.realised_volatility,
        events=events,
    )
