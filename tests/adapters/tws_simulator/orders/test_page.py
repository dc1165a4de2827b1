"""The page on orders and accounts names every setting, command, type and refusal that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.orders.terms import ORDER_TYPES, TIMES_IN_FORCE
from tests.adapters.tws_simulator.orders.floor import Floor

PACKAGE = Path("adapters") / "tws_simulator"
CODES = re.compile(r"Refused\(\s*(\d+)|\.warn\(one, (\d+)|code: int = (\d+)|reject\(one, (\d+)")


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "reference" / "tws-simulator-orders.md").read_text()


def test_every_setting_type_and_command_is_on_the_page(page: str) -> None:
    floor = Floor()
    names = {
        *OrdersSettings.__struct_fields__,
        *AccountSettings.__struct_fields__,
        *ORDER_TYPES,
        *TIMES_IN_FORCE,
        *floor.orders.commands(),
        *floor.account.commands(),
    }
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_every_code_that_refuses_or_warns_is_on_the_page(page: str, project_root: Path) -> None:
    found = set()
    for folder in ("orders", "account"):
        for path in (project_root / PACKAGE / folder).glob("*.py"):
            for match in CODES.finditer(path.read_text()):
                found.add(next(code for code in match.groups() if code))
    assert len(found) > 15
    known = set(re.findall(r"\b\d{3,5}\b", page))
    assert found - known == set()
