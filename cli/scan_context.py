"""What `harvester scan`, `payoff` and `surface` know of the market beside the chain, and where it is from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from market.errors import ConfigError
from market.rates import RATE_HIGHEST, RATE_LOWEST

if TYPE_CHECKING:
    from scanner.context import Event, EventKind, ScanContext
    from scanner.criteria import Criteria


@dataclass(frozen=True)
class PricingFlags:
    """Flags of what prices depend on; what is given counts before what the catalog has."""

    rate: Annotated[
        float | None,
        Parameter(
            help="Interest rate, a fraction a year (0.04 is 4 %); default: the catalog's curve, else 0."
        ),
    ] = None
    dividend_yield: Annotated[
        float | None,
        Parameter(
            help="Dividend yield, a fraction a year, in place of the catalog's dividends; default without "
            "those: what put-call parity says, 0 for shares."
        ),
    ] = None


@dataclass(frozen=True)
class MarketFlags(PricingFlags):
    """Flags of all that a scan knows of the market."""

    volatility_index: Annotated[
        str | None,
        Parameter(
            help="Index in the catalog, such as VIX, whose rank and percentile count; default: the history "
            "of the underlying's own at-the-money volatility."
        ),
    ] = None
    iv_rank: Annotated[float | None, Parameter(help="IV rank, 0 to 1, in place of the history's.")] = None
    iv_percentile: Annotated[
        float | None, Parameter(help="IV percentile, 0 to 1, in place of the history's.")
    ] = None
    realised_volatility: Annotated[
        float | None,
        Parameter(
            help="Realised volatility, a fraction a year, for criteria that use it; default: of the last 20 "
            "daily returns in the catalog."
        ),
    ] = None
    events: Annotated[
        Path | None,
        Parameter(
            help="CSV of events: symbol, date, kind (ex_dividend or earnings); ex-dividend dates also come "
            "from the catalog's dividends."
        ),
    ] = None


@dataclass(frozen=True)
class MarketNeeds:
    """What is looked up only where it is used: a history of volatilities costs milliseconds a day."""

    iv_rank: bool = False
    iv_percentile: bool = False
    realised_volatility: bool = False

    @classmethod
    def of(cls, criteria: Criteria) -> MarketNeeds:
        """Return what the filters of a criteria file ask for."""
        filters = criteria.underlying
        return cls(
            iv_rank=filters.iv_rank is not None,
            iv_percentile=filters.iv_percentile is not None or criteria.mode is not None,
            realised_volatility=criteria.volatility == "realised",
        )


@dataclass(frozen=True)
class KnownMarket:
    """The context of one underlying, and for people where its parts come from, by name; absent is None."""

    context: ScanContext
    sources: dict[str, str | None]

    @property
    def said(self) -> dict[str, str]:
        """The parts that are used, with rank and percentile in words."""
        said = {name: source for name, source in self.sources.items() if source is not None}
        rank, percentile = self.context.iv_rank, self.context.iv_percentile
        if rank is not None and percentile is not None:
            numbers = f"{rank:.1%} and {percentile:.1%}"
            said["iv_rank_and_percentile"] = f"{numbers} ({said['iv_rank_and_percentile']})"
        if self.context.realised_volatility is not None:
            number = f"{self.context.realised_volatility:.1%}"
            said["realised_volatility"] = f"{number} ({said['realised_volatility']})"
        return said


_ALLOWED = {
    "rate": (RATE_LOWEST, RATE_HIGHEST),
    "dividend_yield": (-0.5, 1.0),
    "iv_rank": (0.0, 1.0),
    "iv_percentile": (0.0, 1.0),
    "realised_volatility": (0.001, 10.0),
}
"""Bounds of the flags that are numbers: fractions, where a percentage was meant as often as not."""


def require_valid(flags: MarketFlags) -> None:
    """Raise `ConfigError` where a flag is outside of what is allowed, or the file of events is wrong."""
    for name, (low, high) in _ALLOWED.items():
        value = getattr(flags, name)
        if value is not None and not low <= value <= high:  # not so for NaN either
            raise ConfigError(
                f"--{name.replace('_', '-')} is {value:g}, allowed: {low:g} to {high:g}. Write 60 % as 0.6."
            )
    if flags.events is not None:
        from configs.criteria import read_events

        read_events(flags.events)


def pricing_context(catalog: Path, symbol: str, *, at_ns: int, flags: PricingFlags) -> ScanContext:
    """Return the context of one underlying for pricing alone; raises as `known_market`."""
    given = MarketFlags(rate=flags.rate, dividend_yield=flags.dividend_yield)
    return context_of(catalog, symbol, at_ns=at_ns, flags=given)


def context_of(
    catalog: Path, symbol: str, *, at_ns: int, flags: MarketFlags, needs: MarketNeeds = MarketNeeds()
) -> ScanContext:
    """Return the context of one underlying as known at `at_ns`; raises as `known_market`."""
    return known_market(catalog, symbol, at_ns=at_ns, flags=flags, needs=needs).context


def known_market(
    catalog: Path, symbol: str, *, at_ns: int, flags: MarketFlags, needs: MarketNeeds = MarketNeeds()
) -> KnownMarket:
    """Return the context of one underlying as known at `at_ns` (ns UTC), and where it comes from.

    Raises `ConfigError` for wrong flags, and where what is needed, or an index that is named, is not known.
    """
    require_valid(flags)
    from catalog.option_chains import underlying_of
    from catalog.pricing_inputs import inputs_at
    from scanner.context import ScanContext

    name = underlying_of(catalog, symbol)
    known = inputs_at(catalog, at_ns, symbol=name, rate=flags.rate, dividend_yield=flags.dividend_yield)
    place, place_from = _iv_place(catalog, symbol, at_ns, flags, needs)
    realised, realised_from = _realised(catalog, name, at_ns, flags, needs)
    events, kinds = _events(catalog, name, at_ns, flags)
    return KnownMarket(
        ScanContext(
            pricing=known.inputs,
            iv_rank=place[0],
            iv_percentile=place[1],
            realised_volatility=realised,
            events=events if kinds else None,
            event_kinds=kinds,
        ),
        {
            "rates": known.rates_from,
            "dividends": known.dividends_from,
            "iv_rank_and_percentile": place_from,
            "realised_volatility": realised_from,
        },
    )


def _iv_place(
    catalog: Path, symbol: str, at_ns: int, flags: MarketFlags, needs: MarketNeeds
) -> tuple[tuple[float | None, float | None], str | None]:
    """Return IV rank and percentile, the flags' before the history's, and what history that is."""
    given = (flags.iv_rank, flags.iv_percentile)
    wanted = (needs.iv_rank, needs.iv_percentile)
    is_missing = any(want and value is None for want, value in zip(wanted, given, strict=True))
    if not is_missing and flags.volatility_index is None:
        return given, None if given == (None, None) else "given"
    from catalog.volatility_history import RANK_DAYS_MIN, index_place, own_place

    if flags.volatility_index is None:
        place = own_place(catalog, symbol, at_ns, rate=flags.rate)
        remedy = "Ingest more of its chains, name an index with --volatility-index, or give --iv-percentile."
    else:
        place = index_place(catalog, flags.volatility_index.upper(), at_ns)
        remedy = "Ingest its history with `harvester ingest volatility`."
    if place.rank is None:
        raise ConfigError(
            f"IV rank and percentile of {symbol} are not known: of the {place.source} the catalog has "
            f"{place.days} days until then, and a rank needs {RANK_DAYS_MIN}, the last at most a week old. "
            f"{remedy}"
        )
    rank = place.rank.rank_fraction if flags.iv_rank is None else flags.iv_rank
    percentile = place.rank.percentile_fraction if flags.iv_percentile is None else flags.iv_percentile
    said = f"{place.source}, {place.days} days"
    return (rank, percentile), said if given == (None, None) else f"given, else {said}"


def _realised(
    catalog: Path, symbol: str, at_ns: int, flags: MarketFlags, needs: MarketNeeds
) -> tuple[float | None, str | None]:
    """Return the realised volatility, the flag's before the history's, and what history that is."""
    if flags.realised_volatility is not None or not needs.realised_volatility:
        return flags.realised_volatility, None if flags.realised_volatility is None else "given"
    from catalog.underlying_history import REALISED_DAYS, realised_at

    found = realised_at(catalog, symbol, at_ns)
    if found is None:
        raise ConfigError(
            f"The realised volatility of {symbol} is not known: it needs {REALISED_DAYS} daily returns until "
            "then, the last at most a week old. Ingest bars of the underlying, more of its chains, or give "
            "--realised-volatility."
        )
    return found.volatility, f"{found.source}, {found.days} daily returns"


def _events(
    catalog: Path, symbol: str, at_ns: int, flags: MarketFlags
) -> tuple[tuple[Event, ...], tuple[EventKind, ...]]:
    """Return the events that were known, of the file and of the catalog's dividends, and of which kinds."""
    from catalog.daily_series import dividends_at
    from catalog.pricing_inputs import knows_dividends
    from configs.criteria import read_events
    from market.time import new_york_date
    from scanner.context import EVENT_KINDS, Event

    listed = set() if flags.events is None else set(read_events(flags.events).get(symbol, ()))
    kinds = EVENT_KINDS if flags.events is not None else ()
    if knows_dividends(catalog, symbol, at_ns):
        kinds = tuple(kind for kind in EVENT_KINDS if kind in kinds or kind == "ex_dividend")
        dates = dividends_at(catalog, symbol, at_ns).ex_ns
        listed |= {Event("ex_dividend", new_york_date(ex_ns)) for ex_ns in dates if ex_ns > at_ns}
    return tuple(sorted(listed, key=lambda event: (event.day, event.kind))), kinds
