"""What nothing limits is named apart from what does not apply, and ranked by a price that may be reached."""

from __future__ import annotations

import math

import pytest

from market.option_chain_pricing import PricingInputs
from market.rates import RateCurve
from scanner.candidates import Candidate
from scanner.context import ScanContext
from scanner.criteria import Criteria, PositionFilter, Range, RankTerm, Structure
from scanner.explaining import explain
from scanner.scan import scan
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain

CONTEXT = ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD)
CHAIN = synthetic_chain()


def _all(structure: Structure, **position: Range) -> tuple[Candidate, ...]:
    criteria = Criteria(name="x", structures=(structure,), position=PositionFilter(**position), top=1_000)
    return scan(CHAIN, criteria, CONTEXT).candidates


@pytest.mark.parametrize(
    ("structure", "names"),
    [
        (Structure.LONG_CALL, ("max_profit_usd", "return_on_risk", "annualised_return")),
        (Structure.SHORT_CALL, ("max_loss_usd",)),
        (Structure.BULL_PUT, ()),
        (Structure.LONG_PUT, ()),
    ],
)
def test_unlimited_metrics_are_named_and_not_confused_with_absent_ones(
    structure: Structure, names: tuple[str, ...]
) -> None:
    for one in _all(structure):
        assert one.unlimited == names
        assert all(one.metrics[name] is None for name in names)
        absent = {name for name, value in one.metrics.items() if value is None} - set(names)
        assert absent == ({"width_usd", "credit_to_width"} if structure.legs == 1 else set())


def test_a_bought_calls_return_is_ranked_at_two_standard_deviations() -> None:
    found = _all(Structure.LONG_CALL)
    for one in found:
        leg = one.legs[0]
        [part] = [part for part in one.rank_parts if part.by == "return_on_risk"]
        assert leg.iv is not None
        years = (leg.expiry_ns - CHAIN.ts_ns) / (365 * 86_400e9)
        deviation = leg.iv * math.sqrt(years)
        price = CHAIN.underlying_price * math.exp(
            (RATE - DIVIDEND_YIELD) * years + 2 * deviation - deviation**2 / 2
        )
        assert part.value == pytest.approx((max(price - leg.strike, 0) - leg.ask) / leg.ask)
        assert sum(part.adds for part in one.rank_parts) == pytest.approx(one.score)


def test_a_deep_call_does_not_earn_more_on_its_risk_than_one_at_the_money() -> None:
    found = _all(Structure.LONG_CALL)
    last = max(one.dte for one in found)
    returns = {
        one.legs[0].strike: part.value
        for one in found
        for part in one.rank_parts
        if one.dte == last and part.by == "return_on_risk" and part.value is not None
    }
    assert 0 < returns[80.0] < returns[90.0] < returns[100.0] / 2
    assert found[0].legs[0].strike > 80.0


def test_filters_still_take_an_unlimited_profit_as_infinite() -> None:
    assert len(_all(Structure.LONG_CALL, max_profit_usd=Range(min=1e8))) == len(_all(Structure.LONG_CALL))
    assert not _all(Structure.LONG_CALL, max_profit_usd=Range(max=1e8))


def test_an_explanation_says_unlimited() -> None:
    criteria = Criteria(
        name="x", structures=(Structure.LONG_CALL,), position=PositionFilter(max_profit_usd=Range(max=5_000))
    )
    best = _all(Structure.LONG_CALL)[0]
    explanation = explain(CHAIN, criteria, CONTEXT, best.spread)
    [verdict] = [one for one in explanation.verdicts if one.filter == "position.max_profit_usd"]
    assert (verdict.value, verdict.unlimited, verdict.passed) == (None, True, False)
    assert "position.max_profit_usd (unlimited, allowed: at most 5000)" in explanation.outcome
    assert explanation.score == pytest.approx(best.score)


def test_realised_volatility_moves_the_price_that_may_be_reached() -> None:
    pricing = PricingInputs(rates=RateCurve.flat(0.0), dividend_yield=0.0)
    term = (RankTerm(by="max_profit_usd", worst=0.0, best=1e5),)
    criteria = Criteria(name="x", structures=(Structure.LONG_CALL,), volatility="realised", ranking=term)
    calm, wild = (
        scan(CHAIN, criteria, ScanContext(pricing=pricing, realised_volatility=one)).candidates[0].score
        for one in (0.1, 0.5)
    )
    assert wild > calm
