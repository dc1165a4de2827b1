"""What a fill costs at the simulated venue is what `market.commissions` says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from backtests.outcome import Outcome
from catalog.columns import DeltaAction, DeltaSide
from market.commissions import OrderCommission, ib_fixed, ib_tiered
from tests.backtests.markets import DAY, Level, steady_quotes, write_market
from tests.backtests.replays import profile, replay
from tests.backtests.scripted_strategy import scripted

ROUND_TRIP = [(1_000, "BUY", 10, "9.01!"), (2_000, "SELL", 10, "9.00!")]


def _replay(folder: Path, schedule: str) -> Outcome:
    catalog = write_market(folder / "catalog", quotes=steady_quotes(seconds=4))
    return replay(profile(folder, f"fees.schedule={schedule}"), catalog, scripted(ROUND_TRIP))


def test_no_schedule_charges_nothing(tmp_path: Path) -> None:
    assert [fill.commission_usd for fill in _replay(tmp_path, "none").fills] == [0, 0]


def test_the_fixed_minimum_gives_way_to_one_percent_of_the_value(tmp_path: Path) -> None:
    bought, sold = _replay(tmp_path, "ib_fixed").fills
    assert bought.commission_usd == Decimal("0.90")  # 1 % of 90.10, below the minimum of 1.00
    assert sold.commission_usd == Decimal("0.90")  # 1 % of 90.00, and 0.0016 of SEC fee and TAF


@pytest.mark.parametrize(("name", "schedule"), [("ib_fixed", ib_fixed(DAY)), ("ib_tiered", ib_tiered(DAY))])
def test_charges_what_the_price_list_says(tmp_path: Path, name: str, schedule: object) -> None:
    for fill in _replay(tmp_path, name).fills:
        expected = OrderCommission(schedule, "buy" if fill.side == "BUY" else "sell")  # type: ignore[arg-type]
        cents = expected.on_fill_in_cents(fill.quantity, fill.price, adds_liquidity=False)
        assert fill.commission_usd == cents


def test_the_fills_of_one_order_cost_what_one_fill_would(tmp_path: Path) -> None:
    levels: list[Level] = [
        (1, DeltaAction.ADD, DeltaSide.BUY, 9.00, 500),
        *[(2 + i, DeltaAction.ADD, DeltaSide.SELL, 9.01 + i / 100, 1) for i in range(10)],
    ]
    catalog = write_market(tmp_path / "catalog", quotes=steady_quotes(seconds=4, size=500), deltas=levels)
    loaded = profile(tmp_path, "universe.book=L2", "fees.schedule=ib_tiered")
    outcome = replay(loaded, catalog, scripted([(1_000, "BUY", 10, "9.10!")]))
    assert len(outcome.fills) == 10
    order = OrderCommission(ib_tiered(DAY), "buy")
    for fill in outcome.fills:
        order.on_fill(fill.quantity, fill.price, adds_liquidity=False)
    charged = sum(fill.commission_usd for fill in outcome.fills)
    assert charged == order.total.total.quantize(Decimal("0.01"))


def test_the_account_pays_the_commissions(tmp_path: Path) -> None:
    outcome = _replay(tmp_path, "ib_tiered")
    cash = sum(fill.cash_usd for fill in outcome.fills)
    fees = sum(fill.commission_usd for fill in outcome.fills)
    assert fees > 0
    assert outcome.closing_balance_usd - outcome.starting_balance_usd == cash - fees
