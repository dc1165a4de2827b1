"""A catalog of SPXW snapshots priced by Black-Scholes, with quotes of every contract, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np

from catalog.chain_contracts import contract_list
from catalog.manifest import SourceDescription
from catalog.option_chain_rows import COUNTS, PRICES
from catalog.option_chain_writer import ChainWriter
from catalog.option_legs import write_legs
from catalog.store import CatalogStore
from market.option_contracts import ContractName, option_class
from market.pricing.european import EuropeanOptions, price, years_until
from market.time import NS_PER_MINUTE, parse_date, to_ns

START_NS = to_ns("2026-01-05T10:00:00-05:00")
DAY = to_ns("2026-01-05T00:00:00-05:00"), to_ns("2026-01-06T00:00:00-05:00")
SPOTS = (4_000.0, 4_003.0, 3_996.0, 4_001.0, 4_008.0)
"""Price of the underlying, minute by minute."""
EXPIRIES = ("2026-01-16", "2026-02-20")
STRIKES = tuple(range(3_740, 4_270, 10))
TICK = 0.10


def write_snapshots(root: Path, *, legs: tuple[str, ...] = ()) -> CatalogStore:
    """Write a snapshot a minute, and quotes and instruments of the contracts that match the patterns."""
    terms = option_class("SPXW")
    names = [
        ContractName("SPXW", parse_date(day), is_call, Decimal(strike))
        for day in EXPIRIES
        for strike in STRIKES
        for is_call in (True, False)
    ]
    contracts, _ = contract_list(terms, names)
    store = CatalogStore(root)
    with store.ingest(SourceDescription(kind="test", path="", sha256="0")) as ingest:
        writer = ChainWriter(ingest, terms, is_daily=False)
        for minute, spot in enumerate(SPOTS):
            at_ns = START_NS + minute * NS_PER_MINUTE
            market = {name: np.full(len(names), np.nan) for name in (*PRICES, *COUNTS)}
            market |= _quotes(contracts.columns, spot, at_ns)
            writer.write(contracts, market, ts_ns=at_ns, underlying_price=spot)
    if legs:
        write_legs(store, "SPXW", legs, period_ns=DAY)
    return store


def _quotes(columns: Mapping[str, np.ndarray], spot: float, at_ns: int) -> dict[str, np.ndarray]:
    strike = np.asarray(columns["strike"], dtype=np.float64)
    options = EuropeanOptions.of(
        spot=spot,
        strike=strike,
        years=years_until(np.asarray(columns["expiry_ns"]), at_ns),
        is_call=np.asarray(columns["is_call"], dtype=np.bool_),
    )
    fair = price(options, 0.16 - 0.3 * np.log(strike / spot))
    bid = np.floor((fair - 0.1) / TICK) * TICK
    ask = np.ceil((fair + 0.1) / TICK) * TICK
    sizes = np.full(strike.size, 20.0)
    return {"bid": bid.round(2), "ask": ask.round(2), "bid_size": sizes, "ask_size": sizes}
