"""The generated page of rules is current, and every breaker state has its runbook."""

from __future__ import annotations

import re
import typing
from pathlib import Path

from risk.breaker import BreakerState
from risk.other_refusals import IB_REFUSALS, OTHER_REFUSALS
from risk.rules import ALL_RULES
from risk.rules_page import page


def test_the_page_of_rules_is_current(project_root: Path) -> None:
    written = (project_root / "docs" / "risk-rules.md").read_text()
    assert written == page(), "run: uv run python -m risk.rules_page > docs/risk-rules.md"


def test_every_rule_is_on_the_page() -> None:
    text = page()
    assert all(f"`{rule.name}`" in text for rule in ALL_RULES)


def test_every_breaker_state_has_a_runbook(project_root: Path) -> None:
    for state in typing.get_args(BreakerState):
        runbook = project_root / "docs" / "runbooks" / f"{state.lower().replace('_', '-')}.md"
        assert runbook.read_text().startswith(f"# Runbook: {state}\n")


def test_the_page_has_every_refusal_with_what_it_compares_and_its_keys() -> None:
    text = page()
    for rule in ALL_RULES:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{rule.name}` ")]
        assert rule.what in row
        assert all(f"`{key}`" in row for key in rule.keys)
    assert all(f"| `{name}` | {what} |" in text for name, what in OTHER_REFUSALS.items())
    assert all(f"| `{row.name}` | {row.ib_code} |" in text for row in IB_REFUSALS)


def test_every_row_of_a_table_on_the_page_has_the_cells_of_its_head() -> None:
    columns = 0
    for line in page().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert columns in (0, cells) or not cells
        columns = cells
