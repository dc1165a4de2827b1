"""Fills a chain's implied volatilities and greeks from its quotes, each contract by the model of its style.

European contracts are solved in closed form, American ones on trees with the dividends in cash
(`market.pricing`). The price is the mid-point; without a bid, or crossed, there is none, and `iv_reason` says
so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from market.dividends import DividendSchedule
from market.option_chain import AMERICAN, CROSSED, GREEKS, NO_TWO_SIDED_QUOTE, OptionChain
from market.pricing import american
from market.pricing.american import CashDividends
from market.pricing.american_volatility import implied_volatility as american_volatility
from market.pricing.european import EuropeanOptions, Greeks
from market.pricing.implied_volatility import Engine, PricedOptions, volatility_and_greeks
from market.pricing.scaled_erfc import Array
from market.rates import RateCurve

PARITY = "parity"
PAIRS_OF_PARITY = 5
"""Pairs nearest to the money of which parity takes the median."""
_NO_DIVIDENDS = DividendSchedule()


@dataclass(frozen=True, kw_only=True)
class PricingInputs:
    """What pricing needs beside the quotes.

    `dividends` are paid in cash. `dividend_yield` is a fraction a year beside them, or "parity": for each
    expiry the one that put-call parity of the quotes nearest to the money implies when the dividends are off
    the price, European contracts only (American ones then have none). `steps` are those of the American tree.
    """

    rates: RateCurve
    dividends: DividendSchedule = _NO_DIVIDENDS
    dividend_yield: float | str = PARITY
    engine: Engine = "numpy"
    steps: int = american.STEPS


def priced(chain: OptionChain, inputs: PricingInputs) -> OptionChain:
    """Return `chain` with iv, greeks and iv_reason computed; NaN with a reason where there is none.

    An underlying's price that is absent is taken from put-call parity (`with_underlying_price`).
    """
    chain = with_underlying_price(chain, inputs)
    prices = chain.mid
    is_american = chain.style == AMERICAN
    values = np.full((6, len(chain)), np.nan)
    reason = np.zeros(len(chain), dtype=np.uint8)
    quoted = ~np.isnan(prices)
    options = options_of(chain, inputs)
    for rows, solve in ((quoted & ~is_american, _european), (quoted & is_american, _american)):
        if rows.any():
            part = slice(None) if rows.all() else rows  # a view where nothing is left out
            found = solve(options.take(part), prices[part], chain.ts_ns, inputs)
            values[:, part] = found.volatility, *found.greeks
            reason[part] = found.reason
    reason[~quoted] = NO_TWO_SIDED_QUOTE
    reason[chain.is_crossed] = CROSSED
    return chain.with_columns({"iv_reason": reason, **dict(zip(GREEKS, values, strict=True))})


def with_underlying_price(chain: OptionChain, inputs: PricingInputs) -> OptionChain:
    """Return `chain` with an underlying's price; where it has none, the one that put-call parity implies.

    That is the forward of the nearest expiry with pairs of quotes, discounted by the rate, with the known
    dividends until then: right but for those that are not known. NaN remains where no expiry has a pair.
    """
    if not np.isnan(chain.underlying_price):
        return chain
    for expiry in chain.expiries:
        part = chain.of_expiry(int(expiry))
        forward = implied_forward(part, inputs.rates)
        if not np.isnan(forward) and part.years[0] > 0:
            bare = forward * float(inputs.rates.discounts(part.years[0]))
            return replace(chain, underlying_price=bare + _paid_until_expiry(part, inputs))
    return chain


def options_of(chain: OptionChain, inputs: PricingInputs) -> EuropeanOptions:
    """Return the model's inputs of all contracts: spot, strike, time, rate and dividend yield."""
    years = chain.years
    return EuropeanOptions.of(
        spot=chain.underlying_price,
        strike=chain.strike,
        years=years,
        rate=inputs.rates.zero_rates(np.maximum(years, 0.0)),
        dividend_yield=dividend_yields(chain, inputs),
        is_call=chain.is_call,
    )


def dividend_yields(chain: OptionChain, inputs: PricingInputs) -> Array:
    """Return the dividend yield that applies to each contract, shape `(n,)`, a fraction a year."""
    if inputs.dividend_yield != PARITY:
        return np.full(len(chain), float(inputs.dividend_yield))
    yields = np.zeros(len(chain))
    for expiry in chain.expiries:
        rows = chain.rows_of_expiry(int(expiry))
        for settlement in np.unique(chain.settlement[rows]):
            these = np.arange(rows.start, rows.stop)[
                (chain.settlement[rows] == settlement) & (chain.style[rows] != AMERICAN)
            ]
            yields[these] = _parity_yield(chain.take(these), inputs)
    return yields


def implied_forward(chain: OptionChain, rates: RateCurve) -> float:
    """Return the forward, USD, that put-call parity gives for a chain of one expiry; NaN without pairs.

    The median over the five strikes whose put and call differ least.
    """
    if not len(chain):
        return float("nan")
    mid = chain.mid
    calls, puts = chain.is_call & ~np.isnan(mid), ~chain.is_call & ~np.isnan(mid)
    strikes, of_call, of_put = np.intersect1d(chain.strike[calls], chain.strike[puts], return_indices=True)
    if not strikes.size:
        return float("nan")
    difference = mid[calls][of_call] - mid[puts][of_put]
    nearest = np.argsort(np.abs(difference), kind="stable")[:PAIRS_OF_PARITY]
    growth = 1.0 / float(rates.discounts(chain.years[0]))
    return float(np.median(strikes[nearest] + growth * difference[nearest]))


def _parity_yield(chain: OptionChain, inputs: PricingInputs) -> float:
    years = float(chain.years[0]) if len(chain) else 0.0
    if not years > 0:
        return 0.0
    forward = implied_forward(chain, inputs.rates)
    bare = chain.underlying_price - _paid_until_expiry(chain, inputs)
    if not (forward > 0 and bare > 0):
        return 0.0
    return float(inputs.rates.zero_rates(years)) - float(np.log(forward / bare)) / years


def _paid_until_expiry(chain: OptionChain, inputs: PricingInputs) -> float:
    """Return the present value of the dividends until the expiry of a chain of one expiry, USD a share."""
    rate = float(inputs.rates.zero_rates(chain.years[0]))
    return inputs.dividends.present_value(chain.ts_ns, int(chain.expiry_ns[0]), rate=rate)


def _european(options: EuropeanOptions, price: Array, now_ns: int, inputs: PricingInputs) -> PricedOptions:
    cash = _cash(inputs, now_ns)
    bare = american.without_dividends(options, cash) if cash.years.size else options
    return volatility_and_greeks(bare, price, engine=inputs.engine)


def _american(options: EuropeanOptions, price: Array, now_ns: int, inputs: PricingInputs) -> PricedOptions:
    cash = _cash(inputs, now_ns)
    found = american_volatility(options, price, dividends=cash, steps=inputs.steps)
    solved = ~np.isnan(found.volatility)
    numbers = np.full((5, len(options)), np.nan)
    if solved.any():
        numbers[:, solved] = american.greeks(
            options.take(solved), found.volatility[solved], dividends=cash, steps=inputs.steps
        )
    return PricedOptions(found.volatility, found.reason, Greeks(*numbers))


def _cash(inputs: PricingInputs, now_ns: int) -> CashDividends:
    years = inputs.dividends.years_from(now_ns)
    ahead = years > 0
    return CashDividends(years[ahead], np.asarray(inputs.dividends.amounts, dtype=np.float64)[ahead])
