"""What the node is assembled from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from backtests.node import assemble, data_configs, risk_engine_config, strategy_configs
from backtests.run import select_for
from backtests.venue import venue_config
from configs.profile import LoadedProfile
from tests.backtests.markets import DAY
from tests.backtests.replays import profile

SYMBOLS = ("ZVZZT", "ZWZZT")


def test_loads_streams_in_one_order_whatever_the_order_of_the_symbols(
    tmp_path: Path, small_market: Path
) -> None:
    loaded = profile(tmp_path, "universe.book=L2")
    turned = select_for(loaded, small_market, symbols=SYMBOLS[::-1])
    configs = data_configs(turned)
    assert configs == data_configs(select_for(loaded, small_market, symbols=SYMBOLS))
    kinds = [config.data_cls.rpartition(":")[2] for config in configs]
    assert kinds == ["OrderBookDelta", "OrderBookDelta", "TradeTick", "QuoteTick"]


def test_replays_whole_new_york_days(tmp_path: Path, small_market: Path) -> None:
    selection = select_for(profile(tmp_path), small_market, symbols=SYMBOLS)
    for config in data_configs(selection):
        assert (config.start_time, config.end_time) == (
            selection.period.start_ns,
            selection.period.end_ns - 1,
        )
    assert selection.period.end_ns - selection.period.start_ns == 24 * 3600 * 10**9


def test_nautilus_own_risk_engine_takes_its_limits_from_the_profile(tmp_path: Path) -> None:
    limits = profile(tmp_path, "risk.max_notional_usd_per_order=99.5").profile.risk
    config = risk_engine_config(limits, ["ZVZZT.SMART"])
    assert config.max_order_submit_rate == f"{limits.max_orders_per_second}/00:00:01"
    assert config.max_order_modify_rate == f"{limits.max_replaces_per_minute}/00:01:00"
    assert config.max_notional_per_order == {"ZVZZT.SMART": 100}
    assert not config.bypass


def test_the_venue_is_a_margin_account_at_smart_without_leverage(tmp_path: Path) -> None:
    loaded = profile(tmp_path, "backtest.latency_ms=12.5")
    backtest = loaded.require_backtest()
    venue = venue_config(backtest, loaded.profile.fees, on=DAY, book="L1", queue_position=True)
    assert (venue.name, venue.account_type, venue.default_leverage) == ("SMART", "MARGIN", 1.0)
    assert venue.starting_balances == ["1000 USD"]
    assert venue.latency_model is not None
    assert venue.latency_model.config == {"base_latency_nanos": 12_500_000}
    assert (venue.book_type, venue.bar_execution, venue.liquidity_consumption) == ("L1_MBP", False, True)


def test_a_strategy_trades_its_own_symbols_or_the_universe(tmp_path: Path, small_market: Path) -> None:
    loaded = profile(tmp_path, symbols=SYMBOLS)
    selection = select_for(loaded, small_market, symbols=SYMBOLS)
    (section,) = loaded.profile.strategies
    both = msgspec.structs.replace(
        loaded.profile, strategies=(section, msgspec.structs.replace(section, name="one", symbols=("ZWZZT",)))
    )
    first, second = strategy_configs(both, selection)
    assert first.config["instrument_ids"] == ["ZVZZT.SMART", "ZWZZT.SMART"]
    assert second.config["instrument_ids"] == ["ZWZZT.SMART"]


@pytest.mark.parametrize("book", ["L1", "L2"])
def test_the_gate_stands_in_the_door_with_the_profiles_limits(
    tmp_path: Path, small_market: Path, book: str
) -> None:
    loaded: LoadedProfile = profile(tmp_path, f"universe.book={book}", symbols=SYMBOLS)
    assembled = assemble(loaded, select_for(loaded, small_market, symbols=SYMBOLS))
    try:
        kernel = assembled.engine.kernel
        with pytest.raises((KeyError, ValueError)):  # another handler stands where Nautilus put its own
            kernel.msgbus.deregister(endpoint="ExecEngine.execute", handler=kernel.exec_engine.execute)
    finally:
        assembled.dispose()
