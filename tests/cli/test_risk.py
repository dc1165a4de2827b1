"""`harvester risk show` and `risk explain`: every limit in words, refusals by rule, clear errors."""

from __future__ import annotations

import contextlib
import errno
import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli import risk
from configs.profile import load_profile
from market.errors import DataError, NotFoundError
from market.time import to_ns
from risk.limits import OptionLimits, RiskLimits
from risk.other_refusals import OTHER_REFUSALS
from risk.rules import ALL_RULES
from tests.risk.limit_cases import OPTION_LIMITS

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
    by_name = {rule["rule"]: rule for rule in shown["rules"]}
    assert by_name["concurrent_positions"]["limits"] == ["risk.max_positions"]
    assert by_name["option_vega"]["applies_to"] == "options"


def test_show_gives_counts_as_numbers_and_money_as_exact_text(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_profile(demo, purpose="research").profile
    risk.show(demo, json=True)
    shown = json.loads(capsys.readouterr().out)
    values = {limit["key"]: limit["value"] for limit in shown["limits"]}
    assert values["risk.max_shares_per_order"] == loaded.risk.max_shares_per_order
    assert values["risk.max_daily_loss_usd"] == str(loaded.risk.max_daily_loss_usd)
    assert values["risk.prohibited_symbols"] == list(loaded.risk.prohibited_symbols)
    assert values["risk.options.max_contracts_per_leg"] is None
    assert shown["session"]["open_ramp_minutes"] == loaded.session.open_ramp_minutes
    assert shown["universe"] == {"symbols": list(loaded.universe.symbols), "file": None}


def test_show_takes_overrides(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.show(demo, set_=["risk.max_positions=2"], json=True)
    shown = json.loads(capsys.readouterr().out)
    assert {"key": "risk.max_positions", "value": 2}.items() <= shown["limits"][5].items()


def test_show_prints_limits_for_people(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    risk.show(demo)
    text = capsys.readouterr().out
    assert "Hard limits of" in text
    assert "No [risk.options]: every option order is refused." in text
    assert "risk.options.max_loss_usd_total" not in text
    assert "option_vega" not in text
    assert "session_window" in text
    assert "from 5 minutes after the open until 15 before the close;" in text
    assert "Universe: ZAZZT, ZBZZT, ZJZZT, ZVZZT, ZWZZT." in text


def test_show_tells_no_trade_windows_and_options(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = msgspec.to_builtins(OPTION_LIMITS)
    lines = "".join(f"{key} = {value}\n" for key, value in options.items())
    profile = tmp_path / "options.toml"
    profile.write_text(f'extends = "{demo}"\nname = "options"\nenvironment = "dev"\n[risk.options]\n{lines}')
    risk.show(profile, set_=['session.no_trade_windows=["12:00-13:00"]'])
    text = capsys.readouterr().out
    assert "risk.options.max_loss_usd_total" in text
    assert "option_vega" in text
    assert "every option order is refused" not in text
    assert "before the close, not in 12:00-13:00;" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('symbols = ["F", "GE"]\n[rules]\ntrades_min = 5\n', "drop: F, GE."),
        ("[rules]\ntrades_min = 5\n", "Universe: whatever the rules of"),
        (f"symbols = {[f'S{number}' for number in range(50)]}\n", "S39 and 10 more."),
    ],
)
def test_show_tells_the_symbols_of_a_universe_file(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "universe.toml").write_text(text.replace("S0", "SA"))
    profile = tmp_path / "file.toml"
    universe = '[universe]\nsymbols = []\nfile = "universe.toml"\n'
    profile.write_text(f'extends = "{demo}"\nname = "file"\nenvironment = "dev"\n{universe}')
    risk.show(profile)
    assert said in " ".join(capsys.readouterr().out.split())


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
    assert third["guards"] == OTHER_REFUSALS["judgement"]
    assert (first["limits"], second["limits"]) == (["risk.max_quote_age_ms"], [])


def test_explain_prints_refusals_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brackets = (FIRST_NS, "options_allowed", "[red].SMART", "limit no [risk.options] in the profile")
    risk.explain(run_with(tmp_path, [*REFUSALS, brackets]))
    text = capsys.readouterr().out
    assert "limits: risk.max_quote_age_ms" in text
    assert "limit no [risk.options] in the profile" in text
    assert "[red].SMART 1" in text
    assert "6 refusals" in text


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


def test_a_table_damaged_inside_is_named(tmp_path: Path) -> None:
    path = run_with(tmp_path, REFUSALS * 100) / "refusals.parquet"
    whole = path.read_bytes()
    named = 0
    for start in range(0, len(whole) - 60, 30):
        path.write_bytes(whole[:start] + bytes(60) + whole[start + 60 :])
        with contextlib.suppress(DataError):  # some damage lies where nothing is read
            risk.explain(tmp_path, json=True)
            continue
        named += 1
    assert named > 5


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"ts_ns": ["soon"], "rule": ["a"], "instrument_id": ["b"], "reason": ["c"]}, "soon"),
        ({"ts_ns": [None], "rule": ["a"], "instrument_id": ["b"], "reason": ["c"]}, "column ts_ns has empty"),
        ({"ts_ns": [1], "rule": ["a"], "instrument_id": ["b"], "reason": [None]}, "column reason has empty"),
        ({"ts_ns": [1], "rule": [[1]], "instrument_id": ["b"], "reason": ["c"]}, "list"),
    ],
)
def test_a_table_of_other_types_is_named(tmp_path: Path, columns: dict[str, list[Any]], why: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "refusals.parquet")
    with pytest.raises(DataError, match=f"is not a table of refusals: .*{why}"):
        risk.explain(tmp_path)


def test_a_table_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    run_with(tmp_path, REFUSALS)
    monkeypatch.setattr(pq, "read_table", refuse)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        risk.explain(tmp_path)


def test_a_table_of_something_else_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "refusals.parquet")
    with pytest.raises(DataError, match="is not a table of refusals"):
        risk.explain(tmp_path)
