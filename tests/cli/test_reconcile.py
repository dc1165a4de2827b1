"""`harvester reconcile`: exit codes, one JSON object, and a statement of a backtest's own fills."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from backtests.run import run_backtest
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, write_synthetic_market
from cli.__main__ import main
from tests.audit.reconciliation.statement_writer import BrokerTrade, Statement, activity_csv, flex_xml
from tests.backtests.replays import profile

DAY = date(2025, 3, 3)
EAGER = (
    "strategies.harvester.parameters.imbalance_min=0.1",
    "strategies.harvester.parameters.order_flow_ratio_min=0",
    "strategies.harvester.parameters.momentum_bps_min=0",
    "strategies.harvester.parameters.spread_bps_max=19",
    "strategies.harvester.parameters.entry_style=marketable",
    "backtest.latency_ms=20",
    "universe.book=L2",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backtest of one symbol on a synthetic day, with its journal."""
    folder = tmp_path_factory.mktemp("reconcile")
    symbol = SyntheticSymbol(symbol="ZVZZT", price_usd=7.75, spread_cents=1.4, quote_updates_day=6_000)
    store = CatalogStore(folder / "catalog")
    write_synthetic_market(SyntheticMarketSpec(seed=11, symbols=(symbol,), depth_levels=3), store=store)
    loaded = profile(folder, *EAGER, symbols=("ZVZZT",))
    run_backtest(loaded, catalog=folder / "catalog", output=folder / "run")
    return folder / "run"


def own_fills(run: Path) -> Statement:
    """Return the broker's day as the backtest's fills make it."""
    rows: list[dict[str, Any]] = pq.read_table(run / "fills.parquet").to_pylist()
    balance = json.loads((run / "run.json").read_text())["starting_balance_usd"]
    trades = tuple(
        BrokerTrade(
            exec_id=row["trade_id"],
            order_id=row["client_order_id"],
            order_reference=f"{row['client_order_id']}:1",
            symbol=row["instrument_id"].removesuffix(".SMART"),
            side=row["side"],
            quantity=Decimal(row["quantity"]),
            price=Decimal(repr(row["price"])),
            commission=Decimal(repr(row["commission_usd"])),
            ts_ns=row["ts_ns"],
        )
        for row in rows
    )
    assert len(trades) > 10
    return Statement(trades, DAY, DAY, starting_cash=Decimal(balance))


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["reconcile", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_run_agrees_with_itself_and_with_statements_of_its_fills(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = answer(capsys, run)
    assert (code, found["agrees"], found["sides"]) == (0, True, ["journal", "engine"])
    assert (found["run"], found["apart_usd"]) == (str(run), "0.00")
    statement = own_fills(run)
    for name, text in (("s.xml", flex_xml(statement)), ("s.csv", activity_csv(statement))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        code, found = answer(capsys, run, "--statement", tmp_path / name)
        assert found["differences"] == []
        assert (code, found["sides"]) == (0, ["journal", "engine", "statement"])
        fees = next(row for row in found["totals"] if row["name"] == "fees USD")
        assert Decimal(fees["journal"]) == Decimal(fees["engine"]) == Decimal(fees["statement"])


def test_a_difference_is_exit_code_3_and_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = own_fills(run)
    short = Statement(statement.trades[1:], DAY, DAY, starting_cash=statement.starting_cash)
    (tmp_path / "s.xml").write_text(flex_xml(short))
    code, found = answer(capsys, run, "--statement", tmp_path / "s.xml")
    assert code == 3
    assert [difference["cause"] for difference in found["differences"]] == ["missing_at_broker"]
    assert main(["reconcile", str(run), "--statement", str(tmp_path / "s.xml")]) == 3
    told = capsys.readouterr().out
    assert "missing_at_broker" in told
    assert "statement. 1 difference." in told


def test_a_table_for_people_says_that_all_agrees(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", str(run)]) == 0
    assert "journal and engine. They agree to the cent." in capsys.readouterr().out


def test_a_wrong_zone_is_named_and_mended_by_the_option(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    statement = own_fills(run)
    in_chicago = [replace(trade, ts_ns=trade.ts_ns - 3_600_000_000_000) for trade in statement.trades]
    (tmp_path / "s.csv").write_text(activity_csv(replace(statement, trades=tuple(in_chicago))))
    code, found = answer(capsys, run, "--statement", tmp_path / "s.csv")
    assert (code, [each["cause"] for each in found["differences"]]) == (3, ["time_zone"])
    code, found = answer(capsys, run, "--statement", tmp_path / "s.csv", "--zone", "America/Chicago")
    assert (code, found["differences"]) == (0, [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html>", "line 1"),
        (b"Trades,Data,1", "line 1, Trades"),
        (b"\xff\xfe", "not text in UTF-8"),
    ],
)
def test_a_file_that_is_no_statement_is_exit_code_2(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    path = tmp_path / "statement"
    path.write_bytes(content)
    code, found = answer(capsys, run, "--statement", path)
    assert code == 2
    assert words in found["error"]["message"]
    assert str(path) in found["error"]["message"]


def test_what_cannot_be_used_is_exit_code_2(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.csv").write_text(activity_csv(own_fills(run)))
    for words in (
        [tmp_path / "none"],
        [tmp_path],
        [run, "--statement", tmp_path / "absent"],
        [run, "--statement", tmp_path / "s.csv", "--zone", "Nowhere/Land"],
        [run, "--window-seconds", "3601"],
        [run, "--window-seconds=-1"],
    ):
        assert answer(capsys, *words)[0] == 2
    monkeypatch.setattr("cli.reconcile.STATEMENT_BYTES_MAX", 100)
    code, found = answer(capsys, run, "--statement", tmp_path / "s.csv")
    assert (code, "at most 100" in found["error"]["message"]) == (2, True)


def copy_of(run: Path, folder: Path) -> Path:
    import shutil

    shutil.copytree(run, folder)
    return folder


def test_a_live_day_without_tables_is_compared_with_its_checkpoints(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = copy_of(run, tmp_path / "day")
    (day / "run.json").unlink()
    code, found = answer(capsys, day)
    assert (code, found["differences"]) == (0, [])
    assert any(
        remark.startswith("Cash and realized profit of the engine") for remark in found["not_compared"]
    )


def with_summary(day: Path, **changes: str) -> None:
    """Change what run.json of a copied run says."""
    content = json.loads((day / "run.json").read_text()) | changes
    (day / "run.json").write_text(json.dumps(content))


def test_rounding_of_fills_is_said_and_its_row_is_marked(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = copy_of(run, tmp_path / "day")
    closing = Decimal(json.loads((day / "run.json").read_text())["closing_balance_usd"])
    with_summary(day, closing_balance_usd=str(closing + Decimal("0.05")))
    code, found = answer(capsys, day)
    assert (code, found["agrees"], found["apart_usd"]) == (0, True, "0.05")
    assert {row["name"]: row["apart"] for row in found["totals"]}["cash at the end USD"] == "0.05"
    assert main(["reconcile", str(day)]) == 0
    told = capsys.readouterr().out
    assert "They agree within 5 cents (rounding of fills" in told
    assert "to the cent" not in told
    (row,) = [line for line in told.splitlines() if "cash at the end" in line]
    assert row.rstrip("│ ").endswith("0.05")


def test_an_edited_fill_of_the_engine_is_one_difference_that_no_broker_made(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow as pa

    day = copy_of(run, tmp_path / "day")
    table = pq.read_table(day / "fills.parquet")
    prices = table["price"].to_pylist()
    prices[0] += 0.37
    place = table.column_names.index("price")
    pq.write_table(table.set_column(place, "price", pa.array(prices)), day / "fills.parquet")
    code, found = answer(capsys, day)
    (difference,) = found["differences"]
    assert (code, difference["cause"], difference["other_side"]) == (3, "wrong_price", "engine")
    assert "run the backtest again" in difference["do"]
    assert "IBKR" not in difference["do"]


def test_amounts_have_two_places_or_as_many_as_they_need(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = own_fills(run)
    short = Statement(statement.trades[:-1], DAY, DAY, starting_cash=statement.starting_cash)
    (tmp_path / "s.xml").write_text(flex_xml(short))
    _, found = answer(capsys, run, "--statement", tmp_path / "s.xml")
    money = [value for row in found["totals"] for value in row.values() if " USD" in row["name"]]
    money = [value for value in money if value is not None and "USD" not in value]
    money += [each["amount_usd"] for each in found["differences"]]
    assert money
    for value in money:
        assert re.fullmatch(r"-?\d+\.\d(\d|\d{1,7}[1-9])", value), value
    counts = [row["journal"] for row in found["totals"] if " USD" not in row["name"]]
    assert all(re.fullmatch(r"-?\d+", value) for value in counts)


@pytest.mark.parametrize("broken", ["journal", "run.json", "fills gone", "fills", "columns"])
def test_a_damaged_run_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    day = copy_of(run, tmp_path / "day")
    fills = day / "fills.parquet"
    if broken == "journal":
        (path,) = (day / "journal").glob("*.jsonl")
        path.write_bytes(path.read_bytes().replace(b'"SELL"', b'"BUY "', 1))
    elif broken == "run.json":
        (day / "run.json").write_text("{")
    elif broken == "fills gone":
        fills.unlink()
    elif broken == "fills":
        fills.write_bytes(b"no parquet")
    else:
        pq.write_table(pq.read_table(fills).drop_columns(["price"]), fills)
    code, found = answer(capsys, day)
    assert code == found["error"]["exit_code"] == (3 if broken == "journal" else 2)


def test_a_journal_that_is_gone_is_exit_code_3(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    day = copy_of(run, tmp_path / "day")
    shutil.rmtree(day / "journal")
    assert answer(capsys, day)[0] == 3
