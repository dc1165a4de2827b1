"""Names, classes and settlement of option contracts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.calendar import TradingCalendar
from market.errors import DataError
from market.option_contracts import (
    ContractName,
    IndexSpec,
    OptionSpec,
    occ_symbol,
    option_class,
    parse_occ_symbol,
    settlement_ns,
)
from market.time import to_ns

CALENDAR = TradingCalendar(date(2015, 1, 1), date(2021, 12, 31))


@given(
    root=st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    day=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    thousandths=st.integers(1, 10**8 - 1),
    is_call=st.booleans(),
)
def test_a_symbol_says_what_it_was_made_of(root: str, day: date, thousandths: int, is_call: bool) -> None:
    strike = Decimal(thousandths) / 1000
    symbol = occ_symbol(root, day, strike=strike, is_call=is_call)
    assert len(symbol) == 21
    assert parse_occ_symbol(symbol) == ContractName(root, day, is_call, strike)
    assert parse_occ_symbol(f"{symbol.replace(' ', '')}.SMART") == ContractName(root, day, is_call, strike)


@pytest.mark.parametrize(
    "text", ["GOOG", "GOOG151332C00750000", "GOOG151224X00750000", "GOOG151224C0075", ""]
)
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="is no option symbol"):
        parse_occ_symbol(text)


@pytest.mark.parametrize("strike", [Decimal(0), Decimal("0.0001"), Decimal(100_000)])
def test_a_strike_without_a_symbol_is_refused(strike: Decimal) -> None:
    with pytest.raises(DataError, match="has no symbol"):
        occ_symbol("SPX", date(2021, 1, 6), strike=strike, is_call=True)


def test_index_classes_are_european_and_cash_settled_others_american_and_physical() -> None:
    spx, spxw, goog = option_class("spx"), option_class("SPXW"), option_class("GOOG")
    assert (spx.style, spx.settlement, spxw.settlement, spxw.underlying) == ("E", "AM", "PM", "SPX")
    assert (goog.style, goog.settlement, goog.price_increment) == ("A", "physical", Decimal("0.01"))
    assert (spxw.underlying_id, goog.underlying_id) == ("^SPX.SMART", "GOOG.SMART")
    assert IndexSpec(symbol="SPX").instrument_id == spx.underlying_id


@pytest.mark.parametrize(
    ("expiry", "settlement", "at"),
    [
        (date(2021, 1, 6), "PM", "2021-01-06T16:00:00-05:00"),
        (date(2021, 1, 15), "AM", "2021-01-15T09:30:00-05:00"),
        (date(2015, 12, 24), "physical", "2015-12-24T13:00:00-05:00"),  # early close
        (date(2015, 1, 17), "AM", "2015-01-16T09:30:00-05:00"),  # a Saturday, as monthly expiries were
        (date(2019, 4, 19), "PM", "2019-04-18T16:00:00-04:00"),  # Good Friday
    ],
)
def test_settlement_is_at_the_open_or_close_of_the_last_session(
    expiry: date, settlement: str, at: str
) -> None:
    assert settlement_ns(expiry, settlement, CALENDAR) == to_ns(at)


def test_a_contract_has_the_id_that_interactive_brokers_uses() -> None:
    spec = OptionSpec(
        option_class=option_class("SPXW"),
        expiry=date(2021, 1, 6),
        expiry_ns=0,
        strike=Decimal(3700),
        is_call=True,
    )
    assert spec.instrument_id == "SPXW  210106C03700000.SMART"
