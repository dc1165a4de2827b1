"""The stocks and indexes of the synthetic market.

Contract ids, exchanges, trading classes and ISINs of the well-known names are the real ones where
captures or Interactive Brokers' public contract search give them; prices are invented round numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Name(NamedTuple):
    """A stock or index: `price` in USD and `volatility` (a year, 0.25 is 25 %) drive the synthetic market."""

    symbol: str
    long_name: str
    primary_exchange: str
    trading_class: str
    price: Decimal
    volatility: float
    con_id: int | None = None
    isin: str = ""
    is_etf: bool = False
    is_index: bool = False


NAMES: tuple[Name, ...] = (
    Name("AAPL", "APPLE INC", "NASDAQ", "NMS", Decimal(230), 0.28, 265598, "US0378331005"),
    Name("AMD", "ADVANCED MICRO DEVICES", "NASDAQ", "NMS", Decimal(140), 0.45, 4391, "US0079031078"),
    Name("INTC", "INTEL CORP", "NASDAQ", "NMS", Decimal(22), 0.40, 270639, "US4581401001"),
    Name("MSFT", "MICROSOFT CORP", "NASDAQ", "NMS", Decimal(420), 0.24, 272093, "US5949181045"),
    Name("NVDA", "NVIDIA CORP", "NASDAQ", "NMS", Decimal(135), 0.48, 4815747, "US67066G1040"),
    Name("TSLA", "TESLA INC", "NASDAQ", "NMS", Decimal(250), 0.55, 76792991, "US88160R1014"),
    Name("BAC", "BANK OF AMERICA CORP", "NYSE", "BAC", Decimal(40), 0.25, None, "US0605051046"),
    Name("F", "FORD MOTOR CO", "NYSE", "F", Decimal("9.80"), 0.35, None, "US3453708600"),
    Name("SOFI", "SOFI TECHNOLOGIES INC", "NASDAQ", "NMS", Decimal("8.40"), 0.60),
    Name("SPY", "SPDR S&P 500 ETF TRUST", "ARCA", "SPY", Decimal(590), 0.16, 756733, "US78462F1030", True),
    Name("SPX", "S&P 500 Stock Index", "CBOE", "SPX", Decimal(5900), 0.16, 416904, "", False, True),
    Name("VIX", "CBOE Volatility Index", "CBOE", "VIX", Decimal(16), 0.90, 13455763, "", False, True),
)

KNOWN: dict[str, Name] = {name.symbol: name for name in NAMES}

INDEX_OPTION_CLASSES = {"SPX": ("SPX", "SPXW"), "VIX": ("VIX", "VIXW")}
"""Trading classes of an index's options: third Fridays settled in the morning, the others in the evening."""
