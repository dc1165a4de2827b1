"""Option contracts and indexes into the catalog, as Nautilus writes them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.storage.arrow_layout import file_name
from market.option_contracts import OPTION_PRICE_PRECISION, OptionSpec

_WORD = pa.dictionary(pa.int16(), pa.string())
_SHORT = pa.dictionary(pa.int8(), pa.string())
_ID = pa.dictionary(pa.int64(), pa.string())
_OPTION_SCHEMA = pa.schema(
    {
        "id": _ID,
        "raw_symbol": pa.string(),
        "underlying": _WORD,
        "asset_class": _SHORT,
        "exchange": _WORD,
        "option_kind": _SHORT,
        "strike_price": _ID,
        "currency": _WORD,
        "activation_ns": pa.uint64(),
        "expiration_ns": pa.uint64(),
        "price_precision": pa.uint8(),
        "size_precision": pa.uint8(),
        "price_increment": _WORD,
        "size_increment": _WORD,
        "multiplier": _WORD,
        "lot_size": _WORD,
        "margin_init": pa.string(),
        "margin_maint": pa.string(),
        "maker_fee": pa.string(),
        "taker_fee": pa.string(),
        "info": pa.binary(),
        "ts_event": pa.uint64(),
        "ts_init": pa.uint64(),
    },
    metadata={"class": "OptionContract"},
)
_INDEX_SCHEMA = pa.schema(
    {
        "id": _ID,
        "raw_symbol": pa.string(),
        "currency": _WORD,
        "price_precision": pa.uint8(),
        "price_increment": _WORD,
        "size_precision": pa.uint8(),
        "size_increment": _WORD,
        "info": pa.binary(),
        "ts_event": pa.uint64(),
        "ts_init": pa.uint64(),
    },
    metadata={"class": "IndexInstrument"},
)
_UNSET = {"info": b"null", "ts_event": 0, "ts_init": 0}


def write_options(specs: list[OptionSpec], root: Path) -> list[str]:
    """Write `specs` below `root` with IB's increments; return the paths below `root`."""
    return [
        _write(
            "option_contract", spec.instrument_id, pa.Table.from_pylist([_option(spec)], _OPTION_SCHEMA), root
        )
        for spec in specs
    ]


def write_indexes(instrument_ids: list[str], root: Path) -> list[str]:
    """Write an index of each id below `root`; return the paths below `root`.

    Chains of snapshots are written so as well: Nautilus loads data by id only where it finds an instrument.
    """
    return [
        _write("index_instrument", name, pa.Table.from_pylist([_index(name)], _INDEX_SCHEMA), root)
        for name in instrument_ids
    ]


def _write(kind: str, instrument_id: str, table: pa.Table, root: Path) -> str:
    path = f"data/{kind}/{instrument_id.replace('/', '')}/{file_name(0, 0)}"
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / path)
    return path


def _option(spec: OptionSpec) -> dict[str, Any]:
    terms = spec.option_class
    return {
        "id": spec.instrument_id,
        "raw_symbol": spec.symbol,
        "underlying": terms.underlying_id.rpartition(".")[0],
        "asset_class": "INDEX" if terms.is_index else "EQUITY",
        "option_kind": "CALL" if spec.is_call else "PUT",
        "strike_price": str(max(spec.strike.normalize(), spec.strike.quantize(_CENT), key=_places)),
        "currency": "USD",
        "activation_ns": 0,
        "expiration_ns": spec.expiry_ns,
        "price_precision": OPTION_PRICE_PRECISION,
        "size_precision": 0,
        "price_increment": str(terms.price_increment.quantize(_CENT)),
        "size_increment": "1",
        "multiplier": str(terms.multiplier),
        "lot_size": "1",
        **dict.fromkeys(("margin_init", "margin_maint", "maker_fee", "taker_fee"), "0"),
        **_UNSET,
    }


def _index(instrument_id: str) -> dict[str, Any]:
    return {
        "id": instrument_id,
        "raw_symbol": instrument_id.rpartition(".")[0],
        "currency": "USD",
        "price_precision": OPTION_PRICE_PRECISION,
        "price_increment": str(_CENT),
        "size_precision": 0,
        "size_increment": "1",
        **_UNSET,
    }


_CENT = Decimal(1).scaleb(-OPTION_PRICE_PRECISION)


def _places(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)
