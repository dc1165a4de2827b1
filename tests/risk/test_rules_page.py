"""The generated page of rules is current, and every breaker state has its runbook."""

from __future__ import annotations

import typing
from pathlib import Path

from risk.breaker import BreakerState
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
