"""A catalog of option chains, some snapshots a day, of given volatilities and prices of the underlying."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from catalog.manifest import SourceDescription
from catalog.option_chain_rows import COUNTS, PRICES, ContractList
from catalog.option_chain_writer import ChainWriter
from catalog.store import CatalogStore
from market.option_contracts import option_class
from market.time import NS_PER_MINUTE
from tests.market.chains import DAY_NS, NOW_NS, SPOT, priced_at

STATIC = ("contract", "expiry_ns", "strike", "is_call", "style", "settlement", "multiplier")

Snapshot = tuple[int, int, float, float]
"""Day after 2021-01-04, minutes after 10:01, volatility, price of the underlying."""


def write_days(
    root: Path,
    snapshots: Iterable[Snapshot],
    *,
    name: str = "SPXW",
    unquoted: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """Write the snapshots, in order of time, as chains of a class; quotes stay those of a price of 100.

    Strikes from the first to the second of `unquoted` are listed without quotes.
    """
    with CatalogStore(root).ingest(SourceDescription(kind="test", path="", sha256=name)) as ingest:
        writer = ChainWriter(ingest, option_class(name), is_daily=False)
        for day, minutes, volatility, spot in snapshots:
            chain = priced_at(volatility)
            moved = replace(chain, ts_ns=NOW_NS + day * DAY_NS, expiry_ns=chain.expiry_ns + day * DAY_NS)
            names = np.array([f"{name:<6}21{i:04d}C00100000.SMART" for i in range(len(moved))], dtype=object)
            columns = {key: getattr(moved, key) for key in STATIC} | {"contract": names}
            market = {key: getattr(moved, key) for key in (*PRICES, *COUNTS)}
            is_silent = (moved.strike >= unquoted[0]) & (moved.strike <= unquoted[1])
            market |= {side: np.where(is_silent, np.nan, market[side]) for side in ("bid", "ask")}
            writer.write(
                ContractList(name, option_class(name).underlying, columns),
                {key: np.round(values, 4) for key, values in market.items()},
                ts_ns=moved.ts_ns + minutes * NS_PER_MINUTE,
                underlying_price=spot,
            )
    return root


def one_a_day(volatilities: Iterable[float]) -> list[Snapshot]:
    """Return a snapshot a day, at 10:01, of these volatilities."""
    return [(day, 0, volatility, SPOT) for day, volatility in enumerate(volatilities)]
