"""Before a run: every instrument has a definition that can be read, and options have their terms."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backtests.period import select
from catalog.ingest_lean_options import ingest_lean_options
from catalog.option_legs import write_legs
from catalog.store import CatalogStore
from market.errors import DataError
from market.time import to_ns
from tests.catalog.lean_options.lean_option_folder import entry, quote, write_spxw

CALL, PUT = "SPXW  210106C03700000.SMART", "SPXW  210106P03700000.SMART"
DAY = to_ns("2021-01-04T00:00:00-05:00"), to_ns("2021-01-05T00:00:00-05:00")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog with quotes of two contracts."""
    quotes = {
        entry("quote", right, 3700, "20210106"): "\n".join(quote(n, "600000", "610000") for n in range(5))
        for right in ("call", "put")
    }
    store = CatalogStore(tmp_path / "catalog")
    ingest_lean_options(write_spxw(tmp_path / "lean", quotes=quotes), store=store)
    write_legs(store, "SPXW", ["SPXW210106*"], period_ns=DAY)
    return store.root


def definition(catalog: Path, name: str = PUT) -> Path:
    return next((catalog / "data" / "option_contract" / name).glob("*.parquet"))


def test_options_with_their_definitions_are_sound(catalog: Path) -> None:
    assert select(catalog, [CALL, PUT], book="L1", queue_position=False).instrument_ids == (CALL, PUT)


def test_a_damaged_definition_of_an_option_is_named(catalog: Path) -> None:
    path = definition(catalog)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"damaged files: .*cannot be read") as raised:
        select(catalog, [CALL, PUT], book="L1", queue_position=False)
    assert str(path) in str(raised.value)
    assert str(definition(catalog, CALL)) not in str(raised.value)
    select(catalog, [CALL], book="L1", queue_position=False)


def test_a_missing_definition_of_an_option_is_named(catalog: Path) -> None:
    definition(catalog).unlink()
    with pytest.raises(DataError, match=f"{PUT} has no definition in"):
        select(catalog, [CALL, PUT], book="L1", queue_position=False)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("expiration_ns", 0, "expiration_ns 0, the manifest says 1609966800000000000"),
        ("strike_price", "3701", r"strike_price 3701, the manifest says 3700"),
        ("option_kind", "CALL", "option_kind CALL, the manifest says PUT"),
        ("multiplier", "10", "multiplier 10, the manifest says 100"),
    ],
)
def test_a_definition_with_other_terms_is_named(catalog: Path, column: str, value: object, said: str) -> None:
    path = definition(catalog)
    table = pq.read_table(path, partitioning=None)
    place = table.schema.get_field_index(column)
    plain = pa.uint64() if column == "expiration_ns" else pa.string()
    pq.write_table(table.set_column(place, column, pa.array([value], plain)), path)
    with pytest.raises(DataError, match=said):
        select(catalog, [CALL, PUT], book="L1", queue_position=False)
