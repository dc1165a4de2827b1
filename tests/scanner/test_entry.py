"""An entry's legs and limits are those of the candidate, never worse than the scan assumed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import ConfigError
from scanner.context import ScanContext
from scanner.criteria import Criteria, PositionFilter, Range, Structure
from scanner.entry import best_entry, entry_of
from scanner.scan import scan
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain

CONTEXT = ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD)
CHAIN = synthetic_chain(strikes=15)


def _criteria(structure: Structure, **more: float) -> Criteria:
    position = PositionFilter(width_usd=Range(max=10.0)) if structure.legs > 1 else PositionFilter()
    return Criteria(name="x", structures=(structure,), position=position, top=8, **more)  # type: ignore[arg-type]


@given(
    structure=st.sampled_from(list(Structure)),
    between=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    increment=st.sampled_from(["0.01", "0.05", "0.1"]),
)
def test_limits_are_multiples_of_the_increment_and_never_worse_than_assumed(
    structure: Structure, between: float, increment: str
) -> None:
    step = Decimal(increment)
    candidates = scan(CHAIN, _criteria(structure, price_between=between), CONTEXT).candidates
    assert candidates
    for candidate in candidates:
        entry = entry_of(candidate, increment=step)
        debit = candidate.metrics["debit_usd"]
        assert debit is not None
        assert entry.limit_usd % step == 0
        assert -1e-6 <= debit - float(entry.limit_usd) < float(step) + 1e-6
        assumed = {leg.contract: leg.price for leg in candidate.legs}
        for leg in entry.legs:
            assert leg.limit_usd % step == 0
            assert leg.limit_usd >= step
            better = (assumed[leg.contract] - float(leg.limit_usd)) * leg.ratio
            assert better > -1e-6 or leg.limit_usd == step
        assert [leg.ratio for leg in entry.legs] == sorted((leg.ratio for leg in entry.legs), reverse=True)
        assert entry.shares == (100 if structure is Structure.COVERED_CALL else 0)


def test_the_best_that_shares_no_contract_with_what_is_held_is_entered() -> None:
    criteria = _criteria(Structure.BULL_PUT)
    candidates = scan(CHAIN, criteria, CONTEXT).candidates
    first = best_entry(CHAIN, criteria, CONTEXT)
    assert first is not None
    assert first.candidate == candidates[0]
    held = {leg.contract for leg in first.legs}
    others = [one for one in candidates if not held & {leg.contract for leg in one.legs}]
    second = best_entry(CHAIN, criteria, CONTEXT, held=held)
    assert (second.candidate if second else None) == (others[0] if others else None)


def test_nothing_is_entered_where_everything_is_held_or_nothing_is_found() -> None:
    criteria = _criteria(Structure.BULL_PUT)
    assert best_entry(CHAIN, criteria, CONTEXT, held=CHAIN.contract.tolist()) is None
    impossible = Criteria(
        name="x",
        structures=(Structure.BULL_PUT,),
        position=PositionFilter(probability_of_profit=Range(min=1.0)),
    )
    assert best_entry(CHAIN, impossible, CONTEXT) is None


def test_an_increment_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="increment is 0, allowed: above 0"):
        best_entry(CHAIN, _criteria(Structure.BULL_PUT), CONTEXT, increment=Decimal(0))
