"""What a synthetic market consists of: its symbols, its days and its planted properties.

The default symbols are issues that NASDAQ reserves for tests: they look like stocks to every part
of the system, and no order for one of them can ever reach a real company's shares.
"""

from __future__ import annotations

from datetime import date

import msgspec

from market.errors import ConfigError


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise ConfigError(f"{name} is {value}, allowed is {low} to {high}. Choose a value in this range.")


def _require_symbol(symbol: str) -> None:
    if not symbol or symbol != symbol.strip().upper() or not symbol.isascii():
        raise ConfigError(f"symbol {symbol!r} is not a ticker. Write it in upper case, e.g. 'ZVZZT'.")


class SyntheticSymbol(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One synthetic stock. The values are those of an ordinary day, before anything random."""

    symbol: str
    price_usd: float
    """Price at which the first day opens; at least 2 USD."""
    spread_cents: float
    """Mean spread in cents, 1 or more; the quoted spread is always a whole number of cents."""
    volatility_fraction_day: float = 0.03
    """Standard deviation of the return from open to close, jumps apart."""
    market_beta: float = 1.0
    """Return for a market return of 1; with the volatilities it sets the correlation."""
    quote_updates_day: int = 60_000
    """Expected changes of the best bid or offer in a full session (fewer on an early close)."""
    displayed_shares: int = 4_000
    """Median of bid size plus ask size at the touch."""

    def __post_init__(self) -> None:
        _require_symbol(self.symbol)
        _require("price_usd", self.price_usd, 2.0, 10_000.0)
        _require("spread_cents", self.spread_cents, 1.0, 100.0)
        _require("volatility_fraction_day", self.volatility_fraction_day, 0.001, 0.20)
        _require("market_beta", self.market_beta, -5.0, 5.0)
        _require("quote_updates_day", self.quote_updates_day, 100, 5_000_000)
        _require("displayed_shares", self.displayed_shares, 400, 10_000_000)


LOW_PRICED_STOCKS = (
    SyntheticSymbol(
        symbol="ZAZZT",
        price_usd=9.40,
        spread_cents=1.1,
        volatility_fraction_day=0.022,
        quote_updates_day=100_000,
    ),
    SyntheticSymbol(
        symbol="ZBZZT",
        price_usd=6.85,
        spread_cents=1.4,
        volatility_fraction_day=0.028,
        quote_updates_day=80_000,
    ),
    SyntheticSymbol(
        symbol="ZJZZT",
        price_usd=4.20,
        spread_cents=1.0,
        volatility_fraction_day=0.030,
        displayed_shares=9_000,
    ),
    SyntheticSymbol(
        symbol="ZVZZT",
        price_usd=7.75,
        spread_cents=2.4,
        volatility_fraction_day=0.045,
        market_beta=1.5,
    ),
    SyntheticSymbol(
        symbol="ZWZZT",
        price_usd=2.60,
        spread_cents=1.0,
        volatility_fraction_day=0.035,
        market_beta=0.6,
        quote_updates_day=40_000,
        displayed_shares=14_000,
    ),
)
"""Five stocks below 10 USD, from busy with a tight spread to volatile with a wide one."""


class SyntheticMarketSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole synthetic market. Equal specs give equal records, on every machine with one NumPy.

    All chance comes from generators seeded with (`seed`, symbol, date), or (`seed`, date) for the
    market's own return: adding or removing a symbol does not change the others, and neither does
    switching depth on or off. A day continues at the price at which the previous day closed, give or
    take an overnight gap.
    """

    seed: int = 7
    start: date = date(2025, 3, 3)
    end: date = date(2025, 3, 3)
    """Last day, inclusive. Days on which the exchange is closed hold no records."""
    symbols: tuple[SyntheticSymbol, ...] = LOW_PRICED_STOCKS
    imbalance_information: float = 0.8
    """How much the sizes at the touch say about where the price goes next: 0 nothing, 1 all there is."""
    quote_stickiness_ticks: float = 0.35
    """How far, in cents, the efficient price strays beyond half a cent from the mid before quotes follow."""
    trade_fraction: float = 0.35
    """Share of decreases of a displayed size that are executions; the rest are cancellations."""
    midpoint_fraction: float = 0.004
    """Share of quote updates that come with a hidden execution at the mid-point, without aggressor."""
    market_volatility_fraction_day: float = 0.010
    """Standard deviation of the market's return from open to close: what makes symbols move together."""
    jumps_per_day: float = 1.5
    """Expected price jumps of one symbol in a day."""
    jump_fraction: float = 0.35
    """Size of a jump (one standard deviation) as a fraction of the day's volatility."""
    halt_probability: float = 0.06
    """Chance that a symbol is halted once in a day."""
    halt_minutes: int = 5
    depth_levels: int = 5
    """Price levels a side in the L2 book; 0 writes no depth."""
    deep_updates_per_quote: float = 0.5
    """Changes below the touch for each change at the touch; needs depth."""

    def __post_init__(self) -> None:
        self._require_symbols()
        if self.start > self.end:
            raise ConfigError(f"start {self.start} is after end {self.end}. Swap them.")
        for name, (low, high) in _BOUNDS.items():
            _require(name, getattr(self, name), low, high)
        for symbol in self.symbols:
            shared = abs(symbol.market_beta) * self.market_volatility_fraction_day
            if shared > symbol.volatility_fraction_day:
                raise ConfigError(
                    f"{symbol.symbol}: market_beta {symbol.market_beta} x market volatility "
                    f"{self.market_volatility_fraction_day} is more than volatility_fraction_day "
                    f"{symbol.volatility_fraction_day}. Lower the beta or raise the volatility."
                )

    def _require_symbols(self) -> None:
        if not self.symbols:
            raise ConfigError("symbols is empty. Name at least one SyntheticSymbol.")
        names = [symbol.symbol for symbol in self.symbols]
        if len(set(names)) != len(names):
            raise ConfigError(f"symbols {names} name one symbol twice. Remove the repetition.")


_BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**63 - 1),
    "imbalance_information": (0, 1),
    "quote_stickiness_ticks": (0, 0.45),
    "trade_fraction": (0, 1),
    "midpoint_fraction": (0, 0.5),
    "market_volatility_fraction_day": (0, 0.1),
    "jumps_per_day": (0, 50),
    "jump_fraction": (0, 3),
    "halt_probability": (0, 1),
    "halt_minutes": (1, 60),
    "depth_levels": (0, 50),
    "deep_updates_per_quote": (0, 10),
}
