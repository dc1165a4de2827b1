"""Instruments as plain values, and the one instrument id scheme of every node.

Every id is `SYMBOL.SMART`: Interactive Brokers routes there, and a backtest, the simulator and
live trading must name an instrument alike for one profile to fit all of them.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

VENUE = "SMART"
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


def symbol_of(id_text: str) -> str:
    """Return the symbol of an instrument id: `BRK.B.SMART` gives `BRK.B`."""
    return id_text.rpartition(".")[0]
