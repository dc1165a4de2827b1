"""From `EquitySpec` to Nautilus' `Equity`, and into the catalog as Nautilus writes it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.storage.arrow_layout import file_name
from market.errors import DataError
from market.instruments import EQUITY_PRICE_PRECISION, EquitySpec

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Equity

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9 .^:-]{0,31}")
_WORD = pa.dictionary(pa.int16(), pa.string())
_EQUITY_SCHEMA = pa.schema(
    {
        "id": pa.dictionary(pa.int64(), pa.string()),
        "raw_symbol": pa.string(),
        "currency": _WORD,
        "price_precision": pa.uint8(),
        "price_increment": _WORD,
        "lot_size": _WORD,
        "max_quantity": _WORD,
        "min_quantity": _WORD,
        "isin": pa.string(),
        "margin_init": pa.string(),
        "margin_maint": pa.string(),
        "maker_fee": pa.string(),
        "taker_fee": pa.string(),
        "info": pa.binary(),
        "ts_event": pa.uint64(),
        "ts_init": pa.uint64(),
    },
    metadata={"class": "Equity"},
)


def nautilus_equity(spec: EquitySpec) -> Equity:
    """Return the instrument: prices of four decimals, IB's increment, whole shares, valid from 1970 on.

    The matching engine demands that data and instrument agree in precision, hence an increment of 0.01 is
    written `0.0100`.
    """
    from nautilus_trader.model.identifiers import InstrumentId, Symbol
    from nautilus_trader.model.instruments import Equity
    from nautilus_trader.model.objects import Currency, Price, Quantity

    return Equity(
        instrument_id=InstrumentId.from_str(spec.instrument_id),
        raw_symbol=Symbol(_raw_symbol(spec)),
        currency=Currency.from_str(spec.currency),
        price_precision=EQUITY_PRICE_PRECISION,
        price_increment=Price.from_str(_increment(spec)),
        lot_size=Quantity.from_int(spec.lot_size),
        isin=spec.isin,
        ts_event=0,
        ts_init=0,
    )


def write_equities(specs: list[EquitySpec], root: Path) -> list[str]:
    """Write `specs` below `root` as Nautilus writes an `Equity`; return the paths below `root`.

    Nautilus itself is not imported: that takes longer than ingesting a million quotes.
    """
    paths = []
    for spec in specs:
        path = f"data/equity/{spec.instrument_id.replace('/', '')}/{file_name(0, 0)}"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([_row(spec)], _EQUITY_SCHEMA), root / path)
        paths.append(path)
    return paths


def _row(spec: EquitySpec) -> dict[str, object]:
    return {
        "id": spec.instrument_id,
        "raw_symbol": _raw_symbol(spec),
        "currency": spec.currency,
        "price_precision": EQUITY_PRICE_PRECISION,
        "price_increment": _increment(spec),
        "lot_size": str(spec.lot_size),
        "isin": spec.isin,
        **dict.fromkeys(("margin_init", "margin_maint", "maker_fee", "taker_fee"), "0"),
        "info": b"null",
        "ts_event": 0,
        "ts_init": 0,
    }


def _raw_symbol(spec: EquitySpec) -> str:
    return spec.symbol.strip().upper()


def _increment(spec: EquitySpec) -> str:
    return str(spec.price_increment.quantize(Decimal(1).scaleb(-EQUITY_PRICE_PRECISION)))


def validate_symbol(symbol: str) -> None:
    """Raise `DataError` for a symbol that cannot be part of a path and of a query."""
    if _SYMBOL.fullmatch(symbol.strip().upper()) is None:
        raise DataError(
            f"{symbol!r} is no symbol: up to 32 letters, digits, blanks and . - ^ : are allowed. "
            "Is the right column mapped to `symbol`?"
        )


def query_name(instrument_id: str) -> str:
    """Return what Nautilus' queries call an instrument; `BRK.B` and `BRK-B` would share a name."""
    return re.sub(r"[.\- ^:]", "_", instrument_id.replace("/", "")).lower()
