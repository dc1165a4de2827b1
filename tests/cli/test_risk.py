"""`harvester risk show` and `risk explain`: every limit in words, refusals by rule, clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli import risk
from market.errors import DataError, NotFoundError
from market.time import to_ns
from risk.limits import OptionLimits, RiskLimits
from risk.rules import ALL_RULES

FIRST_NS = to_ns("2013-10-07T09:31:00-04:00")


@pytest.fixture
def demo(project_root: Path) -> Path:
    return project_root / "configs" / "profiles" / "demo.toml"


def run_with(folder: Path, rows: list[tuple[int, str, str, str]]) -> Path:
    names = ("ts_ns", "rule", "instrument_id", "reason")
    columns = [[row[index] for row in rows] for index in range(len(names))]
    types = (pa.int64(), pa.string(), pa.string(), pa.string())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), folder / "refusals.parquet")
    return folder


REFUSALS = [
    (FIRST_NS, "quote_age", "BAC.SMART", "quote_age: 3 s old"),
    (FIRST_NS + 1_000_000_000, "ib_tick", "F.SMART", "ib_tick (IB 110): 5.005"),
    (FIRST_NS + 2_000_000_000, "quote_age", "F.SMART", "quote_age: 4 s old"),
    (FIRST_NS + 3_000_000_000, "quote_age", "F.SMART", "quote_age: 4 s old"),
    (FIRST_NS + 4_000_000_000, "judgement", "F.SMART", "judgement: fault"),
]


def test_show_names_every_limit_and_every_rule(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.show(demo, json=True)
    shown = json.loads(capsys.readouterr().out)
    keys = {limit["key"] for limit in shown["limits"]}
    fields = {f"risk.{name}" for name in RiskLimits.__struct_fields__ if name != "options"}
    assert keys == fields | {f"risk.options.{name}" for name in OptionLimits.__struct_fields__}
    assert [rule["rule"] for rule in shown["rules"]] == [rule.name for rule in ALL_RULES]
    (shares,) = [limit for limit in shown["limits"] if limit["key"] == "risk.max_shares_per_order"]
    assert shares["rules"] == ["shares_per_order"]
    assert int(shares["value"]) > 0


def test_show_prints_limits_for_people(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.show(demo)
    text = capsys.readouterr().out
    assert "Hard limits of" in text
    assert "every option order is refused" in text
    assert "risk.options" not in text.replace("[risk.options]", "")


def test_explain_groups_refusals_by_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.explain(run_with(tmp_path, REFUSALS), json=True)
    explained = json.loads(capsys.readouterr().out)
    assert explained["refusals"] == 5
    first, second, third = explained["rules"]
    assert (first["rule"], first["refusals"], first["symbols"]) == (
        "quote_age", 3, {"F.SMART": 2, "BAC.SMART": 1},
    )  # fmt: skip
    assert first["examples"] == ["quote_age: 3 s old", "quote_age: 4 s old"]
    assert (first["first"], first["last"]) == ("2013-10-07 09:31:00.000 EDT", "2013-10-07 09:31:03.000 EDT")
    assert first["guards"] == "trading on old prices"
    assert second["guards"].startswith("an order that IB refuses with 110")
    assert "could not judge" in third["guards"]


def test_explain_prints_refusals_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.explain(run_with(tmp_path, REFUSALS))
    text = capsys.readouterr().out
    assert "quote_age" in text
    assert "5 refusals" in text


def test_explain_says_when_nothing_was_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.explain(run_with(tmp_path, []))
    assert "refused nothing" in capsys.readouterr().out
    risk.explain(tmp_path, json=True)
    assert json.loads(capsys.readouterr().out)["rules"] == []


def test_a_folder_without_refusals_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no refusals.parquet. Give the folder"):
        risk.explain(tmp_path)


@pytest.mark.parametrize("content", [b"no parquet", b""])
def test_a_damaged_table_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "refusals.parquet").write_bytes(content)
    with pytest.raises(DataError, match="is not a table of refusals"):
        risk.explain(tmp_path)


def test_a_table_of_something_else_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "refusals.parquet")
    with pytest.raises(DataError, match="is not a table of refusals"):
        risk.explain(tmp_path)
