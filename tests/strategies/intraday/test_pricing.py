from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import tick_size
from strategies.intents import Side
from strategies.intraday.pricing import entry_price, exit_price, marketable_price, on_grid


def test_a_passive_entry_joins_its_own_side() -> None:
    assert entry_price("buy", "passive", bid=5.00, ask=5.02, offset_ticks=3) == Decimal("5.00")
    assert entry_price("sell", "passive", bid=5.00, ask=5.02, offset_ticks=3) == Decimal("5.02")


def test_a_marketable_entry_reaches_beyond_the_other_side() -> None:
    assert entry_price("buy", "marketable", bid=5.00, ask=5.02, offset_ticks=3) == Decimal("5.05")
    assert entry_price("sell", "marketable", bid=5.00, ask=5.02, offset_ticks=3) == Decimal("4.97")


@pytest.mark.parametrize(("level", "price"), [(0, "5.02"), (1, "4.98"), (2, "4.96"), (3, "4.94")])
def test_an_exit_reaches_deeper_with_every_level(level: int, price: str) -> None:
    assert exit_price("sell", level=level, bid=5.00, ask=5.02, offset_ticks=2) == Decimal(price)


def test_below_one_dollar_the_tick_is_a_hundredth_of_a_cent() -> None:
    assert marketable_price("sell", bid=0.5012, ask=0.5013, offset_ticks=2) == Decimal("0.5010")


def test_a_sell_is_never_priced_at_zero_or_less() -> None:
    assert marketable_price("sell", bid=0.0002, ask=0.0003, offset_ticks=100) == Decimal("0.0001")


def test_prices_off_the_grid_round_to_the_safe_side() -> None:
    assert on_grid(Decimal("5.0051"), "buy") == Decimal("5.00")
    assert on_grid(Decimal("5.0051"), "sell") == Decimal("5.01")


@given(
    bid=st.integers(1, 2_000_000),
    spread=st.integers(1, 500),
    offset_ticks=st.integers(0, 100),
    side=st.sampled_from(["buy", "sell"]),
)
def test_every_price_is_positive_and_on_its_tick(
    bid: int, spread: int, offset_ticks: int, side: Side
) -> None:
    price = marketable_price(side, bid=bid / 1e4, ask=(bid + spread) / 1e4, offset_ticks=offset_ticks)
    assert price > 0
    assert price % tick_size(price) == 0
