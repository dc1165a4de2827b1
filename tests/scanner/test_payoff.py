"""Payoffs agree with the scanner's closed forms, with parity, and with themselves at expiry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.dividends import DividendSchedule
from market.errors import DataError
from market.option_chain_pricing import priced
from scanner.context import ScanContext
from scanner.criteria import Criteria, PositionFilter, Range, Structure
from scanner.payoff import HeldLeg, breakevens, payoff
from scanner.scan import scan
from tests.scanner.chains import DAY_NS, DIVIDEND_YIELD, NOW_NS, RATE, synthetic_chain

CONTEXT = ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD)
CHAIN = priced(synthetic_chain(), CONTEXT.pricing)


@pytest.mark.parametrize("structure", list(Structure))
def test_a_candidates_payoff_has_its_breakevens_probability_and_extremes(structure: Structure) -> None:
    position = PositionFilter(width_usd=Range(max=15.0)) if structure.legs > 1 else PositionFilter()
    result = scan(CHAIN, Criteria(name="x", structures=(structure,), position=position, top=6), CONTEXT)
    for candidate in result.candidates:
        legs = [
            HeldLeg(row=CHAIN.row_of(leg.contract), quantity=1 if leg.side == "buy" else -1, price=leg.price)
            for leg in candidate.legs
        ]
        shares = 100.0 if structure is Structure.COVERED_CALL else 0.0
        found = payoff(CHAIN, legs, CONTEXT.pricing, shares=shares)
        metrics = candidate.metrics
        assert found.breakevens == pytest.approx(candidate.breakevens)
        assert found.probability_of_profit == pytest.approx(metrics["probability_of_profit"], abs=1e-9)
        assert found.net == pytest.approx(metrics["credit_usd"])
        for own, key in ((found.max_profit, "max_profit_usd"), (found.max_loss, "max_loss_usd")):
            assert (own is None) == (metrics[key] is None)
            if own is not None:
                assert own == pytest.approx(metrics[key])


def test_a_leg_that_is_not_priced_is_refused() -> None:
    row = int(np.flatnonzero(np.isnan(CHAIN.iv))[0])
    with pytest.raises(DataError, match="no implied volatility"):
        payoff(CHAIN, [HeldLeg(row=row, quantity=1, price=1.0)], CONTEXT.pricing)


def test_a_calendar_spread_has_a_curve_and_no_probability() -> None:
    near, far = (
        int(np.flatnonzero((CHAIN.strike == 100) & CHAIN.is_call & (CHAIN.expiry_ns == ns))[0])
        for ns in CHAIN.expiries[[0, 2]]
    )
    legs = [HeldLeg(row=near, quantity=-1, price=1.0), HeldLeg(row=far, quantity=1, price=2.0)]
    found = payoff(CHAIN, legs, CONTEXT.pricing)
    assert found.probability_of_profit is None
    assert len(found.breakevens) == 2
    at_first = found.curves[-1].profit
    assert found.max_profit == pytest.approx(at_first.max(), abs=0.5)
    assert found.max_profit is not None
    assert found.max_profit > 0
    assert found.max_loss == pytest.approx(100.0, abs=5.0), (
        "the debit: far away both calls are worth the same"
    )
    assert found.modelled_up_to is not None
    assert found.modelled_up_to > 1.2 * CHAIN.underlying_price


def _row(strike: float, *, is_call: bool, expiry: int) -> int:
    wanted = (
        (CHAIN.strike == strike) & (CHAIN.is_call == is_call) & (CHAIN.expiry_ns == CHAIN.expiries[expiry])
    )
    return int(np.flatnonzero(wanted)[0])


def test_a_sold_calendar_loses_what_the_bought_one_gains() -> None:
    near, far = (_row(100, is_call=True, expiry=number) for number in (0, 2))
    bought = [HeldLeg(row=near, quantity=-1, price=1.0), HeldLeg(row=far, quantity=1, price=2.0)]
    sold = [HeldLeg(row=leg.row, quantity=-leg.quantity, price=leg.price) for leg in bought]
    one, other = payoff(CHAIN, bought, CONTEXT.pricing), payoff(CHAIN, sold, CONTEXT.pricing)
    assert one.max_profit == pytest.approx(other.max_loss)
    assert one.max_loss == pytest.approx(other.max_profit)


@pytest.mark.parametrize(
    ("quantities", "has_profit_limit", "has_loss_limit"), [((-1, 2), False, True), ((-2, 1), True, False)]
)
def test_a_diagonal_with_more_calls_on_one_side_has_no_limit_there(
    quantities: tuple[int, int], has_profit_limit: bool, has_loss_limit: bool
) -> None:
    rows = _row(102.5, is_call=True, expiry=0), _row(100, is_call=True, expiry=2)
    legs = [HeldLeg(row=row, quantity=n, price=1.0) for row, n in zip(rows, quantities, strict=True)]
    found = payoff(CHAIN, legs, CONTEXT.pricing)
    assert (found.max_profit is not None) == has_profit_limit
    assert (found.max_loss is not None) == has_loss_limit


def test_a_put_diagonal_is_worst_or_best_down_to_a_price_of_nothing() -> None:
    legs = [
        HeldLeg(row=_row(105, is_call=False, expiry=0), quantity=-1, price=6.0),
        HeldLeg(row=_row(95, is_call=False, expiry=2), quantity=1, price=1.0),
    ]
    found = payoff(CHAIN, legs, CONTEXT.pricing)
    assert found.max_loss == pytest.approx(100 * (10 - 5), abs=30), "the strikes' distance less the credit"


def test_shares_are_paid_their_dividends() -> None:
    ex_ns = NOW_NS + 6 * DAY_NS
    inputs = replace(CONTEXT.pricing, dividend_yield=0.0, dividends=DividendSchedule((ex_ns,), (0.75,)))
    chain = priced(synthetic_chain(), inputs)
    for expiry, dividend in ((0, 0.0), (1, 0.75)):
        row = _row(102.5, is_call=True, expiry=expiry)
        found = payoff(chain, [HeldLeg(row=row, quantity=-1, price=0.2)], inputs, shares=100.0)
        assert found.dividends == dividend
        assert found.breakevens == pytest.approx((chain.underlying_price - 0.2 - dividend,))
        assert found.max_profit == pytest.approx(100 * (102.5 - chain.underlying_price + 0.2 + dividend))
        assert found.max_loss == pytest.approx(100 * (chain.underlying_price - 0.2 - dividend))


def test_breakevens_are_where_the_sign_changes() -> None:
    prices = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert breakevens(prices, np.array([-1.0, 1.0, 1.0, 0.0, -2.0])) == (1.5, 4.0)
    assert breakevens(prices, np.array([0.0, 0.0, 0.0, 1.0, 2.0])) == ()
