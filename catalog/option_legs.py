"""Ordinary quotes and greeks of chosen contracts, made from the chain snapshots of a catalog.

A backtest decides on snapshots and fills orders on quotes: only contracts that are held or worked need them.
Their instruments are written with Interactive Brokers' increments, so that Nautilus' own
`subscribe_option_chain` works.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.columns import (
    DataKind,
    GreeksColumns,
    Int64Array,
    QuoteColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
)
from catalog.lanes import event_clock
from catalog.manifest import IngestResult, SourceDescription
from catalog.option_chains import chains_between
from catalog.pricing_inputs import inputs_at
from catalog.settlements import expiry_ns_of
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import NotFoundError
from market.option_chain import AMERICAN, GREEKS, OptionChain
from market.option_chain_pricing import priced
from market.option_contracts import OptionSpec, option_class, parse_occ_symbol

KIND = "option-legs"
LEGS_MAX = 500
"""Contracts at once; a catalog has room for 1,365 instruments with quotes."""

_CENTS = 100
_CONVENTION = "BLACK_SCHOLES"
_TINY = 1e-6


@dataclass
class _Leg:
    """What one contract was quoted at, snapshot by snapshot."""

    ts_ns: list[int] = field(default_factory=list)
    quotes: list[tuple[float, float, float, float]] = field(default_factory=list)
    greeks: list[tuple[float, ...]] = field(default_factory=list)


def write_legs(
    store: CatalogStore,
    symbol: str,
    patterns: Sequence[str],
    *,
    period_ns: tuple[int, int],
    rate: float | None = None,
) -> IngestResult:
    """Write quotes, greeks and instruments of the contracts that match `patterns`, from stored snapshots.

    `symbol` is an underlying or class; a pattern is a contract id or has `*`, blanks do not count
    (`SPXW210106*`); `period_ns` is from and before, ns UTC. Greeks are priced at `rate`, else at the
    catalog's curve. A contract without a bid is quoted 0.00; moments without an ask are left out. Raises
    `NotFoundError` where nothing matches.
    """
    root = store.root
    wanted = tuple(pattern.replace(" ", "").upper().removesuffix(".SMART") for pattern in patterns)
    source = _source(store, symbol, wanted, period_ns, rate)
    with store.ingest(source, replace=True) as ingest:
        if not ingest.unchanged:
            legs: dict[str, _Leg] = {}
            for chain in chains_between(root, symbol, *period_ns):
                rows = _matching(chain, wanted)
                if rows.size:
                    _collect(legs, _with_greeks(chain, rows, root, rate))
            if not legs:
                raise NotFoundError(f"No contract of {symbol} matches {', '.join(patterns)} in that time.")
            if len(legs) > LEGS_MAX:
                raise NotFoundError(
                    f"{len(legs)} contracts of {symbol} match {', '.join(patterns)}; at most {LEGS_MAX} can "
                    "have quotes of their own. Name fewer."
                )
            for name in sorted(legs):
                _write(ingest, name, legs[name])
    return ingest.result


def option_spec(contract: str) -> OptionSpec:
    """Return the contract that an id names, with the terms of its class; raises `DataError`."""
    name = parse_occ_symbol(contract)
    terms = option_class(name.root)
    return OptionSpec(
        option_class=terms,
        expiry=name.expiry,
        expiry_ns=expiry_ns_of(terms, name.expiry),
        strike=Decimal(name.strike),
        is_call=name.is_call,
    )


def _source(
    store: CatalogStore, symbol: str, wanted: tuple[str, ...], period_ns: tuple[int, int], rate: float | None
) -> SourceDescription:
    """The snapshots are the source: their ingests' ids stand for their content."""
    ids = [
        ingest.ingest_id
        for ingest in store.manifest().ingests
        if any(file.kind is DataKind.CHAIN for file in ingest.files)
    ]
    return SourceDescription(
        kind=KIND,
        path=str(store.root),
        sha256=hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest(),
        options={
            "symbol": symbol,
            "contracts": ",".join(sorted(wanted)),
            "from_ns": str(period_ns[0]),
            "before_ns": str(period_ns[1]),
            "rate": str(rate),
        },
    )


def _matching(chain: OptionChain, wanted: tuple[str, ...]) -> NDArray[np.intp]:
    squeezed = [name.replace(" ", "").removesuffix(".SMART") for name in chain.contract.tolist()]
    return np.array(
        [row for row, name in enumerate(squeezed) if any(fnmatchcase(name, one) for one in wanted)],
        dtype=np.intp,
    )


def _with_greeks(chain: OptionChain, rows: NDArray[np.intp], root: Path, rate: float | None) -> OptionChain:
    """Return the legs priced; European ones with their whole expiry, of which parity takes the dividends."""
    inputs = inputs_at(root, chain.ts_ns, symbol=chain.underlying, rate=rate).inputs
    legs = chain.take(rows)
    if (legs.style == AMERICAN).all():
        return priced(legs, inputs)
    around = np.flatnonzero(np.isin(chain.expiry_ns, legs.expiry_ns))
    return priced(chain.take(around), inputs).take(np.searchsorted(around, rows))


def _collect(legs: dict[str, _Leg], chain: OptionChain) -> None:
    greeks = np.column_stack(
        [
            *(getattr(chain, name) for name in GREEKS),
            np.full(len(chain), chain.underlying_price),
            chain.open_interest,
        ]
    )
    quotes = np.column_stack([chain.bid, chain.ask, chain.bid_size, chain.ask_size])
    for row, name in enumerate(chain.contract.tolist()):
        leg = legs.setdefault(name, _Leg())
        leg.ts_ns.append(chain.ts_ns)
        leg.quotes.append(tuple(quotes[row].tolist()))
        leg.greeks.append(tuple(greeks[row].tolist()))


def _write(ingest: Ingest, name: str, leg: _Leg) -> None:
    quotes = np.array(leg.quotes, dtype=np.float64)
    ts_ns = np.array(leg.ts_ns, dtype=np.int64)
    clock = event_clock(ts_ns)
    has_ask = quotes[:, 1] > 0
    greeks = np.array(leg.greeks, dtype=np.float64)
    has_greeks = ~np.isnan(greeks[:, 0])
    if not has_ask.any():
        return
    ingest.add_option(option_spec(name))
    _write_quotes(ingest, name, (ts_ns[has_ask], clock[has_ask]), np.nan_to_num(quotes[has_ask]))
    if has_greeks.any():
        _write_greeks(ingest, name, (ts_ns[has_greeks], clock[has_greeks]), greeks[has_greeks])


def _write_quotes(
    ingest: Ingest, name: str, times: tuple[Int64Array, Int64Array], quotes: NDArray[np.float64]
) -> None:
    bid = np.floor(quotes[:, 0] * _CENTS + _TINY).astype(np.int64)
    ask = np.ceil(quotes[:, 1] * _CENTS - _TINY).astype(np.int64)
    columns = QuoteColumns(
        ts_event=times[0],
        ts_init=times[1] + ingest.lane(DataKind.QUOTE, name),
        bid_price=prices_from_ten_thousandths(bid * _CENTS),
        ask_price=prices_from_ten_thousandths(ask * _CENTS),
        bid_size=sizes_from_integers(quotes[:, 2].astype(np.int64)),
        ask_size=sizes_from_integers(quotes[:, 3].astype(np.int64)),
    )
    ingest.write(DataKind.QUOTE, name, columns)


def _write_greeks(
    ingest: Ingest, name: str, times: tuple[Int64Array, Int64Array], values: NDArray[np.float64]
) -> None:
    size = len(times[0])
    columns = GreeksColumns(
        ts_event=times[0],
        ts_init=times[1] + ingest.lane(DataKind.GREEKS, name),
        instrument_id=pa.array([name] * size),
        mark_iv=values[:, 0],
        delta=values[:, 1],
        gamma=values[:, 2],
        vega=values[:, 3],
        theta=values[:, 4],
        rho=values[:, 5],
        bid_iv=pa.nulls(size, pa.float64()),
        ask_iv=pa.nulls(size, pa.float64()),
        underlying_price=pa.array(values[:, 6], from_pandas=True),
        open_interest=pa.array(values[:, 7], from_pandas=True),
        convention=pa.array([_CONVENTION] * size),
    )
    ingest.write(DataKind.GREEKS, name, columns)
