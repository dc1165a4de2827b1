"""Reads a run directory back into tables; the only place of the report that knows file names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from market.errors import DataError, NotFoundError

TABLES = ("orders", "fills", "positions", "decisions", "refusals", "equity", "prices")


@dataclass(frozen=True)
class RunFiles:
    """What one run left behind. Times are ns UTC in columns named `*_ns`; money is in USD."""

    summary: dict[str, Any]
    profile: dict[str, Any]
    orders: pd.DataFrame
    fills: pd.DataFrame
    positions: pd.DataFrame
    decisions: pd.DataFrame
    refusals: pd.DataFrame
    equity: pd.DataFrame
    prices: pd.DataFrame


def read_run(run_dir: Path) -> RunFiles:
    """Read every table of `run_dir`.

    Raises `NotFoundError` where it is no run directory, `DataError` where a file of it cannot be read.
    """
    if not (run_dir / "run.json").is_file():
        raise NotFoundError(
            f"{run_dir} is not a run directory: it has no run.json. "
            "Name the folder that `harvester backtest` printed, for example runs/demo-20261120T143000."
        )
    tables = {name: _read_table(run_dir / f"{name}.parquet") for name in TABLES}
    return RunFiles(
        summary=_read_json(run_dir / "run.json"), profile=_read_json(run_dir / "profile.json"), **tables
    )


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}). Run the backtest again.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}). Run the backtest again.") from error
