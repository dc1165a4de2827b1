"""Nautilus' own tearsheet of a run, beside our report: a second opinion on the same fills."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nautilus_trader.model.identifiers import Venue

from market.instruments import VENUE

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine

TEARSHEET_NAME = "tearsheet.html"


def write_tearsheet(engine: BacktestEngine, folder: Path) -> Path:
    """Write `tearsheet.html` (about 5 MB, it brings its own plotting code) into `folder`."""
    from nautilus_trader.analysis.tearsheet import create_tearsheet

    cache = engine.cache
    account = cache.account_for_venue(Venue(VENUE))
    positions = [*cache.positions(), *cache.position_snapshots()]
    engine.portfolio.analyzer.calculate_statistics(account, positions)
    path = folder / TEARSHEET_NAME
    create_tearsheet(engine=engine, output_path=str(path))
    return path
