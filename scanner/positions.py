"""Blocks of positions of one structure, and the metrics that filters and ranking ask of them.

A block holds m positions as indexes into leg tables, and computes a metric when it is asked for, over all m
at once; the shape is `(m,)`, or `(rows, count)` where the indexes are windows.
Prices and risks are USD a share, credits positive, debits negative.

Probabilities and means are those that the options themselves imply (`scanner.smile`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from market.option_chain import OptionChain
from market.pricing.european import cumulative
from market.pricing.scaled_erfc import Array
from scanner.criteria import Structure
from scanner.legs import LegTable


@dataclass(frozen=True)
class Window:
    """Indexes of all pairs whose legs stand `distance` to `distance + rows - 1` apart in a table.

    As a column's index it is a view of shape `(rows, count)`: nothing is gathered. `is_second` tells the
    further leg's view, which moves on by one from row to row, from the nearer leg's, which stands.
    """

    rows: int
    count: int
    distance: int
    is_second: bool

    def of(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return the view of a contiguous column of a leg table."""
        if not self.is_second:
            return column[: self.count]
        step = column.itemsize
        return np.ndarray(
            (self.rows, self.count), column.dtype, column, offset=self.distance * step, strides=(step, step)
        )


Index = Window | NDArray[np.intp]


class Block(Protocol):
    """m positions of one structure; every array has the shape `(m,)`, or that of its windows."""

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
    if not isinstance(index, Window):
        return index[rows]
    row, start = np.divmod(rows, index.count)
    return start + row + index.distance if index.is_second else start


def at(column: NDArray[Any], index: Index) -> NDArray[Any]:
    """Return the entries of a leg table's column for one leg of each position."""
    return index.of(column) if isinstance(index, Window) else column[index]


class Verticals:
    """Pairs of one right: the leg `first`, nearer the money, and `second`, beyond it."""

    def __init__(self, structure: Structure, table: LegTable, first: Index, second: Index) -> None:
        self.structure = structure
        self.table = table
        self.first, self.second = first, second
        self.spot = table.spot
        self.is_credit = structure.is_credit

    def take(self, rows: NDArray[np.intp]) -> Verticals:
        """Return the pairs at `rows`, with their probability where it is known."""
        part = Verticals(self.structure, self.table, picked(self.first, rows), picked(self.second, rows))
        _hand_on_probability(self, part, rows)
        return part

    @property
    def chain(self) -> OptionChain:
        """The chain of the table."""
        return self.table.chain

    @cached_property
    def width(self) -> Array:
        """Distance of the strikes."""
        return at(self.table.level, self.second) - at(self.table.level, self.first)

    @cached_property
    def net(self) -> Array:
        """Sells at the one price and buys at the other."""
        table = self.table
        if self.is_credit:
            return at(table.sell, self.first) - at(table.buy, self.second)
        return at(table.sell, self.second) - at(table.buy, self.first)

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
        beyond = at(self.table.level, self.first) + np.abs(self.net) - here
        return beyond if self.is_credit else -beyond

    @property
    def bid_ask(self) -> Array:
        """Of both legs, over the width."""
        return (at(self.table.bid_ask, self.first) + at(self.table.bid_ask, self.second)) / self.width

    @property
    def years(self) -> Array:
        """Years to expiry."""
        return at(self.table.years, self.first)

    @property
    def multiplier(self) -> Array:
        """Shares a contract."""
        return at(self.table.multiplier, self.first)

    @cached_property
    def probability(self) -> Array:
        """Probability of ending short of the breakeven (credit) or beyond it (debit)."""
        deviate = self.deviate_at(np.abs(self.net))
        return cumulative(deviate if self.is_credit else -deviate)

    @property
    def probability_at_most(self) -> Array:
        """A bound of the distribution function at a bound of the deviate; nothing is searched."""
        distance = np.abs(self.net)
        return cumulative_at_most(
            self.deviate_at_most(distance) if self.is_credit else -self.deviate_at_least(distance)
        )

    @cached_property
    def expected(self) -> Array:
        """The credit less the mean of what is paid back, or that mean less the debit."""
        paid = self.table.paid(None if isinstance(self.first, Window) else self.first)
        payoff = at(paid, self.second) - at(paid, self.first)
        return self.net - payoff if self.is_credit else self.net + payoff

    def deviate_at(self, distance: Array) -> Array:
        """Return the normal deviate of ending short of `distance` (0 to the width) beyond the first leg."""
        prices = np.abs(at(self.table.level, self.first) + distance)
        depth = np.log(prices) if self.table.is_call else -np.log(prices)
        segment = np.broadcast_to(at(self.table.segment, self.first), depth.shape)
        return self.table.smile.at(depth, segment)

    def deviate_at_most(self, distance: Array) -> Array:
        """Return an upper bound of `deviate_at` from the steepest rise anywhere beyond the first leg."""
        bound: Array = self._run(distance, at_most=True) * at(self.table.rise_at_most, self.first)
        bound += at(self.table.deviate, self.first)
        return bound

    def deviate_at_least(self, distance: Array) -> Array:
        """Return a lower bound of `deviate_at` from the flattest rise anywhere beyond the first leg."""
        rise = at(self.table.rise_at_least, self.first)
        bound = self._run(distance, at_most=False) * np.maximum(rise, 0.0)
        bound += self._run(distance, at_most=True) * np.minimum(rise, 0.0)
        bound += at(self.table.deviate, self.first)
        return bound

    def _run(self, distance: Array, *, at_most: bool) -> Array:
        """Return a bound of the logarithm of the price at `distance` over the first strike, without sign.

        log(1 + u) lies between u / (1 + u) and u, -log(1 - u) between u and u / (1 - u).
        """
        share: Array = distance / at(self.table.strike, self.first)
        if self.table.is_call:
            return share if at_most else share / (1.0 + share)
        return share / (1.0 - share) if at_most else share

    def chance_beyond(self, distance: Array) -> Array:
        """Return the probability of ending more than `distance` beyond the first leg, 0 past the second."""
        inside = np.minimum(distance, self.width)
        return np.where(distance >= self.width, 0.0, cumulative(-self.deviate_at(inside)))

    def chance_short_at_most(self, distance: Array) -> Array:
        """Return an upper bound of 1 less `chance_beyond`."""
        inside = np.minimum(distance, self.width)
        return np.where(distance >= self.width, 1.0, cumulative_at_most(self.deviate_at_most(inside)))

    def greek(self, name: str) -> Array:
        """Return the long leg's less the short leg's."""
        if isinstance(self.first, Window) or isinstance(self.second, Window):
            values, first, second = self.table.greek(name), self.first, self.second
        else:  # of a few pairs no column is needed
            values, rows = getattr(self.chain, name), self.table.rows
            first, second = rows[self.first], rows[self.second]
        difference: Array = at(values, second) - at(values, first)
        return difference if self.is_credit else -difference

    def legs(self) -> tuple[tuple[NDArray[np.intp], int], ...]:
        """Return the sold and the bought leg."""
        sign = -1 if self.is_credit else 1
        return (at(self.table.rows, self.first), sign), (at(self.table.rows, self.second), -sign)

    def breakevens(self) -> tuple[Array, ...]:
        """Return the one breakeven."""
        return (np.abs(at(self.table.level, self.first) + np.abs(self.net)),)


class Condors:
    """Iron condors and butterflies: a bull put and a bear call of one expiry."""

    def __init__(self, structure: Structure, puts: Verticals, calls: Verticals) -> None:
        self.structure = structure
        self.puts, self.calls = puts, calls
        self.spot = puts.spot

    def take(self, rows: NDArray[np.intp]) -> Condors:
        """Return the positions at `rows`, with their probability where it is known."""
        part = Condors(self.structure, self.puts.take(rows), self.calls.take(rows))
        _hand_on_probability(self, part, rows)
        return part

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
        below = self.spot - (at(self.puts.table.strike, self.puts.first) - self.net)
        above = at(self.calls.table.strike, self.calls.first) + self.net - self.spot
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
        """The same with a cheaper distribution function."""
        return self.puts.chance_short_at_most(self.net) + self.calls.chance_short_at_most(self.net) - 1.0

    @cached_property
    def expected(self) -> Array:
        """Of both wings."""
        return self.puts.expected + self.calls.expected

    def greek(self, name: str) -> Array:
        """Return the sum of both wings."""
        return self.puts.greek(name) + self.calls.greek(name)

    def legs(self) -> tuple[tuple[NDArray[np.intp], int], ...]:
        """Return the legs of the put wing, then of the call wing."""
        return self.puts.legs() + self.calls.legs()

    def breakevens(self) -> tuple[Array, ...]:
        """Return the lower and the upper breakeven; NaN on a side that the credit covers."""
        low = at(self.puts.table.strike, self.puts.first) - self.net
        high = at(self.calls.table.strike, self.calls.first) + self.net
        return (
            np.where(self.net >= self.puts.width, np.nan, low),
            np.where(self.net >= self.calls.width, np.nan, high),
        )


def _hand_on_probability(block: Block, part: Block, rows: NDArray[np.intp]) -> None:
    """Give `part`, the positions of `block` at `rows`, what cost most to compute, if it was."""
    known = vars(block).get("probability")
    if known is not None:
        vars(part)["probability"] = known.ravel()[rows]


def cumulative_at_most(deviate: Array) -> Array:
    """Return at least the normal distribution function, and at most 0.0064 more.

    Polya's approximation, (1 + sqrt(1 - exp(-2 z^2 / pi))) / 2 for z above 0 and its mirror image below, is
    never off by more than 0.0032 (Polya 1949), which is added.
    """
    spread = np.square(deviate)
    spread *= -2.0 / np.pi
    np.exp(spread, out=spread)
    np.subtract(1.0, spread, out=spread)
    np.sqrt(spread, out=spread)
    np.copysign(spread, deviate, out=spread)
    spread *= 0.5
    spread += 0.5 + 0.0032
    return spread
