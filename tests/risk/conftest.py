"""Fixtures of the risk gate's tests: an account in a market of tables, a supervisor's desk, a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from risk.gatekeeper import Gatekeeper
from tests.risk.desk import Desk
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import TableMarket, gatekeeper

if TYPE_CHECKING:
    from tests.risk.live_rig import Node


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


@pytest.fixture(params=["backtest", pytest.param("trading_node", marks=pytest.mark.slow)])
def node(request: pytest.FixtureRequest) -> Node:
    """The node that the test runs in."""
    from tests.risk.live_rig import LiveRig  # here: tests of the pure part need not import Nautilus
    from tests.risk.nautilus_rig import Rig

    return Rig if request.param == "backtest" else LiveRig
