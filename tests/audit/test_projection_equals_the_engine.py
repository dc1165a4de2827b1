"""The state projected from the journal is the engine's: after every quote, on random runs, to the cent."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.currencies import USD

from audit.events import FillRecord, OrderEventRecord, PositionRecord
from audit.projection import Projection, project
from risk.drills.nautilus_rig import SMART
from tests.audit.recorded_engine import Action, RecordedEngine, acting

HALF_CENT = Decimal("0.005")
QUOTES = 40
KINDS = (
    "market",
    "limit",
    "limit",
    "post_only",
    "stop",
    "emulated",
    "modify",
    "modify",
    "cancel",
    "cancel_all",
)
LATENCIES_MS = (0, 0, 20, 1_500)

actions = st.builds(
    Action,
    quote=st.integers(1, QUOTES - 4),
    strategy=st.integers(1, 2),
    kind=st.sampled_from(
        (
            "market",
            "limit",
            "limit",
            "post_only",
            "stop",
            "emulated",
            "modify",
            "modify",
            "cancel",
            "cancel_all",
        )
    ),
    side=st.sampled_from(("BUY", "SELL")),
    quantity=st.integers(1, 110),
    cents=st.integers(-3, 3),
    time_in_force=st.sampled_from(("DAY", "DAY", "IOC", "GTC")),
    is_reduce_only=st.booleans(),
)
prices = st.lists(st.integers(470, 530), min_size=QUOTES, max_size=QUOTES)
sizes = st.lists(st.sampled_from((20, 60, 1_000)), min_size=1, max_size=5)


def order_states(engine: Any) -> dict[str, tuple[Any, ...]]:
    """Return id, status, quantities and prices of every order as the engine's cache has them."""
    return {
        order.client_order_id.value: (
            order.type_string(),
            order.status_string(),
            int(order.quantity),
            int(order.filled_qty),
            order.price.as_decimal() if order.has_price else None,
            order.trigger_price.as_decimal() if order.has_trigger_price else None,
            None if order.venue_order_id is None else order.venue_order_id.value,
        )
        for order in engine.cache.orders()
    }


def projected_orders(projection: Projection) -> dict[str, tuple[Any, ...]]:
    """Return the same of the projection."""
    return {
        name: (
            order.terms.type, order.status, order.quantity, order.filled, order.limit_price,
            order.trigger_price, order.venue_order_id,
        )
        for name, order in projection.orders.items()
    }  # fmt: skip


def assert_equal(projection: Projection, rig: RecordedEngine) -> None:
    """Compare orders, what works, positions and breaker with the engine's, at this moment."""
    cache, account = rig.engine.cache, rig.gate.keeper.account
    assert projected_orders(projection) == order_states(rig.engine)
    working = {order.client_order_id.value for order in cache.orders_open() + cache.orders_inflight()}
    assert set(projection.working_orders) == working
    held = {each.position_id: each for each in projection.book.open_positions}
    assert held.keys() == {position.id.value for position in cache.positions_open()}
    for position in cache.positions_open():
        ours = held[position.id.value]
        assert ours.quantity == int(position.signed_qty)
        assert ours.average_open is not None
        assert abs(float(ours.average_open) - position.avg_px_open) < 1e-9
    assert projection.breaker is not None
    assert (projection.breaker.state, projection.breaker.causes) == (
        account.breaker.state, account.breaker.causes,
    )  # fmt: skip
    assert projection.breaker.reason == account.breaker.reason


def assert_profit_to_the_cent(projection: Projection, rig: RecordedEngine) -> None:
    """Compare profit with the account's: at most what Nautilus rounds away at closing fills lies between."""
    balance = rig.engine.cache.account_for_venue(SMART).balance_total(USD).as_decimal()
    closings = sum(each.event != "opened" for each in rig.journal.of(PositionRecord))
    assert abs(balance - 100_000 - projection.book.realized_usd) <= HALF_CENT * closings
    told = {each.position_id: each.realized_usd for each in rig.journal.of(PositionRecord)}
    for position in rig.engine.cache.positions():
        assert told[position.id.value] == position.realized_pnl.as_decimal()
        ours = projection.book.positions[position.id.value].realized_usd
        assert abs(ours - position.realized_pnl.as_decimal()) <= HALF_CENT * closings


@settings(max_examples=60)
@given(
    st.lists(actions, min_size=5, max_size=40),
    prices,
    sizes,
    st.sampled_from((0, 0, 20, 1500)),
    st.integers(0, 9),
)
def test_a_random_run_projects_to_the_engines_state_after_every_quote(
    todo: list[Action], bids: list[int], depth: list[int], latency_ms: int, seed: int
) -> None:
    rig = RecordedEngine(bids, sizes=depth, latency_ms=latency_ms, seed=seed)
    try:
        strategies = [
            acting(todo, number, look=lambda: assert_equal(rig.recorder.projection, rig)) for number in (1, 2)
        ]
        rig.run(*strategies)
        projection = project(rig.journal.entries)
        assert_equal(projection, rig)
        assert_profit_to_the_cent(projection, rig)
    finally:
        rig.engine.dispose()


def test_the_random_runs_meet_fills_in_part_rejections_changes_and_refusals() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=25, derandomize=True, database=None)
    @given(st.lists(actions, min_size=30, max_size=40), prices, sizes)
    def run(todo: list[Action], bids: list[int], depth: list[int]) -> None:
        rig = RecordedEngine(bids, sizes=depth)
        rig.run(*(acting(todo, number) for number in (1, 2)))
        seen.update(entry.kind for entry in rig.journal.entries)
        seen.update(each.event for each in rig.journal.of(OrderEventRecord))
        seen.update(order.status for order in rig.recorder.projection.orders.values())
        seen.update(each.liquidity for each in rig.journal.of(FillRecord))
        seen.update(f"position_{each.event}" for each in rig.journal.of(PositionRecord))
        fills = Counter(each.client_order_id for each in rig.journal.of(FillRecord))
        seen.update("filled in parts" for count in fills.values() if count > 1)
        rig.engine.dispose()

    run()
    wanted = {
        "approval", "refusal", "checkpoint", "rejected", "updated", "canceled", "modify_rejected", "denied",
        "emulated", "released", "filled in parts", "FILLED", "CANCELED", "MAKER", "TAKER", "position_closed",
        "position_changed",
    }  # fmt: skip
    assert wanted - seen.keys() == set()
