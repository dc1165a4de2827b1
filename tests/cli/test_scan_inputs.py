"""A scan of several underlyings has each once, leaves out the stale ones, and says how old a chain is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalog.ingest_volatility import ingest_volatility
from catalog.store import CatalogStore
from cli.__main__ import main
from cli.scan_inputs import NOTED_AGE_NS
from market.time import NS_PER_SECOND, format_utc
from tests.catalog.volatility_days import one_a_day, write_days
from tests.scanner.snapshot_market import START_NS, write_snapshots

LAST_NS = START_NS + 4 * 60 * NS_PER_SECOND
NEXT_DAYS = "2026-01-08T12:00:00-05:00"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SPXW of 2026-01-05, KO of five years before, and a volatility index that goes on after the chain."""
    folder = tmp_path_factory.mktemp("inputs")
    store = write_snapshots(folder / "catalog")
    write_days(store.root, one_a_day([0.2]), name="KO")
    index = folder / "vix.csv"
    rows = [f"2025-12-{day:02d},{20 + day / 10}" for day in range(1, 32)]
    rows += [f"2026-01-{day:02d},{level}" for day, level in ((2, 10), (5, 90), (6, 90), (7, 90))]
    index.write_text("DATE,CLOSE\n" + "\n".join(rows) + "\n", encoding="utf-8")
    ingest_volatility(index, store=CatalogStore(store.root))
    return store.root


def scanned(catalog: Path, capsys: pytest.CaptureFixture[str], *words: str, at: str) -> dict[str, Any]:
    assert main(["scan", "bull_put", "--catalog", str(catalog), "--at", at, *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_an_underlying_without_a_recent_chain_is_left_out_with_a_note(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = scanned(catalog, capsys, at=format_utc(LAST_NS))
    assert found["underlyings"] == ["SPX"]
    [note] = found["notes"]
    assert note.startswith("KO is left out. No chain of KO in the 7 days before")
    alone = scanned(catalog, capsys, "--symbol", "SPX", at=format_utc(LAST_NS))
    assert alone["notes"] == []
    assert alone["candidates"] == found["candidates"]
    assert main(["scan", "bull_put", "--catalog", str(catalog), "--at", format_utc(LAST_NS)]) == 0
    assert "note: KO is left out." in capsys.readouterr().out


def test_none_left_and_one_named_alone_are_refused(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["scan", "bull_put", "--catalog", str(catalog), "--at"]
    assert main([*words, format_utc(LAST_NS), "--symbol", "KO"]) == 2
    assert "No chain of KO in the 7 days" in capsys.readouterr().err
    assert main([*words, "2026-03-02T12:00:00-05:00"]) == 2
    said = capsys.readouterr().err
    assert "No chain of KO in the 7 days" in said
    assert "No chain of SPX in the 7 days" in said


@pytest.mark.parametrize("again", ["spx", "^SPX", "SPX", "SPXW"])
def test_an_underlying_that_is_named_twice_is_scanned_once(
    catalog: Path, again: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at = format_utc(LAST_NS)
    once = scanned(catalog, capsys, "--symbol", "SPX", at=at)
    twice = scanned(catalog, capsys, "--symbol", "SPX", "--symbol", again, at=at)
    assert twice["underlyings"] == ["SPX"]
    assert twice["contracts"] == once["contracts"]


def test_an_older_chain_is_said_and_everything_is_as_known_at_its_time(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--symbol", "SPX", "--volatility-index", "VIX")
    fresh = scanned(catalog, capsys, *words, at=format_utc(LAST_NS))
    stale = scanned(catalog, capsys, *words, at=NEXT_DAYS)
    assert stale["candidates"] == fresh["candidates"]
    assert stale["requested_at"].startswith("2026-01-08 12:00:00")
    assert stale["at"] == fresh["at"]
    [before], [after] = fresh["inputs"], stale["inputs"]
    assert (before.pop("chain_age_seconds"), after.pop("chain_age_seconds")) == (0.0, 266_160.0)
    assert before == after, "the index rose after the chain, which the scan does not know"
    [note] = stale["notes"]
    assert "is of 2026-01-05 10:04:00 EST, 3.1 days before; everything is as known then" in note
    command = ["scan", "bull_put", "--catalog", str(catalog), "--at", NEXT_DAYS, "--symbol", "SPX"]
    assert main(command) == 0
    assert note in capsys.readouterr().out
    assert main([*command, "--explain", "SPX 2026-01-16 -3990P +3980P", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [note]


def test_the_age_is_noted_beyond_its_limit_only(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for late_ns, count in ((0, 0), (NS_PER_SECOND, 1)):
        at = format_utc(LAST_NS + NOTED_AGE_NS + late_ns)
        assert len(scanned(catalog, capsys, "--symbol", "SPX", at=at)["notes"]) == count


def test_a_spread_is_explained_in_its_own_underlying(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["scan", "bull_put", "--catalog", str(catalog), "--at", format_utc(LAST_NS), "--explain"]
    for name in ("SPX", "SPXW", "spx"):
        assert main([*words, f"{name} 2026-01-16 -3990P +3980P"]) == 0
        assert "SPXW  260116P03990000" in capsys.readouterr().out
    assert main([*words, "SPXW  260116P03990000"]) == 2
    assert "--explain needs one underlying, there are 2" in capsys.readouterr().err


def test_a_payoff_is_as_known_at_the_chains_time_and_says_so(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["payoff", "SPX 2026-01-16 -3990P +3980P", "--catalog", str(catalog), "--at", NEXT_DAYS]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["requested_at"].startswith("2026-01-08 12:00:00")
    assert found["chain_age_seconds"] == 266_160.0
    [note] = found["notes"]
    assert main(words) == 0
    assert note in capsys.readouterr().out
