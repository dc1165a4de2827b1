"""A venue whose bars wait fills as one that plays every bar; the shipped engine still needs this."""

from __future__ import annotations

import time
from typing import Any

import pytest
from nautilus_trader.backtest.models import FillModel, LatencyModel
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.objects import Quantity
from nautilus_trader.system import kernel
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from backtests.nautilus_cache import KeepingCache
from backtests.nautilus_internals import dictionary_of
from backtests.nautilus_matching import WAITING_BARS_MAX, WaitingBarEngine, install_matching_engines
from market.errors import HarvesterError
from tests.backtests.bar_engines import (
    BAR_TYPE,
    MINUTE_NS,
    NAME,
    USD,
    RandomOrders,
    build,
    random_bars,
    traces,
)

VENUES: dict[str, dict[str, Any]] = {
    "plain": {},
    "consumption": {"liquidity_consumption": True},
    "latency": {"latency_model": LatencyModel(base_latency_nanos=2 * MINUTE_NS + 1)},
    "adaptive": {"bar_adaptive_high_low_ordering": True},
}


def _run(seed: int, venue: dict[str, Any], *, is_cured: bool, rate: float) -> tuple[Any, ...]:
    if venue.get("chance"):
        venue = {"fill_model": FillModel(0.5, 0.5, random_seed=seed)}
    strategy = RandomOrders(seed, rate=rate)
    engine = build(random_bars(1_500, seed=seed), strategy, is_cured=is_cured, venue=venue)
    engine.run()
    balance = engine.portfolio.account(Venue("SMART")).balance_total(USD)
    closed = engine.cache.position_snapshots() + engine.cache.positions()
    profits = [position.realized_pnl for position in closed]
    result = traces(engine), str(balance), [str(profit) for profit in profits], strategy.seen
    engine.dispose()
    return result


@pytest.mark.parametrize("rate", [0.02, 0.3])
@pytest.mark.parametrize("name", [*VENUES, "chance"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_orders_fills_and_balances_are_those_of_the_shipped_engine(seed: int, name: str, rate: float) -> None:
    venue = VENUES.get(name, {"chance": True})
    shipped = _run(seed, venue, is_cured=False, rate=rate)
    cured = _run(seed, venue, is_cured=True, rate=rate)
    assert len(shipped[0]) > 30
    assert cured == shipped


class _LateBuyer(Strategy):
    """Buys once, after so many bars."""

    def __init__(self, after: int) -> None:
        super().__init__(StrategyConfig(strategy_id="LATE-001"))
        self._left = after

    def on_start(self) -> None:
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        self._left -= 1
        if self._left == 0:
            self.submit_order(
                self.order_factory.market(bar.bar_type.instrument_id, OrderSide.BUY, Quantity.from_int(1))
            )


@pytest.mark.parametrize("after", [WAITING_BARS_MAX, WAITING_BARS_MAX + 1, 2 * WAITING_BARS_MAX + 7])
def test_more_waiting_bars_than_are_kept_change_nothing(after: int) -> None:
    bars = random_bars(after + 2, seed=5, still_fraction=0.9)
    found = []
    for is_cured in (False, True):
        engine = build(bars, _LateBuyer(after), is_cured=is_cured)
        engine.run()
        found.append(traces(engine))
    assert found[0] == found[1]
    assert [event["type"] for event in found[1]][-1] == "OrderFilled"


def test_bars_wait_while_no_order_is_there() -> None:
    played: list[Bar] = []

    class Watched(WaitingBarEngine):
        def _play(self, bar: Bar) -> None:
            played.append(bar)
            super()._play(bar)

    engine = build(random_bars(500, seed=1), _LateBuyer(400), is_cured=True)
    _replace(engine, Watched)
    engine.run()
    assert 1 <= len(played) < 20


def _replace(engine: Any, kind: type) -> None:
    from nautilus_trader.backtest.engine import OrderMatchingEngine, SimulatedExchange

    (exchange,) = dictionary_of(engine, SimulatedExchange).values()
    engines = dictionary_of(exchange, OrderMatchingEngine)
    engines[InstrumentId.from_str(NAME)].__class__ = kind


def test_says_so_when_nautilus_keeps_its_engines_elsewhere() -> None:
    with pytest.raises(HarvesterError, match="expected 1"):
        install_matching_engines(object(), lambda _: WaitingBarEngine)


def _seconds_a_bar(*, is_cured: bool) -> float:
    engine = build(random_bars(4_000, seed=1), _LateBuyer(10**9), is_cured=is_cured)
    started = time.process_time()
    engine.run()
    return (time.process_time() - started) / 4_000


def test_the_shipped_engine_still_needs_this_patch() -> None:
    assert _seconds_a_bar(is_cured=False) > 1.7 * _seconds_a_bar(is_cured=True)


class _AlternatingTrader(Strategy):
    """Opens and closes a position with every bar."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="ALTERNATING-001"))
        self._side = OrderSide.BUY

    def on_start(self) -> None:
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        order = self.order_factory.market(bar.bar_type.instrument_id, self._side, Quantity.from_int(1))
        self._side = OrderSide.SELL if self._side == OrderSide.BUY else OrderSide.BUY
        self.submit_order(order)


@pytest.mark.parametrize("is_cured", [False, True])
def test_only_the_shipped_engine_searches_a_positions_orders_after_a_fill(
    is_cured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[object] = []

    class Counting(KeepingCache):
        def orders_for_position(self, position_id: Any) -> Any:
            searches.append(position_id)
            return super().orders_for_position(position_id)

    monkeypatch.setattr(kernel, "Cache", Counting)
    monkeypatch.setattr("tests.backtests.bar_engines.KeepingCache", Counting)
    engine = build(random_bars(100, seed=1), _AlternatingTrader(), is_cured=is_cured)
    engine.run()
    assert (len(searches) == 0) is is_cured
