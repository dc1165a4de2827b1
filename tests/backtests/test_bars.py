"""Strategies of one's own on bars alone: from the catalog through the assembled node."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from nautilus_trader.accounting.error import AccountBalanceNegative
from nautilus_trader.model.currencies import USD

from backtests.node import assemble, data_configs
from backtests.outcome import OutcomeCollector
from backtests.period import Selection, select
from catalog.columns import BarColumns, DataKind, prices_from_ten_thousandths, sizes_from_integers
from catalog.lanes import event_clock
from catalog.manifest import SourceDescription
from catalog.store import CatalogStore
from market.errors import UserError
from market.instruments import EquitySpec
from market.time import NS_PER_MINUTE, new_york_midnight_ns
from tests.backtests.replays import profile
from tests.benchmarks.ema_cross import ema_cross

NAME = "ZVZZT.SMART"
MINUTES = f"{NAME}-1-MINUTE-LAST-EXTERNAL"
FIVE_MINUTES = f"{NAME}-5-MINUTE-LAST-EXTERNAL"
COUNT = 4_000


def _write(root: Path, *bar_types: tuple[str, int]) -> Path:
    """Write bars of a random walk; of each type every so many minutes one."""
    close = 1_400 + np.cumsum(np.random.default_rng(1).integers(-3, 4, COUNT))
    opened = np.concatenate([close[:1], close[:-1]])
    cents = {
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
    }
    times = new_york_midnight_ns(date(2020, 1, 2)) + np.arange(1, COUNT + 1, dtype=np.int64) * NS_PER_MINUTE
    with CatalogStore(root).ingest(SourceDescription(kind="csv", path="walk", sha256="walk")) as ingest:
        ingest.add_instrument(EquitySpec(symbol="ZVZZT"))
        for bar_type, every in bar_types:
            chosen = slice(every - 1, None, every)
            lane = ingest.lane(DataKind.BAR, NAME, bar_type=bar_type)
            columns = BarColumns(
                ts_event=times[chosen],
                ts_init=event_clock(times[chosen]) + lane,
                **{name: prices_from_ten_thousandths(values[chosen] * 100) for name, values in cents.items()},
                volume=sizes_from_integers(np.full(len(times[chosen]), 10_000)),
            )
            ingest.write(DataKind.BAR, NAME, columns, bar_type=bar_type)
    return root


def _select(catalog: Path) -> Selection:
    return select(catalog, [NAME], book="bars", queue_position=False)


@pytest.mark.parametrize("types", [((MINUTES, 1),), ((MINUTES, 1), (FIVE_MINUTES, 5))], ids=["one", "two"])
def test_trades_on_bars_and_pays_its_fees(types: tuple[tuple[str, int], ...], tmp_path: Path) -> None:
    selection = _select(_write(tmp_path / "catalog", *types))
    assert selection.bar_types == tuple(sorted(name for name, _ in types))
    loaded = profile(tmp_path, "backtest.starting_balance_usd=100000", "fees.schedule=ib_fixed")
    assembled = assemble(loaded, selection, strategies=[ema_cross(MINUTES)])
    collector = OutcomeCollector(assembled.engine, assembled.risk_records)
    assembled.run()
    outcome = collector.collect()
    assembled.dispose()
    assert len(outcome.fills) == len(outcome.orders) > 10
    assert outcome.events_processed == selection.rows
    assert all(fill.commission_usd >= 1 for fill in outcome.fills)


def test_an_account_that_the_engine_finds_below_zero_ends_the_run_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_below_zero(*_: object) -> None:
        raise AccountBalanceNegative(Decimal("-0.01"), USD)  # Nautilus does, of a cash account

    monkeypatch.setattr("tests.benchmarks.ema_cross.EmaCross.on_bar", find_below_zero)
    selection = _select(_write(tmp_path / "catalog", (MINUTES, 1)))
    assembled = assemble(profile(tmp_path), selection, strategies=[ema_cross(MINUTES)])
    with pytest.raises(UserError, match=r"went below zero.*Raise backtest\.starting_balance_usd"):
        assembled.run()
    assembled.dispose()


def test_one_configuration_loads_all_bars(tmp_path: Path) -> None:
    selection = _select(_write(tmp_path / "catalog", (MINUTES, 1), (FIVE_MINUTES, 5)))
    (config,) = data_configs(selection)
    assert config.bar_types == [MINUTES, FIVE_MINUTES]
