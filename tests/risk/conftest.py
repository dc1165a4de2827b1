"""Fixtures of the risk gate's tests: an account in a market of tables, a supervisor's desk."""

from __future__ import annotations

import pytest

from risk.gatekeeper import Gatekeeper
from tests.risk.desk import Desk
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import TableMarket, gatekeeper


@pytest.fixture
def market() -> TableMarket:
    """A market of stocks at 4.99 to 5.00 in session."""
    return TableMarket()


@pytest.fixture
def keeper(market: TableMarket) -> Gatekeeper:
    """The gate of an empty account in that market."""
    return gatekeeper(LIMITS, market)


@pytest.fixture
def desk() -> Desk:
    """A supervisor of an empty account, without a file."""
    return Desk()
