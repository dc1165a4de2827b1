from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.report import statistics
from tests.backtests.report.sample_run import OPEN_NS, SECOND, table

HOUR = 3_600 * SECOND
NO_ORDERS, NO_PRICES = table("orders", []), table("prices", [])


def _trade(net: float, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "instrument_id": "BAC.SMART",
        "side": "LONG",
        "quantity": 10,
        "entry_ts_ns": OPEN_NS,
        "exit_ts_ns": OPEN_NS + 20 * SECOND,
        "gross_pnl_usd": net + 0.5,
        "fees_usd": 0.5,
        "net_pnl_usd": net,
        "entry_reason": "signal",
        "exit_reason": "stop",
    }
    return row | changes


def test_summarises_wins_losses_and_fees() -> None:
    found = statistics.trade_statistics(
        table("positions", [_trade(3.0), _trade(1.0), _trade(-2.0), _trade(0.0)])
    )
    assert (found.trades, found.wins) == (4, 2)
    assert found.win_fraction == 0.5
    assert found.profit_factor == pytest.approx(2.0)
    assert (found.gross_usd, found.fees_usd, found.net_usd) == pytest.approx((4.0, 2.0, 2.0))
    assert found.average_net_usd == pytest.approx(0.5)
    assert found.holding_seconds_median == pytest.approx(20.0)


def test_profit_factor_is_absent_without_a_loss_and_everything_without_a_trade() -> None:
    assert statistics.trade_statistics(table("positions", [_trade(1.0)])).profit_factor is None
    nothing = statistics.trade_statistics(table("positions", []))
    assert (nothing.trades, nothing.net_usd) == (0, 0.0)
    assert nothing.win_fraction is None
    assert nothing.average_net_usd is None
    assert nothing.holding_seconds_median is None


def test_groups_by_new_york_hour_of_entry() -> None:
    rows = [_trade(1.0), _trade(2.0, entry_ts_ns=OPEN_NS + HOUR, exit_ts_ns=OPEN_NS + HOUR + SECOND)]
    found = statistics.trades_by_entry_hour(table("positions", rows))
    assert [(r.label, r.net_usd) for r in found] == [("09:00", 1.0), ("10:00", 2.0)]


def test_a_group_without_a_name_is_called_unknown() -> None:
    found = statistics.trades_by(table("positions", [_trade(1.0, entry_reason=None)]), "entry_reason")
    assert [r.label for r in found] == ["unknown"]


@given(
    st.lists(st.floats(-50, 50, allow_nan=False).map(lambda x: round(x, 2)), max_size=40), st.integers(1, 4)
)
def test_groups_sum_to_the_whole(nets: list[float], n_groups: int) -> None:
    trades = table("positions", [_trade(net, exit_reason=f"r{i % n_groups}") for i, net in enumerate(nets)])
    groups = statistics.trades_by(trades, "exit_reason")
    whole = statistics.trade_statistics(trades)
    assert sum(g.trades for g in groups) == whole.trades
    assert sum(g.wins for g in groups) == whole.wins
    assert sum(g.net_usd for g in groups) == pytest.approx(whole.net_usd, abs=1e-9)


def test_holding_times_fall_into_half_open_bins_and_the_longest_into_the_last() -> None:
    seconds = [0, 4.9, 5, 59, 60, 23_400, 999_999]
    rows = [_trade(0.0, exit_ts_ns=OPEN_NS + int(s * SECOND)) for s in seconds]
    found = dict(statistics.holding_time_counts(table("positions", rows)))
    assert found["0 s - 5 s"] == 2
    assert found["5 s - 15 s"] == 1
    assert found["30 s - 1 min"] == 1
    assert found["1 min - 2 min"] == 1
    assert found["1 h - 6.5 h"] == 2
    assert sum(found.values()) == len(seconds)


def _order(status: str, quantity: int, filled: int) -> dict[str, object]:
    return {"status": status, "quantity": quantity, "filled_quantity": filled}


def test_counts_what_became_of_orders_and_leaves_refused_ones_out_of_the_fill_ratio() -> None:
    rows = [
        _order("FILLED", 10, 10),
        _order("CANCELED", 10, 4),
        _order("CANCELED", 10, 0),
        _order("EXPIRED", 10, 0),
        _order("DENIED", 1000, 0),
        _order("REJECTED", 1000, 0),
    ]
    found = statistics.order_statistics(table("orders", rows))
    assert (found.sent, found.filled, found.partly_filled, found.canceled_unfilled, found.refused) == (
        4,
        1,
        1,
        2,
        2,
    )
    assert found.fill_fraction == pytest.approx(14 / 40)
    assert statistics.order_statistics(table("orders", [])).fill_fraction is None


def _fill(side: str, price: float, quantity: int, correlation: str | None) -> dict[str, object]:
    return {
        "side": side,
        "price": price,
        "quantity": quantity,
        "correlation_id": correlation,
        "liquidity": "TAKER",
    }


def test_slippage_is_a_cost_for_both_sides_and_weighs_shares() -> None:
    decisions = table(
        "decisions",
        [
            {"correlation_id": "a", "features": json.dumps({"mid": 10.0, "microprice": 10.01})},
            {"correlation_id": "b", "features": json.dumps({"mid": 20.0})},
        ],
    )
    fills = table(
        "fills", [_fill("BUY", 10.02, 10, "a"), _fill("SELL", 19.99, 5, "b"), _fill("BUY", 1.0, 1, "?")]
    )
    whole = statistics.slippage(fills, decisions, orders=NO_ORDERS, prices=NO_PRICES)[0]
    assert whole.against_mid_usd == pytest.approx(0.2 + 0.05)
    assert whole.against_mid_bps == pytest.approx(0.25 / 200 * 10_000)
    assert whole.against_microprice_usd == pytest.approx(0.1)
    assert (whole.fills, whole.fills_priced, whole.shares) == (3, 2, 16)


def test_slippage_of_fills_without_an_arrival_price_is_absent_not_zero() -> None:
    found = statistics.slippage(
        table("fills", [_fill("BUY", 10.0, 1, None)]),
        table("decisions", []),
        orders=NO_ORDERS,
        prices=NO_PRICES,
    )[0]
    assert found.against_mid_bps is None
    assert found.against_microprice_usd is None


def test_what_a_halt_closed_is_held_against_the_last_mid_before_its_order() -> None:
    fill = _fill("SELL", 9.9, 10, "kill_switch") | {
        "client_order_id": "K-1",
        "instrument_id": "X",
        "ts_ns": 300,
    }
    orders = table("orders", [{"client_order_id": "K-1", "ts_submitted_ns": 200}])
    mids = [("X", 100, 10.0), ("X", 200, 10.1), ("X", 250, 50.0), ("Y", 150, 70.0)]
    prices = table("prices", [{"instrument_id": i, "ts_ns": ts, "mid": mid} for i, ts, mid in mids])
    found = statistics.slippage(table("fills", [fill]), table("decisions", []), orders=orders, prices=prices)[
        0
    ]
    assert found.against_mid_usd == pytest.approx(2.0)
    assert found.fills_priced == 1


def test_a_price_better_than_the_mid_is_negative_slippage() -> None:
    decisions = table("decisions", [{"correlation_id": "a", "features": json.dumps({"mid": 10.0})}])
    found = statistics.slippage(
        table("fills", [_fill("BUY", 9.99, 10, "a")]), decisions, orders=NO_ORDERS, prices=NO_PRICES
    )[0]
    assert found.against_mid_usd == pytest.approx(-0.1)


def test_counts_are_most_frequent_first_and_ties_in_order() -> None:
    rows = [{"rule": r, "instrument_id": "X"} for r in ("b", "a", "c", "c")] + [
        {"rule": None, "instrument_id": "X"}
    ]
    found = statistics.count_by(table("refusals", rows), ["rule"])
    assert [(r["rule"], r["count"]) for r in found] == [("c", 2), ("-", 1), ("a", 1), ("b", 1)]


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=50))
def test_drawdown_is_the_distance_below_the_running_high(values: list[float]) -> None:
    found = statistics.drawdown(np.array(values, dtype=float))
    expected = [v - max(values[: i + 1]) for i, v in enumerate(values)]
    assert found.tolist() == pytest.approx(expected)
