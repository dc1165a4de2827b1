"""`harvester scan`, `payoff` and `surface` at the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from catalog.option_chains import chain_at
from cli.__main__ import main
from cli.scan_context import MarketFlags, context_of
from configs.criteria import bundled_names, read_criteria
from market.time import to_ns
from scanner.criteria import Criteria, Structure
from scanner.metrics import POSITION_METRICS
from scanner.scan import scan
from tests.scanner.snapshot_market import STRIKES, write_snapshots

AT = "2026-01-05T10:02:30-05:00"
RATE = "0.01"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshots(tmp_path_factory.mktemp("scan") / "catalog").root


def reply(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> dict[str, Any]:
    assert main([*command, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def market(catalog: Path) -> list[str]:
    return ["--catalog", str(catalog), "--at", AT, "--rate", RATE]


def test_json_has_what_the_scan_found_and_what_every_filter_removed(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = reply(capsys, "scan", "iron_condor", *market(catalog), "--top", "7")
    criteria = read_criteria(Path("iron_condor"))
    at_ns = to_ns(AT)
    context = context_of(catalog, "SPX", at_ns=at_ns, flags=MarketFlags(rate=float(RATE)))
    expected = scan(chain_at(catalog, "SPX", at_ns), criteria, context)
    assert found["criteria"] == "iron_condor"
    assert found["contracts"] == expected.contracts == 4 * len(STRIKES)
    assert found["positions"] == expected.positions > 50
    assert found["passed"] == expected.passed > 7
    assert found["elapsed_ms"] > 0
    assert found["at"].startswith("2026-01-05 10:02:00"), "the snapshot's time, not the question's"
    assert found["removed_by_filter"] == [
        {"stage": str(one.stage), "filter": one.filter, "removed": one.removed, "left": one.left}
        for one in expected.removed_by_filter
    ]
    assert [one["spread"] for one in found["candidates"]] == [one.spread for one in expected.candidates[:7]]


def test_every_candidate_has_legs_prices_greeks_metrics_and_parts_of_its_score(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = reply(capsys, "scan", "bull_put", *market(catalog))
    assert found["candidates"]
    for one in found["candidates"]:
        assert set(one["metrics"]) == set(POSITION_METRICS)
        short, long = one["legs"]
        assert (short["side"], long["side"]) == ("sell", "buy")
        assert short["strike"] > long["strike"]
        for leg in (short, long):
            assert leg["bid"] <= leg["price"] <= leg["ask"]
            assert leg["right"] == "put"
            assert -1 < leg["delta"] < 0 < leg["gamma"]
            assert 0 < leg["iv"] < 1
            assert leg["vega"] > 0 > leg["theta"]
        assert one["metrics"]["credit_usd"] == pytest.approx(short["bid"] - long["ask"])
        assert one["breakevens"] == pytest.approx([short["strike"] - one["metrics"]["credit_usd"]])
        assert one["metrics"]["breakeven_low_usd"] == pytest.approx(one["breakevens"][0])
        assert sum(part["adds"] for part in one["rank_parts"]) == pytest.approx(one["score"])
        for part in one["rank_parts"]:
            assert part["value"] == one["metrics"][part["by"]]
    scores = [one["score"] for one in found["candidates"]]
    assert scores == sorted(scores, reverse=True)


def test_nothing_from_after_the_moment_is_used(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = [*market(catalog)]
    later[3] = "2026-01-05T10:02:59-05:00"
    first, same = (reply(capsys, "scan", "bull_put", *flags) for flags in (market(catalog), later))
    assert [one["inputs"][0].pop("chain_age_seconds") for one in (first, same)] == [30.0, 59.0]
    assert first.pop("requested_at") < same.pop("requested_at")
    first.pop("elapsed_ms")
    same.pop("elapsed_ms")
    assert first == same
    later[3] = "2026-01-05T10:03:00-05:00"
    assert reply(capsys, "scan", "bull_put", *later)["candidates"] != first["candidates"]


def test_the_tables_for_people_name_the_best_and_the_removals(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = reply(capsys, "scan", "bull_put", *market(catalog))["candidates"][0]
    assert main(["scan", "bull_put", *market(catalog)]) == 0
    text = capsys.readouterr().out
    assert best["spread"] in text
    for name in ("legs.quoted", "short_leg.delta", "position.credit_to_width", "What each filter removed"):
        assert name in text
    assert f"{4 * len(STRIKES)} contracts of SPX" in text.replace("^", "")


def test_csv_has_a_row_for_each_candidate(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "candidates.csv"
    found = reply(capsys, "scan", "iron_condor", *market(catalog), "--csv", str(file))
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["spread"] for row in rows] == [one["spread"] for one in found["candidates"]]
    for row, one in zip(rows, found["candidates"], strict=True):
        assert float(row["score"]) == one["score"]
        for name in POSITION_METRICS:
            assert (float(row[name]) if row[name] else None) == one["metrics"][name]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("structure", list(Structure))
def test_every_candidate_of_every_structure_explains_itself(
    catalog: Path, tmp_path: Path, structure: Structure, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.toml"
    width = "\n[position]\nwidth_usd = { max = 20 }\n" if structure.legs > 1 else ""
    file.write_text(f'structures = ["{structure}"]\ntop = 3\n{width}', encoding="utf-8")
    found = reply(capsys, "scan", str(file), *market(catalog))
    assert found["candidates"]
    for one in found["candidates"]:
        why = reply(capsys, "scan", str(file), *market(catalog), "--explain", one["spread"])
        assert all(verdict["passed"] for verdict in why["verdicts"])
        assert why["score"] == pytest.approx(one["score"], abs=1e-12)
        assert [part["by"] for part in why["rank_parts"]] == [part["by"] for part in one["rank_parts"]]
        assert "passes every filter" in why["outcome"]


@pytest.mark.parametrize("structure", list(Structure))
def test_a_filter_that_drops_a_position_is_named_with_value_and_limit(
    catalog: Path, tmp_path: Path, structure: Structure, capsys: pytest.CaptureFixture[str]
) -> None:
    open_file, tight_file = tmp_path / "open.toml", tmp_path / "tight.toml"
    width = "width_usd = { max = 20 }" if structure.legs > 1 else ""
    open_file.write_text(f'structures = ["{structure}"]\n[position]\n{width}\n', encoding="utf-8")
    best = reply(capsys, "scan", str(open_file), *market(catalog))["candidates"][0]
    level = best["metrics"]["breakeven_low_usd"]
    limit = f"breakeven_low_usd = {{ min = {level + 1} }}"
    tight_file.write_text(f'structures = ["{structure}"]\n[position]\n{width}\n{limit}\n', encoding="utf-8")
    why = reply(capsys, "scan", str(tight_file), *market(catalog), "--explain", best["spread"])
    failed = [verdict for verdict in why["verdicts"] if not verdict["passed"]]
    assert [verdict["filter"] for verdict in failed] == ["position.breakeven_low_usd"]
    assert failed[0]["value"] == pytest.approx(level)
    assert f"position.breakeven_low_usd ({level:.6g}, allowed: at least {level + 1:g})" in why["outcome"]
    assert main(["scan", str(tight_file), *market(catalog), "--explain", best["spread"]]) == 0
    assert "fails" in capsys.readouterr().out


def test_a_contract_is_explained_by_its_id(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    why = reply(capsys, "scan", "bull_put", *market(catalog), "--explain", "SPXW260116P04000000")
    assert why["subject"] == "SPXW  260116P04000000.SMART"
    delta = next(one for one in why["verdicts"] if one["filter"] == "short_leg.delta")
    assert not delta["passed"]
    assert delta["allowed"] == "0.15 to 0.35"
    assert 0.4 < delta["value"] < 0.6
    assert "short_leg.delta" in why["outcome"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["scan", "no_such_criteria"], "There are no criteria 'no_such_criteria'"),
        (["scan", "bull_put", "--top", "0"], "allowed: 1 to 1000"),
        (["scan", "bull_put", "--explain", "SPXW 2026-01-16 -1P"], "nearest strikes: 3740, 3750, 3760, 3770"),
        (["scan", "bull_put", "--explain", "AAPL"], "has no contract 'AAPL'"),
        (
            ["scan", "bull_put", "--symbol", "SPX", "--explain", "MSFT 2026-01-16 -3990P +3980P"],
            "This scan is of SPX, the spread is of MSFT",
        ),
        (["scan", "bull_put", "--explain", "MSFT 2026-01-16 -3990P +3980P"], "no chain of MSFT"),
        (["scan", "bull_put", "--dividend-yield", "-1"], "--dividend-yield is -1, allowed: -0.5 to 1"),
        (["scan", "bull_put", "--dividend-yield", "2"], "--dividend-yield is 2, allowed: -0.5 to 1"),
        (["scan", "bull_put", "--dividend-yield", "nan"], "--dividend-yield is nan, allowed"),
        (["scan", "bull_put", "--realised-volatility", "-1"], "--realised-volatility is -1, allowed"),
        (["payoff", "SPXW 2026-01-16 -3990P", "--dividend-yield", "nan"], "--dividend-yield is nan"),
        (["scan", "bull_put", "--iv-percentile", "60"], "Write 60 % as 0.6"),
        (["scan", "bull_put", "--csv", "/dev/null/out.csv"], "cannot be written"),
        (["scan", "bull_put", "--csv", "."], ". is a folder, not a file"),
        (["payoff", "SPXW 2026-01-16 -3990P", "--html", "."], ". is a folder, not a file"),
        (["scan", "bull_put", "--symbol", "AAPL"], "no chain of AAPL"),
        (["payoff", "SPXW"], "is not a spread"),
        (["payoff", "SPXW 2026-01-16 -3990P +3985P"], "nearest strikes: 3970, 3980, 3990, 4000"),
        (["payoff", "SPXW 2026-01-16 -3990P", "--price-between", "2"], "allowed: 0 to 1"),
        (["surface", "AAPL"], "no chain of AAPL"),
    ],
)
def test_bad_input_is_answered_with_what_is_wrong_and_exit_code_2(
    catalog: Path, command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *market(catalog)]) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split())
    assert not captured.out


def test_a_wrong_criteria_file_is_answered_with_key_and_line(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('structures = ["bull_put"]\n\n[short_leg]\ndelta = { min = 15 }\n', encoding="utf-8")
    assert main(["scan", str(file), *market(catalog)]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "short_leg.delta has min 15, allowed: 0 to 1 [line 4]" in error


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_criteria_run_by_their_name(
    catalog: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = reply(capsys, "scan", name, *market(catalog), "--iv-percentile", "0.7")
    criteria: Criteria = read_criteria(Path(name))
    assert {one["structure"] for one in found["candidates"]} <= set(criteria.structures)


def test_a_payoff_agrees_with_the_scan_and_is_drawn(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = reply(capsys, "scan", "iron_condor", *market(catalog))["candidates"][0]
    page = tmp_path / "payoff.html"
    found = reply(capsys, "payoff", best["spread"], *market(catalog), "--html", str(page))
    metrics = best["metrics"]
    assert found["spread"] == best["spread"]
    assert found["net_usd"] == pytest.approx(metrics["credit_usd"])
    assert found["max_profit_usd"] == pytest.approx(metrics["max_profit_usd"])
    assert found["max_loss_usd"] == pytest.approx(metrics["max_loss_usd"])
    assert found["breakevens"] == pytest.approx(best["breakevens"])
    assert found["probability_of_profit"] == pytest.approx(metrics["probability_of_profit"], abs=1e-6)
    assert found["delta_shares"] == pytest.approx(100 * metrics["delta"])
    text = page.read_text(encoding="utf-8")
    assert all(leg["contract"] in text for leg in best["legs"])
    assert [curve["label"] for curve in found["curves"]] == ["at entry", "half-way", "at expiry"]
    assert main(["payoff", best["spread"], *market(catalog)]) == 0
    assert "breakeven at expiry" in capsys.readouterr().out


def test_a_covered_calls_payoff_has_its_shares(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = reply(capsys, "scan", "covered_call", *market(catalog))["candidates"][0]
    assert "+shares" in best["spread"]
    found = reply(capsys, "payoff", best["spread"], *market(catalog))
    assert found["shares"] == 100
    assert found["max_profit_usd"] == pytest.approx(best["metrics"]["max_profit_usd"])
    assert found["breakevens"] == pytest.approx(best["breakevens"])
    assert found["delta_shares"] == pytest.approx(100 * best["metrics"]["delta"])
    assert main(["payoff", best["spread"], *market(catalog)]) == 0
    assert "with 100 shares bought at" in capsys.readouterr().out


def test_the_surface_has_volatilities_by_expiry_and_moneyness(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "surface.html"
    found = reply(capsys, "surface", "SPX", *market(catalog), "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "2026-02-20" in text
    assert "http" not in text.replace("http://www.w3.org", ""), "the page opens without a network"
    assert len(found["expiries"]) == 2
    assert main(["surface", "SPX", *market(catalog)]) == 0
    assert "2026-01-16" in capsys.readouterr().out


def test_a_calendars_payoff_is_bounded_and_says_by_what(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = "SPX 2026-01-16 -4000C 2026-02-20 +4000C"
    page = tmp_path / "calendar.html"
    found = reply(capsys, "payoff", spread, *market(catalog), "--html", str(page))
    debit = -found["net_usd"]
    assert found["unlimited"] == []
    assert found["max_loss_usd"] == pytest.approx(100 * debit, rel=0.05)
    assert 0 < found["max_profit_usd"] < 100 * debit
    assert found["probability_of_profit"] is None
    assert found["modelled_up_to"] > 4_400
    assert found["curves"][-1]["label"] == "at the first expiry"
    [note] = found["notes"]
    assert "later legs at the model's value" in note
    assert "expire at different times" in page.read_text(encoding="utf-8")
    assert main(["payoff", spread, *market(catalog)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert note in text
    assert "breakeven at the first expiry" in text
    assert "unlimited" not in text


def test_an_unlimited_payoff_is_named(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = reply(capsys, "payoff", "SPX 2026-01-16 +4000C", *market(catalog))
    assert (found["max_profit_usd"], found["unlimited"]) == (None, ["max_profit_usd"])
    assert found["notes"] == []


@pytest.mark.parametrize(
    "flag", [("--iv-rank", "0.5"), ("--realised-volatility", "0.2"), ("--events", "none.csv")]
)
def test_payoff_has_no_flag_that_it_does_not_use(
    catalog: Path, flag: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["payoff", "SPX 2026-01-16 +4000C", *market(catalog), *flag]) == 2
    assert flag[0] in capsys.readouterr().err


def test_the_csv_says_inf_where_nothing_limits(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    criteria, file = tmp_path / "calls.toml", tmp_path / "calls.csv"
    criteria.write_text('structures = ["long_call"]\ntop = 3\n', encoding="utf-8")
    found = reply(capsys, "scan", str(criteria), *market(catalog), "--csv", str(file))
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["max_profit_usd"] for row in rows] == ["inf"] * 3
    assert [row["width_usd"] for row in rows] == [""] * 3
    assert {name for one in found["candidates"] for name in one["unlimited"]} == {
        "max_profit_usd",
        "return_on_risk",
        "annualised_return",
    }


def test_the_page_of_a_payoff_names_its_curves_and_axes(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "payoff.html"
    reply(capsys, "payoff", "SPX 2026-01-16 -3990P +3980P", *market(catalog), "--html", str(page))
    text = page.read_text(encoding="utf-8")
    legend = next(line for line in text.splitlines() if line.startswith("#payoff .u-legend {"))
    assert "visibility: visible" in legend, "the shared style hides legends"
    for words in ('label: "price of "', 'label: "profit of one unit, USD"', "pxAlign: false"):
        assert words in text
