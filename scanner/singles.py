"""Blocks of positions with one option leg: sold, bought, or sold against shares (see `scanner.positions`)."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.option_chain import OptionChain
from market.pricing.european import cumulative
from market.pricing.scaled_erfc import Array
from scanner.criteria import Structure
from scanner.legs import LegTable
from scanner.positions import Index, at, picked

REACH = 2.0
"""Standard deviations of the logarithm of the price at which the ranking takes an unlimited profit."""


class Singles:
    """One leg each; a short put is secured by cash, a covered call by shares bought at the chain's price.

    The shares of a covered call are paid the dividends until expiry.

    The probability is that of the smile, the mean payoff that of the leg's own volatility.
    """

    def __init__(self, structure: Structure, table: LegTable, index: Index) -> None:
        self.structure = structure
        self.table = table
        self.index = index
        self.spot = table.spot
        self.is_covered = structure is Structure.COVERED_CALL

    def take(self, rows: NDArray[np.intp]) -> Singles:
        """Return the positions at `rows`."""
        return Singles(self.structure, self.table, picked(self.index, rows))

    @property
    def chain(self) -> OptionChain:
        """The chain of the table."""
        return self.table.chain

    @property
    def strike(self) -> Array:
        """Strike of the leg."""
        return at(self.table.strike, self.index)

    @cached_property
    def net(self) -> Array:
        """The option's premium; the shares of a covered call are not in it."""
        return (
            at(self.table.sell, self.index) if self.structure.is_credit else -at(self.table.buy, self.index)
        )

    @property
    def width(self) -> Array:
        """There is none."""
        return np.full_like(self.net, np.nan)

    @cached_property
    def max_profit(self) -> Array:
        """The premium; to the strike with shares; of a long put the strike, of a long call without limit."""
        if self.is_covered:
            return self.strike - self._cost
        if self.structure.is_credit:
            return self.net
        return np.full_like(self.net, np.inf) if self.table.is_call else self.strike + self.net

    @cached_property
    def max_loss(self) -> Array:
        """The premium if bought; if sold down to a price of 0, and without limit for a bare call."""
        if self.is_covered:
            return self._cost
        if not self.structure.is_credit:
            return -self.net
        return np.full_like(self.net, np.inf) if self.table.is_call else self.strike - self.net

    @cached_property
    def _cost(self) -> Array:
        """What a share of a covered call costs in the end: less the premium, less its dividends."""
        return self.spot - self.net - at(self.table.dividends, self.index)

    @property
    def _breakeven(self) -> Array:
        if self.is_covered:
            return self._cost
        return np.abs(at(self.table.level, self.index) + np.abs(self.net))

    @property
    def _gains_above(self) -> bool:
        return self.structure in (Structure.SHORT_PUT, Structure.COVERED_CALL, Structure.LONG_CALL)

    @property
    def room(self) -> Array:
        """From the price to the breakeven."""
        return self.spot - self._breakeven if self._gains_above else self._breakeven - self.spot

    @property
    def bid_ask(self) -> Array:
        """Over the mid-point."""
        table = self.table
        return at(table.bid_ask, self.index) / (
            0.5 * (at(table.sell, self.index) + at(table.buy, self.index))
        )

    @property
    def years(self) -> Array:
        """Years to expiry."""
        return at(self.table.years, self.index)

    @property
    def multiplier(self) -> Array:
        """Shares a contract."""
        return at(self.table.multiplier, self.index)

    @cached_property
    def probability(self) -> Array:
        """Probability of ending on the right side of the breakeven."""
        depth = np.log(self._breakeven) if self.table.is_call else -np.log(self._breakeven)
        short = self.table.smile.at(depth, at(self.table.segment, self.index))
        is_short_gain = self._gains_above != self.table.is_call
        return cumulative(short if is_short_gain else -short)

    @property
    def probability_at_most(self) -> Array:
        """Nothing is cheaper here."""
        return self.probability

    @cached_property
    def expected(self) -> Array:
        """The premium and the mean of what the option pays, with shares their mean gain too."""
        payoff = at(self.table.mean_payoff, self.index)
        if self.is_covered:
            return at(self.table.forward, self.index) - payoff - self._cost
        return self.net - payoff if self.structure.is_credit else self.net + payoff

    def greek(self, name: str) -> Array:
        """Return the leg's, with its sign; shares add 1 to delta."""
        values = at(self.table.greek(name), self.index)
        shares = 1.0 if self.is_covered and name == "delta" else 0.0
        return shares - values if self.structure.is_credit else values

    def legs(self) -> tuple[tuple[NDArray[np.intp], int], ...]:
        """Return the option leg."""
        return ((at(self.table.rows, self.index), -1 if self.structure.is_credit else 1),)

    def breakevens(self) -> tuple[Array, ...]:
        """Return the one breakeven."""
        return (self._breakeven,)


class Reached(Singles):
    """Bought calls as the ranking sees them: an unlimited profit is that of a price which may be reached."""

    @cached_property
    def max_profit(self) -> Array:
        """At the price that is `REACH` standard deviations up at expiry (exceeded once in 44 times)."""
        table = self.table
        deviation = at(table.deviation, self.index)
        price = at(table.forward, self.index) * np.exp((REACH - 0.5 * deviation) * deviation)
        profit: Array = np.maximum(price - self.strike, 0.0) + self.net
        return profit


def as_ranked[B](block: B) -> B | Reached:
    """Return `block` as the ranking is to measure it: bought calls by what they may gain, all else itself."""
    if isinstance(block, Singles) and block.structure is Structure.LONG_CALL:
        return Reached(block.structure, block.table, block.index)
    return block
