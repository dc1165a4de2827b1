"""The defects that are known to be in the recorded data, named by the checks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from catalog.ingest_lean import ingest_lean
from catalog.ingest_lobster import ingest_lobster
from catalog.quality import QualityReport, check_catalog
from catalog.quality_checks.findings import Finding
from catalog.store import CatalogStore

pytestmark = pytest.mark.real_data


def _finding(report: QualityReport, check: str, data_type: str) -> Finding:
    (found,) = (f for f in report.findings if f.check == check and f.data_type == data_type)
    return found


def test_names_the_old_price_after_apples_split(real_data: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    ingest_lean(real_data / "lean", store=store, symbols=["AAPL"], resolutions=["minute"])
    report = check_catalog(tmp_path)
    outlier = _finding(report, "outlier_bar", "bar 1-MINUTE-LAST")
    assert outlier.count == 1
    assert outlier.examples[0].startswith(
        "2014-06-09 04:01:00.000 EDT: 645.57/645.57/92.23/92.42, around it 92.46 and 92.46"
    )
    jump = _finding(report, "overnight_jump", "bar 1-MINUTE-LAST")
    assert jump.count == 1
    assert "0.143" in jump.examples[0]  # 7 for 1


def test_names_the_early_close_on_christmas_eve(real_data: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    ingest_lean(real_data / "lean", store=store, symbols=["GOOG"], resolutions=["minute"])
    report = check_catalog(tmp_path, start=date(2015, 12, 24), end=date(2015, 12, 24))
    closing = _finding(report, "early_close", "bar 1-MINUTE-LAST")
    assert closing.examples == ("2015-12-24 13:00:00.000 EST: 2015-12-24 closes at 13:00 New York",)
    late = _finding(report, "after_early_close", "bar 1-MINUTE-LAST")
    assert late.count > 0


def test_bank_of_americas_ticks_are_not_crossed_in_the_session(real_data: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    ingest_lean(real_data / "lean", store=store, symbols=["BAC"], resolutions=["tick"])
    report = check_catalog(tmp_path, end=date(2013, 10, 7))
    found = {(finding.check, finding.data_type) for finding in report.findings}
    assert ("crossed_quote", "quote_tick") not in found
    assert not {check for check, _ in found} & {
        "gap",
        "stale",
        "partial_session",
        "outlier_trade",
        "outlier_quote",
    }
    assert ("outside_session", "quote_tick") in found


def test_apples_rebuilt_book_is_sound_and_known_to_be_an_excerpt(real_data: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    ingest_lobster(real_data / "nasdaq_depth_aapl_2012", store=store)
    report = check_catalog(tmp_path)
    checks = {finding.check for finding in report.findings}
    assert not checks & {
        "crossed_book",
        "empty_book",
        "unknown_level",
        "no_snapshot",
        "crossed_quote",
        "out_of_order",
    }
    assert _finding(report, "partial_session", "quote_tick").count == 1
