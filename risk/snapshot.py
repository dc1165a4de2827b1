"""What the rules compare an intent with: the account and the market as they stand, and as the order
could leave them.

`*_after` counts positions and every working order at its worst, the order in question included.
None means unknown; a rule that needs an unknown value refuses.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from risk.breaker import Breaker
from risk.session_view import SessionView

ZERO = Decimal(0)
TWO = Decimal(2)


class Touch(msgspec.Struct, frozen=True, gc=False):
    """Best bid and offer in USD a share: all that values what is held."""

    bid: Decimal
    ask: Decimal


class Quote(Touch, frozen=True, gc=False):
    """The touch with displayed shares or contracts, and when it was made (ns UTC)."""

    bid_size: int
    ask_size: int
    ts_ns: int

    @property
    def mid(self) -> Decimal:
        """Half of bid plus ask, in USD a share."""
        return (self.bid + self.ask) / TWO

    @property
    def is_sound(self) -> bool:
        """Whether both sides are there and do not cross; combinations may be quoted below zero."""
        return self.bid <= self.ask and self.bid_size > 0 and self.ask_size > 0


class Exposure(msgspec.Struct, frozen=True, gc=False):
    """The most that could be held of one instrument, long and short, if every order of a side filled."""

    worst_long: int
    worst_short: int

    @property
    def worst(self) -> int:
        """The larger side, in shares or contracts."""
        long, short = self.worst_long, self.worst_short  # asked five times an order; max() costs double
        return long if long >= short else short


class OptionRisk(msgspec.Struct, frozen=True, kw_only=True):
    """The order's underlying with the order in it; money in USD.

    A loss is the worst at expiry, None when it is unbounded or a price is missing; the order's, where
    held options cover what it sells, is that of its strategy's options with the order. Delta is in shares
    of the underlying, vega in USD per volatility point; None when a contract's greeks are unknown, and of
    a stock without options 0.
    `uncovered` are the ids of short options that could lack their cover, none while the risk is defined.
    """

    order_loss_usd: Decimal | None
    underlying_loss_usd: Decimal | None
    total_loss_usd: Decimal | None
    has_defined_risk: bool
    delta_shares: float | None
    vega_usd: float | None
    uncovered: tuple[str, ...] = ()


class DayResult(msgspec.Struct, frozen=True, gc=False):
    """Profit and loss of the day in USD, fees counted: realized plus open, its high, losses in a row."""

    profit_usd: Decimal
    high_usd: Decimal
    consecutive_losses: int
    paused_until_ns: int | None

    @property
    def loss_usd(self) -> Decimal:
        """Loss from the day's start, 0 or more."""
        return -self.profit_usd if self.profit_usd < ZERO else ZERO

    @property
    def drawdown_usd(self) -> Decimal:
        """Loss from the day's highest profit (at least 0), 0 or more."""
        return self.high_usd - self.profit_usd if self.high_usd > self.profit_usd else ZERO


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """Everything a rule may look at besides the intent and the limits. Times in ns UTC, money in USD.

    Give the fields by keyword, but where each order's time counts: some twenty keywords cost 1.4 us.
    """

    now_ns: int
    breaker: Breaker
    pause: str | None
    """What is paused, this symbol or everything, and by whom; None when trading is not paused."""
    session: SessionView
    allowed_symbols: frozenset[str]
    quote: Quote | None
    last_price: Decimal | None
    order_value_usd: Decimal | None
    exposure_after: dict[str, Exposure]
    """By instrument id, for each that the order touches; all listings of one thing count together."""
    symbol_value_after_usd: Decimal | None
    total_value_after_usd: Decimal | None
    symbols_after: int
    open_orders_after: int
    orders_last_second: int
    replaces_last_minute: int
    duplicate_of: str | None
    funds_usd: Decimal | None
    day: DayResult | None
    open_loss_usd: Decimal | None
    """Open loss of the order's symbol, 0 or more."""
    option_risk: OptionRisk | None
