"""A cache that keeps closed positions answers as one that pickles them."""

from __future__ import annotations

import gc
import pickle
import time
from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import LiquiditySide, OmsType, OrderSide, OrderType
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    PositionId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.model.position import Position

from backtests.nautilus_cache import KeepingCache, KeptPosition
from catalog.instruments import nautilus_equity
from market.instruments import EquitySpec

EQUITY = nautilus_equity(EquitySpec(symbol="ZVZZT"))
OTHER = nautilus_equity(EquitySpec(symbol="ZWZZT"))
USD = Currency.from_str("USD")


def _fill(number: int, side: OrderSide, price: str, instrument: Any = EQUITY) -> OrderFilled:
    return OrderFilled(
        trader_id=TraderId("T-001"),
        strategy_id=StrategyId("S-001"),
        instrument_id=instrument.id,
        client_order_id=ClientOrderId(f"O-{number}"),
        venue_order_id=VenueOrderId(f"V-{number}"),
        account_id=AccountId("SMART-001"),
        trade_id=TradeId(f"T-{number}"),
        order_side=side,
        order_type=OrderType.LIMIT,
        last_qty=Quantity.from_int(10),
        last_px=Price.from_str(price),
        currency=USD,
        commission=Money(0.35, USD),
        liquidity_side=LiquiditySide.TAKER,
        event_id=UUID4(),
        ts_event=number,
        ts_init=number,
        position_id=PositionId(f"{instrument.id}-S-001"),
    )


def _closed(number: int, instrument: Any = EQUITY) -> Position:
    position = Position(instrument, _fill(number, OrderSide.BUY, "9.0000", instrument))
    position.apply(_fill(number + 1, OrderSide.SELL, "9.0500", instrument))
    return position


def _filled(cache: Cache) -> Cache:
    for number, instrument in ((1, EQUITY), (11, EQUITY), (21, OTHER)):
        position = _closed(number, instrument)
        cache.add_position(position, OmsType.NETTING)
        cache.snapshot_position(position)
    return cache


def _facts(position: Position) -> tuple[Any, ...]:
    return (
        position.instrument_id,
        position.realized_pnl,
        position.ts_opened,
        position.ts_closed,
        position.avg_px_open,
        position.avg_px_close,
        position.is_closed,
        position.account_id,
        [fill.trade_id for fill in position.events],
        position.commissions(),
    )


def test_remembers_what_the_shipped_cache_remembers() -> None:
    shipped, keeping = _filled(Cache()), _filled(KeepingCache())
    for arguments in (
        (),
        (PositionId("ZVZZT.SMART-S-001"),),
        (None, AccountId("SMART-001")),
        (None, AccountId("X-1")),
    ):
        ours, theirs = keeping.position_snapshots(*arguments), shipped.position_snapshots(*arguments)
        assert [_facts(position) for position in ours] == [_facts(position) for position in theirs]
    for arguments in ((), (EQUITY.id,), (OTHER.id,), (EQUITY.id, AccountId("X-1"))):
        assert keeping.position_snapshot_ids(*arguments) == shipped.position_snapshot_ids(*arguments)


def test_bytes_unpickle_to_the_position_for_as_long_as_the_cache_lives() -> None:
    cache = _filled(KeepingCache())
    pickled = cache.position_snapshot_bytes(PositionId("ZVZZT.SMART-S-001"))
    first, second = (pickle.loads(data) for data in pickled)
    assert (first.ts_opened, second.ts_opened) == (1, 11)
    del cache, first, second
    gc.collect()
    with pytest.raises(KeyError):
        pickle.loads(pickled[0])


def test_each_kept_position_has_an_id_of_its_own() -> None:
    ids = [position.id.value for position in _filled(KeepingCache()).position_snapshots()]
    assert ids == ["ZVZZT.SMART-S-001-1", "ZVZZT.SMART-S-001-2", "ZWZZT.SMART-S-001-1"]
    assert all(
        isinstance(position, KeptPosition) for position in _filled(KeepingCache()).position_snapshots()
    )


def test_the_original_keeps_its_id() -> None:
    cache, position = KeepingCache(), _closed(1)
    cache.snapshot_position(position)
    assert position.id.value == "ZVZZT.SMART-S-001"


def test_reset_and_purge_forget() -> None:
    cache = _filled(KeepingCache())
    cache.purge_position(PositionId("ZWZZT.SMART-S-001"))
    assert cache.position_snapshots(PositionId("ZWZZT.SMART-S-001")) == []
    assert cache.position_snapshot_ids(OTHER.id) == set()
    cache.reset()
    assert cache.position_snapshots() == []
    assert cache.position_snapshot_ids() == set()


def _seconds(cache: Cache) -> float:
    position = _closed(1)
    started = time.process_time()
    for _ in range(500):
        cache.snapshot_position(position)
    return time.process_time() - started


def test_the_shipped_cache_still_needs_this_patch() -> None:
    assert _seconds(Cache()) > 3 * _seconds(KeepingCache())
