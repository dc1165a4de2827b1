"""The pages on quality checks and on the synthetic market name every check, threshold and setting."""

from __future__ import annotations

from pathlib import Path

import msgspec

from catalog.quality_checks.registry import CHECKS, QualityThresholds
from catalog.synthetic.spec import _BOUNDS, LOW_PRICED_STOCKS, SyntheticMarketSpec, SyntheticSymbol

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def _rows(page: str) -> dict[str, list[str]]:
    """Return the cells of all table rows whose first cell is code, by that code."""
    rows: dict[str, list[str]] = {}
    for line in (REFERENCE / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def test_every_check_is_documented_as_it_reports_itself_and_no_other() -> None:
    rows = _rows("quality-checks.md")
    thresholds = set(QualityThresholds.__struct_fields__)
    assert set(rows) - thresholds == set(CHECKS)
    for check in CHECKS.values():
        assert rows[check.name] == [check.severity.value, check.meaning, check.remedy]


def test_every_threshold_is_documented_with_its_default() -> None:
    rows = _rows("quality-checks.md")
    for name in QualityThresholds.__struct_fields__:
        assert rows[name][0] == f"{getattr(QualityThresholds(), name):g}", name


def test_every_setting_of_the_synthetic_market_is_documented_with_default_and_bounds() -> None:
    rows = _rows("synthetic-market.md")
    spec = SyntheticMarketSpec()
    assert set(rows) == {*spec.__struct_fields__, *SyntheticSymbol.__struct_fields__}
    for name in set(spec.__struct_fields__) - {"symbols"}:
        assert rows[name][0] == str(getattr(spec, name)), name
    for name, (low, high) in _BOUNDS.items():
        if name != "seed":
            assert rows[name][1] == f"{low:g} to {high:g}", name
    for field in msgspec.structs.fields(SyntheticSymbol):
        assert rows[field.name][0] == ("required" if field.required else str(field.default)), field.name


def test_the_default_stocks_are_documented() -> None:
    text = (REFERENCE / "synthetic-market.md").read_text(encoding="utf-8")
    for stock in LOW_PRICED_STOCKS:
        assert f"| {stock.symbol} | {stock.price_usd:.2f} | {stock.spread_cents:g} |" in text
