"""What a flattening takes for held when the gate and Nautilus do not agree."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from nautilus_trader.model.identifiers import InstrumentId

from risk.closings import Held
from risk.gatekeeper import Gatekeeper
from risk.nautilus_scene import SceneReader
from tests.risk.flatten_scenes import flattening
from tests.risk.table_market import NOW_NS, bought, stock

F = stock()


def position(count: int) -> Any:
    """Stands in for a position of Nautilus."""
    return SimpleNamespace(
        strategy_id=SimpleNamespace(value="S-ONE"),
        instrument_id=InstrumentId.from_str(F.instrument_id),
        signed_decimal_qty=lambda: count,
    )


@pytest.mark.parametrize(
    ("gate", "cached", "closed"),
    [
        (100, 60, 60),
        (60, 100, 60),
        (-60, -100, -60),
        (2, 1, 1),
        (100, -20, 0),
        (-20, 100, 0),
        (100, 0, 0),
        (0, 100, 0),
    ],
)
def test_only_what_both_hold_on_the_same_side_is_closed(
    keeper: Gatekeeper, gate: int, cached: int, closed: int
) -> None:
    """Anything else would open what nobody holds."""
    if gate:
        bought(keeper, gate)
    cache = SimpleNamespace(positions_open=lambda: [position(cached)] if cached else [], instruments=list)
    book = cast(Any, SimpleNamespace(terms=lambda _: F))
    reader = SceneReader(cache, keeper.account, book, own_orders=())
    assert reader.read(flattening(), NOW_NS).held == [Held("S-ONE", F, closed, gate, cached)]
