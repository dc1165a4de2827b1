"""Every gate of the decision: at its limit, one beyond, and with the value missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.features import FeatureSnapshot
from market.time import NS_PER_MS
from strategies.harvester.decide import Parameters, decide
from strategies.intents import Cancel, Decision, Enter, Exit, Hold, Replace, Side
from strategies.intraday.holding import FLAT, Holding
from tests.strategies.builders import TEN_NS, snapshot

PARAMETERS = Parameters(
    imbalance_min=0.5,
    book_imbalance_min=0.25,
    order_flow_ratio_min=0.25,
    momentum_bps_min=1.0,
    spread_bps_max=20.0,
    volatility_bps_min=2.0,
    volatility_bps_max=50.0,
    profit_target_bps=100.0,
    stop_loss_bps=200.0,
    time_stop_ms=60_000,
    allow_short=True,
)
ENTERS = "pressure_agrees"
MIRRORED = ("imbalance", "order_flow_ratio", "momentum_bps", "book_imbalance")


def ask(holding: Holding = FLAT, parameters: Parameters = PARAMETERS, **features: Any) -> Decision:
    return decide(snapshot(**features), holding, parameters)


def long(average_price: float = 5.00, **changes: Any) -> Holding:
    return Holding(shares=10, average_price=average_price, opened_ns=TEN_NS, **changes)


# Entering ------------------------------------------------------------------------------------------------


def test_enters_where_everything_agrees() -> None:
    decision = ask()
    assert decision.intent == Enter(side="buy", quantity=10, style="passive")
    assert decision.reason == ENTERS


def test_size_and_style_are_parameters() -> None:
    parameters = Parameters(shares_per_entry=3, entry_style="marketable")
    assert ask(parameters=parameters).intent == Enter(side="buy", quantity=3, style="marketable")


@pytest.mark.parametrize(
    ("feature", "value", "reason"),
    [
        ("imbalance", 0.5, ENTERS),
        ("imbalance", 0.499, "no_signal"),
        ("imbalance", -0.499, "no_signal"),
        ("order_flow_ratio", 0.25, ENTERS),
        ("order_flow_ratio", 0.249, "no_signal"),
        ("order_flow_ratio", -0.9, "no_signal"),
        ("momentum_bps", 1.0, ENTERS),
        ("momentum_bps", 0.99, "no_signal"),
        ("momentum_bps", None, "features_not_ready"),
        ("book_imbalance", 0.25, ENTERS),
        ("book_imbalance", 0.249, "no_signal"),
        ("book_imbalance", None, ENTERS),  # level 1 alone
        ("spread_bps", 20.0, ENTERS),
        ("spread_bps", 20.01, "spread_too_wide"),
        ("volatility_bps", 2.0, ENTERS),
        ("volatility_bps", 1.99, "too_quiet"),
        ("volatility_bps", 50.0, ENTERS),
        ("volatility_bps", 50.01, "too_volatile"),
        ("volatility_bps", None, "features_not_ready"),
    ],
)
def test_each_gate_holds_at_its_limit(feature: str, value: float | None, reason: str) -> None:
    decision = decide(snapshot(**{feature: value}), FLAT, PARAMETERS)
    assert decision.reason == reason
    assert isinstance(decision.intent, Enter if reason == ENTERS else Hold)


def test_a_filter_that_blocks_says_which_signal_it_blocked() -> None:
    decision = ask(spread_bps=30.0)
    assert decision.intent == Hold(signal="buy")
    assert decision.thresholds["spread_bps"] == 20.0


def test_no_signal_is_nothing_to_record() -> None:
    for changes in ({"imbalance": 0.0}, {"momentum_bps": None}, {"order_flow_ratio": 0.0}):
        assert ask(**changes).intent == Hold()


def mirrored(features: FeatureSnapshot) -> FeatureSnapshot:
    """Return the market in which sellers stand where buyers stood."""
    values = {name: getattr(features, name) for name in features.__struct_fields__}
    for name in MIRRORED:
        values[name] = None if values[name] is None else -values[name]
    return FeatureSnapshot(**values)


unit = st.floats(-1.0, 1.0)


@given(unit, unit, st.none() | st.floats(-20, 20), st.none() | unit, st.floats(0, 40), st.floats(0, 60))
def test_short_mirrors_long(
    imbalance: float,
    flow: float,
    momentum: float | None,
    book: float | None,
    spread: float,
    volatility: float,
) -> None:
    features = snapshot(
        imbalance=imbalance,
        order_flow_ratio=flow,
        momentum_bps=momentum,
        book_imbalance=book,
        spread_bps=spread,
        volatility_bps=volatility,
    )
    one, other = (decide(market, FLAT, PARAMETERS) for market in (features, mirrored(features)))
    assert one.reason == other.reason
    sides = {getattr(d.intent, "side", None) or getattr(d.intent, "signal", None) for d in (one, other)}
    assert sides in ({"buy", "sell"}, {None})


def test_short_is_off_by_default() -> None:
    sellers = mirrored(snapshot(book_imbalance=0.5))
    assert decide(sellers, FLAT, PARAMETERS).intent == Enter(side="sell", quantity=10)
    assert decide(sellers, FLAT, Parameters()).reason == "no_signal"


# Working an entry ----------------------------------------------------------------------------------------


def working(side: Side = "buy", price: str = "5.00") -> Holding:
    return Holding(entry_side=side, entry_price=Decimal(price), entry_sent_ns=TEN_NS)


def test_follows_a_best_price_that_moved_away() -> None:
    assert ask(working("buy", "4.99")).intent == Replace(Decimal("5.0000"))
    assert ask(working("sell", "5.02"), imbalance=-0.8).intent == Replace(Decimal("5.0100"))


def test_stays_while_it_is_the_best_price() -> None:
    for price in ("5.00", "5.01"):
        assert ask(working("buy", price)).reason == "entry_working"
    for price in ("5.01", "5.00"):
        assert ask(working("sell", price), imbalance=-0.8).reason == "entry_working"


def test_gives_up_when_the_queue_turned() -> None:
    assert ask(working(), imbalance=0.0).reason == "entry_working"
    decision = ask(working(), imbalance=-0.01)
    assert (decision.intent, decision.reason) == (Cancel(), "queue_turned")
    assert ask(working("sell", "5.01"), imbalance=0.01).intent == Cancel()


def test_a_marketable_entry_is_not_moved() -> None:
    parameters = Parameters(entry_style="marketable")
    assert ask(working("buy", "4.99"), parameters).reason == "entry_working"


# Leaving ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "reason"),
    [
        (4.90, "stop_loss"),  # 200 bps below 5.00
        (4.9005, "position_held"),
        (5.05, "profit_target"),  # 100 bps above
        (5.0495, "position_held"),
    ],
)
def test_a_long_position_is_valued_at_the_bid(bid: float, reason: str) -> None:
    decision = ask(long(), bid=bid, imbalance=0.0)
    assert decision.reason == reason
    if reason != "position_held":
        assert decision.intent == Exit("marketable")
        assert decision.extra["pnl_bps"] == pytest.approx((bid / 5.00 - 1) * 1e4)


@pytest.mark.parametrize(
    ("ask_price", "reason"), [(5.10, "stop_loss"), (5.0995, "position_held"), (4.95, "profit_target")]
)
def test_a_short_position_is_valued_at_the_ask(ask_price: float, reason: str) -> None:
    short = Holding(shares=-10, average_price=5.00, opened_ns=TEN_NS)
    assert ask(short, ask=ask_price, imbalance=0.0).reason == reason


def test_a_stop_comes_before_a_time_stop() -> None:
    late = TEN_NS + 60_000 * NS_PER_MS
    assert ask(long(), ts_ns=late, bid=4.80).reason == "stop_loss"


def test_time_is_up_at_its_limit() -> None:
    before, at = (TEN_NS + ms * NS_PER_MS for ms in (59_999, 60_000))
    assert ask(long(), ts_ns=before, imbalance=0.0).reason == "position_held"
    decision = ask(long(), ts_ns=at, imbalance=0.0)
    assert (decision.reason, decision.extra["held_ms"]) == ("time_stop", 60_000.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "signal_reversed"),
        ({"imbalance": -0.49}, "position_held"),
        ({"order_flow_ratio": -0.24}, "position_held"),
        ({"momentum_bps": -0.9}, "position_held"),
        ({"momentum_bps": None}, "position_held"),
        ({"book_imbalance": -0.2}, "position_held"),
    ],
)
def test_leaves_when_the_signal_reverses_in_every_part(changes: dict[str, Any], reason: str) -> None:
    against: dict[str, Any] = {
        "imbalance": -0.5,
        "order_flow_ratio": -0.25,
        "momentum_bps": -1.0,
        "book_imbalance": -0.25,
    }
    assert ask(long(), **(against | changes)).reason == reason


def test_a_reversal_closes_a_long_position_even_when_short_is_off() -> None:
    parameters = Parameters(momentum_bps_min=1.0)
    decision = ask(long(), parameters, imbalance=-0.9, order_flow_ratio=-0.9, momentum_bps=-5.0)
    assert decision.reason == "signal_reversed"


def test_a_half_filled_entry_is_managed_as_a_position() -> None:
    assert ask(long(entry_side="buy", entry_price=Decimal("5.00")), bid=4.80).reason == "stop_loss"


def test_waits_while_an_exit_is_settled() -> None:
    assert ask(Holding(is_exiting=True)).intent == Hold()


@given(unit, st.floats(4.0, 6.0), st.integers(0, 10**7))
def test_the_same_market_gives_the_same_decision(imbalance: float, bid: float, held_ms: int) -> None:
    features = snapshot(imbalance=imbalance, bid=bid, ask=bid + 0.01, ts_ns=TEN_NS + held_ms * NS_PER_MS)
    for holding in (FLAT, long(), working()):
        assert decide(features, holding, PARAMETERS) == decide(features, holding, PARAMETERS)
