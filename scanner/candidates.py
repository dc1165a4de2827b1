"""What a scan finds, as plain values: candidates with their legs, metrics and parts of the score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from market.option_chain import OptionChain
from market.pricing.scaled_erfc import Array
from market.time import new_york_date
from scanner.contracts import Removal
from scanner.criteria import Criteria, RankTerm, Structure
from scanner.merging import merged
from scanner.metrics import POSITION_METRICS
from scanner.positions import Block
from scanner.ranking import Ranked, score, share_of
from scanner.singles import as_ranked
from scanner.spread_text import spread_text


class CandidateLeg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One option leg. Prices and greeks are a share's and without sign of the position; None is unknown."""

    contract: str
    side: str
    """`buy` or `sell`"""
    quantity: int
    right: str
    """`call` or `put`"""
    strike: float
    expiry: str
    expiry_ns: int
    multiplier: float
    bid: float
    ask: float
    price: float
    """What the scan assumes it trades at."""
    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    volume: float | None
    open_interest: float | None


class RankPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One term of the score: the metric, where it lies between worst and best, and what it adds."""

    by: str
    value: float | None
    """What was ranked: the metric, but of an unlimited profit that of a price which may be reached."""
    share: float
    weight: float
    """As a fraction of all weights."""
    adds: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A position that passed every filter."""

    underlying: str
    structure: Structure
    spread: str
    """Text that `harvester payoff` and `scan --explain` understand."""
    dte: int
    score: float
    legs: tuple[CandidateLeg, ...]
    breakevens: tuple[float, ...]
    metrics: Mapping[str, float | None]
    """By the keys of `[position]`; None where it is not defined for the structure, or unlimited."""
    unlimited: tuple[str, ...]
    """The metrics that are None because nothing limits them."""
    rank_parts: tuple[RankPart, ...]


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates, the best first, and what became of everything else."""

    criteria: str
    ts_ns: int
    underlyings: tuple[str, ...]
    mode: str | None
    """`credit` or `debit` where IV percentile chose, otherwise None."""
    candidates: tuple[Candidate, ...]
    removed_by_filter: tuple[Removal, ...]
    contracts: int
    """Contracts looked at."""
    positions: int
    """Positions built of them, before any filter on positions."""
    passed: int
    """Positions that passed every filter, of which `candidates` are the best."""


def candidates(ranked: Sequence[Ranked], criteria: Criteria) -> tuple[Candidate, ...]:
    """Return ranked positions as plain values, in their order."""
    of_block: dict[int, list[int]] = {}
    for place, one in enumerate(ranked):
        of_block.setdefault(id(one.block), []).append(place)
    blocks = [
        ranked[places[0]].block.take(np.array([ranked[place].row for place in places], dtype=np.intp))
        for places in of_block.values()
    ]
    orders = [np.array(places, dtype=np.float64) for places in of_block.values()]
    found: dict[int, Candidate] = {}
    for block, order in merged(blocks, orders):
        for place, candidate in zip(order.tolist(), _of_block(block, criteria), strict=True):
            found[int(place)] = candidate
    return tuple(found[place] for place in range(len(ranked)))


def _of_block(block: Block, criteria: Criteria) -> list[Candidate]:
    chain = block.chain
    values = measured(block)
    scores = score(block, criteria.ranking).tolist()
    parts = _rank_parts(block, criteria.ranking)
    days = _Days(chain.ts_ns)
    legs = _legs(chain, block.legs(), criteria.price_between, days)
    levels = zip(*(level.tolist() for level in block.breakevens()), strict=True)
    found = []
    for own, its_score, metrics, unlimited, own_parts, its_levels in zip(
        legs,
        scores,
        _rows_or_none(list(values.values())),
        _unlimited(values),
        parts,
        levels,
        strict=True,
    ):
        found.append(
            Candidate(
                underlying=chain.underlying,
                structure=block.structure,
                spread=_text(block, own),
                dte=days.until(own[0].expiry_ns),
                score=its_score,
                legs=own,
                breakevens=tuple(level for level in its_levels if not math.isnan(level)),
                metrics=dict(zip(values, metrics, strict=True)),
                unlimited=unlimited,
                rank_parts=own_parts,
            )
        )
    return found


def _text(block: Block, legs: Sequence[CandidateLeg]) -> str:
    words = ((leg.expiry, 1 if leg.side == "buy" else -1, leg.strike, leg.right == "call") for leg in legs)
    is_covered = block.structure is Structure.COVERED_CALL
    return spread_text(block.chain.underlying, words, has_shares=is_covered)


class _Days:
    """Dates of expiries and days until them in New York, each worked out once."""

    def __init__(self, now_ns: int) -> None:
        self._today = new_york_date(now_ns)
        self._known: dict[int, tuple[str, int]] = {}

    def _of(self, expiry_ns: int) -> tuple[str, int]:
        known = self._known.get(expiry_ns)
        if known is None:
            day = _day_of(expiry_ns)
            known = self._known[expiry_ns] = (day.isoformat(), (day - self._today).days)
        return known

    def text_of(self, expiry_ns: int) -> str:
        return self._of(expiry_ns)[0]

    def until(self, expiry_ns: int) -> int:
        return self._of(expiry_ns)[1]


_day_of = lru_cache(maxsize=4096)(new_york_date)
"""Scan after scan is of the same expiries."""


def measured(block: Block) -> dict[str, Array]:
    """Return every metric of a block."""
    with np.errstate(all="ignore"):
        return {name: measure(block) for name, measure in POSITION_METRICS.items()}


def _unlimited(values: Mapping[str, Array]) -> list[tuple[str, ...]]:
    """Return the names of each position's unlimited metrics."""
    table = np.isposinf(np.array(list(values.values())).T)
    names = np.array(list(values))
    return [tuple(names[row].tolist()) for row in table]


def one_block_parts(block: Block, terms: tuple[RankTerm, ...]) -> tuple[RankPart, ...]:
    """Return the parts of the score of a block of one position."""
    return _rank_parts(block, terms)[0]


def _rank_parts(block: Block, terms: tuple[RankTerm, ...]) -> list[tuple[RankPart, ...]]:
    """Return the parts of the score of each position."""
    ranked = as_ranked(block)
    with np.errstate(all="ignore"):
        values = [POSITION_METRICS[term.by](ranked) for term in terms]
    shares = [share_of(of_term, term).tolist() for of_term, term in zip(values, terms, strict=True)]
    total = sum(term.weight for term in terms)
    weights = [term.weight / total for term in terms]
    return [
        tuple(
            RankPart(by=term.by, value=value, share=share, weight=weight, adds=share * weight)
            for term, value, share, weight in zip(terms, own, own_shares, weights, strict=True)
        )
        for own, own_shares in zip(_rows_or_none(values), zip(*shares, strict=True), strict=True)
    ]


def _legs(
    chain: OptionChain, legs: Sequence[tuple[NDArray[np.intp], int]], between: float, days: _Days
) -> list[tuple[CandidateLeg, ...]]:
    """Return the legs of each position; `legs` are the chain's rows of each leg, and +1 bought or -1 sold.

    The best positions have many legs in common: each is made once.
    """
    keys = np.stack([2 * rows + (sign > 0) for rows, sign in legs], axis=1)
    different, place = np.unique(keys, return_inverse=True)
    rows = different // 2
    known = [getattr(chain, name)[rows].tolist() for name in _KNOWN]
    unknown = _rows_or_none([getattr(chain, name)[rows] for name in _MAYBE_UNKNOWN])
    made = [
        CandidateLeg(
            contract=str(contract),
            side="buy" if is_bought else "sell",
            quantity=1,
            right="call" if is_call else "put",
            strike=strike,
            expiry=days.text_of(expiry_ns),
            expiry_ns=expiry_ns,
            multiplier=multiplier,
            bid=bid,
            ask=ask,
            price=ask - between * (ask - bid) if is_bought else bid + between * (ask - bid),
            iv=iv,
            delta=delta,
            gamma=gamma,
            theta=theta,
            vega=vega,
            volume=volume,
            open_interest=open_interest,
        )
        for is_bought, contract, is_call, strike, expiry_ns, multiplier, bid, ask, (
            iv,
            delta,
            gamma,
            theta,
            vega,
            volume,
            open_interest,
        ) in zip((different % 2 == 1).tolist(), *known, unknown, strict=True)
    ]
    size, flat = len(legs), place.ravel().tolist()
    return [tuple([made[leg] for leg in flat[start : start + size]]) for start in range(0, len(flat), size)]


_KNOWN = ("contract", "is_call", "strike", "expiry_ns", "multiplier", "bid", "ask")
_MAYBE_UNKNOWN = ("iv", "delta", "gamma", "theta", "vega", "volume", "open_interest")


def _rows_or_none(columns: Sequence[Array]) -> list[list[float | None]]:
    """Return a list for each row, None for what is not finite."""
    table = np.array(columns).T
    rows: list[list[float | None]] = table.tolist()
    for row, column in np.argwhere(~np.isfinite(table)).tolist():
        rows[row][column] = None
    return rows
