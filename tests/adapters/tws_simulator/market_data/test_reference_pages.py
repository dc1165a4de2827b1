"""The reference page of market data names every setting with its default, every command and every error."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest

from adapters.tws_simulator.contracts.settings import ChainSettings, ContractSettings
from adapters.tws_simulator.market_data.settings import (
    HistorySettings,
    MarketDataSettings,
    SyntheticSettings,
)
from tests.adapters.tws_simulator.market_data.market import MarketInProcess


def error_codes(source: str) -> set[str]:
    """Return the codes that are refused or sent as errors in a module."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"Refused", "error", "refuse_all"}:
                found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return {code for code in found if code.isdigit() and len(code) >= 3}


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs/reference/tws-simulator-market-data.md").read_text()


@pytest.mark.parametrize(
    "section", [ContractSettings, ChainSettings, MarketDataSettings, HistorySettings, SyntheticSettings]
)
def test_every_setting_is_on_the_page_with_its_default(page: str, section: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(section):
        if isinstance(field.default, msgspec.Struct):
            continue
        default = field.default
        shown = ", ".join(default) if isinstance(default, tuple) and default else str(default)
        assert f"| `{field.name}` | `{shown}` |" in page


def test_every_command_is_on_the_page(page: str) -> None:
    for name in MarketInProcess().market.commands():
        assert f"`{name}`" in page


def test_every_error_is_on_the_page(page: str, project_root: Path) -> None:
    errors = page.partition("## Errors")[2].partition("## Settings")[0]
    found = set()
    for folder in ("contracts", "market_data"):
        for path in (project_root / "adapters/tws_simulator" / folder).glob("*.py"):
            found |= error_codes(path.read_text())
    assert {"101", "162", "200", "321", "354", "10190"} <= found
    for code in found:
        assert re.search(rf"\b{code}\b", errors), code
