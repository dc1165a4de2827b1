"""Payoffs agree with the scanner's closed forms, with parity, and with themselves at expiry."""

from __future__ import annotations

import numpy as np
import pytest

from market.errors import DataError
from market.option_chain_pricing import priced
from scanner.context import ScanContext
from scanner.criteria import Criteria, PositionFilter, Range, Structure
from scanner.payoff import HeldLeg, breakevens, payoff
from scanner.scan import scan
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain

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
    assert found.max_profit is None
    assert len(found.breakevens) == 2


def test_breakevens_are_where_the_sign_changes() -> None:
    prices = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert breakevens(prices, np.array([-1.0, 1.0, 1.0, 0.0, -2.0])) == (1.5, 4.0)
    assert breakevens(prices, np.array([0.0, 0.0, 0.0, 1.0, 2.0])) == ()
