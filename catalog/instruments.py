"""From `EquitySpec` to Nautilus' `Equity`, and into the catalog as Nautilus writes it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from market.errors import DataError, HarvesterError
from market.instruments import EQUITY_PRICE_PRECISION, EquitySpec

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Equity

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9 .^:/-]{0,31}")
_RAW_BYTES = 16


def nautilus_equity(spec: EquitySpec) -> Equity:
    """Return the instrument: prices of four decimals, IB's increment, whole shares, valid from 1970 on.

    The matching engine demands that data and instrument agree in precision, hence an increment of 0.01 is
    written `0.0100`.
    """
    from nautilus_trader.model.identifiers import InstrumentId, Symbol
    from nautilus_trader.model.instruments import Equity
    from nautilus_trader.model.objects import Currency, Price, Quantity

    places = Decimal(1).scaleb(-EQUITY_PRICE_PRECISION)
    return Equity(
        instrument_id=InstrumentId.from_str(spec.instrument_id),
        raw_symbol=Symbol(spec.symbol.strip().upper()),
        currency=Currency.from_str(spec.currency),
        price_precision=EQUITY_PRICE_PRECISION,
        price_increment=Price.from_str(str(spec.price_increment.quantize(places))),
        lot_size=Quantity.from_int(spec.lot_size),
        isin=spec.isin,
        ts_event=0,
        ts_init=0,
    )


def write_equities(specs: list[EquitySpec], root: Path) -> None:
    """Write `specs` below `root`, with Nautilus' own writer.

    Raises `HarvesterError` where Nautilus was built with 64-bit prices: its files would have another layout.
    """
    from nautilus_trader.core import nautilus_pyo3
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    if nautilus_pyo3.PRECISION_BYTES != _RAW_BYTES:
        raise HarvesterError(
            f"This build of NautilusTrader stores prices in {nautilus_pyo3.PRECISION_BYTES} bytes; "
            f"Harvester's catalogs need {_RAW_BYTES} (the high-precision build of Linux and macOS)."
        )
    ParquetDataCatalog(str(root)).write_data([nautilus_equity(spec) for spec in specs])


def validate_symbol(symbol: str) -> None:
    """Raise `DataError` for a symbol that cannot be part of a path and of a query."""
    if not _SYMBOL.fullmatch(symbol.strip().upper()):
        raise DataError(
            f"{symbol!r} is no symbol: up to 32 letters, digits, blanks and . - ^ : / are allowed. "
            "Is the right column mapped to `symbol`?"
        )


def query_name(instrument_id: str) -> str:
    """Return what Nautilus' queries call an instrument; `BRK.B` and `BRK-B` would share a name."""
    return re.sub(r"[.\- ^:]", "_", instrument_id.replace("/", "")).lower()
