"""A chain snapshot as the two blobs that the catalog stores: the contracts, and what the market says of them.

Both are Arrow IPC streams of one record batch, readable without Harvester. The contracts of a day repeat from
snapshot to snapshot byte for byte, so that Parquet stores them once and a reader decodes them once. Prices
are 32-bit integers of 1/10,000 USD, sizes 32-bit integers, iv and greeks 32-bit floats; null is absent, and a
column without any value is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from market.errors import DataError
from market.instruments import VENUE
from market.option_chain import COLUMNS, GREEKS, OptionChain

PRICE_UNITS = 10_000
PRICES = ("bid", "ask", "last")
COUNTS = ("bid_size", "ask_size", "volume", "open_interest")
CACHED_CONTRACT_LISTS = 256
_WHOLE_MAX = 2**31 - 1
_STATIC = ("contract", "expiry_ns", "strike", "is_call", "style", "settlement", "multiplier")


@dataclass(frozen=True)
class ContractList:
    """The contracts of a chain class in the order of their snapshots."""

    root: str
    underlying: str
    columns: Mapping[str, NDArray[Any]]
    """Static columns of an `OptionChain`, ordered as `OptionChain.of` orders them."""

    def __len__(self) -> int:
        return len(self.columns["strike"])


def encode_contracts(contracts: ContractList) -> bytes:
    """Return the blob of a contract list."""
    names = ("expiry_ns", "strike", "is_call", "style", "settlement", "multiplier")
    arrays: dict[str, pa.Array] = {name: pa.array(contracts.columns[name]) for name in names}
    symbols = [str(name).removesuffix(f".{VENUE}") for name in contracts.columns["contract"]]
    for name in ("style", "settlement"):
        arrays[name] = arrays[name].cast(pa.string()).dictionary_encode()
    columns = {"symbol": pa.array(symbols), **arrays}
    metadata = {"root": contracts.root, "underlying": contracts.underlying}
    return _to_ipc(pa.RecordBatch.from_pydict(columns, metadata=metadata))


@lru_cache(maxsize=CACHED_CONTRACT_LISTS)
def decode_contracts(blob: bytes) -> ContractList:
    """Return the contract list of a blob; the last 256 are remembered, and shared: do not write to them."""
    batch = _from_ipc(blob)
    columns: dict[str, NDArray[Any]] = {
        "contract": np.array([f"{symbol}.{VENUE}" for symbol in batch["symbol"].to_pylist()], dtype=object)
    }
    for name in _STATIC[1:]:
        values = batch[name]
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        columns[name] = values.to_numpy(zero_copy_only=False)
    columns["style"] = columns["style"].astype("U1")
    columns["settlement"] = columns["settlement"].astype("U8")
    metadata = {key.decode(): value.decode() for key, value in batch.schema.metadata.items()}
    return ContractList(metadata["root"], metadata["underlying"], columns)


def encode_market(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the blob of the market's columns; raises `DataError` for values beyond 32 bits."""
    arrays: dict[str, pa.Array] = {}
    for name in PRICES:
        _add_whole(arrays, name, columns[name] * PRICE_UNITS)
    for name in COUNTS:
        _add_whole(arrays, name, columns[name])
    for name in GREEKS:
        values = columns.get(name)
        if values is not None and not np.isnan(values).all():
            arrays[name] = pa.array(values.astype(np.float32), from_pandas=True)
    return _to_ipc(pa.RecordBatch.from_pydict(arrays)) if arrays else b""


def decode_chain(contracts: bytes, market: bytes, *, ts_ns: int, underlying_price: float) -> OptionChain:
    """Return the chain of two blobs; its static columns are shared with other snapshots."""
    listed = decode_contracts(contracts)
    columns = dict(listed.columns)
    batch = _from_ipc(market) if market else None
    stored = set(batch.schema.names) if batch is not None else set()
    for name in (*PRICES, *COUNTS, *GREEKS):
        if batch is None or name not in stored:
            columns[name] = np.full(len(listed), np.nan)
            continue
        values = batch[name].to_numpy(zero_copy_only=False).astype(np.float64)
        columns[name] = values / PRICE_UNITS if name in PRICES else values
    columns["iv_reason"] = np.where(np.isnan(columns["iv"]), np.uint8(255), np.uint8(0))
    return OptionChain(
        underlying=listed.underlying,
        ts_ns=ts_ns,
        underlying_price=underlying_price,
        **{name: columns[name] for name in COLUMNS},
    )


def _add_whole(arrays: dict[str, pa.Array], name: str, values: NDArray[Any]) -> None:
    absent = np.isnan(values)
    if absent.all():
        return
    whole = np.rint(np.where(absent, 0.0, values))
    if np.abs(whole).max(initial=0.0) > _WHOLE_MAX:
        raise DataError(
            f"{name} {np.abs(whole).max():.0f} (prices in 1/10,000 USD) is beyond {_WHOLE_MAX}, "
            "the most that a chain snapshot can hold. Check the unit."
        )
    arrays[name] = pa.array(whole.astype(np.int32), mask=absent)


def _to_ipc(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _from_ipc(blob: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(pa.py_buffer(blob)) as reader:
        return reader.read_next_batch()
