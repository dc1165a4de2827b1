"""What a scan promises beside its numbers: modes, events, many underlyings, unknowns, explanations."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from configs.criteria import bundled_names, read_criteria
from market.errors import ConfigError, NotFoundError, UserError
from market.option_chain_pricing import PARITY
from scanner.context import Event, ScanContext
from scanner.criteria import Criteria, EventFilter, LegFilter, ModeSwitch, PositionFilter, Range, Structure
from scanner.expiries import Expiries, kind_of
from scanner.explaining import explain
from scanner.scan import scan, scan_many
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain

CONTEXT = ScanContext.flat(RATE, dividend_yield=DIVIDEND_YIELD)
BOTH = Criteria(
    name="both",
    structures=(Structure.BULL_PUT, Structure.BEAR_PUT),
    mode=ModeSwitch(iv_percentile_threshold=0.5),
    position=PositionFilter(width_usd=Range(max=10.0)),
)


@pytest.mark.parametrize(
    ("percentile", "mode", "structure"),
    [(0.5, "credit", Structure.BULL_PUT), (0.4999, "debit", Structure.BEAR_PUT)],
)
def test_the_iv_percentile_chooses_between_credit_and_debit(
    percentile: float, mode: str, structure: Structure
) -> None:
    result = scan(synthetic_chain(), BOTH, dataclasses.replace(CONTEXT, iv_percentile=percentile))
    assert result.mode == mode
    assert {candidate.structure for candidate in result.candidates} == {structure}


def test_an_unknown_iv_percentile_is_refused_and_not_guessed() -> None:
    with pytest.raises(ConfigError, match="IV percentile is not known"):
        scan(synthetic_chain(), BOTH, CONTEXT)


def test_unknown_events_are_refused_where_the_criteria_avoid_them() -> None:
    criteria = Criteria(name="calm", structures=(Structure.BULL_PUT,), events=EventFilter(earnings="avoid"))
    with pytest.raises(ConfigError, match=r"no events are known.*--events"):
        scan(synthetic_chain(), criteria, CONTEXT)


@pytest.mark.parametrize(("rule", "left"), [("avoid", 2), ("require", 2), ("any", 4)])
def test_expiries_with_an_event_before_them_are_avoided_or_required(rule: str, left: int) -> None:
    chain = synthetic_chain(expiries=4)
    days = Expiries.of(chain).dates
    events = (Event("earnings", days[1] + timedelta(days=1)), Event("earnings", date(2020, 1, 1)))
    criteria = Criteria(
        name="events",
        structures=(Structure.SHORT_PUT,),
        events=EventFilter(earnings=rule),  # type: ignore[arg-type]
        top=1000,
    )
    result = scan(chain, criteria, dataclasses.replace(CONTEXT, events=events))
    assert len({candidate.legs[0].expiry for candidate in result.candidates}) == left


def test_many_underlyings_are_ranked_together() -> None:
    chains = [synthetic_chain(symbol=f"S{n}", seed=n) for n in range(5)]
    criteria = Criteria(name="many", structures=(Structure.BULL_PUT,), top=30)
    together = scan_many([(chain, CONTEXT) for chain in chains], criteria)
    alone = [scan(chain, criteria, CONTEXT) for chain in chains]
    scores = sorted((c.score for result in alone for c in result.candidates), reverse=True)[:30]
    assert [candidate.score for candidate in together.candidates] == scores
    assert together.contracts == sum(result.contracts for result in alone)
    assert together.passed == sum(result.passed for result in alone)
    assert together.underlyings == tuple(f"S{n}" for n in range(5))


def test_every_position_is_removed_once_or_passes() -> None:
    criteria = read_criteria(Path("bull_put"))
    result = scan(synthetic_chain(), criteria, CONTEXT)
    removed = sum(r.removed for r in result.removed_by_filter if r.stage == "bull_put")
    assert removed + result.passed == result.positions


def test_a_chain_without_a_price_of_its_underlying_finds_nothing_and_says_why() -> None:
    chain = dataclasses.replace(synthetic_chain(), underlying_price=np.nan)
    result = scan(chain, Criteria(name="x", structures=(Structure.BULL_PUT,)), CONTEXT)
    assert not result.candidates
    assert result.removed_by_filter[0].filter == "underlying.price_known"
    assert result.removed_by_filter[0].removed == 1


def test_no_chain_at_all_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no chain to scan"):
        scan_many([], Criteria(name="x", structures=(Structure.BULL_PUT,)))


@pytest.mark.parametrize("structure", list(Structure))
def test_every_candidate_explains_itself_with_its_own_score(structure: Structure) -> None:
    criteria = Criteria(
        name="x",
        structures=(structure,),
        position=PositionFilter(width_usd=Range(max=15.0)) if structure.legs > 1 else PositionFilter(),
        top=5,
    )
    chain = synthetic_chain(strikes=15)
    result = scan(chain, criteria, CONTEXT)
    assert result.candidates
    for candidate in result.candidates:
        explanation = explain(chain, criteria, CONTEXT, candidate.spread)
        assert all(verdict.passed for verdict in explanation.verdicts), explanation.outcome
        assert explanation.score == pytest.approx(candidate.score, abs=1e-12)
        assert sum(part.adds for part in candidate.rank_parts) == pytest.approx(candidate.score)


def test_parity_is_taken_from_both_rights_whatever_the_filters_drop() -> None:
    chain = synthetic_chain(strikes=25, step=1.0)
    parity = dataclasses.replace(CONTEXT, pricing=dataclasses.replace(CONTEXT.pricing, dividend_yield=PARITY))
    everything = Criteria(name="x", structures=(Structure.BULL_PUT,), top=1_000)
    out_of_the_money = msgspec.structs.replace(everything, legs=LegFilter(otm_fraction=Range(min=0.01)))
    known = {one.spread: one for one in scan(chain, everything, parity).candidates}
    found = scan(chain, out_of_the_money, parity).candidates
    assert len(found) > 20
    for one in found:
        for name, value in known[one.spread].metrics.items():
            assert one.metrics[name] == pytest.approx(value, rel=1e-9), name
    assert explain(chain, out_of_the_money, parity, found[0].spread).score == found[0].score


def test_an_explanation_names_every_filter_that_fails() -> None:
    criteria = Criteria(
        name="x",
        structures=(Structure.BULL_PUT,),
        short_leg=LegFilter(delta=Range(max=0.05)),
        position=PositionFilter(width_usd=Range(max=1.0)),
    )
    explanation = explain(synthetic_chain(), criteria, CONTEXT, "XYZ 2026-03-20 -97.5P +92.5P")
    failed = {verdict.filter for verdict in explanation.verdicts if not verdict.passed}
    assert failed == {"short_leg.delta", "position.width_usd"}
    value = next(one.value for one in explanation.verdicts if one.filter == "short_leg.delta")
    assert f"short_leg.delta ({value:.6g}, allowed: at most 0.05)" in explanation.outcome
    assert "position.width_usd (5, allowed: at most 1)" in explanation.outcome


def test_a_sold_call_is_covered_where_the_criteria_build_only_covered_calls() -> None:
    covered = Criteria(name="x", structures=(Structure.COVERED_CALL,))
    both = Criteria(name="x", structures=(Structure.COVERED_CALL, Structure.SHORT_CALL))
    chain = synthetic_chain()
    bare, with_shares = "XYZ 2026-03-20 -105C", "XYZ +shares 2026-03-20 -105C"
    as_covered = explain(chain, covered, CONTEXT, with_shares)
    assert explain(chain, covered, CONTEXT, bare) == as_covered
    assert explain(chain, both, CONTEXT, with_shares).score == as_covered.score
    assert explain(chain, both, CONTEXT, bare).score != as_covered.score


def test_shares_with_anything_but_one_sold_call_are_refused() -> None:
    criteria = Criteria(name="x", structures=(Structure.COVERED_CALL,))
    with pytest.raises(UserError, match="no position that a scan builds"):
        explain(synthetic_chain(), criteria, CONTEXT, "XYZ +shares 2026-03-20 -95P")


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2015, 1, 16), "monthly"),
        (date(2014, 8, 16), "monthly"),  # a Saturday, as expiries were until 2015
        (date(2015, 12, 31), "quarterly"),
        (date(2019, 4, 18), "monthly"),  # Good Friday follows
        (date(2024, 3, 28), "quarterly"),  # Good Friday follows
        (date(2015, 1, 23), "weekly"),
        (date(2015, 1, 30), "weekly"),
    ],
)
def test_kinds_of_expiries(day: date, kind: str) -> None:
    assert kind_of(day, frozenset({day})) == kind


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_criteria_finds_something(name: str) -> None:
    chain = synthetic_chain(expiries=9, strikes=41, step=1.0)
    result = scan(chain, read_criteria(Path(name)), dataclasses.replace(CONTEXT, iv_percentile=0.7))
    assert result.candidates, result.removed_by_filter


def test_more_condors_than_a_scan_looks_at_are_refused_with_what_to_narrow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scanner.condors.COMBINATIONS_MAX", 100)
    criteria = Criteria(name="x", structures=(Structure.IRON_CONDOR,))
    with pytest.raises(ConfigError, match=r"times iron_condor of XYZ, allowed: 100\. Narrow short_leg"):
        scan(synthetic_chain(), criteria, CONTEXT)


@pytest.mark.parametrize("structure", [Structure.IRON_CONDOR, Structure.IRON_BUTTERFLY])
def test_wings_of_unequal_width_are_counted(structure: Structure) -> None:
    open_to_all = Criteria(
        name="x",
        structures=(structure,),
        position=PositionFilter(width_usd=Range(max=10)),
        equal_widths=False,
    )
    equal_only = msgspec.structs.replace(open_to_all, equal_widths=True)
    every, equal = (scan(synthetic_chain(), criteria, CONTEXT) for criteria in (open_to_all, equal_only))
    [removal] = [one for one in equal.removed_by_filter if one.filter == "equal_widths"]
    assert removal.stage == f"{structure} wings"
    assert removal.left == equal.positions > 0
    assert removal.removed == every.positions - equal.positions > 0
    assert not [one for one in every.removed_by_filter if one.filter == "equal_widths"]


def test_an_explained_covered_call_names_its_shares() -> None:
    criteria = Criteria(name="x", structures=(Structure.COVERED_CALL,))
    explanation = explain(synthetic_chain(), criteria, CONTEXT, "XYZ +shares 2026-03-20 -105C")
    assert explanation.subject == "+shares -1xXYZ018C105"


def test_a_spread_of_another_underlying_is_refused() -> None:
    criteria = Criteria(name="x", structures=(Structure.BULL_PUT,))
    with pytest.raises(UserError, match="This scan is of XYZ, the spread is of ABC"):
        explain(synthetic_chain(), criteria, CONTEXT, "ABC 2026-03-20 -97.5P +92.5P")


def test_a_strike_that_is_not_listed_is_answered_with_the_nearest_and_an_expiry_with_the_expiries() -> None:
    criteria = Criteria(name="x", structures=(Structure.BULL_PUT,))
    with pytest.raises(
        NotFoundError, match=r"no put 96 expiring on 2026-03-20. The nearest strikes: 92.5, 95, 97.5, 100"
    ):
        explain(synthetic_chain(), criteria, CONTEXT, "XYZ 2026-03-20 -96P")
    with pytest.raises(NotFoundError, match=r"no put 95 expiring on 2026-03-21. Its expiries: 2026-03-06, "):
        explain(synthetic_chain(), criteria, CONTEXT, "XYZ 2026-03-21 -95P")
