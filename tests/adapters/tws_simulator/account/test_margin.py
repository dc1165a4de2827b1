"""Margin rules: the requirements observed at IB and CBOE, and what follows from the rules."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.account.margin_options import OptionPosition, UnderlyingPrice, option_margin
from adapters.tws_simulator.account.margin_stocks import stock_margin
from adapters.tws_simulator.orders.option_commissions import OptionOrderCommission, usd_per_contract

D = Decimal
SPY = UnderlyingPrice(D(410))


def leg(
    right: str, strike: object, quantity: int, mark: object = 0, *, expiry: str = "20260116"
) -> OptionPosition:
    return OptionPosition(right, D(str(strike)), expiry, 100, D(quantity), D(str(mark)))


PUT_SPREAD = (leg("P", 310, -1, "0.03"), leg("P", 300, 1, "0.02"))
CALL_SPREAD = (leg("C", 300, -1, 112), leg("C", 310, 1, 100))
STRADDLE = (leg("C", 300, -1, 112), leg("P", 300, -1, "0.02"))
CBOE_SPREAD = (leg("P", 120, 1, "0.80"), leg("P", 125, -1, "1.24"))

OBSERVED = {
    ("lean_ib_comment", "NakedPut"): option_margin([leg("P", 300, -1, "0.02")], SPY),
    ("lean_ib_comment", "BullPutSpread"): option_margin(PUT_SPREAD, SPY),
    ("lean_ib_comment", "BearCallSpread"): option_margin(CALL_SPREAD, SPY),
    ("lean_ib_comment", "BearPutSpread(debit)"): option_margin([leg("P", 310, 1), leg("P", 300, -1)], SPY),
    ("lean_ib_comment", "IronCondor"): option_margin(
        (leg("P", 300, 1), leg("P", 310, -1), leg("C", 320, -1), leg("C", 330, 1)), SPY
    ),
    ("cboe_calculator_via_edeltapro", "NakedPut"): option_margin(
        [leg("P", 200, -1, "1.20")], UnderlyingPrice(D(209))
    ),
    # CBOE counts the premium of the long leg as margin; here it is cash that was paid.
    ("cboe_calculator_via_edeltapro", "PutSpread"): option_margin(CBOE_SPREAD, UnderlyingPrice(D(130))) + 80,
}
HOUSE_RULES = {"ShortStraddle", "ShortStrangle"}
DOLLARS_APART = 2
"""Observed at IB in whole dollars, with the premium of 2 USD left out once."""


@pytest.mark.real_data
def test_requirements_observed_at_ib_and_cboe(real_data: Path) -> None:
    with (real_data / "reference_values" / "margin_examples.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["strategy"] not in HOUSE_RULES]
    assert len(rows) == len(OBSERVED)
    for row in rows:
        ours = OBSERVED[row["source"], row["strategy"]]
        assert abs(ours - D(row["requirement_usd"])) <= DOLLARS_APART, row


@pytest.mark.real_data
def test_a_short_straddle_stays_within_ten_percent_of_ibs_house_rules(real_data: Path) -> None:
    with (real_data / "reference_values" / "margin_examples.csv").open() as file:
        observed = {row["strategy"]: D(row["requirement_usd"]) for row in csv.DictReader(file)}
    ours = option_margin(STRADDLE, SPY)
    assert D("0.90") <= ours / observed["ShortStraddle"] <= 1


@pytest.mark.real_data
def test_option_commissions_of_ibs_examples(real_data: Path) -> None:
    with (real_data / "reference_values" / "ibkr_option_commission_examples.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        month = 0 if "<=10k" in row["schedule"] else 10_001
        order = OptionOrderCommission(contracts_this_month=month)
        assert order.on_fill(int(row["contracts"]), D(row["premium"])) == D(row["expected_commission_usd"]), (
            row
        )


def test_an_option_orders_fills_sum_to_its_commission() -> None:
    order = OptionOrderCommission(fees_usd_per_contract=D("0.05"))
    charged = [order.on_fill(contracts, D("2.00")) for contracts in (1, 1, 3)]
    assert charged == [D("1.05"), D("0.35"), D("2.10")]
    assert sum(charged) == order.total() == D("3.50")


@pytest.mark.parametrize(
    ("month", "rate"), [(10_000, "0.65"), (10_001, "0.50"), (50_001, "0.25"), (100_001, "0.15")]
)
def test_option_tiers_begin_beyond_their_limit(month: int, rate: str) -> None:
    assert usd_per_contract(D("0.10"), month) == D(rate)


@pytest.mark.parametrize(
    ("quantity", "price", "initial", "maintenance"),
    [
        (100, 20, 1000, 500),
        (-100, 20, 1000, 600),
        (-100, 10, 500, 500),
        (-100, 4, 400, 400),
        (-100, 2, 250, 250),
    ],
)
def test_stock_requirements(quantity: int, price: int, initial: int, maintenance: int) -> None:
    assert stock_margin(D(quantity), D(price)) == (D(initial), D(maintenance))


def test_options_that_are_covered_by_stock_need_nothing() -> None:
    assert option_margin([leg("C", 400, -2, 5)], SPY, stock=D(200)) == 0
    assert option_margin([leg("C", 400, -2, 5)], SPY, stock=D(199)) == (82 + 5) * 100
    assert option_margin([leg("P", 400, -1, 5)], SPY, stock=D(-100)) == 0


def test_a_butterfly_and_a_box_that_cannot_lose_need_nothing() -> None:
    assert option_margin([leg("C", 400, 1), leg("C", 410, -2), leg("C", 420, 1)], SPY) == 0
    box = [leg("C", 400, 1), leg("C", 410, -1), leg("P", 410, 1), leg("P", 400, -1)]
    assert option_margin(box, SPY) == 0


def test_a_long_that_expires_before_the_short_covers_nothing() -> None:
    calendar = [leg("C", 410, -1, 5, expiry="20260220"), leg("C", 410, 1, 3, expiry="20260116")]
    assert option_margin(calendar, SPY) == (82 + 5) * 100
    reverse = [leg("C", 410, -1, 3, expiry="20260116"), leg("C", 410, 1, 5, expiry="20260220")]
    assert option_margin(reverse, SPY) == 0


def test_spreads_of_different_expiries_can_lose_both() -> None:
    near = [leg("P", 400, -1), leg("P", 390, 1)]
    far = [leg("C", 420, -1, expiry="20260220"), leg("C", 430, 1, expiry="20260220")]
    assert option_margin([*near, *far], SPY) == 2_000


def test_an_index_needs_less() -> None:
    index = option_margin([leg("P", 400, -1, 5)], UnderlyingPrice(D(400), is_index=True))
    assert index == (60 + 5) * 100


LEGS = st.lists(
    st.builds(
        leg,
        st.sampled_from("CP"),
        st.sampled_from([90, 95, 100, 105, 110]),
        st.integers(-4, 4),
        st.sampled_from(["0.05", 1, 7]),
        expiry=st.sampled_from(["20260116", "20260220"]),
    ),
    max_size=7,
)


@given(legs=LEGS, price=st.integers(60, 140), stock=st.integers(-300, 300))
def test_a_requirement_is_never_negative_and_bought_options_never_raise_it(
    legs: list[OptionPosition], price: int, stock: int
) -> None:
    underlying = UnderlyingPrice(D(price))
    needed = option_margin(legs, underlying, stock=D(stock))
    sold = [one for one in legs if one.quantity < 0]
    assert 0 <= needed <= option_margin(sold, underlying, stock=D(stock))
    assert sold or needed == 0


@given(legs=LEGS, price=st.integers(60, 140))
def test_a_requirement_grows_with_the_position(legs: list[OptionPosition], price: int) -> None:
    underlying = UnderlyingPrice(D(price))
    doubled = [one.of(one.quantity * 2) for one in legs]
    assert option_margin(doubled, underlying) == 2 * option_margin(legs, underlying)
