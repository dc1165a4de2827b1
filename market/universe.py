"""Which symbols may be traded: a universe's lists and rules, applied to one day's statistics.

Evaluate the session BEFORE the one to be traded: volume, spread and last price of a day are known only
when it is over. What is not known fails its rule: a symbol without quotes has no acceptable spread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

import msgspec


def _bound(meaning: str, unit: str, at_least: Decimal | int, at_most: Decimal | int) -> msgspec.Meta:
    return msgspec.Meta(
        description=meaning,
        extra={"unit": unit, "at_least": Decimal(at_least), "at_most": Decimal(at_most)},
    )


_PRICE_MIN, _PRICE_MAX = Decimal("0.0001"), 1_000_000
_COUNT_MAX = 10**12


class UniverseRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a symbol's day must satisfy, bounds included; a rule that is None is not applied.

    Raises `ValueError`, beginning with the rule's key, for values out of bounds or in contradiction.
    """

    price_usd_min: Annotated[Decimal | None, _bound("Lowest last price.", "USD", _PRICE_MIN, _PRICE_MAX)] = (
        None
    )
    price_usd_max: Annotated[Decimal | None, _bound("Highest last price.", "USD", _PRICE_MIN, _PRICE_MAX)] = (
        None
    )
    volume_shares_min: Annotated[
        int | None, _bound("Fewest shares traded in the session.", "shares", 1, _COUNT_MAX)
    ] = None
    trades_min: Annotated[int | None, _bound("Fewest trades in the session.", "trades", 1, _COUNT_MAX)] = None
    quotes_min: Annotated[int | None, _bound("Fewest quotes in the session.", "quotes", 1, _COUNT_MAX)] = None
    spread_usd_max: Annotated[
        Decimal | None, _bound("Widest time-weighted spread.", "USD", _PRICE_MIN, _PRICE_MAX)
    ] = None
    spread_bps_max: Annotated[
        Decimal | None,
        _bound("Widest time-weighted spread, in basis points of the mid.", "bps", Decimal("0.01"), 20_000),
    ] = None
    depth_required: Annotated[
        bool, msgspec.Meta(description="Only symbols with order book depth on that day.")
    ] = False

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(self):
            extra = _extra_of(field.type)
            value = getattr(self, field.name)
            if extra and value is not None and not _is_within(value, extra):
                allowed = f"{extra['at_least']:f} to {extra['at_most']:f} {extra['unit']}"
                raise ValueError(f"{field.name} is {value}, allowed: {allowed}")
        low, high = self.price_usd_min, self.price_usd_max
        if low is not None and high is not None and low > high:
            raise ValueError(f"price_usd_min is {low}, allowed: at most price_usd_max ({high})")


def _is_within(value: Decimal, extra: Mapping[str, Decimal]) -> bool:
    # A NaN cannot be compared, only asked.
    return Decimal(value).is_finite() and extra["at_least"] <= value <= extra["at_most"]


def _extra_of(field_type: object) -> Mapping[str, Any]:
    metas = getattr(field_type, "__metadata__", ())
    return next((meta.extra for meta in metas if meta.extra), {})


class Universe(msgspec.Struct, frozen=True, kw_only=True):
    """Lists of symbols, and rules.

    `symbols` are the candidates, None means every symbol that the day has. With a `whitelist` nothing else
    is kept; `prohibited` symbols never are, whatever else is said of them.
    """

    name: str
    symbols: tuple[str, ...] | None = None
    whitelist: frozenset[str] | None = None
    prohibited: frozenset[str] = frozenset()
    rules: UniverseRules = UniverseRules()


class DayStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's regular session. None is unknown: no record says it.

    Prices in USD, spreads weighted by the time they stood, volume in shares.
    """

    symbol: str
    first_price: Decimal | None = None
    last_price: Decimal | None = None
    volume_shares: int | None = None
    spread_usd: float | None = None
    spread_bps: float | None = None
    quotes: int = 0
    trades: int = 0
    bars: int = 0
    depth_updates: int = 0

    @property
    def has_data(self) -> bool:
        """Whether anything was recorded in the session."""
        return any((self.quotes, self.trades, self.bars, self.depth_updates))


class UniverseDecision(msgspec.Struct, frozen=True):
    """Whether a symbol is kept; every reason why not, each as `rule: what was found, and the limit`."""

    symbol: str
    kept: bool
    reasons: tuple[str, ...]


def evaluate(universe: Universe, statistics: Mapping[str, DayStatistics]) -> tuple[UniverseDecision, ...]:
    """Return a decision for each candidate: in the order of `symbols`, or by name when it is None."""
    candidates = sorted(statistics) if universe.symbols is None else universe.symbols
    return tuple(_decide(universe, symbol, statistics.get(symbol)) for symbol in candidates)


def _decide(universe: Universe, symbol: str, day: DayStatistics | None) -> UniverseDecision:
    reasons = list(_listed(universe, symbol))
    if day is None or not day.has_data:
        reasons.append("has_data: the catalog has no record of it in this session")
    else:
        reasons.extend(_violations(universe.rules, day))
    return UniverseDecision(symbol, not reasons, tuple(reasons))


def _listed(universe: Universe, symbol: str) -> Iterator[str]:
    if symbol in universe.prohibited:
        yield "prohibited: it is on the list"
    if universe.whitelist is not None and symbol not in universe.whitelist:
        yield "whitelist: it is not on the list"


def _violations(rules: UniverseRules, day: DayStatistics) -> Iterator[str]:
    """Yield each rule that the day breaks, or that cannot be answered for lack of records."""
    traded = day.volume_shares
    spread_usd = None if day.spread_usd is None else Decimal(repr(day.spread_usd))
    spread_bps = None if day.spread_bps is None else Decimal(repr(day.spread_bps))
    checks = (
        ("price_usd_min", day.last_price, rules.price_usd_min, "last price", "USD"),
        ("price_usd_max", day.last_price, rules.price_usd_max, "last price", "USD"),
        ("volume_shares_min", traded, rules.volume_shares_min, "volume", "shares"),
        ("trades_min", day.trades, rules.trades_min, "trades", ""),
        ("quotes_min", day.quotes, rules.quotes_min, "quotes", ""),
        ("spread_usd_max", spread_usd, rules.spread_usd_max, "mean spread", "USD"),
        ("spread_bps_max", spread_bps, rules.spread_bps_max, "mean spread", "bps"),
    )
    for key, found, limit, what, unit in checks:
        if limit is None:
            continue
        if found is None:
            yield f"{key}: {what} is unknown, no record says it"
        elif key.endswith("_min") and found < limit:
            yield f"{key}: {what} {_text(found, unit)} is below {_text(limit)}"
        elif key.endswith("_max") and found > limit:
            yield f"{key}: {what} {_text(found, unit)} is above {_text(limit)}"
    if rules.depth_required and not day.depth_updates:
        yield "depth_required: it has no order book depth"


def _text(value: Decimal | int, unit: str = "") -> str:
    """Return a value for a reader, with thousands separators and at most six decimals."""
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"{shown} {unit}".strip()
