"""What the gate asks of the world; a shell answers from Nautilus, a test from a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

import msgspec

from risk.intent import InstrumentTerms
from risk.session_view import SessionView
from risk.snapshot import Quote, Touch


class Greeks(msgspec.Struct, frozen=True):
    """Of one share of the underlying: delta -1 to 1; vega in USD per volatility point."""

    delta: float
    vega: float


class MarketView(Protocol):
    """Prices, greeks, funds and sessions, each None when unknown."""

    def quote(self, terms: InstrumentTerms) -> Quote | None:
        """Return the latest quote."""

    def touch(self, terms: InstrumentTerms) -> Touch | None:
        """Return the prices of the latest quote, None where they cross or a stock has no bid."""

    def last_price(self, terms: InstrumentTerms) -> Decimal | None:
        """Return the price of the last trade, in USD a share."""

    def greeks(self, terms: InstrumentTerms) -> Greeks | None:
        """Return the greeks of an option."""

    def funds_usd(self) -> Decimal | None:
        """Return the account's total balance in USD."""

    def session(self, now_ns: int) -> SessionView:
        """Return the session's phase at `now_ns`."""
