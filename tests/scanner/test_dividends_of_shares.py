"""A covered call's shares are paid what goes ex until expiry: the price drops by what they receive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.dividends import DividendSchedule, received_of_yield
from market.option_chain_pricing import PricingInputs
from market.rates import RateCurve
from scanner.candidates import Candidate
from scanner.context import ScanContext
from scanner.criteria import Criteria, LegFilter, Range, Structure
from scanner.scan import scan
from tests.scanner.chains import DAY_NS, NOW_NS, synthetic_chain

EX_NS = NOW_NS + 8 * DAY_NS
"""Between the first expiry (4 days) and the second (11 days)."""
AMOUNT = 0.80


def _found(structure: Structure, dividends: DividendSchedule, *, rate: float = 0.0) -> dict[str, Candidate]:
    pricing = PricingInputs(rates=RateCurve.flat(rate), dividends=dividends, dividend_yield=0.0)
    criteria = Criteria(
        name="x", structures=(structure,), legs=LegFilter(otm_fraction=Range(min=0.0)), top=1_000
    )
    found = scan(synthetic_chain(), criteria, ScanContext(pricing=pricing)).candidates
    return {one.legs[0].contract: one for one in found}


DIVIDEND = DividendSchedule((EX_NS,), (AMOUNT,))


def test_without_interest_shares_at_their_price_add_nothing_to_a_sold_calls_expected_value() -> None:
    covered, bare = (_found(kind, DIVIDEND) for kind in (Structure.COVERED_CALL, Structure.SHORT_CALL))
    assert len(covered) > 10
    for name, one in covered.items():
        expected = bare[name].metrics["expected_value_usd"]
        assert one.metrics["expected_value_usd"] == pytest.approx(expected, abs=1e-6)


def test_a_dividend_before_expiry_lowers_the_breakeven_and_raises_what_can_be_earned() -> None:
    with_it, without = (_found(Structure.COVERED_CALL, one) for one in (DIVIDEND, DividendSchedule()))
    paid = {name: one.legs[0].expiry_ns >= EX_NS for name, one in with_it.items()}
    assert set(paid.values()) == {True, False}
    for name in with_it.keys() & without.keys():
        received = AMOUNT if paid[name] else 0.0
        own, other = with_it[name], without[name]
        assert own.breakevens[0] == pytest.approx(other.breakevens[0] - received)
        for key, sign in (("max_profit_usd", 1), ("max_loss_usd", -1)):
            before, after = other.metrics[key], own.metrics[key]
            assert before is not None
            assert after == pytest.approx(before + sign * 100 * received)


def test_the_chance_of_profit_is_that_of_the_price_falling_by_more_than_premium_and_dividend() -> None:
    """The price is expected to drop by the dividend, which is paid: the chance hardly changes."""
    with_it, without = (_found(Structure.COVERED_CALL, one) for one in (DIVIDEND, DividendSchedule()))
    for name in with_it.keys() & without.keys():
        own, other = (one[name].metrics["probability_of_profit"] for one in (with_it, without))
        assert own == pytest.approx(other, abs=0.02)


def test_instants_at_the_limits_of_a_schedule_count() -> None:
    schedule = DividendSchedule((10, 20, 30), (1.0, 2.0, 4.0))
    until = np.array([9, 10, 19, 20, 30, 99], dtype=np.int64)
    assert schedule.paid_until(until, after_ns=9).tolist() == [0.0, 1.0, 1.0, 3.0, 7.0, 7.0]
    assert schedule.paid_until(until, after_ns=10).tolist() == [0.0, 0.0, 0.0, 2.0, 6.0, 6.0]
    assert replace(schedule, ex_ns=(), amounts=()).paid_until(until, after_ns=0).tolist() == [0.0] * 6
    assert schedule.paid_until(np.empty(0, dtype=np.int64), after_ns=0).size == 0


def test_a_yield_pays_what_the_forward_lacks() -> None:
    assert float(received_of_yield(100.0, 0.02, 0.5)) == pytest.approx(100 * (1 - np.exp(-0.01)))
    assert received_of_yield(100.0, [0.0, 0.02], [1.0, -1.0]).tolist() == [0.0, 0.0]
