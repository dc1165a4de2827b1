"""The contracts of one right as legs, laid out so that a pair of them costs subtractions.

Strikes get the sign of the right (`level`: the strike of a call, minus the strike of a put). Ordered by it,
the dearer leg of a pair comes first for calls and puts alike, a width is the difference of two levels, and
"beyond a level" means further in the money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.dividends import DividendSchedule, received_of_yield
from market.errors import ConfigError
from market.option_chain import OptionChain
from market.option_chain_pricing import options_of
from market.pricing import american
from market.pricing.american import CashDividends
from market.pricing.european import EuropeanOptions, carry_of, price
from market.pricing.implied_volatility import Engine
from market.pricing.scaled_erfc import Array
from scanner.context import ScanContext
from scanner.contracts import Mask, leg_checks
from scanner.criteria import Criteria, LegFilter
from scanner.smile import Smile

WINDOW_MAX = 32
"""Neighbours of a leg that one block of pairs can reach at most."""


@dataclass(frozen=True, eq=False)
class Prospect:
    """What a chain's prices at expiry are expected to be, one entry for each contract, shape `(n,)`."""

    options: EuropeanOptions
    """On the price less its cash dividends to come."""
    deviation: Array
    """Standard deviation of the logarithm of the price at expiry."""
    deviate: Array
    """Normal deviate of the probability of ending at or below the strike."""
    forward: Array
    usable: Mask
    """Which contracts may be legs."""
    group: NDArray[np.int64]
    """Number of the contracts that can stand in one spread alike."""
    engine: Engine
    """Of the loops over positions, as of pricing."""
    dividends: DividendSchedule
    """Paid in cash; the yield beside them is in `options`."""

    @classmethod
    def of(
        cls, chain: OptionChain, criteria: Criteria, context: ScanContext, *, kept: Mask | None = None
    ) -> Prospect:
        """Return what each strike's own IV implies, or realised volatility where the criteria say so.

        `kept` are the contracts that may be legs, all unless given.

        Raises `ConfigError` where the criteria want realised volatility and it is not known.
        """
        options = options_of(chain, context.pricing)
        years = context.pricing.dividends.years_from(chain.ts_ns)
        if (years > 0).any():
            ahead = years > 0
            cash = CashDividends(years[ahead], np.asarray(context.pricing.dividends.amounts)[ahead])
            options = american.without_dividends(options, cash)
        carry = carry_of(options)
        volatility = chain.iv if criteria.volatility == "implied" else _realised(context)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = volatility * np.sqrt(options.years)
            deviate = 0.5 * deviation - carry.log_moneyness / deviation
        usable = np.ones(len(chain), dtype=np.bool_) if kept is None else kept
        engine = context.pricing.engine
        dividends = context.pricing.dividends
        return cls(options, deviation, deviate, carry.forward, usable, _groups(chain), engine, dividends)


class LegTable:
    """The usable contracts of one right of a chain, ordered by expiry and level.

    Columns have the shape `(n + WINDOW_MAX,)`; what stands beyond the n legs belongs to no group.
    """

    def __init__(self, chain: OptionChain, prospect: Prospect, criteria: Criteria, *, is_call: bool) -> None:
        self.chain = chain
        self.is_call = is_call
        self.rows = _ordered_rows(chain, prospect, is_call=is_call)
        """Row of each leg in the chain."""
        self.spot = chain.underlying_price
        self.engine = prospect.engine
        self._prospect = prospect
        self._padded = np.append(self.rows, np.full(WINDOW_MAX, self.rows[-1] if self.rows.size else 0))
        strike = self._column(chain.strike)
        bid, ask = self._column(chain.bid), self._column(chain.ask)
        self.level = strike if is_call else -strike
        self.strike = strike
        self.bid_ask = ask - bid
        self.sell = bid + criteria.price_between * self.bid_ask
        self.buy = ask - criteria.price_between * self.bid_ask
        self.group = self._column(prospect.group)
        self.group[len(self) :] = -1
        deviate = self._column(prospect.deviate)
        self.deviate = deviate if is_call else -deviate
        """Normal deviate of the probability that the price ends short of this leg's level."""

    def _column(self, values: NDArray[Any]) -> NDArray[Any]:
        """One value for each leg, and `WINDOW_MAX` more so that a window over the last legs exists."""
        return values[self._padded] if len(self) else np.empty(0, dtype=values.dtype)

    def __len__(self) -> int:
        return int(self.rows.size)

    @cached_property
    def smile(self) -> Smile:
        """The distribution at expiry that these legs imply."""
        size = len(self)
        segment = np.cumsum(np.diff(self.group[:size], prepend=self.group[:1]) != 0)
        return Smile(self.strike[:size], self.deviate[:size], segment, is_call=self.is_call)

    @cached_property
    def segment(self) -> NDArray[np.intp]:
        """Number of each leg's expiry in the smile."""
        return self._extended(self.smile.segment)

    @cached_property
    def rise_at_most(self) -> Array:
        """How fast the deviate can rise beyond each leg, per unit of the logarithm of the price."""
        return self._extended(self.smile.steepest)

    @cached_property
    def rise_at_least(self) -> Array:
        """How fast the deviate must rise beyond each leg; negative where quotes are noisy."""
        return self._extended(self.smile.flattest)

    def paid(self, legs: NDArray[np.intp] | None = None) -> Array:
        """Return a column whose difference between two legs is the mean payoff between them, USD a share.

        With `legs` only where they and the legs beyond them need it; it is NaN elsewhere.
        """
        return self._extended(self.smile.paid(legs))

    def _extended(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.append(values, np.zeros(WINDOW_MAX, dtype=values.dtype))

    @cached_property
    def years(self) -> Array:
        """Years to expiry."""
        return self._column(self._prospect.options.years)

    @cached_property
    def multiplier(self) -> Array:
        """Shares a contract."""
        return self._column(self.chain.multiplier)

    @cached_property
    def deviation(self) -> Array:
        """Standard deviation of the logarithm of the price at expiry."""
        return self._column(self._prospect.deviation)

    @cached_property
    def forward(self) -> Array:
        """Expected price at expiry, USD."""
        return self._column(self._prospect.forward)

    @cached_property
    def mean_payoff(self) -> Array:
        """Mean of what the leg pays at expiry, USD a share."""
        options = self._prospect.options.take(self._padded)
        carry = carry_of(options)
        return price(options, self.deviation / np.sqrt(options.years)) / carry.discount

    @cached_property
    def dividends(self) -> Array:
        """What a share bought now is paid in dividends until each leg's expiry, USD, not discounted."""
        prospect, chain = self._prospect, self.chain
        expiry_ns = self._column(chain.expiry_ns)
        yields = self._column(prospect.options.dividend_yield)
        cash = prospect.dividends.paid_until(expiry_ns, after_ns=chain.ts_ns)
        return cash + received_of_yield(self.spot, yields, self.years)

    def greek(self, name: str) -> Array:
        """Return delta, gamma, theta or vega of each leg held long, a share."""
        return self._column(getattr(self.chain, name))

    def passing(
        self, section: LegFilter, key: str, record: Callable[[str, int, int], None] | None = None
    ) -> Mask:
        """Return which legs pass `section`, a column; `record` is told filter, contracts before and left."""
        kept = np.zeros(len(self) + WINDOW_MAX, dtype=np.bool_)
        kept[: len(self)] = True
        left = len(self)
        for check in leg_checks(self.chain, section, key):
            kept[: len(self)] &= check.passes[self.rows]
            before, left = left, int(np.count_nonzero(kept))
            if record is not None:
                record(check.filter, before, left)
        return kept


def _realised(context: ScanContext) -> float:
    if context.realised_volatility is None or not context.realised_volatility > 0:
        raise ConfigError(
            f"The criteria say volatility = 'realised', and it is {context.realised_volatility}. "
            "Bring the underlying's daily prices into the catalog, or use 'implied'."
        )
    return context.realised_volatility


def _groups(chain: OptionChain) -> NDArray[np.int64]:
    """Number contracts that can stand in one spread alike: same expiry, settlement, style and multiplier."""
    if not len(chain):
        return np.empty(0, dtype=np.int64)
    ends = np.append(1 + np.flatnonzero(chain.expiry_ns[1:] != chain.expiry_ns[:-1]), len(chain))
    group = np.repeat(np.arange(ends.size), np.diff(ends, prepend=0))
    for column in (chain.settlement, chain.style, chain.multiplier):
        if not _is_same_throughout(column):
            _, codes = np.unique(column, return_inverse=True)
            group = group * (codes.max() + 1) + codes
    return group


def _is_same_throughout(column: NDArray[Any]) -> bool:
    """Return whether all entries are equal; text is compared by its letters, as numbers."""
    if column.dtype.kind == "U" and column.itemsize and column.flags.c_contiguous:
        letters, length = column.view(np.uint32), column.itemsize // 4
        return bool((letters[length:] == letters[:-length]).all())
    return bool((column == column[0]).all())


def _ordered_rows(chain: OptionChain, prospect: Prospect, *, is_call: bool) -> NDArray[np.intp]:
    """Usable rows of one right by group and level; a chain's own order already is, puts read backwards."""
    rows = np.flatnonzero((chain.is_call == is_call) & prospect.usable)
    rows = rows if is_call else rows[::-1]
    group = prospect.group[rows]
    steps = np.diff(group)
    is_grouped = not ((steps < 0).any() and (steps > 0).any())
    return rows if is_grouped else rows[np.argsort(group, kind="stable")]
