"""The reference page of the catalog names every flag, column name, limit and reason that the code has."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from catalog import lanes
from catalog.csv_source import blocks as csv_blocks
from catalog.csv_source import checks as csv_checks
from catalog.csv_source import mapping as csv_mapping
from catalog.manifest import IngestResult
from catalog.storage import streams as store_streams
from cli.ingest import CsvFlags
from cli.ingest_flags import IngestFlags

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "catalog.md").read_text(encoding="utf-8")


def test_every_flag_is_documented() -> None:
    groups = (IngestFlags, CsvFlags)
    names = ["symbol", *(field.name for group in groups for field in dataclasses.fields(group))]
    flags = [f"--{name.replace('_', '-')}" for name in names]
    assert [flag for flag in flags if f"`{flag}" not in PAGE] == []


def test_every_known_column_name_is_documented_in_its_order() -> None:
    for name, aliases in csv_mapping.ALIASES.items():
        assert re.search(rf"\| `{name}` \| [^|]+ \| {', '.join(aliases)}[ ;]", PAGE), name


def test_every_key_of_a_result_is_documented() -> None:
    assert [name for name in IngestResult.__slots__ if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("source", ["checks.py", "rows.py", "writer.py"])
def test_every_reason_for_a_rejected_row_is_documented(source: str) -> None:
    text = (Path(csv_checks.__file__).parent / source).read_text(encoding="utf-8")
    reasons = re.findall(r'"((?:is|has) [^"{]+?)(?: \(--[^"]*)?"', text)
    assert reasons
    assert [reason for reason in reasons if reason not in PAGE] == []


@pytest.mark.parametrize(
    "limit",
    [
        csv_blocks.BLOCK_BYTES,
        csv_blocks.LINE_BYTES_MAX,
        store_streams.ROW_GROUP_ROWS,
        store_streams.WAITING_ROWS_MAX,
        store_streams.OPEN_FILES_MAX,
        lanes.LANES,
        csv_checks.PRICE_USD_MAX,
        csv_checks.SIZE_SHARES_MAX,
    ],
)
def test_every_limit_is_documented(limit: int) -> None:
    assert f"{limit:,}" in PAGE
