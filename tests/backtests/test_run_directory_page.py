"""docs/reference/run-directory.md names every key and every column that a run writes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from backtests.run_tables import SCHEMAS
from backtests.summary import Counts, RunSummary

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "run-directory.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_key_of_run_json_is_explained(page: str) -> None:
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    keys = [field.name for struct in (RunSummary, Counts) for field in msgspec.structs.fields(struct)]
    missing = [key for key in keys if not any(f"`{key}`" in row for row in rows)]
    assert missing == []


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_of_a_table_is_explained(page: str, table: str) -> None:
    (paragraph,) = [part for part in page.split("\n\n") if part.startswith(f"**{table}**")]
    assert [name for name in SCHEMAS[table].names if f"`{name}`" not in paragraph] == []


def test_only_what_is_written_is_explained(page: str) -> None:
    rows = [
        line
        for line in page.split("## run.json")[1].split("## Tables", maxsplit=1)[0].splitlines()
        if line.startswith("| `")
    ]
    named = {name.strip("` ") for row in rows for name in row.split("|")[1].split(",")}
    assert named == {field.name for field in msgspec.structs.fields(RunSummary)}
