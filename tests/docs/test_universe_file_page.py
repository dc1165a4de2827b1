"""docs/reference/universe-file.md names every key with its bounds; the fee page names every rate."""

from __future__ import annotations

from pathlib import Path

import msgspec

from configs.profile_fields import limits_of
from configs.universe import UniverseFile
from market import regulatory_fees
from market.universe import UniverseRules

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def _rows(page: str) -> dict[str, list[str]]:
    lines = (REFERENCE / page).read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {row[0].strip("`"): row for row in cells}


def test_every_key_of_a_universe_file_is_documented_and_no_other() -> None:
    keys = {field.name for field in msgspec.structs.fields(UniverseFile)} - {"rules"}
    keys |= {f"rules.{field.name}" for field in msgspec.structs.fields(UniverseRules)}
    assert set(_rows("universe-file.md")) == keys


def test_the_bounds_of_every_rule_are_documented() -> None:
    rows = _rows("universe-file.md")
    for field in msgspec.structs.fields(UniverseRules):
        limits = limits_of(field.type)
        if limits.at_least is not None and limits.at_most is not None:
            bounds = f"{limits.at_least:f} to {limits.at_most:f} {limits.unit}"
            assert rows[f"rules.{field.name}"][1] == bounds, field.name


def test_every_regulatory_rate_is_documented_with_its_date() -> None:
    page = (REFERENCE / "commissions.md").read_text(encoding="utf-8")
    for since, rate in regulatory_fees._SEC_USD_PER_MILLION:
        assert f"| {since} | {rate} |" in page
    for since, rate, maximum in regulatory_fees._TAF_USD_PER_SHARE_AND_MAX:
        shown = rate if rate == "0" else f"{rate} ({maximum})"
        assert f"| {since} | {shown} |" in page
