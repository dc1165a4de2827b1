"""Every name that a refusal can carry is explained, and only those."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk.ib_rule_book import RULE_BOOK
from risk.other_refusals import IB_REFUSALS, OTHER_REFUSALS, guards_of, keys_of
from risk.rules import ALL_RULES

BESIDE_THE_GATE = {"engine_denied", "venue_rejected"}
"""Told by the backtest's outcome, of orders that the gate itself did not refuse."""


def _names_in(folder: Path) -> Iterator[str]:
    """Yield the names that code writes out in a refusal: `rule="order_list"`, `_broken("policy", ...)`."""
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            candidates = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
            candidates += node.args[:1] if called == "_broken" else []
            yield from (
                value.value
                for value in candidates
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
            )


def test_every_name_in_the_code_of_the_gate_is_explained(project_root: Path) -> None:
    written = set(_names_in(project_root / "risk"))
    elsewhere = {row.name for row in IB_REFUSALS} - {row.name for row in RULE_BOOK}
    assert written == elsewhere | (set(OTHER_REFUSALS) - BESIDE_THE_GATE)


@pytest.mark.parametrize("name", sorted(OTHER_REFUSALS))
def test_what_no_setting_moves_has_words_and_no_keys(name: str) -> None:
    assert guards_of(name) == OTHER_REFUSALS[name]
    assert keys_of(name) == ()


def test_rules_and_rows_of_ib_are_explained_too() -> None:
    for rule in ALL_RULES:
        assert (guards_of(rule.name), keys_of(rule.name)) == (rule.guards, rule.keys)
    assert guards_of("ib_modify") == "an order that IB refuses with 104: Can't modify a filled order."
    assert guards_of("ib_tick").startswith("an order that IB refuses with 110: ")
    assert guards_of("ib_tags").startswith("an order that IB would take, and the gate refuses with 321: ")


def test_a_name_of_another_version_is_not_explained_wrongly() -> None:
    assert guards_of("moon_phase") == "not a refusal of this version of Harvester"
    assert keys_of("moon_phase") == ()
