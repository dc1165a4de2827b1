"""What a scan finds, as plain values: candidates with their legs, metrics and parts of the score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

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
from scanner.spread_text import spread_text


class CandidateLeg(msgspec.Struct, frozen=True, kw_only=True):
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


class RankPart(msgspec.Struct, frozen=True, kw_only=True):
    """One term of the score: the metric, where it lies between worst and best, and what it adds."""

    by: str
    value: float | None
    share: float
    weight: float
    """As a fraction of all weights."""
    adds: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A position that passed every filter."""

    underlying: str
    structure: Structure
    spread: str
    """Text that `harvester payoff` understands."""
    dte: int
    score: float
    legs: tuple[CandidateLeg, ...]
    breakevens: tuple[float, ...]
    metrics: Mapping[str, float | None]
    """By the keys of `[position]`; None where undefined or unlimited."""
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
    blocks = [one.block.take(np.array([one.row], dtype=np.intp)) for one in ranked]
    places = [np.array([float(place)]) for place in range(len(ranked))]
    found: dict[int, Candidate] = {}
    for block, order in merged(blocks, places):
        for place, one in zip(order.tolist(), _of_block(block, criteria), strict=True):
            found[int(place)] = one
    return tuple(found[place] for place in range(len(ranked)))


def _of_block(block: Block, criteria: Criteria) -> list[Candidate]:
    values = measured(block)
    scores = score(block, criteria.ranking).tolist()
    columns = {name: value.tolist() for name, value in values.items()}
    shares = {term.by: share_of(values[term.by], term).tolist() for term in criteria.ranking}
    legs = [_legs(block.chain, rows, sign, criteria.price_between) for rows, sign in block.legs()]
    levels = [level.tolist() for level in block.breakevens()]
    today = new_york_date(block.chain.ts_ns)
    found = []
    for row, its_score in enumerate(scores):
        own = tuple(leg[row] for leg in legs)
        texts = [(leg.expiry, leg.side, leg.strike, leg.right) for leg in own]
        metrics = {name: _finite(column[row]) for name, column in columns.items()}
        found.append(
            Candidate(
                underlying=block.chain.underlying,
                structure=block.structure,
                spread=spread_text(block.chain.underlying, texts),
                dte=(date.fromisoformat(own[0].expiry) - today).days,
                score=its_score,
                legs=own,
                breakevens=tuple(level[row] for level in levels if not math.isnan(level[row])),
                metrics=metrics,
                rank_parts=_parts(
                    criteria.ranking, metrics, {by: share[row] for by, share in shares.items()}
                ),
            )
        )
    return found


def measured(block: Block) -> dict[str, Array]:
    """Return every metric of a block."""
    with np.errstate(all="ignore"):
        return {name: measure(block) for name, measure in POSITION_METRICS.items()}


def one_block_parts(block: Block, terms: tuple[RankTerm, ...]) -> tuple[RankPart, ...]:
    """Return the parts of the score of a block of one position."""
    values = measured(block)
    metrics = {name: _finite(float(value[0])) for name, value in values.items()}
    return _parts(terms, metrics, {term.by: float(share_of(values[term.by], term)[0]) for term in terms})


def _parts(
    terms: tuple[RankTerm, ...], metrics: Mapping[str, float | None], shares: Mapping[str, float]
) -> tuple[RankPart, ...]:
    total = sum(term.weight for term in terms)
    weights = [(term, term.weight / total) for term in terms]
    return tuple(
        RankPart(
            by=term.by,
            value=metrics[term.by],
            share=shares[term.by],
            weight=weight,
            adds=shares[term.by] * weight,
        )
        for term, weight in weights
    )


def _legs(chain: OptionChain, rows: NDArray[np.intp], sign: int, between: float) -> list[CandidateLeg]:
    days = {ns: new_york_date(ns).isoformat() for ns in set(chain.expiry_ns[rows].tolist())}
    columns = {name: getattr(chain, name)[rows].tolist() for name in _LEG_COLUMNS}
    legs = []
    for row in range(len(rows)):
        own = {name: column[row] for name, column in columns.items()}
        bid, ask = own["bid"], own["ask"]
        legs.append(
            CandidateLeg(
                contract=str(own["contract"]),
                side="buy" if sign > 0 else "sell",
                quantity=1,
                right="call" if own["is_call"] else "put",
                strike=own["strike"],
                expiry=days[own["expiry_ns"]],
                expiry_ns=own["expiry_ns"],
                multiplier=own["multiplier"],
                bid=bid,
                ask=ask,
                price=ask - between * (ask - bid) if sign > 0 else bid + between * (ask - bid),
                **{name: _finite(own[name]) for name in _MAYBE_UNKNOWN},
            )
        )
    return legs


_MAYBE_UNKNOWN = ("iv", "delta", "gamma", "theta", "vega", "volume", "open_interest")
_LEG_COLUMNS = ("contract", "is_call", "strike", "expiry_ns", "multiplier", "bid", "ask", *_MAYBE_UNKNOWN)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
