"""The compiled loops find what the NumPy ones find: the same counts, positions and numbers."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.option_chain import OptionChain
from market.option_chain_pricing import priced
from market.pricing.implied_volatility import Engine
from scanner.context import ScanContext
from scanner.criteria import Criteria, LegFilter, PositionFilter, Range, RankTerm, Structure
from scanner.scan import scan
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain

pytest.importorskip("numba")

METRICS = (
    ("width_usd", 2.0, 20.0),
    ("credit_usd", -8.0, 8.0),
    ("debit_usd", -8.0, 8.0),
    ("credit_to_width", -0.7, 0.7),
    ("max_profit_usd", 20.0, 900.0),
    ("max_loss_usd", 20.0, 1500.0),
    ("return_on_risk", 0.1, 5.0),
    ("annualised_return", 0.5, 200.0),
    ("breakeven_distance_fraction", -0.05, 0.08),
    ("breakeven_low_usd", 85.0, 112.0),
    ("breakeven_high_usd", 92.0, 105.0),
    ("legs_bid_ask_to_width", 0.01, 0.2),
    ("delta", -0.4, 0.4),
    ("gamma", -0.04, 0.04),
    ("theta", -0.05, 0.05),
    ("vega", -0.06, 0.06),
    ("probability_of_profit", 0.3, 0.85),
    ("expected_value_usd", -60.0, 0.0),
    ("expected_return", -0.2, 0.05),
)


def _chain(seed: int) -> OptionChain:
    """Priced beforehand, so that only the loops over positions differ."""
    chain = synthetic_chain(expiries=3, strikes=15, step=3.0, seed=seed)
    return priced(chain, ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD).pricing)


def _context(engine: Engine) -> ScanContext:
    context = ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD)
    return dataclasses.replace(context, pricing=dataclasses.replace(context.pricing, engine=engine))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 3),
    structures=st.lists(st.sampled_from(list(Structure)), min_size=1, max_size=4, unique=True),
    filtered=st.lists(st.sampled_from(METRICS), max_size=5, unique=True),
    ranked=st.lists(st.sampled_from(METRICS), min_size=1, max_size=3, unique=True),
    is_downwards=st.booleans(),
    delta_max=st.sampled_from([None, 0.6]),
    width=st.sampled_from([Range(max=6.0), Range(min=6.0, max=12.0)]),
    equal_widths=st.booleans(),
    top=st.integers(1, 40),
)
def test_compiled_loops_find_what_the_eager_and_the_lazy_ranking_of_numpy_find(
    seed: int,
    structures: list[Structure],
    filtered: list[tuple[str, float, float]],
    ranked: list[tuple[str, float, float]],
    is_downwards: bool,
    delta_max: float | None,
    width: Range,
    equal_widths: bool,
    top: int,
) -> None:
    criteria = Criteria(
        name="both",
        structures=tuple(structures),
        short_leg=LegFilter(delta=None if delta_max is None else Range(max=delta_max)),
        equal_widths=equal_widths,
        position=PositionFilter(
            **{"width_usd": width} | {name: Range(min=low, max=high) for name, low, high in filtered}
        ),
        ranking=tuple(
            RankTerm(by=name, worst=high, best=low)
            if is_downwards
            else RankTerm(by=name, worst=low, best=high)
            for name, low, high in ranked
        ),
        top=top,
    )
    chain = _chain(seed)
    compiled = scan(chain, criteria, _context("numba"))
    assert compiled == scan(chain, criteria, _context("numpy"))
    assert compiled == scan(chain, criteria, _context("numpy"), lazy=False)
