"""What a flattening takes for held when the gate and Nautilus do not agree."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nautilus_trader.model.identifiers import InstrumentId

from risk.closings import Held, Leftover
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.nautilus_scene import SceneReader
from tests.risk.flatten_scenes import BULL_PUT, P100, flattening
from tests.risk.table_market import NOW_NS, bought, option, order, spread, stock

F = stock()


def position(count: int, instrument_id: str = F.instrument_id) -> Any:
    """Stands in for a position of Nautilus."""
    return SimpleNamespace(
        strategy_id=SimpleNamespace(value="S-ONE"),
        instrument_id=InstrumentId.from_str(instrument_id),
        signed_decimal_qty=lambda: count,
    )


def held(keeper: Gatekeeper, gate: int, cached: int) -> Sequence[Held]:
    """Return what a flattening reads of a gate that holds so much, and of a cache."""
    if gate:
        bought(keeper, gate)
    cache = SimpleNamespace(positions_open=lambda: [position(cached)] if cached else [], instruments=list)
    book = cast(Any, SimpleNamespace(terms=lambda _: F))
    reader = SceneReader(cache, keeper.account, book, own_orders=())
    return reader.read(flattening(), NOW_NS).held


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
    assert held(keeper, gate, cached) == [Held("S-ONE", F, closed, gate, cached)]


@pytest.mark.parametrize("count", [100, -100])
def test_what_both_hold_alike_is_closed_and_named_once(keeper: Gatekeeper, count: int) -> None:
    assert held(keeper, count, count) == [Held("S-ONE", F, count)]


@pytest.mark.parametrize("symbols", [None, ["F"]])
def test_a_position_that_cannot_be_read_hides_no_other(
    keeper: Gatekeeper, symbols: Sequence[str] | None
) -> None:
    """It is told to a person, where it is in the flattening's scope."""

    def terms(instrument_id: InstrumentId) -> InstrumentTerms:
        if instrument_id.value != F.instrument_id:
            raise ValueError("ES is a future.")
        return F

    bought(keeper, 100)
    both = [position(1, "ES.SMART"), position(100)]
    cache = SimpleNamespace(positions_open=lambda: both, instruments=list)
    reader = SceneReader(cache, keeper.account, cast(Any, SimpleNamespace(terms=terms)), own_orders=())
    scene = reader.read(flattening(symbols), NOW_NS)
    assert scene.held == [Held("S-ONE", F, 100)]
    told = Leftover("S-ONE", "ES.SMART", 1, "ES is a future. Close it in TWS.")
    assert scene.foreign == ([told] if symbols is None else [])


def test_a_working_order_is_seen_with_what_of_it_may_still_fill(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    keeper.adopt_order(order(None, 60, side="sell", order_type="market", order_id="K-1"), filled=40)
    keeper.adopt_order(order(None, 10, side="sell", order_id="EXIT"), filled=0)
    cache = SimpleNamespace(positions_open=lambda: [position(100)], instruments=list)
    book = cast(Any, SimpleNamespace(terms=lambda _: F))
    scene = SceneReader(cache, keeper.account, book, own_orders={"K-1"}).read(flattening(), NOW_NS)
    seen = [(each.order_id, each.quantity, each.is_ours, each.is_market) for each in scene.working]
    assert seen == [("K-1", -60, True, True), ("EXIT", -10, False, False)]


def test_the_spreads_of_what_is_held_are_known_whatever_else_the_cache_has(keeper: Gatekeeper) -> None:
    other = spread((option(100, symbol="GE"), -1), (option(95, symbol="GE"), 1))
    known: dict[str, Any] = {"bull": BULL_PUT, "other": other, "stock": F}

    def terms(name: Any) -> InstrumentTerms:
        found: InstrumentTerms = known.get(name) or known[name.value]
        return found

    bought(keeper, -1, terms=P100, price="1.00")
    names = ("stock", "foreign", "other", "bull")
    cached = [SimpleNamespace(id=name, is_spread=lambda name=name: name != "stock") for name in names]
    cache = SimpleNamespace(positions_open=list, instruments=lambda: cached)
    reader = SceneReader(cache, keeper.account, cast(Any, SimpleNamespace(terms=terms)), own_orders=())
    assert reader.read(flattening(), NOW_NS).market.spreads == [BULL_PUT]


@pytest.mark.parametrize(
    ("symbols", "is_resting", "elsewhere"),
    [(None, False, {"F"}), (["F"], False, {"F"}), (["GE"], False, set()), (None, True, set())],
)
def test_the_earlier_of_two_flattenings_closes_and_one_that_rests_lets_the_other(
    keeper: Gatekeeper, symbols: Sequence[str] | None, is_resting: bool, elsewhere: set[str]
) -> None:
    bought(keeper, 100)
    earlier, later = flattening(symbols), flattening()
    earlier.is_resting = is_resting
    keeper.account.flattenings = [earlier, later]
    cache = SimpleNamespace(positions_open=list, instruments=list)
    book = cast(Any, SimpleNamespace(terms=lambda _: F))
    reader = SceneReader(cache, keeper.account, book, own_orders=())
    assert reader.read(later, NOW_NS).elsewhere == elsewhere
    assert reader.read(earlier, NOW_NS).elsewhere == set()
