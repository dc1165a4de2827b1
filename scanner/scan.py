"""A scan: a chain, criteria and context in, the best candidates and the reason for every loss out.

    result = scan(chain, criteria, ScanContext.flat(0.03))
    result.candidates[0].spread            # 'GOOG 2016-01-15 -730P +720P'

Pure: the same chain, criteria and context give the same result, live, in the past, or in a strategy's entry.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from market.errors import ConfigError
from market.option_chain import OptionChain
from scanner.building import build
from scanner.candidates import ScanResult, candidates
from scanner.context import ScanContext
from scanner.contracts import usable_contracts, within
from scanner.criteria import Criteria, Structure, ranges_of
from scanner.legs import LegTable, Prospect
from scanner.ranking import Ranking
from scanner.tally import Tally

PRICE_KNOWN = "underlying.price_known"
"""Filter that every chain must pass; nothing can be priced without it."""


def scan(chain: OptionChain, criteria: Criteria, context: ScanContext, *, lazy: bool = True) -> ScanResult:
    """Return the best candidates of one chain, priced if it is not yet.

    `lazy=False` computes every metric of every position; the result is the same. Raises `ConfigError` where
    the criteria need what `context` does not know.
    """
    return scan_many([(chain, context)], criteria, lazy=lazy)


def scan_many(
    chains: Iterable[tuple[OptionChain, ScanContext]], criteria: Criteria, *, lazy: bool = True
) -> ScanResult:
    """Return the best candidates of many underlyings side by side; chains are held one at a time.

    Counts of filters are summed over the underlyings. Raises as `scan`, and `ConfigError` without any chain.
    """
    ranking = Ranking(criteria.ranking, criteria.top, lazy=lazy)
    total = Tally()
    names: list[str] = []
    modes: set[str | None] = set()
    contracts, ts_ns = 0, 0
    for chain, context in chains:
        names.append(chain.underlying)
        contracts += len(chain)
        ts_ns = max(ts_ns, chain.ts_ns)
        modes.add(_scan_one(chain, criteria, context, ranking, total))
        ranking.end_chain()
    if not names:
        raise ConfigError("There is no chain to scan. Name underlyings that the catalog has options of.")
    return ScanResult(
        criteria=criteria.name,
        ts_ns=ts_ns,
        underlyings=tuple(names),
        mode=modes.pop() if len(modes) == 1 else "mixed",
        candidates=candidates(ranking.best(), criteria),
        removed_by_filter=total.removals(),
        contracts=contracts,
        positions=total.positions,
        passed=total.passed,
    )


def _scan_one(
    chain: OptionChain, criteria: Criteria, context: ScanContext, ranking: Ranking, tally: Tally
) -> str | None:
    structures, mode = structures_for(criteria, context)
    if not _underlying_passes(chain, criteria, context, tally):
        return mode
    usable = usable_contracts(chain, criteria, context)
    tally.add(usable.removals)
    if not usable.kept.any():
        return mode
    with np.errstate(all="ignore"):
        prospect = Prospect.of(usable.chain, criteria, context, kept=usable.kept)
        tables = {
            is_call: LegTable(usable.chain, prospect, criteria, is_call=is_call) for is_call in (False, True)
        }
        for structure in structures:
            build(structure, tables, criteria, ranking, tally)
    return mode


def structures_for(criteria: Criteria, context: ScanContext) -> tuple[tuple[Structure, ...], str | None]:
    """Return the structures to build and the mode that chose them, None without a mode switch."""
    if criteria.mode is None:
        return criteria.structures, None
    if context.iv_percentile is None:
        raise ConfigError(_unknown("mode.iv_percentile_threshold", "IV percentile"))
    is_credit = context.iv_percentile >= criteria.mode.iv_percentile_threshold
    chosen = tuple(structure for structure in criteria.structures if structure.is_credit == is_credit)
    return chosen, "credit" if is_credit else "debit"


def _underlying_passes(chain: OptionChain, criteria: Criteria, context: ScanContext, tally: Tally) -> bool:
    """Apply the filters on the underlying; a chain that fails one is removed as one candidate."""
    for name, passes, _, _ in underlying_checks(chain, criteria, context):
        tally.count("underlying", name, before=1, left=int(passes))
        if not passes:
            return False
    return True


def underlying_checks(
    chain: OptionChain, criteria: Criteria, context: ScanContext
) -> list[tuple[str, bool, float, str]]:
    """Return filter, verdict, value and allowed range of each filter on the underlying."""
    price = chain.underlying_price
    checks = [(PRICE_KNOWN, price > 0, price, "a price of the underlying")]
    values = {
        "price_usd": chain.underlying_price,
        "iv_rank": context.iv_rank,
        "iv_percentile": context.iv_percentile,
    }
    for name, allowed in ranges_of(criteria.underlying).items():
        value = values[name]
        if value is None:
            raise ConfigError(_unknown(f"underlying.{name}", name.replace("_", " ")))
        passes = bool(within(np.array([value]), allowed)[0])
        checks.append((f"underlying.{name}", passes, float(value), str(allowed)))
    return checks


def _unknown(key: str, what: str) -> str:
    return (
        f"The criteria filter on {key}, and the {what} is not known at this time. "
        "Ingest a volatility history (`harvester ingest volatility`), or leave the filter out."
    )
