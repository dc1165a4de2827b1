"""The doctor finds what is wrong with a machine, a profile and a catalog, and says what to do."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from datetime import UTC, date
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from catalog.store import CatalogStore
from catalog.synthetic.spec import LOW_PRICED_STOCKS
from catalog.synthetic_market import SyntheticMarketSpec, write_synthetic_market
from cli.__main__ import main
from cli.doctor_findings import Finding, run_checks
from cli.doctor_machine import (
    DISK_BYTES_COMFORTABLE,
    DISK_BYTES_NEEDED,
    MEMORY_BYTES_COMFORTABLE,
    MEMORY_BYTES_NEEDED,
    check_bytecode,
    check_clock,
    check_cores,
    check_disk,
    check_memory,
    check_packages,
    check_python,
    check_runs_folder,
    check_time_zones,
    machine_findings,
    memory_bytes,
    parse_requirement,
    satisfies,
)
from cli.doctor_profile import profile_findings
from tests.configs.profile_builder import LIVE_BROKER, set_key, valid_tables, write_profile

DAY = date(2025, 3, 3)
SYMBOLS = [stock.symbol for stock in LOW_PRICED_STOCKS[:2]]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with one day of quotes, trades and depth of two symbols."""
    root = tmp_path_factory.mktemp("doctor") / "catalog"
    stocks = tuple(_quiet(stock) for stock in LOW_PRICED_STOCKS[:2])
    write_synthetic_market(SyntheticMarketSpec(start=DAY, end=DAY, symbols=stocks), store=CatalogStore(root))
    return root


def _quiet(stock: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(stock, quote_updates_day=500)


def _findings(folder: Path, catalog: Path | None, **changes: Any) -> dict[str, Finding]:
    dates = {"backtest__start": str(DAY), "backtest__end": str(DAY), "universe__symbols": SYMBOLS}
    file = write_profile(folder, valid_tables(**{**dates, **changes}))
    found = list(profile_findings(file, overrides=(), catalog=catalog))
    assert len({finding.check for finding in found}) == len(found)
    return {finding.check: finding for finding in found}


def test_this_machine_passes() -> None:
    findings = list(machine_findings(Path("runs")))
    assert [finding for finding in findings if finding.status == "fail"] == []
    assert len(findings) == 10


def test_every_finding_that_is_not_ok_says_what_to_do(tmp_path: Path) -> None:
    for finding in [*machine_findings(tmp_path), *_findings(tmp_path, tmp_path / "none").values()]:
        assert bool(finding.advice) == (finding.status != "ok"), finding


@pytest.mark.parametrize(
    ("version", "status"), [((3, 12, 0), "ok"), ((3, 11, 9), "fail"), ((3, 13, 0), "fail")]
)
def test_another_python_fails(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], status: str
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert check_python().status == status


@pytest.mark.parametrize(
    ("free", "status"),
    [
        (DISK_BYTES_NEEDED - 1, "fail"),
        (DISK_BYTES_NEEDED, "warn"),
        (DISK_BYTES_COMFORTABLE - 1, "warn"),
        (DISK_BYTES_COMFORTABLE, "ok"),
    ],
)
def test_a_full_disk_is_found(free: int, status: str) -> None:
    assert check_disk(free, Path("runs")).status == status


@pytest.mark.parametrize(
    ("total", "status"),
    [
        (MEMORY_BYTES_NEEDED - 1, "fail"),
        (MEMORY_BYTES_NEEDED, "warn"),
        (MEMORY_BYTES_COMFORTABLE - 1, "warn"),
        (MEMORY_BYTES_COMFORTABLE, "ok"),
    ],
)
def test_little_memory_is_found(total: int, status: str) -> None:
    assert check_memory(total).status == status


def test_memory_is_counted_in_bytes_of_this_machine() -> None:
    assert 2**27 < memory_bytes() < 2**50


@pytest.mark.parametrize(("count", "status"), [(1, "warn"), (2, "ok")])
def test_a_single_core_is_found(count: int, status: str) -> None:
    assert check_cores(count).status == status


def test_packages_are_compared_with_the_projects_own_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nautilus_trader 1.231.0" in check_packages().found
    requirements = ["nautilus-trader[ib]==1.230.0", "msgspec<0.1", "no-such-package>=1"]
    monkeypatch.setattr(metadata, "requires", lambda _: requirements)
    found = check_packages()
    assert found.status == "fail"
    assert "nautilus-trader is 1.231.0, needs ==1.230.0" in found.found
    assert "no-such-package is missing" in found.found
    assert "msgspec is" in found.found


@pytest.mark.parametrize(
    ("version", "specifier", "expected"),
    [
        ("1.231.0", "==1.231.0", True),
        ("1.231.1", "==1.231.0", False),
        ("4.25.3", ">=4", True),
        ("4.25.3", "<5", True),
        ("5.0", "<5", False),
        ("2.10", ">=2.9", True),
        ("3", "<=3.0", True),
        ("3.0.1", ">3", True),
        ("3.0", "!=3", False),
        ("10.45.1rc1", ">=10.45.1", True),
    ],
)
def test_versions_compare_as_numbers(version: str, specifier: str, expected: bool) -> None:
    assert satisfies(version, specifier) is expected


def test_requirements_are_taken_apart() -> None:
    assert parse_requirement("nautilus-trader[ib,visualization]==1.231.0") == (
        "nautilus-trader",
        ["==1.231.0"],
    )
    assert parse_requirement("pandas >=2.3.3, <3 ; python_version > '3'") == ("pandas", [">=2.3.3", "<3"])
    assert parse_requirement("rich") == ("rich", [])


def test_missing_bytecode_that_cannot_be_made_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert check_bytecode().status == "warn"
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert check_bytecode().status == "ok"


def test_a_clock_before_the_installation_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_clock(tmp_path).status == "ok"
    monkeypatch.setattr(time, "time", lambda: 1.0e9)
    found = check_clock(tmp_path)
    assert found.status == "fail"
    assert found.found.startswith("2001-09-09 01:46:40 UTC, before")


def test_a_clock_apart_from_the_file_systems_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60)
    assert check_clock(tmp_path).status == "warn"


def test_a_missing_time_zone_database_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    import zoneinfo

    def missing(key: str) -> zoneinfo.ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")

    assert check_time_zones().status == "ok"
    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    assert check_time_zones().status == "fail"
    monkeypatch.setattr(zoneinfo, "ZoneInfo", lambda _: UTC)
    assert check_time_zones().found == "New York is [0.0, 0.0] hours from UTC, which is wrong"


def test_a_runs_folder_is_not_made_only_to_be_checked(tmp_path: Path) -> None:
    assert check_runs_folder(tmp_path / "new" / "runs").status == "ok"
    assert not (tmp_path / "new").exists()


def test_a_runs_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    assert check_runs_folder(tmp_path / "runs").status == "fail"


def test_a_runs_folder_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    assert check_runs_folder(tmp_path).status == "fail"


def test_a_check_that_raises_fails_and_the_others_run() -> None:
    def broken() -> Finding:
        raise RuntimeError("no such sensor")

    found = list(run_checks([("sensor", broken), ("cores", lambda: check_cores(2))]))
    assert [(f.check, f.status) for f in found] == [("sensor", "fail"), ("cores", "ok")]
    assert "RuntimeError: no such sensor" in found[0].found


def test_a_profile_with_its_data_passes(tmp_path: Path, catalog: Path) -> None:
    found = _findings(tmp_path, catalog, universe__book="L2")
    assert {finding.status for finding in found.values()} == {"ok"}
    assert found["catalog data"].found == "L2 of ZAZZT, ZBZZT"
    assert found["catalog dates"].found == "1 session, 2025-03-03 to 2025-03-03"


def test_the_catalog_of_the_profile_is_checked_unless_another_is_given(tmp_path: Path, catalog: Path) -> None:
    assert _findings(tmp_path, None, backtest__catalog=str(catalog))["catalog"].status == "ok"
    assert _findings(tmp_path, catalog, backtest__catalog="nowhere")["catalog"].status == "ok"
    assert _findings(tmp_path, None, backtest__catalog="nowhere")["catalog"].status == "fail"
    assert _findings(tmp_path, None, backtest__catalog=None)["catalog"].status == "warn"


def test_a_wrong_profile_is_the_only_finding(tmp_path: Path, catalog: Path) -> None:
    found = _findings(tmp_path, catalog, risk__max_positions=0)
    assert list(found) == ["profile"]
    assert found["profile"].status == "fail"
    assert "risk.max_positions is 0" in found["profile"].found


def test_a_live_profile_without_its_switch_is_fit_for_research_only(tmp_path: Path, catalog: Path) -> None:
    found = _findings(tmp_path, catalog, environment="live", broker=LIVE_BROKER)
    assert found["profile"].status == "ok"
    assert found["trading"].status == "warn"
    assert "needs a second, explicit switch" in found["trading"].found


def test_a_live_profile_with_its_switch_says_where_it_may_connect(
    tmp_path: Path, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARVESTER_LIVE", "sample/U1234567")
    found = _findings(tmp_path, catalog, environment="live", broker=LIVE_BROKER)
    assert found["trading"].found == "may connect to 127.0.0.1:4001 for account U1234567"


@pytest.mark.parametrize(
    ("changes", "check", "status", "expected"),
    [
        ({"universe__symbols": ["BAC"]}, "catalog data", "fail", "no quotes of BAC"),
        (
            {"backtest__start": "2025-03-08", "backtest__end": "2025-03-09"},
            "catalog dates",
            "fail",
            "no session",
        ),
        (
            {"backtest__start": "2025-03-10", "backtest__end": "2025-03-10"},
            "catalog dates",
            "fail",
            "no quotes on",
        ),
        ({"backtest__end": "2025-03-04"}, "catalog dates", "warn", "no quotes on 2025-03-04"),
    ],
)
def test_data_that_the_profile_needs_and_lacks_is_named(
    tmp_path: Path, catalog: Path, changes: dict[str, Any], check: str, status: str, expected: str
) -> None:
    found = _findings(tmp_path, catalog, **changes)[check]
    assert found.status == status
    assert expected in found.found


def test_missing_depth_fails_and_missing_trades_warn(tmp_path: Path, catalog: Path) -> None:
    reduced = shutil.copytree(catalog, tmp_path / "reduced")
    manifest = json.loads((reduced / "manifest.json").read_text())
    for ingest in manifest["ingests"]:
        ingest["files"] = [file for file in ingest["files"] if file["kind"] == "quote"]
    (reduced / "manifest.json").write_text(json.dumps(manifest))
    deep = _findings(tmp_path, reduced, universe__book="L2")["catalog data"]
    assert (deep.status, deep.found) == ("fail", "no depth of ZAZZT, ZBZZT")
    queued = _findings(tmp_path, reduced)["catalog data"]
    assert (queued.status, queued.found) == ("warn", "no trades of ZAZZT, ZBZZT")
    assert _findings(tmp_path, reduced, backtest__queue_position=False)["catalog data"].status == "ok"


@pytest.mark.parametrize("kind", ["quote_tick", "equity"])
@pytest.mark.parametrize("damage", ["missing", "cut off", "empty"])
def test_a_damaged_file_is_named(tmp_path: Path, catalog: Path, kind: str, damage: str) -> None:
    broken = shutil.copytree(catalog, tmp_path / "broken")
    file = next((broken / "data" / kind / "ZAZZT.SMART").glob("*.parquet"))
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-100] if damage == "cut off" else b"")
    found = _findings(tmp_path, broken)["catalog"]
    assert found.status == "fail"
    assert str(file.relative_to(broken).parent) in found.found


def test_a_damaged_manifest_fails(tmp_path: Path, catalog: Path) -> None:
    broken = shutil.copytree(catalog, tmp_path / "broken")
    (broken / "manifest.json").write_text("{")
    assert _findings(tmp_path, broken)["catalog"].status == "fail"


def test_a_universe_file_is_checked_for_any_quotes(tmp_path: Path, catalog: Path) -> None:
    (tmp_path / "universe.csv").write_text("symbol\nZAZZT\n")
    found = _findings(tmp_path, catalog, universe={"file": "universe.csv"}, universe__symbols=None)
    assert found["catalog data"].found == "quotes of ZAZZT, ZBZZT"


def test_the_command_prints_findings_and_ends_with_two_when_one_failed(
    tmp_path: Path, catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = valid_tables(backtest__start=str(DAY), universe__symbols=SYMBOLS)
    file = write_profile(tmp_path, tables)
    assert main(["doctor", str(file), "--catalog", str(catalog)]) == 0
    assert "0 failed" in capsys.readouterr().out
    assert main(["doctor", str(file), "--catalog", str(tmp_path / "none"), "--json"]) == 2
    reply = json.loads(capsys.readouterr().out)
    assert reply["ok"] is False
    assert [check["check"] for check in reply["checks"] if check["status"] == "fail"] == ["catalog"]
    set_key(tables, "risk.max_positions", 0)
    write_profile(tmp_path, tables)
    assert main(["doctor", str(file)]) == 2
    assert main(["doctor", str(file), "--set", "risk.max_positions=1", "--catalog", str(catalog)]) == 0
