"""Keeps the best positions offered, and computes what costs most only for those that can be among them.

The score is the weighted mean of the ranking's terms, each 0 at its worst value and 1 at its best. A block's
score is first bounded from above, with bounds in place of the metrics that cost most; only positions whose
bound reaches the score of the worst one kept are computed exactly. The result is the same as computing all.
Equal scores are ordered by the legs' rows in the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.pricing.scaled_erfc import Array
from scanner.contracts import Mask
from scanner.criteria import RankTerm
from scanner.merging import merged
from scanner.metrics import METRICS_AT_MOST, POSITION_METRICS
from scanner.positions import Block
from scanner.singles import as_ranked

SLACK = 1e-9
"""Allowance for rounding between a bound and the exact score."""

_LEGS = 4
_BATCH = 4096  # positions that wait to be computed together
_POOL = 8  # how many times the wanted number may be kept before the rest is dropped


class Ranked(NamedTuple):
    """A kept position: its block, its row there, and its score."""

    block: Block
    row: int
    score: float


def score(block: Block, terms: Sequence[RankTerm], *, at_most: bool = False) -> Array:
    """Return the scores of a block, 0 to 1, or upper bounds of them that cost less.

    An unlimited profit counts as that of a price which may be reached (`scanner.singles.Reached`); an
    unlimited loss makes returns 0.
    """
    total = sum(term.weight for term in terms)
    block = as_ranked(block)
    result: Array | None = None
    for term in terms:
        part = share_of(_measured(block, term, at_most=at_most), term)
        part *= term.weight / total
        if result is None:
            result = part
        else:
            result += part
    assert result is not None, "criteria have at least one term"
    return result


def share_of(values: Array, term: RankTerm) -> Array:
    """Return where `values` lie between the term's worst (0) and best (1) value; unknown is worst."""
    share = (values - term.worst) * (1.0 / (term.best - term.worst))
    np.fmax(share, 0.0, out=share)  # fmax: a NaN becomes 0
    return np.minimum(share, 1.0, out=share)


def _measured(block: Block, term: RankTerm, *, at_most: bool) -> Array:
    if at_most and term.by in METRICS_AT_MOST:
        if term.best < term.worst:  # a lower bound would be needed; the best value bounds the share as well
            return np.full_like(block.net, term.best)
        return METRICS_AT_MOST[term.by](block)
    return POSITION_METRICS[term.by](block)


class Ranking:
    """The best `top` of all positions offered, by score."""

    def __init__(self, terms: Sequence[RankTerm], top: int, *, lazy: bool = True) -> None:
        self.terms = tuple(terms)
        self.top = top
        self.lazy = lazy
        self.threshold = -np.inf
        """Score of the worst position that is kept, once there are enough."""
        self._blocks: list[Block] = []
        self._scores: list[Array] = []
        self._chains: list[int] = []
        self._chain = 0
        self._pending: list[tuple[Block, Array]] = []
        self._waiting = 0
        self._best = np.empty(0)

    def offer(self, block: Block, alive: Mask) -> None:
        """Consider the positions of `block` that are `alive`."""
        if not self.lazy:
            self._keep(block.take(np.flatnonzero(alive)))
            return
        bound = score(block, self.terms, at_most=True)
        reach = bound >= self.threshold - SLACK
        reach &= alive
        rows = np.flatnonzero(reach)
        if rows.size:
            self._pending.append((block.take(rows), bound.ravel()[rows]))
            self._waiting += rows.size
        if self._waiting > (_BATCH if np.isfinite(self.threshold) else 4 * self.top):
            self._settle()

    def best_scores(self) -> Array:
        """Return the scores of the `top` best so far, ascending; minus infinity where there are fewer."""
        self._settle()
        missing = np.full(max(0, self.top - self._best.size), -np.inf)
        return np.concatenate((missing, np.sort(self._best)[-self.top :]))

    def offer_all(self, block: Block) -> None:
        """Consider every position of `block`; each is computed exactly."""
        if len(block.net):
            self._keep(block)

    def best(self) -> list[Ranked]:
        """Return the best positions, the first the best."""
        self._settle()
        if not self._blocks:
            return []
        scores = np.concatenate(self._scores)
        block_of = np.repeat(np.arange(len(self._blocks)), [len(part) for part in self._scores])
        row_of = np.concatenate([np.arange(len(part)) for part in self._scores])
        kept = np.flatnonzero(scores >= self.threshold)
        keys = self._leg_rows(block_of[kept], row_of[kept])
        order = kept[np.lexsort((*keys[::-1], -scores[kept]))][: self.top]
        places = zip(block_of[order].tolist(), row_of[order].tolist(), scores[order].tolist(), strict=True)
        return [Ranked(self._blocks[block], row, value) for block, row, value in places]

    def end_chain(self) -> None:
        """Take what follows to be of another underlying: of equal scores the earlier chain's come first."""
        self._settle()
        self._chain += 1

    def _settle(self) -> None:
        """Compute what waits: first the most promising, then what can still reach the raised threshold."""
        groups = merged([block for block, _ in self._pending], [bound for _, bound in self._pending])
        self._pending, self._waiting = [], 0
        later: list[tuple[Block, Array]] = []
        for block, bound in groups:
            if bound.size > 2 * self.top:
                cut = np.partition(bound, bound.size - self.top)[-self.top]
                self._keep(block.take(np.flatnonzero(bound >= cut)))
                rest = np.flatnonzero(bound < cut)
                block, bound = block.take(rest), bound[rest]
            later.append((block, bound))
        for block, bound in later:
            reach = np.flatnonzero(bound >= self.threshold - SLACK)
            if reach.size:
                self._keep(block.take(reach))

    def _keep(self, block: Block) -> None:
        scores = score(block, self.terms)
        rows = np.flatnonzero(scores >= self.threshold)
        if not rows.size:
            return
        self._blocks.append(block.take(rows))
        self._scores.append(scores[rows])
        self._chains.append(self._chain)
        self._best = np.concatenate((self._best, scores[rows]))
        if self._best.size >= self.top:
            self._best = np.partition(self._best, self._best.size - self.top)[-self.top :]
            self.threshold = float(self._best[0])
        if sum(len(part) for part in self._scores) > _POOL * self.top:
            self._drop()

    def _drop(self) -> None:
        """Let go of what has fallen below the threshold."""
        kept = [np.flatnonzero(part >= self.threshold) for part in self._scores]
        parts = list(zip(self._blocks, self._scores, self._chains, kept, strict=True))
        self._blocks = [block.take(rows) for block, _, _, rows in parts if rows.size]
        self._scores = [scores[rows] for _, scores, _, rows in parts if rows.size]
        self._chains = [chain for _, _, chain, rows in parts if rows.size]

    def _leg_rows(self, block_of: NDArray[np.intp], row_of: NDArray[np.intp]) -> list[NDArray[np.int64]]:
        """Return chain, structure and rows of the legs, for the order among equals."""
        keys = np.full((_LEGS + 2, len(row_of)), -1, dtype=np.int64)
        structures = list(type(self._blocks[0].structure))
        for number, block in enumerate(self._blocks):
            here = np.flatnonzero(block_of == number)
            if here.size:
                keys[0, here] = self._chains[number]
                keys[1, here] = structures.index(block.structure)
                for leg, (rows, _) in enumerate(block.legs()):
                    keys[leg + 2, here] = rows[row_of[here]]
        return list(keys)
