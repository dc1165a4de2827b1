"""What the store writes is what Nautilus writes: the same files, schemas, metadata and objects."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.data import Bar, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from catalog.columns import DataKind
from catalog.instruments import nautilus_equity
from catalog.lanes import LANES
from catalog.storage.arrow_layout import file_name, file_range, record_batch, stream_schema
from catalog.store import CatalogStore
from market.instruments import EquitySpec
from tests.catalog.stored_columns import (
    BAC,
    MINUTE_BARS,
    OPEN_NS,
    columns_of,
    nautilus_objects,
    quotes,
    source,
)

NAUTILUS_TYPE = {
    DataKind.DELTA: OrderBookDelta,
    DataKind.TRADE: TradeTick,
    DataKind.QUOTE: QuoteTick,
    DataKind.BAR: Bar,
}
FIRST_READING = OPEN_NS // LANES * LANES + LANES


@pytest.mark.parametrize("kind", list(NAUTILUS_TYPE))
@settings(max_examples=15, deadline=None)
@given(values=st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
def test_files_schemas_and_objects_equal_those_of_nautilus(kind: DataKind, values: list[int]) -> None:
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        _check_equal_to_nautilus(kind, values, Path(ours), Path(theirs))


def _check_equal_to_nautilus(kind: DataKind, values: list[int], ours: Path, theirs: Path) -> None:
    clock = FIRST_READING + LANES * np.arange(len(values), dtype=np.int64)
    bar_type = MINUTE_BARS if kind is DataKind.BAR else None
    with CatalogStore(ours).ingest(source()) as ingest:
        ingest.add_instrument(EquitySpec(symbol="BAC"))
        columns = columns_of(kind, clock, ingest.lane(kind, BAC, bar_type), values)
        ingest.write(kind, BAC, columns, bar_type)
    objects = nautilus_objects(kind, columns)
    written = ParquetDataCatalog(str(theirs))
    written.write_data(objects)
    written.write_data([nautilus_equity(EquitySpec(symbol="BAC"))])

    assert _data_files(ours) == _data_files(theirs)
    for name in _data_files(ours):
        mine, his = pq.read_table(ours / name), pq.read_table(theirs / name)
        assert mine.schema.equals(his.schema, check_metadata=True)
        assert mine.equals(his)
    read = ParquetDataCatalog(str(ours)).query(NAUTILUS_TYPE[kind])
    assert [_as_dict(record) for record in read] == [_as_dict(record) for record in objects]


def _data_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in (root / "data").rglob("*.parquet"))


def _as_dict(record: Any) -> dict[str, Any]:
    return dict(type(record).to_dict(record))  # `==` between loaded and built ticks ends the process


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_file_name_states_its_range_and_is_that_of_nautilus(start: int, end: int) -> None:
    from nautilus_trader.persistence.catalog.parquet import _timestamps_to_filename

    assert file_name(start, end) == _timestamps_to_filename(start, end)
    assert file_range(file_name(start, end)) == (start, end)


def test_other_file_names_are_refused() -> None:
    with pytest.raises(ValueError, match="_"):
        file_range("part-0.parquet")


def test_columns_of_unequal_length_or_with_nulls_are_refused() -> None:
    schema = stream_schema(DataKind.QUOTE, BAC)
    columns = quotes([OPEN_NS, OPEN_NS + 1], lane=2)
    with pytest.raises(ValueError, match="bid_size has 1 rows"):
        record_batch(_replaced(columns, bid_size=columns.bid_size.slice(0, 1)), schema)
    with_null = columns.bid_price.take([0, None])
    with pytest.raises(ValueError, match="bid_price has 2 rows, 1 nulls"):
        record_batch(_replaced(columns, bid_price=with_null), schema)


def _replaced(columns: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(columns, **changes)


def test_a_slice_of_prices_is_written_as_its_own_rows() -> None:
    columns = quotes([OPEN_NS, OPEN_NS + 1, OPEN_NS + 2], lane=2)
    part = _replaced(
        columns,
        **{name: getattr(columns, name)[1:] for name in columns.__slots__},
    )
    schema = stream_schema(DataKind.QUOTE, BAC)
    assert record_batch(part, schema).equals(record_batch(columns, schema).slice(1))
