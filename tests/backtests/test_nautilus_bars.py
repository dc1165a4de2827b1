"""Bars reach cache and subscribers as the shipped engine brings them there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import PriceType
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Price, Quantity

from backtests.nautilus_bars import BarDataEngine
from backtests.nautilus_bus import local_message_bus

MINUTE = BarType.from_str("ZVZZT.SMART-1-MINUTE-LAST-EXTERNAL")
HOUR = BarType.from_str("ZVZZT.SMART-1-HOUR-LAST-EXTERNAL")
BID = BarType.from_str("ZVZZT.SMART-1-MINUTE-BID-EXTERNAL")
ASK = BarType.from_str("ZVZZT.SMART-1-MINUTE-ASK-EXTERNAL")
OTHER = BarType.from_str("ZWZZT.SMART-1-MINUTE-LAST-EXTERNAL")


def _bar(bar_type: BarType, at: int, cents: int = 900, *, is_revision: bool = False) -> Bar:
    price = Price(cents / 100, 4)
    return Bar(bar_type, price, price, price, price, Quantity.from_int(100), at, at, is_revision)


def _feed(kind: type, bars: Sequence[Bar]) -> tuple[Cache, list[Bar], DataEngine]:
    cache = Cache()
    bus = MessageBus(TraderId("T-001"), TestClock(), config=local_message_bus())
    engine = kind(msgbus=bus, cache=cache, clock=TestClock(), config=None)
    delivered: list[Bar] = []
    bus.subscribe(topic="data.bars.*", handler=delivered.append)
    for bar in bars:
        engine.process(bar)
    return cache, delivered, engine


SEQUENCES = {
    "one type": [_bar(MINUTE, at, 900 + at) for at in range(1, 40)],
    "types in turn": [_bar((MINUTE, HOUR, OTHER)[at % 3], at, 900 + at) for at in range(1, 40)],
    "bid and ask": [_bar((BID, ASK)[at % 2], at, 900 + at) for at in range(1, 40)],
    "revisions": [_bar(MINUTE, at // 2 + 1, 900 + at, is_revision=bool(at % 2)) for at in range(1, 40)],
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_cache_and_deliveries_are_those_of_the_shipped_engine(name: str) -> None:
    bars = SEQUENCES[name]
    shipped, shipped_bars, _ = _feed(DataEngine, bars)
    ours, our_bars, _ = _feed(BarDataEngine, bars)
    assert our_bars == shipped_bars == bars
    for bar_type in (MINUTE, HOUR, BID, ASK, OTHER):
        assert ours.bars(bar_type) == shipped.bars(bar_type)
        for price_type in (PriceType.LAST, PriceType.BID, PriceType.ASK):
            arguments = (InstrumentId.from_str("ZVZZT.SMART"), price_type)
            assert ours.price(*arguments) == shipped.price(*arguments)


def test_bars_after_a_reset_go_to_the_emptied_cache() -> None:
    cache, _, engine = _feed(BarDataEngine, SEQUENCES["one type"])
    engine.reset()
    cache.reset()
    engine.process(_bar(MINUTE, 100))
    engine.process(_bar(MINUTE, 101))
    assert [bar.ts_init for bar in cache.bars(MINUTE)] == [101, 100]


def _seconds(kind: type) -> float:
    bars = [_bar(MINUTE, at) for at in range(1, 10_001)]
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        _feed(kind, bars)
        best = min(best, time.process_time() - started)
    return best


def test_the_shipped_engine_still_needs_this_patch() -> None:
    assert _seconds(DataEngine) > 1.3 * _seconds(BarDataEngine)
