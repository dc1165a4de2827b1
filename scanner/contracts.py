"""Filters on single contracts, in the order in which they are applied, each with what it removed.

What needs no model comes first, so that only contracts that can still be a leg are priced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.errors import ConfigError
from market.option_chain import NOT_PRICED, OptionChain
from market.option_chain_pricing import PARITY, priced
from market.pricing.scaled_erfc import Array
from scanner.context import EVENT_KINDS, Event, ScanContext
from scanner.criteria import Criteria, LegFilter, Range, ranges_of
from scanner.expiries import Expiries

Mask = NDArray[np.bool_]

QUOTED, PRICED = "legs.quoted", "legs.priced"
"""Filters that every leg must pass: bid and ask above 0 and not crossed, and an implied volatility."""


@dataclass(frozen=True)
class Removal:
    """What one filter removed of the candidates that reached it.

    `stage` is `underlying`, `contracts`, or the structure whose candidates are counted.
    """

    stage: str
    filter: str
    removed: int
    left: int


class ContractCheck(NamedTuple):
    """One filter applied to all contracts of a chain: its key, who passes, values and allowed range."""

    filter: str
    passes: Mask
    values: Array | None
    allowed: str


def _otm_fraction(chain: OptionChain) -> Array:
    distance = chain.strike / chain.underlying_price - 1.0
    return np.where(chain.is_call, distance, -distance)


def _bid_ask_fraction(chain: OptionChain) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (chain.ask - chain.bid) / (0.5 * (chain.ask + chain.bid))


def _dte(chain: OptionChain) -> Array:
    expiries = Expiries.of(chain)
    return expiries.spread(expiries.dte).astype(np.float64)


LEG_METRICS: Mapping[str, Callable[[OptionChain], Array]] = {
    "dte": _dte,
    "otm_fraction": _otm_fraction,
    "strike_usd": lambda chain: chain.strike,
    "bid_usd": lambda chain: chain.bid,
    "bid_ask_usd": lambda chain: chain.ask - chain.bid,
    "bid_ask_fraction": _bid_ask_fraction,
    "open_interest": lambda chain: chain.open_interest,
    "volume": lambda chain: chain.volume,
    "delta": lambda chain: np.abs(chain.delta),
    "gamma": lambda chain: chain.gamma,
    "theta": lambda chain: chain.theta,
    "vega": lambda chain: chain.vega,
    "iv": lambda chain: chain.iv,
}
"""How each key of `LegFilter` is measured, shape `(n,)`; NaN passes no range."""

MODELLED = frozenset({"delta", "gamma", "theta", "vega", "iv"})
"""Metrics that need the chain to be priced."""

PRICE_TOLERANCE = 1e-9
"""Prices are decimal: 0.30 - 0.20 must not exceed 0.10 by its binary rounding."""


def within(values: Array, allowed: Range) -> Mask:
    """Return which values lie in the range, a rounding's width included; never NaN."""
    passes: Mask = values >= allowed.low - PRICE_TOLERANCE
    passes &= values <= allowed.high + PRICE_TOLERANCE
    return passes


def static_checks(chain: OptionChain, criteria: Criteria, context: ScanContext) -> Iterator[ContractCheck]:
    """Yield the filters on every leg that need no model. Raises `ConfigError` where events are unknown."""
    quoted = (chain.bid > 0) & (chain.bid <= chain.ask)
    yield ContractCheck(QUOTED, quoted, None, "bid and ask above 0, not crossed")
    if len(criteria.expiries) < 3:
        expiries = Expiries.of(chain)
        kinds = expiries.spread(expiries.of_kinds(criteria.expiries)).astype(np.bool_)
        yield ContractCheck("expiries", kinds, None, ", ".join(criteria.expiries))
    for kind in EVENT_KINDS:
        rule = getattr(criteria.events, kind)
        if rule != "any":
            known = _known_events(context, kind)
            expiries = Expiries.of(chain)
            passes = expiries.spread(expiries.with_events(known, kind, rule)).astype(np.bool_)
            yield ContractCheck(f"events.{kind}", passes, None, f"{rule} until expiry")
    yield from leg_checks(chain, criteria.legs, "legs", modelled=False)


def modelled_checks(chain: OptionChain, criteria: Criteria) -> Iterator[ContractCheck]:
    """Yield the filters on every leg that need `chain` to be priced."""
    yield ContractCheck(PRICED, ~np.isnan(chain.iv), None, "an implied volatility")
    yield from leg_checks(chain, criteria.legs, "legs", modelled=True)


def leg_checks(
    chain: OptionChain, section: LegFilter, key: str, *, modelled: bool | None = None
) -> Iterator[ContractCheck]:
    """Yield the ranges of `section` (in the criteria: `key`), those that need a model, or not, or all."""
    for name, allowed in ranges_of(section).items():
        if modelled is None or (name in MODELLED) == modelled:
            values = LEG_METRICS[name](chain)
            yield ContractCheck(f"{key}.{name}", within(values, allowed), values, str(allowed))


class Usable(NamedTuple):
    """A priced chain, which of its contracts may be legs, and what each filter removed."""

    chain: OptionChain
    kept: Mask
    removals: list[Removal]


def usable_contracts(
    chain: OptionChain, criteria: Criteria, context: ScanContext, *, also: Sequence[int] = ()
) -> Usable:
    """Return the priced contracts that may be legs, perhaps among others that may not.

    The rows in `also` are kept and priced whatever the filters say, to explain them.
    """
    removals: list[Removal] = []
    kept = _apply(static_checks(chain, criteria, context), len(chain), removals)
    wanted = kept.copy()
    wanted[list(also)] = True
    if wanted.all() or context.pricing.dividend_yield == PARITY or not _needs_pricing(chain):
        model = priced_for(chain, wanted, context)
    else:  # what is dropped already need not be carried along
        model, kept = priced(chain.take(np.flatnonzero(wanted)), context.pricing), kept[wanted]
    left = int(np.count_nonzero(kept))
    for check in modelled_checks(model, criteria):
        kept &= check.passes
        left = _record(removals, check.filter, left, kept)
    if also:
        kept[[model.row_of(str(chain.contract[row])) for row in also]] = True
    return Usable(model, kept, removals)


def _needs_pricing(chain: OptionChain) -> bool:
    return bool((chain.iv_reason == NOT_PRICED).any())


def priced_for(chain: OptionChain, kept: Mask, context: ScanContext) -> OptionChain:
    """Return `chain` with the `kept` contracts priced, unless it is priced already.

    Parity needs the quotes around the money of a whole expiry: there the expiries are priced entire.
    """
    if not _needs_pricing(chain):
        return chain
    if context.pricing.dividend_yield == PARITY:
        expiries = Expiries.of(chain)
        if len(expiries.first_row):
            kept = expiries.spread(np.logical_or.reduceat(kept, expiries.first_row)).astype(np.bool_)
    if kept.all():
        return priced(chain, context.pricing)
    rows = np.flatnonzero(kept)
    part = priced(chain.take(rows), context.pricing)
    whole = chain.copy()
    for name in ("iv", "delta", "gamma", "vega", "theta", "rho", "iv_reason"):
        getattr(whole, name)[rows] = getattr(part, name)
    return whole


def _apply(checks: Iterator[ContractCheck], size: int, removals: list[Removal]) -> Mask:
    kept = np.ones(size, dtype=np.bool_)
    left = size
    for check in checks:
        kept &= check.passes
        left = _record(removals, check.filter, left, kept)
    return kept


def _record(removals: list[Removal], name: str, before: int, kept: Mask) -> int:
    left = int(np.count_nonzero(kept))
    removals.append(Removal("contracts", name, before - left, left))
    return left


def require_known_events(criteria: Criteria, context: ScanContext) -> None:
    """Raise `ConfigError` where the criteria filter on events of a kind that is not known."""
    for kind in EVENT_KINDS:
        if getattr(criteria.events, kind) != "any":
            _known_events(context, kind)


def _known_events(context: ScanContext, kind: str) -> tuple[Event, ...]:
    if context.events is None or kind not in context.event_kinds:
        also = "ingest dividends (`harvester ingest dividends`), " if kind == "ex_dividend" else ""
        raise ConfigError(
            f"The criteria filter on events.{kind}, and no events are known of that kind. "
            f"Name a file of them with --events, {also}or set the rule to 'any'."
        )
    return context.events
