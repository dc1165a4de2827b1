"""Checks of chain snapshots: contracts that are what their ids say, quotes that can be, and times."""

from __future__ import annotations

from collections import deque
from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa

from catalog.option_chain_rows import COUNTS, PRICES, decode_chain, decode_contracts
from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.option_values import greeks_out_of_bounds, iv_out_of_bounds
from catalog.quality_checks.records import BoolArray
from catalog.quality_checks.registry import QualityThresholds
from market.errors import DataError
from market.option_chain import OptionChain
from market.option_contracts import parse_occ_symbol
from market.pricing.scaled_erfc import Array
from market.time import new_york_date

BATCH_ROWS = 16
"""Snapshots read at once: a quarter of a megabyte each for 5,000 contracts."""

_PRICE_STEP = 1e-9
_SETTLED_BEFORE_MAX = 5  # days from the last session to an expiry on a Saturday or holiday
_USUAL_OF = 64  # snapshots of which the usual number of contracts is the median


class ChainCheck:
    """All checks of one stream of snapshots but those of its times."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds) -> None:
        self._log = log
        self._thresholds = thresholds
        self._counts: deque[int] = deque(maxlen=_USUAL_OF)
        self._day: date | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the next snapshots."""
        for row in batch.select(["ts_event", "underlying_price", "contracts", "market"]).to_pylist():
            ts_ns = int(row["ts_event"])
            try:
                chain = decode_chain(
                    row["contracts"], row["market"], ts_ns=ts_ns, underlying_price=row["underlying_price"]
                )
                contracts = _problems_of_contracts(row["contracts"])
            except (pa.ArrowException, KeyError, ValueError) as error:
                why = f"a snapshot cannot be decoded: {' '.join(str(error).split())[:120]}"
                self._log.add("contract_mismatch", why, at_ns=ts_ns)
                continue
            for check, count, example in contracts:
                self._log.add(check, example, at_ns=ts_ns, count=count)
            self._check(chain)

    def finish(self) -> None:
        """Nothing of a chain needs the whole stream."""

    def _check(self, chain: OptionChain) -> None:
        self._check_size(chain)
        price = chain.underlying_price
        if np.isnan(price):
            self._log.add("no_underlying_price", f"{chain.underlying} has none", at_ns=chain.ts_ns)
        elif not price > 0:
            self._log.add("not_a_price", f"{chain.underlying} at {price:.10g}", at_ns=chain.ts_ns)
        with np.errstate(invalid="ignore"):
            is_negative = np.logical_or.reduce([getattr(chain, name) < 0 for name in PRICES])
            is_impossible = np.logical_or.reduce([getattr(chain, name) < 0 for name in COUNTS])
        self._mark("not_a_price", chain, is_negative)
        self._mark("not_a_size", chain, is_impossible)
        self._mark("crossed_quote", chain, chain.is_crossed)
        self._mark("arbitrage_quote", chain, _is_arbitrage(chain))
        self._mark("expired_contract", chain, chain.expiry_ns < chain.ts_ns)
        is_iv_wrong = iv_out_of_bounds(chain.iv, highest=self._thresholds.iv_fraction)
        self._mark("iv_out_of_bounds", chain, is_iv_wrong)
        is_greek_wrong = greeks_out_of_bounds(chain.delta, chain.gamma, chain.vega, chain.is_call)
        self._mark("greeks_out_of_bounds", chain, is_greek_wrong)

    def _check_size(self, chain: OptionChain) -> None:
        day = new_york_date(chain.ts_ns)
        if day != self._day:
            self._day = day
            self._counts.clear()
        count = len(chain)
        usual = float(np.median(self._counts)) if self._counts else 0.0
        if count < self._thresholds.contracts_fraction * usual:
            example = f"{count} contracts, usual are {usual:.0f}"
            self._log.add("missing_contracts", example, at_ns=chain.ts_ns)
        self._counts.append(count)

    def _mark(self, check: str, chain: OptionChain, where: BoolArray) -> None:
        rows = np.flatnonzero(where)
        if rows.size:
            row = int(rows[0])
            quote = f"{chain.bid[row]:.10g} / {chain.ask[row]:.10g}"
            example = f"{chain.contract[row]} {quote}, IV {chain.iv[row]:.4g}, delta {chain.delta[row]:.4g}"
            self._log.add(check, example, at_ns=chain.ts_ns, count=int(rows.size))


@lru_cache(maxsize=64)
def _problems_of_contracts(blob: bytes) -> tuple[tuple[str, int, str], ...]:
    """Return check, number and example of what is wrong with a list of contracts; a day repeats its list."""
    columns = decode_contracts(blob).columns
    names = [str(name) for name in columns["contract"]]
    wrong = [name for row, name in enumerate(names) if not _is_as_named(name, row, columns)]
    found = [("contract_mismatch", len(wrong), f"{wrong[0]} and its columns")] if wrong else []
    repeated = len(names) - len(set(names))
    if repeated:
        again = next(name for row, name in enumerate(names) if name in names[:row])
        found.append(("duplicate_contract", repeated, again))
    return tuple(found)


def _is_as_named(name: str, row: int, columns: object) -> bool:
    try:
        stated = parse_occ_symbol(name)
    except DataError:
        return False
    assert isinstance(columns, dict)
    return (
        bool(columns["is_call"][row]) == stated.is_call
        and abs(float(columns["strike"][row]) - float(stated.strike)) < _PRICE_STEP
        and 0 <= (stated.expiry - new_york_date(int(columns["expiry_ns"][row]))).days <= _SETTLED_BEFORE_MAX
    )


def _is_arbitrage(chain: OptionChain) -> BoolArray:
    """Return where buying a contract and selling one of less worth would pay at once.

    Calls are worth less the higher the strike, puts the lower; of one expiry and settlement.
    """
    found = np.zeros(len(chain), dtype=np.bool_)
    for expiry_ns in chain.expiries.tolist():
        rows = chain.rows_of_expiry(expiry_ns)
        for settlement in np.unique(chain.settlement[rows]):
            for is_call in (True, False):
                chosen = (chain.settlement[rows] == settlement) & (chain.is_call[rows] == is_call)
                these = np.arange(rows.start, rows.stop)[chosen]
                these = these[np.argsort(chain.strike[these] * (1 if is_call else -1), kind="stable")]
                found[these] = chain.ask[these] < _best_bid_after(chain.bid[these]) - _PRICE_STEP
    return found


def _best_bid_after(bid: Array) -> Array:
    """Return the highest bid behind each place, -inf behind the last."""
    known = np.where(np.isnan(bid), -np.inf, bid)
    behind = np.maximum.accumulate(known[::-1])[::-1]
    return np.append(behind[1:], -np.inf)
