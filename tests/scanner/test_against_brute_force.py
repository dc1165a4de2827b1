"""Counts per filter and the best verticals equal those of plain loops and QuantLib."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from catalog.ingest_lean_options import ingest_lean_options
from catalog.option_chains import chain_at
from catalog.store import CatalogStore
from configs.criteria import bundled_names, read_criteria
from market.option_chain import OptionChain
from market.time import new_york_ns, to_ns
from scanner.context import ScanContext
from scanner.criteria import VERTICALS, Criteria, LegFilter, PositionFilter, Range, RankTerm, Structure
from scanner.scan import scan
from tests.scanner.brute_force import BruteForce
from tests.scanner.chains import DIVIDEND_YIELD, RATE, synthetic_chain


def _criteria(structure: Structure, *, dte: tuple[float, float] = (5, 120)) -> Criteria:
    """One range of nearly every kind; none so tight that nothing is left."""
    return Criteria(
        name="brute",
        structures=(structure,),
        price_between=0.25,
        legs=LegFilter(
            dte=Range(min=dte[0], max=dte[1]),
            otm_fraction=Range(min=-0.15, max=0.20),
            bid_ask_fraction=Range(max=0.40),
            iv=Range(min=0.05, max=1.5),
            vega=Range(min=0.005),
        ),
        short_leg=LegFilter(delta=Range(min=0.10, max=0.70), theta=Range(max=-0.001)),
        long_leg=LegFilter(delta=Range(min=0.03, max=0.75), gamma=Range(min=1e-5)),
        position=PositionFilter(
            width_usd=Range(min=2.0, max=60.0),
            credit_to_width=Range(min=-0.8, max=0.7),
            max_loss_usd=Range(min=10.0, max=6_000.0),
            return_on_risk=Range(min=0.05, max=8.0),
            delta=Range(min=-0.5, max=0.5),
            probability_of_profit=Range(min=0.20, max=0.95),
            breakeven_low_usd=Range(min=1.0, max=5_000.0),
        ),
        top=50,
    )


def _assert_equal(
    chain: OptionChain, criteria: Criteria, *, rate: float, dividend_yield: float, finds_some: bool = True
) -> None:
    result = scan(chain, criteria, ScanContext.flat(rate, dividend_yield=dividend_yield))
    brute = BruteForce(chain, criteria, rate=rate, dividend_yield=dividend_yield)
    best = brute.best(criteria.structures)
    assert bool(best) or not finds_some, "the criteria of this test find nothing"
    counted = {(r.stage, r.filter): r.removed for r in result.removed_by_filter if r.removed}
    assert counted == brute.removed
    assert result.passed == len(best)
    assert len(result.candidates) == min(50, len(best))
    rows = {name: row for row, name in enumerate(chain.contract.tolist())}
    by_rows = {one.rows: one for one in best}
    for candidate, expected in zip(result.candidates, best, strict=False):
        assert candidate.score == pytest.approx(expected.score, abs=1e-8)
        own = by_rows[tuple(rows[leg.contract] for leg in candidate.legs)]
        assert candidate.score == pytest.approx(own.score, abs=1e-8)
        assert candidate.metrics["probability_of_profit"] == pytest.approx(own.probability, abs=1e-8)


@pytest.mark.parametrize("structure", VERTICALS)
def test_verticals_of_a_synthetic_chain(structure: Structure) -> None:
    chain = synthetic_chain(expiries=3, strikes=25, seed=7)
    _assert_equal(chain, _criteria(structure), rate=RATE, dividend_yield=DIVIDEND_YIELD)


SINGLES = (Structure.SHORT_PUT, Structure.COVERED_CALL, Structure.LONG_CALL)


@pytest.mark.parametrize("structure", SINGLES)
def test_single_legs_of_a_synthetic_chain(structure: Structure) -> None:
    chain = synthetic_chain(expiries=3, strikes=25, seed=7)
    criteria = Criteria(
        name="singles",
        structures=(structure,),
        price_between=0.25,
        legs=LegFilter(dte=Range(min=5, max=120), iv=Range(min=0.05, max=1.5)),
        position=PositionFilter(
            credit_usd=Range(min=-12.0),
            return_on_risk=Range(min=0.001),
            probability_of_profit=Range(min=0.05),
        ),
    )
    _assert_equal(chain, criteria, rate=RATE, dividend_yield=DIVIDEND_YIELD)


CONDORS = (Structure.IRON_CONDOR, Structure.IRON_BUTTERFLY)


def _condor_criteria(structure: Structure) -> Criteria:
    return Criteria(
        name="brute",
        structures=(structure,),
        price_between=0.5,
        legs=LegFilter(dte=Range(min=7, max=70), bid_ask_fraction=Range(max=0.6)),
        short_leg=LegFilter(delta=Range(min=0.15, max=0.60)),
        position=PositionFilter(
            width_usd=Range(max=25.0),
            credit_to_width=Range(min=0.1, max=0.95),
            return_on_risk=Range(max=12.0),
            probability_of_profit=Range(min=0.15),
        ),
    )


@pytest.mark.parametrize("structure", CONDORS)
def test_condors_of_a_synthetic_chain(structure: Structure) -> None:
    chain = synthetic_chain(expiries=2, strikes=17, seed=3)
    _assert_equal(chain, _condor_criteria(structure), rate=RATE, dividend_yield=DIVIDEND_YIELD)


@pytest.mark.real_data
@pytest.mark.parametrize("structure", CONDORS)
def test_condors_of_goog(goog: OptionChain, structure: Structure) -> None:
    _assert_equal(goog, _condor_criteria(structure), rate=0.0, dividend_yield=0.0)


@pytest.fixture(scope="module")
def goog(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> OptionChain:
    """GOOG on 2015-12-24 at noon New York, 2,192 contracts."""
    catalog = tmp_path_factory.mktemp("catalog")
    day = date(2015, 12, 24)
    ingest_lean_options(
        real_data / "lean", store=CatalogStore(catalog), symbols=("GOOG",), start=day, end=day
    )
    return chain_at(catalog, "GOOG", to_ns("2015-12-24T12:00:00-05:00"))


@pytest.mark.real_data
@pytest.mark.parametrize("structure", VERTICALS)
def test_verticals_of_goog(goog: OptionChain, structure: Structure) -> None:
    assert len(goog) == 2_192
    # Without dividends and interest nothing is exercised early: QuantLib's closed form holds.
    _assert_equal(goog, _criteria(structure), rate=0.0, dividend_yield=0.0)


def _bundled(name: str) -> list[Criteria]:
    """Return a bundled profile for each side of its mode switch, with the structures that it builds there."""
    criteria = read_criteria(Path(name))
    if criteria.mode is None:
        return [criteria]
    sides = [
        tuple(one for one in criteria.structures if one.is_credit == is_credit) for is_credit in (True, False)
    ]
    return [msgspec.structs.replace(criteria, structures=structures, mode=None) for structures in sides]


@pytest.mark.real_data
@pytest.mark.parametrize("name", bundled_names())
def test_bundled_criteria_on_goog(goog: OptionChain, name: str) -> None:
    for criteria in _bundled(name):
        _assert_equal(goog, criteria, rate=0.0, dividend_yield=0.0)


@pytest.mark.real_data
@pytest.mark.parametrize("name", bundled_names())
def test_bundled_criteria_on_the_end_of_day_chain_of_aapl(real_data: Path, name: str) -> None:
    for criteria in _bundled(name):
        _assert_equal(_aapl(real_data), criteria, rate=0.0, dividend_yield=0.0)


def _end_of_day(
    symbol: str, ts_ns: int, rows: Iterable[dict[str, object]], *, underlying_price: float
) -> OptionChain:
    """A chain of rows read without the ingestion that has tests of its own."""
    listed = list(rows)
    columns = {name: np.array([row[name] for row in listed]) for name in listed[0]}
    return OptionChain.of(underlying=symbol, ts_ns=ts_ns, underlying_price=underlying_price, columns=columns)


def _spx(folder: Path, quote_date: str) -> OptionChain:
    rows: list[dict[str, object]] = []
    price = 0.0
    for file in sorted((folder / "end_of_day_chains").glob("SPX_*.csv")):
        with file.open(newline="") as stream:
            for row in csv.DictReader(stream):
                if row["quotedate"] == quote_date:
                    price = float(row["underlying_last"])
                    rows.append(
                        {
                            "contract": row["optionalias"],
                            "expiry_ns": new_york_ns(date.fromisoformat(row["expiration"]), time(16)),
                            "strike": float(row["strike"]),
                            "is_call": row["type"] == "call",
                            "style": "E",
                            "settlement": "PM",
                            "bid": float(row["bid"]),
                            "ask": float(row["ask"]),
                            "open_interest": float(row["openinterest"]),
                        }
                    )
    return _end_of_day("SPX", to_ns(f"{quote_date}T16:00:00-05:00"), rows, underlying_price=price)


def _aapl(folder: Path) -> OptionChain:
    rows: list[dict[str, object]] = []
    file = folder / "end_of_day_chains" / "AAPL_2014-08-07_ivolatility.csv"
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            month, day, year = (int(part) for part in row["option_expiration"].split("/"))
            rows.append(
                {
                    "contract": row["option_symbol"],
                    "expiry_ns": new_york_ns(date(year, month, day), time(16)),
                    "strike": float(row["strike"]),
                    "is_call": row["call/put"] == "C",
                    "bid": float(row["bid"]),
                    "ask": float(row["ask"]),
                    "volume": float(row["volume"]),
                    "open_interest": float(row["open_interest"]),
                }
            )
    return _end_of_day("AAPL", to_ns("2014-08-07T16:00:00-04:00"), rows, underlying_price=94.48)


@pytest.mark.real_data
@pytest.mark.parametrize("structure", [*VERTICALS, *CONDORS])
def test_end_of_day_chain_of_aapl(real_data: Path, structure: Structure) -> None:
    chain = _aapl(real_data)
    assert len(chain) == 1_822
    liquid = LegFilter(
        dte=Range(min=7, max=45),
        bid_ask_fraction=Range(max=0.5),
        volume=Range(min=1),
        open_interest=Range(min=20),
    )
    make = _criteria if structure in VERTICALS else _condor_criteria
    criteria = msgspec.structs.replace(make(structure), legs=liquid)
    _assert_equal(chain, criteria, rate=0.0, dividend_yield=0.0)


@pytest.mark.real_data
@pytest.mark.parametrize("quote_date", ["2014-12-15", "2017-01-03", "2017-03-16"])
def test_end_of_day_chains_of_spx_with_a_handful_of_far_strikes(real_data: Path, quote_date: str) -> None:
    criteria = Criteria(
        name="spx",
        structures=(Structure.BEAR_PUT,),
        legs=LegFilter(open_interest=Range(min=0)),
        ranking=(RankTerm(by="credit_to_width", worst=-1.0, best=0.0),),
    )
    chain = _spx(real_data, quote_date)
    _assert_equal(chain, criteria, rate=0.01, dividend_yield=0.02, finds_some=False)
