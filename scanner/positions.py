"""Blocks of positions of one structure, and the metrics that filters and ranking ask of them.

A block holds m positions as indexes into leg tables (slices or index arrays), and computes a metric when it
is asked for, over all m at once. Prices and risks are USD a share, credits positive, debits negative.

The probability of profit is what the options imply: at each strike N(d2) of its own volatility, and at a
breakeven between two strikes the normal deviate interpolated in the logarithm of the price. Where all
volatilities are equal this is the lognormal distribution of Black and Scholes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from market.option_chain import OptionChain
from market.pricing.european import DAYS_PER_YEAR, cumulative
from market.pricing.scaled_erfc import Array
from scanner.criteria import Structure
from scanner.legs import LegTable

Index = slice | NDArray[np.intp]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class Block(Protocol):
    """m positions of one structure; every array has the shape `(m,)`."""

    structure: Structure
    spot: float

    @property
    def chain(self) -> OptionChain:
        """The chain whose rows the legs are."""

    @property
    def net(self) -> Array:
        """Credit (positive) or debit (negative), USD a share."""

    @property
    def width(self) -> Array:
        """Distance of the strikes, USD; NaN for a single leg."""

    @property
    def max_profit(self) -> Array:
        """USD a share, infinite where unlimited."""

    @property
    def max_loss(self) -> Array:
        """USD a share, infinite where unlimited."""

    @property
    def room(self) -> Array:
        """USD that the price may move against the position to its (nearest) breakeven."""

    @property
    def bid_ask(self) -> Array:
        """Sum of the legs' bid-ask widths over the width, or over the price of a single leg."""

    @property
    def years(self) -> Array:
        """Years to expiry."""

    @property
    def multiplier(self) -> Array:
        """Shares a contract."""

    @property
    def probability(self) -> Array:
        """Probability of profit."""

    @property
    def probability_at_most(self) -> Array:
        """An upper bound of the probability of profit, cheaper than it."""

    @property
    def expected(self) -> Array:
        """Mean profit at expiry, USD a share."""

    @property
    def expected_at_most(self) -> Array:
        """An upper bound of `expected`, cheaper than it."""

    def greek(self, name: str) -> Array:
        """Return a greek of the position, a share."""

    def take(self, rows: NDArray[np.intp]) -> Block:
        """Return the positions at `rows`."""

    def legs(self) -> tuple[tuple[NDArray[np.intp], int], ...]:
        """Return for each leg the rows in the chain and +1 (bought) or -1 (sold)."""

    def breakevens(self) -> tuple[Array, ...]:
        """Return the breakevens in USD, ascending; NaN for one that does not exist."""


def picked(index: Index, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the leg indexes at `rows` of `index`."""
    return rows + index.start if isinstance(index, slice) else index[rows]


class Verticals:
    """Pairs of one right: the leg `first`, nearer the money, and `second`, beyond it."""

    def __init__(self, structure: Structure, table: LegTable, first: Index, second: Index) -> None:
        self.structure = structure
        self.table = table
        self.first, self.second = first, second
        self.spot = table.spot
        self.is_credit = structure.is_credit

    def take(self, rows: NDArray[np.intp]) -> Verticals:
        """Return the pairs at `rows`."""
        return Verticals(self.structure, self.table, picked(self.first, rows), picked(self.second, rows))

    @property
    def chain(self) -> OptionChain:
        """The chain of the table."""
        return self.table.chain

    @cached_property
    def width(self) -> Array:
        """Distance of the strikes."""
        return self.table.level[self.second] - self.table.level[self.first]

    @cached_property
    def net(self) -> Array:
        """Sells at the one price and buys at the other."""
        table = self.table
        if self.is_credit:
            return table.sell[self.first] - table.buy[self.second]
        return table.sell[self.second] - table.buy[self.first]

    @cached_property
    def max_profit(self) -> Array:
        """The credit, or the width less the debit."""
        return self.net if self.is_credit else self.width + self.net

    @cached_property
    def max_loss(self) -> Array:
        """The width less the credit, or the debit."""
        return self.width - self.net if self.is_credit else -self.net

    @property
    def room(self) -> Array:
        """From the price to the breakeven."""
        here = self.spot if self.table.is_call else -self.spot
        beyond = self.table.level[self.first] + np.abs(self.net) - here
        return beyond if self.is_credit else -beyond

    @property
    def bid_ask(self) -> Array:
        """Of both legs, over the width."""
        return (self.table.bid_ask[self.first] + self.table.bid_ask[self.second]) / self.width

    @property
    def years(self) -> Array:
        """Years to expiry."""
        return self.table.years[self.first]

    @property
    def multiplier(self) -> Array:
        """Shares a contract."""
        return self.table.multiplier[self.first]

    @cached_property
    def probability(self) -> Array:
        """Probability of ending short of the breakeven (credit) or beyond it (debit)."""
        deviate = self.deviate_at(np.abs(self.net))
        return cumulative(deviate if self.is_credit else -deviate)

    @property
    def probability_at_most(self) -> Array:
        """The better of the two strikes, between which the breakeven lies."""
        near, far = self.table.chance_beyond[self.first], self.table.chance_beyond[self.second]
        return 1.0 - np.minimum(near, far) if self.is_credit else np.maximum(near, far)

    @cached_property
    def expected(self) -> Array:
        """The credit less the mean of what is paid back, or that mean less the debit."""
        payoff = self.mean_payoff()
        return self.net - payoff if self.is_credit else self.net + payoff

    @property
    def expected_at_most(self) -> Array:
        """As if the whole width had the chance of the better strike."""
        near, far = self.table.chance_beyond[self.first], self.table.chance_beyond[self.second]
        if self.is_credit:
            return self.net - self.width * np.minimum(near, far)
        return self.net + self.width * np.maximum(near, far)

    def deviate_at(self, distance: Array) -> Array:
        """Return the normal deviate of ending short of `distance` (0 to the width) beyond the first leg."""
        table = self.table
        near, far = table.log_strike[self.first], table.log_strike[self.second]
        strike = table.strike[self.first]
        share = np.log(strike + distance if table.is_call else strike - distance)
        share -= near
        share /= far - near
        low = table.deviate[self.first]
        result: Array = low + share * (table.deviate[self.second] - low)
        return result

    def chance_beyond(self, distance: Array) -> Array:
        """Return the probability of ending more than `distance` beyond the first leg, 0 past the second."""
        inside = np.minimum(distance, self.width)
        return np.where(distance >= self.width, 0.0, cumulative(-self.deviate_at(inside)))

    def mean_payoff(self) -> Array:
        """Return the mean of what the pair is worth at expiry: its chances integrated over the width."""
        half = 0.5 * self.width
        total = np.zeros_like(half)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            total += weight * cumulative(-self.deviate_at(half * (1.0 + node)))
        return total * half

    def greek(self, name: str) -> Array:
        """Return the long leg's less the short leg's."""
        values = self.table.greek(name)
        difference: Array = values[self.second] - values[self.first]
        return difference if self.is_credit else -difference

    def legs(self) -> tuple[tuple[NDArray[np.intp], int], ...]:
        """Return the sold and the bought leg."""
        sign = -1 if self.is_credit else 1
        return (self.table.rows[self.first], sign), (self.table.rows[self.second], -sign)

    def breakevens(self) -> tuple[Array, ...]:
        """Return the one breakeven."""
        return (np.abs(self.table.level[self.first] + np.abs(self.net)),)


class Condors:
    """Iron condors and butterflies: a bull put and a bear call of one expiry."""

    def __init__(self, structure: Structure, puts: Verticals, calls: Verticals) -> None:
        self.structure = structure
        self.puts, self.calls = puts, calls
        self.spot = puts.spot

    def take(self, rows: NDArray[np.intp]) -> Condors:
        """Return the positions at `rows`."""
        return Condors(self.structure, self.puts.take(rows), self.calls.take(rows))

    @property
    def chain(self) -> OptionChain:
        """The chain of both tables."""
        return self.puts.table.chain

    @cached_property
    def net(self) -> Array:
        """The credits of both wings."""
        return self.puts.net + self.calls.net

    @cached_property
    def width(self) -> Array:
        """The wider wing's."""
        return np.maximum(self.puts.width, self.calls.width)

    @property
    def max_profit(self) -> Array:
        """The credit."""
        return self.net

    @cached_property
    def max_loss(self) -> Array:
        """The wider wing's width less the credit."""
        return self.width - self.net

    @property
    def room(self) -> Array:
        """To the nearer breakeven."""
        below = self.spot - (self.puts.table.strike[self.puts.first] - self.net)
        above = self.calls.table.strike[self.calls.first] + self.net - self.spot
        return np.minimum(below, above)

    @property
    def bid_ask(self) -> Array:
        """Of all legs, over the width."""
        return (self.puts.bid_ask * self.puts.width + self.calls.bid_ask * self.calls.width) / self.width

    @property
    def years(self) -> Array:
        """Years to expiry."""
        return self.puts.years

    @property
    def multiplier(self) -> Array:
        """Shares a contract."""
        return self.puts.multiplier

    @cached_property
    def probability(self) -> Array:
        """Probability of ending between the breakevens."""
        return 1.0 - self.puts.chance_beyond(self.net) - self.calls.chance_beyond(self.net)

    @property
    def probability_at_most(self) -> Array:
        """As if each wing lost only beyond its safer strike; a wing that the credit covers never does."""
        at_most = np.ones_like(self.net)
        for wing in (self.puts, self.calls):
            covered = self.net >= wing.width
            at_most -= np.where(covered, 0.0, 1.0 - wing.probability_at_most)
        return at_most

    @cached_property
    def expected(self) -> Array:
        """Of both wings."""
        return self.puts.expected + self.calls.expected

    @property
    def expected_at_most(self) -> Array:
        """Of both wings."""
        return self.puts.expected_at_most + self.calls.expected_at_most

    def greek(self, name: str) -> Array:
        """Return the sum of both wings."""
        return self.puts.greek(name) + self.calls.greek(name)

    def legs(self) -> tuple[tuple[NDArray[np.intp], int], ...]:
        """Return the legs of the put wing, then of the call wing."""
        return self.puts.legs() + self.calls.legs()

    def breakevens(self) -> tuple[Array, ...]:
        """Return the lower and the upper breakeven; NaN on a side that the credit covers."""
        low = self.puts.table.strike[self.puts.first] - self.net
        high = self.calls.table.strike[self.calls.first] + self.net
        return (
            np.where(self.net >= self.puts.width, np.nan, low),
            np.where(self.net >= self.calls.width, np.nan, high),
        )


def _per_year(block: Block) -> Array:
    return block.max_profit / block.max_loss / np.maximum(block.years, 1.0 / (DAYS_PER_YEAR * 24.0))


POSITION_METRICS: Mapping[str, Callable[[Any], Array]] = {
    "width_usd": lambda block: block.width,
    "credit_usd": lambda block: block.net,
    "debit_usd": lambda block: -block.net,
    "credit_to_width": lambda block: block.net / block.width,
    "max_profit_usd": lambda block: block.max_profit * block.multiplier,
    "max_loss_usd": lambda block: block.max_loss * block.multiplier,
    "return_on_risk": lambda block: block.max_profit / block.max_loss,
    "annualised_return": _per_year,
    "breakeven_distance_fraction": lambda block: block.room / block.spot,
    "legs_bid_ask_to_width": lambda block: block.bid_ask,
    "delta": lambda block: block.greek("delta"),
    "gamma": lambda block: block.greek("gamma"),
    "theta": lambda block: block.greek("theta"),
    "vega": lambda block: block.greek("vega"),
    "probability_of_profit": lambda block: block.probability,
    "expected_value_usd": lambda block: block.expected * block.multiplier,
    "expected_return": lambda block: block.expected / block.max_loss,
}
"""How each key of `PositionFilter` is measured, shape `(m,)`."""

METRICS_AT_MOST: Mapping[str, Callable[[Any], Array]] = {
    "probability_of_profit": lambda block: block.probability_at_most,
    "expected_value_usd": lambda block: block.expected_at_most * block.multiplier,
    "expected_return": lambda block: block.expected_at_most / block.max_loss,
}
"""Upper bounds of the metrics that cost most."""
