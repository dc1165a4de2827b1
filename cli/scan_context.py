"""What `harvester scan` and `harvester payoff` know of the market beside the chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from market.errors import ConfigError

if TYPE_CHECKING:
    from scanner.context import ScanContext

RANK_DAYS_MIN = 20
"""Closes of a volatility index that a rank needs at least."""


@dataclass(frozen=True)
class MarketFlags:
    """Flags of the market; what is given counts before what the catalog has."""

    rate: Annotated[
        float | None,
        Parameter(
            help="Interest rate, a fraction a year (0.04 is 4 %); default: the catalog's curve, else 0."
        ),
    ] = None
    dividend_yield: Annotated[
        float | None,
        Parameter(
            help="Dividend yield, a fraction a year; default: what put-call parity says, 0 for shares."
        ),
    ] = None
    volatility_index: Annotated[
        str | None, Parameter(help="Index in the catalog, such as VIX, whose rank and percentile count.")
    ] = None
    iv_rank: Annotated[float | None, Parameter(help="IV rank, 0 to 1, in place of the index's.")] = None
    iv_percentile: Annotated[
        float | None, Parameter(help="IV percentile, 0 to 1, in place of the index's.")
    ] = None
    realised_volatility: Annotated[
        float | None, Parameter(help="Realised volatility, a fraction a year, for criteria that use it.")
    ] = None
    events: Annotated[
        Path | None, Parameter(help="CSV of events: symbol, date, kind (ex_dividend or earnings).")
    ] = None


def context_of(catalog: Path, symbol: str, *, at_ns: int, flags: MarketFlags) -> ScanContext:
    """Return the context of one underlying as known at `at_ns`; raises `ConfigError` for wrong flags."""
    from catalog.pricing_inputs import inputs_at
    from configs.criteria import read_events
    from scanner.context import ScanContext

    pricing = inputs_at(catalog, at_ns, rate=flags.rate).inputs
    if flags.dividend_yield is not None:
        pricing = replace(pricing, dividend_yield=flags.dividend_yield)
    rank, percentile = _volatility(catalog, at_ns, flags)
    return ScanContext(
        pricing=pricing,
        iv_rank=rank,
        iv_percentile=percentile,
        realised_volatility=flags.realised_volatility,
        events=None if flags.events is None else read_events(flags.events).get(symbol.upper(), ()),
    )


def _volatility(catalog: Path, at_ns: int, flags: MarketFlags) -> tuple[float | None, float | None]:
    """Return IV rank and percentile: the flags', else those of the index."""
    for name, value in (("iv-rank", flags.iv_rank), ("iv-percentile", flags.iv_percentile)):
        if value is not None and not 0 <= value <= 1:
            raise ConfigError(f"--{name} is {value}, allowed: 0 to 1. Write 60 % as 0.6.")
    if flags.volatility_index is None:
        return flags.iv_rank, flags.iv_percentile
    from catalog.daily_series import levels_until
    from market.volatility import volatility_rank

    closes = levels_until(catalog, at_ns, name=flags.volatility_index)
    if closes.size < RANK_DAYS_MIN:
        raise ConfigError(
            f"The catalog has {closes.size} closes of {flags.volatility_index} until then, a rank needs "
            f"{RANK_DAYS_MIN}. Ingest its history with `harvester ingest volatility`."
        )
    rank = volatility_rank(closes)
    return (
        rank.rank_fraction if flags.iv_rank is None else flags.iv_rank,
        rank.percentile_fraction if flags.iv_percentile is None else flags.iv_percentile,
    )
