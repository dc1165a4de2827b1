"""Lazy ranking equals computing everything, whatever is ranked by."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.context import ScanContext
from scanner.criteria import Criteria, LegFilter, PositionFilter, Range, RankTerm, Structure
from scanner.scan import scan
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain

TERMS = st.sampled_from(
    [
        ("probability_of_profit", 0.3, 1.0),
        ("probability_of_profit", 0.9, 0.2),
        ("expected_value_usd", -50.0, 20.0),
        ("expected_return", -0.3, 0.1),
        ("expected_return", 0.1, -0.3),
        ("return_on_risk", 0.0, 1.0),
        ("credit_to_width", 0.5, 0.0),
        ("legs_bid_ask_to_width", 0.5, 0.0),
        ("theta", -0.05, 0.05),
        ("breakeven_distance_fraction", 0.0, 0.1),
        ("width_usd", 2.5, 2.6),
    ]
)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 5),
    top=st.integers(1, 60),
    terms=st.lists(TERMS, min_size=1, max_size=4, unique_by=lambda term: term[0]),
    weights=st.lists(st.floats(0.01, 10), min_size=4, max_size=4),
    structures=st.lists(st.sampled_from(list(Structure)), min_size=1, max_size=4, unique=True),
)
def test_lazy_ranking_equals_eager_ranking(
    seed: int,
    top: int,
    terms: list[tuple[str, float, float]],
    weights: list[float],
    structures: list[Structure],
) -> None:
    ranking = tuple(
        RankTerm(by=by, worst=worst, best=best, weight=weight)
        for (by, worst, best), weight in zip(terms, weights, strict=False)
    )
    criteria = Criteria(
        name="any",
        structures=tuple(structures),
        short_leg=LegFilter(delta=Range(max=0.6)),
        position=PositionFilter(width_usd=Range(max=10.0)),
        ranking=ranking,
        top=top,
    )
    chain = synthetic_chain(expiries=2, strikes=13, seed=seed)
    context = ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD)
    lazy, eager = scan(chain, criteria, context), scan(chain, criteria, context, lazy=False)
    assert lazy == eager
    assert lazy.passed >= len(lazy.candidates)
    scores = [candidate.score for candidate in lazy.candidates]
    assert scores == sorted(scores, reverse=True)
