"""docs/reference/scan-criteria.md and the criteria's types say the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from configs.criteria_reference import criteria_page
from scanner.contracts import LEG_METRICS
from scanner.criteria import Criteria, LegFilter, PositionFilter, RankTerm, UnderlyingFilter
from scanner.metrics import POSITION_METRICS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "scan-criteria.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == criteria_page(), "run `python -m cli.commands_reference`"


@pytest.mark.parametrize("section", [Criteria, LegFilter, PositionFilter, RankTerm, UnderlyingFilter])
def test_every_key_is_documented(section: type[msgspec.Struct]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for field in msgspec.structs.fields(section):
        assert f"\n| `{field.name}` |" in page, field.name


def test_every_filter_is_measured_and_nothing_else() -> None:
    assert set(LEG_METRICS) == set(LegFilter.__struct_fields__)
    assert set(POSITION_METRICS) == set(PositionFilter.__struct_fields__)
