"""What exists in the simulated universe, and when it trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class ChainSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The option chain of one underlying, drawn up around its price at the start.

    `weekly_expiries` counts Fridays from the first one after the start, `monthly_expiries` third Fridays
    after those. `strikes_each_side` is the number of strikes below and above the one nearest the money.
    `strike_step` in USD, None for one that suits the price.
    """

    weekly_expiries: int = 4
    monthly_expiries: int = 3
    strikes_each_side: int = 10
    strike_step: Decimal | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.weekly_expiries <= 104 or not 0 <= self.monthly_expiries <= 36:
            raise ValueError(
                f"weekly_expiries {self.weekly_expiries} must be 0 to 104, "
                f"monthly_expiries {self.monthly_expiries} 0 to 36"
            )
        if not 1 <= self.strikes_each_side <= 500:
            raise ValueError(f"strikes_each_side {self.strikes_each_side} must be 1 to 500")
        if self.strike_step is not None and not self.strike_step > 0:
            raise ValueError(f"strike_step {self.strike_step} must be above 0")


class ContractSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The universe beyond the built-in names.

    `symbols` adds stocks to the synthetic market (any name; a catalog day brings its own). `optionable`
    names the underlyings that have an option chain; with a catalog day also its stocks can have one, priced
    by a model. `hours`: "exchange" follows New York's sessions, "always" trades around the clock so that a
    client can be tested at night. `matching_symbols_seconds`: IB allows one search per second.
    """

    symbols: tuple[str, ...] = ()
    optionable: tuple[str, ...] = ("AAPL", "SPY", "SPX")
    chain: ChainSettings = ChainSettings()
    hours: Literal["exchange", "always"] = "exchange"
    matching_symbols_seconds: float = 1.0

    def __post_init__(self) -> None:
        for symbol in (*self.symbols, *self.optionable):
            if not symbol or symbol != symbol.strip().upper() or len(symbol) > 32:
                raise ValueError(f"symbol {symbol!r}: write 1 to 32 upper-case characters, such as AAPL")
        if self.matching_symbols_seconds < 0:
            raise ValueError(f"matching_symbols_seconds {self.matching_symbols_seconds} must not be negative")
