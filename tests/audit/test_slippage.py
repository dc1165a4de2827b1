"""What fills cost against mid and limit, exact, and never guessed."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from audit.order_history import OrderHistories, OrderHistory
from audit.slippage import fill_slippage, history_slippage, prices_at_decision, total
from tests.audit.script import Script


def only(script: Script) -> OrderHistory:
    (history,) = OrderHistories(script.entries)
    return history


def test_a_purchase_above_the_mid_and_below_the_limit_costs_and_saves() -> None:
    cost = history_slippage(only(Script().filled_order("O-1", "c-1", price=Decimal("13.9480"))))
    assert cost.mid_usd == Decimal("0.03")
    assert cost.limit_usd == Decimal("-0.02")
    assert cost.mid_bps == pytest.approx(0.03 / 139.45 * 1e4)
    assert (cost.fills, cost.fills_priced, cost.mid_quantity, cost.limit_quantity) == (1, 1, 10, 10)


def test_a_sale_below_the_mid_costs() -> None:
    cost = history_slippage(only(Script().filled_order("O-1", "c-1", side="SELL", price=Decimal("13.94"))))
    assert cost.mid_usd == Decimal("0.05")
    assert cost.limit_usd == Decimal("0.10")


def test_half_a_cent_of_a_float_is_exact() -> None:
    script = Script()
    script.decision("c-1", features={"mid": 7.789999999999999})
    script.order("O-1", "c-1")
    assert prices_at_decision(only(script)).mid == Decimal("7.79")


@pytest.mark.parametrize("features", [{}, {"mid": math.nan}])
def test_a_decision_without_a_mid_prices_nothing(features: dict[str, float]) -> None:
    script = Script()
    script.decision("c-1", features=features)
    script.order("O-1", "c-1", limit_price=None)
    script.fill("O-1", "T-1", "c-1")
    cost = history_slippage(only(script))
    assert (cost.fills, cost.fills_priced, cost.mid_usd, cost.limit_usd, cost.mid_bps) == (
        1,
        0,
        None,
        None,
        None,
    )


def test_an_order_without_decision_or_terms_has_no_prices() -> None:
    script = Script()
    fill = script.fill("O-1", "T-1")
    prices = prices_at_decision(only(script))
    assert (prices.mid, prices.limit) == (None, None)
    assert fill_slippage(fill.body, prices).fills_priced == 0


def test_what_is_not_priced_does_not_thin_the_average() -> None:
    priced = history_slippage(only(Script().filled_order("O-1", "c-1")))
    script = Script()
    script.fill("O-2", "T-2")
    together = total([priced, history_slippage(only(script))])
    assert together.mid_bps == priced.mid_bps
    assert (together.fills, together.fills_priced) == (2, 1)
    assert total([]).mid_usd is None


def test_a_part_of_a_fill_costs_its_share_and_contracts_their_multiplier() -> None:
    script = Script().filled_order("O-1", "c-1", multiplier=100)
    (history,) = OrderHistories(script.entries)
    fill = history.fills[0].body
    cost = fill_slippage(fill, prices_at_decision(history), quantity=4)
    assert cost.mid_usd == Decimal("0.005") * 4 * 100
