"""Instruments as plain values, and the one instrument id scheme of every node.

Every id is `SYMBOL.SMART`: Interactive Brokers routes there, and a backtest, the simulator and
live trading must name an instrument alike for one profile to fit all of them.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from market.errors import DataError

VENUE = "SMART"
SYMBOL_PATTERN = r"[A-Z][A-Z0-9]{0,9}([.][A-Z]{1,3})?"
"""A symbol in upper case, such as `BAC` or `BRK.B`: what a profile, a universe and an ingest may name."""
EQUITY_PRICE_PRECISION = 4
"""Decimals of every equity price: mid-point prints and prices below 1 USD need four."""


class EquitySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A US stock or ETF as Interactive Brokers trades it.

    `price_increment` is IB's minimum tick in USD for prices of 1 USD and more; below 1 USD IB's
    market rule 26 allows 0.0001 (see `market.money.tick_size`). Shares are whole.
    """

    symbol: str
    price_increment: Decimal = Decimal("0.01")
    lot_size: int = 1
    currency: str = "USD"
    isin: str | None = None

    @property
    def instrument_id(self) -> str:
        """The id that every node uses, e.g. `BAC.SMART`."""
        return instrument_id(self.symbol)


def instrument_id(symbol: str) -> str:
    """Return the id of `symbol`, in upper case, on the one venue: `bac` gives `BAC.SMART`."""
    return f"{symbol.strip().upper()}.{VENUE}"


def is_symbol(text: str) -> bool:
    """Say whether `text`, in upper case, is a symbol as `SYMBOL_PATTERN` has it."""
    return re.fullmatch(SYMBOL_PATTERN, text) is not None


def checked_symbol(text: str) -> str:
    """Return `text` as a symbol in upper case; raises `DataError` for what is none."""
    symbol = text.strip().upper()
    if not is_symbol(symbol):
        raise DataError(
            f"{text!r} is no symbol. Write a letter, up to nine letters or digits, and for a class a dot and "
            "up to three letters: BAC, BRK.B."
        )
    return symbol


def symbol_of(id_text: str) -> str:
    """Return the symbol of an instrument id: `BRK.B.SMART` gives `BRK.B`."""
    return id_text.rpartition(".")[0]
