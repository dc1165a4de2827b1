"""Commissions equal Interactive Brokers' published examples, and an order's fills sum to its commission."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.commissions import (
    TIERS,
    Commission,
    CommissionSchedule,
    OrderCommission,
    commission_for_order,
    ib_fixed,
    ib_tiered,
)
from market.errors import ConfigError, DataError
from market.regulatory_fees import EARLIEST_DATE, regulatory_rates

Side = Literal["buy", "sell"]


def _order(
    schedule: CommissionSchedule, side: Side, quantity: int, price: str, *, adds_liquidity: bool = False
) -> Commission:
    return commission_for_order(
        schedule,
        side=side,
        filled_before=0,
        quantity=quantity,
        price=Decimal(price),
        adds_liquidity=adds_liquidity,
    )


@pytest.mark.parametrize(
    ("quantity", "price", "usd"),
    [
        (100, "25", "1.00"),  # the minimum
        (1_000, "25", "5.00"),
        (1_000, "0.25", "2.50"),  # the maximum of 1 %
        (10, "0.20", "0.02"),  # the maximum wins over the minimum
    ],
)
def test_fixed_commissions_are_those_of_ibs_examples(quantity: int, price: str, usd: str) -> None:
    assert _order(ib_fixed(), "buy", quantity, price).ib == Decimal(usd)


@pytest.mark.parametrize(
    ("on", "sec", "taf", "total"),
    [
        # IB, "Fixed vs. Tiered Pricing Comparison Examples": sell 200,000 on NASDAQ at 5 USD, removing
        # liquidity. IB's parts are cut to cents, and FINRA's pass-through was 0.00056 then.
        (date(2023, 6, 1), "8.00", "7.27", "1355.78"),
        (date(2013, 10, 7), "17.40", "5.95", "1363.86"),
    ],
)
def test_tiered_commissions_are_those_of_ibs_examples(on: date, sec: str, taf: str, total: str) -> None:
    charged = _order(ib_tiered(on), "sell", 200_000, "5")
    assert charged.ib == 700
    assert charged.exchange == 600 + 40 + Decimal("0.000738") * 700
    assert charged.regulatory == Decimal(sec) + Decimal(taf)
    assert abs(charged.total - Decimal(total)) < Decimal("0.01")


def test_the_fixed_example_of_the_same_sale_includes_exchange_fees() -> None:
    charged = _order(ib_fixed(date(2023, 6, 1)), "sell", 200_000, "5")
    assert charged.ib == 1_000
    assert charged.exchange == 0
    assert charged.total == Decimal("1015.27")


def test_the_sec_fee_is_that_of_ibs_example() -> None:
    rates = regulatory_rates(date(2016, 6, 1))
    assert rates.sec_fraction_of_sales * 1_000 * Decimal("25.87") == Decimal("0.563966")


def test_buyers_pay_no_fee_on_sales() -> None:
    bought, sold = _order(ib_fixed(), "buy", 10, "5"), _order(ib_fixed(), "sell", 10, "5")
    assert bought.regulatory == Decimal("0.00003")
    assert sold.regulatory == Decimal("0.00003") + Decimal("0.00103") + Decimal("0.00195")


def test_adding_liquidity_is_paid_and_taking_it_costs() -> None:
    taken, added = (_order(ib_tiered(), "buy", 1_000, "5", adds_liquidity=adds) for adds in (False, True))
    assert taken.exchange - added.exchange == 1_000 * (Decimal("0.0030") + Decimal("0.0016"))


def test_below_one_dollar_exchanges_charge_a_fraction_of_value() -> None:
    below, at = (_order(ib_tiered(), "buy", 1_000, price) for price in ("0.9999", "1.00"))
    others_below = Decimal("0.2") + Decimal("0.000738") * below.ib
    assert below.exchange - others_below == Decimal("0.0030") * Decimal("999.9")
    assert at.exchange - Decimal("0.2") - Decimal("0.000738") * at.ib == Decimal("3.0000")


def test_clearing_is_at_most_half_a_percent() -> None:
    charged = _order(ib_tiered(), "buy", 1_000, "0.01", adds_liquidity=True)
    assert charged.exchange == Decimal("0.05") + Decimal("0.000738") * charged.ib


fills = st.lists(
    st.tuples(
        st.integers(1, 3_000),
        st.decimals(min_value="0.0001", max_value=60, places=4),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
schedules = st.sampled_from(
    [ib_fixed(), ib_tiered(), ib_tiered(date(2024, 6, 3)), ib_fixed(date(2013, 10, 7))]
)


@given(schedules, st.sampled_from(["buy", "sell"]), fills)
def test_the_fills_of_an_order_sum_to_its_commission(
    schedule: CommissionSchedule, side: Side, parts: list[tuple[int, Decimal, bool]]
) -> None:
    order, cents = OrderCommission(schedule, side), OrderCommission(schedule, side)
    added = [order.on_fill(quantity, price, adds_liquidity=adds) for quantity, price, adds in parts]
    charged = [
        cents.on_fill_in_cents(quantity, price, adds_liquidity=adds) for quantity, price, adds in parts
    ]

    shares = sum(quantity for quantity, _, _ in parts)
    value = sum((quantity * price for quantity, price, _ in parts), Decimal(0))
    per_share = schedule.usd_per_share * shares
    ib = min(max(per_share, schedule.usd_min), schedule.fraction_max * value)
    assert sum(part.ib for part in added) == ib
    assert sum(part.total for part in added) == order.total.total
    assert sum(charged) == order.total.total.quantize(Decimal("0.01"))
    assert all(part.ib >= 0 and part.regulatory >= 0 for part in added)
    assert (order.shares, order.value) == (shares, value)


@given(schedules, st.sampled_from(["buy", "sell"]), st.integers(1, 5_000), st.booleans(), st.data())
def test_it_does_not_matter_how_an_order_is_cut(
    schedule: CommissionSchedule, side: Side, quantity: int, adds: bool, data: st.DataObject
) -> None:
    price = data.draw(st.decimals(min_value="0.0001", max_value=60, places=4))
    cut = data.draw(st.integers(0, quantity - 1))
    whole, parts = OrderCommission(schedule, side), OrderCommission(schedule, side)
    whole.on_fill(quantity, price, adds_liquidity=adds)
    for part in filter(None, (cut, quantity - cut)):
        parts.on_fill(part, price, adds_liquidity=adds)
    assert parts.total == whole.total


def test_the_value_of_earlier_fills_is_taken_at_this_price_unless_given() -> None:
    second_half = partial(
        commission_for_order,
        ib_fixed(),
        side="buy",
        filled_before=10,
        quantity=10,
        price=Decimal(5),
        adds_liquidity=False,
    )
    assumed, known = second_half(), second_half(value_before=Decimal(50))
    dearer = second_half(value_before=Decimal(90))
    assert assumed == known == Commission(Decimal("0.50"), Decimal(0), Decimal("0.00003"))
    assert dearer.ib == Decimal("0.10")  # 0.90 was charged, the minimum of 1.00 ends it


def test_tiers_follow_the_month() -> None:
    for shares, usd_per_share in TIERS:
        assert ib_tiered(shares_this_month=shares).usd_per_share == usd_per_share
    assert ib_tiered(shares_this_month=299_999).usd_per_share == Decimal("0.0035")
    with pytest.raises(ConfigError, match="shares_this_month is -1"):
        ib_tiered(shares_this_month=-1)


@pytest.mark.parametrize(
    ("on", "sec", "taf", "taf_max"),
    [
        (date(2012, 6, 21), "22.40", "0.000095", "4.75"),
        (date(2013, 10, 7), "17.40", "0.000119", "5.95"),
        (date(2025, 5, 13), "27.80", "0.000166", "8.30"),
        (date(2025, 5, 14), "0", "0.000166", "8.30"),
        (date(2026, 4, 4), "20.60", "0.000195", "9.79"),
        (date(2026, 11, 20), "20.60", "0", "0"),
        (date(2027, 1, 4), "20.60", "0.000232", "11.61"),
        (None, "20.60", "0.000195", "9.79"),
    ],
)
def test_regulatory_rates_change_on_their_dates(on: date | None, sec: str, taf: str, taf_max: str) -> None:
    rates = regulatory_rates(on)
    assert rates.sec_fraction_of_sales * 1_000_000 == Decimal(sec)
    assert (rates.taf_usd_per_share_sold, rates.taf_usd_max) == (Decimal(taf), Decimal(taf_max))


def test_rates_of_days_too_early_are_unknown() -> None:
    regulatory_rates(EARLIEST_DATE)
    with pytest.raises(DataError, match="2012-03-31 are not known"):
        regulatory_rates(date(2012, 3, 31))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": 0}, "A fill of 0 shares"),
        ({"filled_before": -1}, "after -1"),
        ({"price": Decimal(0)}, "above 0"),
        ({"price": Decimal("NaN")}, "above 0"),
    ],
)
def test_impossible_fills_are_refused(change: dict[str, object], message: str) -> None:
    fill = {"side": "buy", "filled_before": 0, "quantity": 1, "price": Decimal(5), "adds_liquidity": False}
    with pytest.raises(DataError, match=message):
        commission_for_order(ib_fixed(), **{**fill, **change})  # type: ignore[arg-type]
