"""What a position is worth over the price of the underlying: now, half-way, and at the first expiry.

Values are USD for one unit of the spread, its costs taken off: a profit is positive. Before its expiry each
leg is valued by the model of its style at its own implied volatility of today, the later legs of a calendar
or diagonal at the first expiry too. Shares are paid the dividends until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from market.dividends import received_of_yield
from market.errors import DataError
from market.option_chain import AMERICAN, OptionChain
from market.option_chain_pricing import PricingInputs, dividend_yields, options_of
from market.pricing import american, european
from market.pricing.american import NO_DIVIDENDS, CashDividends
from market.pricing.european import NS_PER_YEAR, EuropeanOptions, carry_of, cumulative
from market.pricing.scaled_erfc import Array
from scanner.smile import Smile

POINTS = 241
_REACH = 3.5  # standard deviations of the price at the last expiry that the picture spans
_FAR = 6.0  # standard deviations up to which the extremes of several expiries are looked for
_EXTREME_POINTS = 400


@dataclass(frozen=True, kw_only=True)
class HeldLeg:
    """A leg: row in the priced chain, units (positive bought), and its price at entry, USD a share."""

    row: int
    quantity: int
    price: float


@dataclass(frozen=True, kw_only=True)
class PayoffCurve:
    """Profit over prices at one instant."""

    label: str
    at_ns: int
    profit: Array
    """USD, shape of `Payoff.prices`."""


@dataclass(frozen=True, kw_only=True)
class Payoff:
    """The picture's numbers."""

    spot: float
    prices: Array
    """USD, ascending, shape `(POINTS + k,)`: an even grid and every strike."""
    curves: tuple[PayoffCurve, ...]
    """At entry, half-way to the first expiry, at the first expiry."""
    net: float
    """Credit (positive) or debit of the options, USD a share."""
    breakevens: tuple[float, ...]
    """Prices at the first expiry where profit changes its sign."""
    probability_of_profit: float | None
    """At the first expiry; None where legs expire at different times."""
    max_profit: float | None
    """USD, at the first expiry; None where unlimited."""
    max_loss: float | None
    """USD, positive, at the first expiry; None where unlimited."""
    modelled_up_to: float | None
    """Price up to which the extremes were looked for, because later legs have model values then; None where
    all legs expire together: the extremes are exact and hold for every price."""
    dividends: float
    """What the shares are paid until the first expiry, USD a share."""


def payoff(
    chain: OptionChain, legs: Sequence[HeldLeg], inputs: PricingInputs, *, shares: float = 0.0
) -> Payoff:
    """Return the payoff of `legs` of a priced `chain`, with `shares` bought at the underlying's price.

    Raises `DataError` where a leg has no implied volatility or has expired.
    """
    _require_priced(chain, legs)
    expiries = {int(chain.expiry_ns[leg.row]) for leg in legs}
    first_ns, is_single_expiry = min(expiries), len(expiries) == 1
    prices = _grid(chain, legs)
    dividends = _Dividends(chain, legs, inputs)
    moments = (
        ("at entry", chain.ts_ns),
        ("half-way", chain.ts_ns + (first_ns - chain.ts_ns) // 2),
        ("at expiry" if is_single_expiry else "at the first expiry", first_ns),
    )

    def profit(at_prices: Array, at_ns: int) -> Array:
        of_legs = profit_at(chain, legs, inputs, prices=at_prices, at_ns=at_ns)
        cost = chain.underlying_price - (dividends.until(at_ns) if shares else 0.0)
        return of_legs + shares * (at_prices - cost)

    curves = tuple(
        PayoffCurve(label=label, at_ns=at_ns, profit=profit(prices, at_ns)) for label, at_ns in moments
    )
    at_expiry = curves[-1].profit
    levels = breakevens(prices, at_expiry)
    if is_single_expiry:
        far = None
        nothing = profit(np.zeros(1), first_ns)
        low, high = _extremes(chain, legs, np.append(at_expiry, nothing), shares)
    else:
        far = _far_price(chain, legs)
        between = np.concatenate((prices, np.linspace(0.001 * far, far, _EXTREME_POINTS)))
        low, high = _extremes(chain, legs, profit(between, first_ns), shares)
    return Payoff(
        spot=chain.underlying_price,
        prices=prices,
        curves=curves,
        net=-sum(leg.quantity * leg.price for leg in legs),
        breakevens=levels,
        probability_of_profit=(
            _probability(chain, legs, inputs, levels, lambda at_prices: profit(at_prices, first_ns))
            if is_single_expiry
            else None
        ),
        max_profit=high,
        max_loss=None if low is None else -low,
        modelled_up_to=far,
        dividends=dividends.until(first_ns),
    )


class _Dividends:
    """What a share is paid from now until an instant, in cash and of a yield, USD."""

    def __init__(self, chain: OptionChain, legs: Sequence[HeldLeg], inputs: PricingInputs) -> None:
        self._spot, self._now_ns, self._schedule = chain.underlying_price, chain.ts_ns, inputs.dividends
        first = min(legs, key=lambda leg: int(chain.expiry_ns[leg.row]))
        self._yield = float(dividend_yields(chain, inputs)[first.row])

    def until(self, at_ns: int) -> float:
        cash = sum(self._schedule.between(self._now_ns, at_ns).amounts)
        years = (at_ns - self._now_ns) / NS_PER_YEAR
        return cash + float(received_of_yield(self._spot, self._yield, years))


def profit_at(
    chain: OptionChain, legs: Sequence[HeldLeg], inputs: PricingInputs, *, prices: Array, at_ns: int
) -> Array:
    """Return the profit, USD, at each of `prices` of the underlying at `at_ns` (ns UTC)."""
    total = np.zeros_like(prices)
    yields = dividend_yields(chain, inputs)
    for leg in legs:
        years = max(0.0, (int(chain.expiry_ns[leg.row]) - at_ns) / NS_PER_YEAR)
        options = EuropeanOptions.of(
            spot=prices,
            strike=float(chain.strike[leg.row]),
            years=years,
            rate=float(inputs.rates.zero_rates(max(years, 1.0 / 365.0))),
            dividend_yield=float(yields[leg.row]),
            is_call=bool(chain.is_call[leg.row]),
        )
        value = _value(options, chain, leg.row, _cash(inputs, at_ns), inputs.steps)
        total += leg.quantity * float(chain.multiplier[leg.row]) * (value - leg.price)
    return total


def breakevens(prices: Array, profit: Array) -> tuple[float, ...]:
    """Return where `profit`, linear between `prices`, crosses zero; a flat stretch at zero gives none."""
    sign = np.sign(profit)
    found = []
    for left in np.flatnonzero(sign[:-1] * sign[1:] < 0).tolist():
        share = profit[left] / (profit[left] - profit[left + 1])
        found.append(float(prices[left] + share * (prices[left + 1] - prices[left])))
    touched = np.flatnonzero((sign[1:-1] == 0) & (sign[:-2] * sign[2:] < 0)) + 1
    return tuple(sorted([*found, *prices[touched].tolist()]))


def _value(
    options: EuropeanOptions, chain: OptionChain, row: int, cash: CashDividends, steps: int
) -> NDArray[np.float64]:
    ahead = options.spot - options.strike
    if not options.years[0] > 0:
        return np.maximum(ahead if chain.is_call[row] else -ahead, 0.0)
    if chain.style[row] == AMERICAN:
        return american.price(options, float(chain.iv[row]), dividends=cash, steps=steps)
    bare = american.without_dividends(options, cash) if cash.years.size else options
    return european.price(bare, float(chain.iv[row]))


def _cash(inputs: PricingInputs, at_ns: int) -> CashDividends:
    years = inputs.dividends.years_from(at_ns)
    if not (years > 0).any():
        return NO_DIVIDENDS
    return CashDividends(years[years > 0], np.asarray(inputs.dividends.amounts, dtype=np.float64)[years > 0])


def _grid(chain: OptionChain, legs: Sequence[HeldLeg]) -> Array:
    rows = np.array([leg.row for leg in legs])
    deviation = float(np.max(chain.iv[rows] * np.sqrt(chain.years[rows])))
    reach = np.exp(min(_REACH * deviation, 2.0))
    strikes = chain.strike[rows]
    low = min(chain.underlying_price / reach, 0.97 * float(strikes.min()))
    high = max(chain.underlying_price * reach, 1.03 * float(strikes.max()))
    return np.unique(np.concatenate((np.linspace(low, high, POINTS), strikes, [chain.underlying_price])))


def _far_price(chain: OptionChain, legs: Sequence[HeldLeg]) -> float:
    rows = np.array([leg.row for leg in legs])
    deviation = float(np.max(chain.iv[rows] * np.sqrt(chain.years[rows])))
    return max(chain.underlying_price, float(chain.strike[rows].max())) * float(
        np.exp(min(_FAR * deviation, 2.0))
    )


def _extremes(
    chain: OptionChain, legs: Sequence[HeldLeg], at_expiry: Array, shares: float
) -> tuple[float | None, float | None]:
    """Return the lowest and highest of the profits; None where there is no limit as the price rises."""
    upwards = shares + sum(
        leg.quantity * float(chain.multiplier[leg.row]) for leg in legs if chain.is_call[leg.row]
    )
    return (None if upwards < 0 else float(at_expiry.min())), (
        None if upwards > 0 else float(at_expiry.max())
    )


def _probability(
    chain: OptionChain,
    legs: Sequence[HeldLeg],
    inputs: PricingInputs,
    levels: Sequence[float],
    profit_at_expiry: Callable[[Array], Array],
) -> float:
    """Return the probability of a profit: that of the stretches between breakevens that gain.

    The distribution is the scanner's, of the smile of the expiry on the side of the nearest leg.
    """
    edges = [0.0, *levels, np.inf]
    at_most = np.array([0.0, *(_chance_below(chain, legs, inputs, level) for level in levels), 1.0])
    inner = np.array([_inside(low, high) for low, high in pairwise(edges)])
    gains = profit_at_expiry(inner) > 0
    return float(np.sum(np.diff(at_most)[gains]))


def _inside(low: float, high: float) -> float:
    return 0.5 * (low + high) if np.isfinite(high) else 2.0 * max(low, 1.0)


def _away(chain: OptionChain, row: int, level: float) -> tuple[float, bool]:
    """Order legs by distance; of a put and a call of one strike the one out of the money is first."""
    strike = float(chain.strike[row])
    return abs(strike - level), bool(chain.is_call[row]) != (level > strike)


def _chance_below(chain: OptionChain, legs: Sequence[HeldLeg], inputs: PricingInputs, level: float) -> float:
    nearest = min(legs, key=lambda leg: _away(chain, leg.row, level))
    is_call = bool(chain.is_call[nearest.row])
    same = (chain.expiry_ns == chain.expiry_ns[nearest.row]) & (chain.is_call == is_call) & (chain.iv > 0)
    rows = np.flatnonzero(same)
    part = chain.take(rows if is_call else rows[::-1])
    # Of the whole chain: parity needs both rights.
    options = options_of(chain, inputs).take(rows if is_call else rows[::-1])
    bare = american.without_dividends(options, _cash(inputs, chain.ts_ns))
    deviation = part.iv * np.sqrt(options.years)
    below = 0.5 * deviation - carry_of(bare).log_moneyness / deviation
    sign = 1.0 if is_call else -1.0
    smile = Smile(part.strike, sign * below, np.zeros(len(part), dtype=np.intp), is_call=is_call)
    found = smile.at(np.array([sign * np.log(level)]), np.zeros(1, dtype=np.intp))
    return float(cumulative(sign * found)[0])


def _require_priced(chain: OptionChain, legs: Sequence[HeldLeg]) -> None:
    for leg in legs:
        if not chain.iv[leg.row] > 0:
            raise DataError(
                f"{chain.contract[leg.row]} has no implied volatility at this time: bid "
                f"{chain.bid[leg.row]}, ask {chain.ask[leg.row]}. Choose a moment with a quote on both sides."
            )
