"""The price of the underlying minute by minute, from the equity or index files beside the options."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from catalog.lean_options.files import opened_archive
from market.errors import DataError
from market.option_contracts import OptionClass
from market.time import NS_PER_MINUTE, NS_PER_MS, new_york_midnight_ns, to_ns

CHICAGO = ZoneInfo("America/Chicago")
"""Lean's index files count from midnight in Chicago, and their prices are not scaled."""

PRICE_UNITS = 10_000.0
_BAR = ("open", "high", "low", "close")
_EQUITY_COLUMNS = {
    "quote": (
        "time",
        *(f"bid_{name}" for name in _BAR),
        "bid_size",
        *(f"ask_{name}" for name in _BAR),
        "ask_size",
    ),
    "trade": ("time", *_BAR, "volume"),
}


@dataclass(frozen=True)
class UnderlyingPrices:
    """Prices in USD, known from `ts_ns` on (the close of their minute), in order of time."""

    ts_ns: NDArray[np.int64]
    price: NDArray[np.float64]
    source: Path | None = None

    def at(self, ts_ns: int) -> float:
        """Return the last price known at `ts_ns`, NaN before the first."""
        position = int(np.searchsorted(self.ts_ns, ts_ns, side="right")) - 1
        return float(self.price[position]) if position >= 0 else float("nan")


NO_PRICES = UnderlyingPrices(np.empty(0, dtype=np.int64), np.empty(0))


def prices_of(option_class: OptionClass, day: date, lean_folder: Path) -> UnderlyingPrices:
    """Return the underlying's prices on `day`: mid-points of a share, or its trades; levels of an index.

    Empty where the folder has no file of them.
    """
    symbol = option_class.underlying.lower()
    if option_class.is_index:
        path = lean_folder / "index/usa/minute" / symbol / f"{day:%Y%m%d}_trade.zip"
        if not path.is_file():
            return NO_PRICES
        table = read_index_minutes(path)
        return _known(_from_chicago(table["time"], day), table["close"], path)
    for content in ("quote", "trade"):
        path = lean_folder / "equity/usa/minute" / symbol / f"{day:%Y%m%d}_{content}.zip"
        if path.is_file():
            columns = _read(path, _EQUITY_COLUMNS[content])
            midnight_ns = new_york_midnight_ns(day)
            times = midnight_ns + columns["time"].astype(np.int64) * NS_PER_MS + NS_PER_MINUTE
            return _known(times, _share_price(columns, content), path)
    return NO_PRICES


def read_index_minutes(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return time (ms after midnight in Chicago, at the start), open, high, low, close, volume of a zip."""
    return _read(path, _EQUITY_COLUMNS["trade"])


def index_times_ns(times_ms: NDArray[np.float64], day: date) -> NDArray[np.int64]:
    """Return when each minute of an index file closed, ns UTC."""
    return _from_chicago(times_ms, day)


def _from_chicago(times_ms: NDArray[np.float64], day: date) -> NDArray[np.int64]:
    midnight_ns = to_ns(datetime.combine(day, time.min, tzinfo=CHICAGO))
    return midnight_ns + times_ms.astype(np.int64) * NS_PER_MS + NS_PER_MINUTE


def _share_price(columns: dict[str, NDArray[np.float64]], content: str) -> NDArray[np.float64]:
    if content == "trade":
        return columns["close"] / PRICE_UNITS
    bid, ask = columns["bid_close"], columns["ask_close"]
    return np.where((bid > 0) & (ask > 0), 0.5 * (bid + ask), np.nan) / PRICE_UNITS


def _known(ts_ns: NDArray[np.int64], price: NDArray[np.float64], path: Path) -> UnderlyingPrices:
    good = price > 0
    return UnderlyingPrices(ts_ns[good], price[good], path)


def _read(path: Path, columns: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    with opened_archive(path) as archive:
        entries = archive.infolist()
        if len(entries) != 1:
            raise DataError(f"{path} holds {len(entries)} texts; a file of an underlying holds one.")
        with archive.open(entries[0]) as stream:
            try:
                table = pacsv.read_csv(
                    stream,
                    read_options=pacsv.ReadOptions(column_names=columns, use_threads=False),
                    convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(columns, pa.float64())),
                )
            except pa.ArrowInvalid as error:
                raise DataError(f"{path} is no Lean file of an underlying by minutes: {error}") from error
    return {name: table[name].to_numpy(zero_copy_only=False) for name in columns}
