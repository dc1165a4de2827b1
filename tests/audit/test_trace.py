"""An order is explained from its features to its profit, by any of its ids; what is missing is named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audit.latencies import summarized
from audit.trace import trace
from audit.trace_search import NEAR_MATCHES_MAX
from market.errors import NotFoundError
from tests.audit.script import Script


def day() -> Script:
    """A trade in and out, a refused order, and a suppressed decision."""
    script = Script()
    script.opened()
    script.filled_order("O-1", "c-1")
    script.wait(60).filled_order("O-2", "c-2", side="SELL", price=Decimal("14.0500"))
    script.decision("c-3")
    script.order("O-3", "c-3")
    script.refusal("O-3")
    script.event("O-3", "denied", "c-3", reason="quote_age: 3 s, limit 2 s")
    script.decision("c-4", outcome="suppressed", reason="spread_too_wide", limit_price=None)
    return script


@pytest.mark.parametrize(
    ("asked", "found_as"),
    [
        ("O-1", "client order id"),
        ("V-O-1", "venue order id"),
        ("T-O-1", "trade id"),
        (" c-1 ", "correlation id"),
    ],
)
def test_every_id_of_an_order_finds_it(asked: str, found_as: str) -> None:
    found = trace(day().entries, asked)
    assert found.found_as == (found_as,)
    (order,) = found.orders
    assert order.client_order_id == "O-1"
    assert found.decisions == ()


def test_an_order_is_told_end_to_end() -> None:
    (order,) = trace(day().entries, "O-1").orders
    assert [step.kind for step in order.steps] == [
        *("decision", "order", "approval", "order_event", "order_event", "fill", "position")
    ]
    assert order.signal is not None
    assert order.signal.features["mid"] == 13.945
    assert order.signal.thresholds == {"spread_bps": 40.0}
    assert order.terms is not None
    assert order.terms.limit_price == Decimal("13.9500")
    assert [verdict.is_approved for verdict in order.verdicts] == [True]
    assert (order.status, order.filled_quantity, order.average_price) == ("filled", 10, Decimal("13.95"))
    assert order.fees_usd == Decimal("0.35")
    assert order.slippage.mid_usd == Decimal("0.05")
    assert order.missing == ()


def test_steps_say_how_long_they_took() -> None:
    (order,) = trace(day().entries, "O-1").orders
    assert [step.since_previous_ns for step in order.steps] == [None, 0, 0, 0, 20_000_000, 0, 0]
    assert order.steps[-1].since_first_ns == 20_000_000
    took = order.latencies
    assert (took.decision_to_sent_ns, took.sent_to_accepted_ns) == (0, 20_000_000)
    assert (took.accepted_to_first_fill_ns, took.decision_to_last_fill_ns) == (0, 20_000_000)


def test_the_trade_that_an_order_belongs_to_is_told_with_its_profit() -> None:
    (trip,) = trace(day().entries, "O-1").round_trips
    assert (trip.entry_orders, trip.exit_orders, trip.open_quantity) == (("O-1",), ("O-2",), 0)
    assert (trip.gross_usd, trip.fees_usd, trip.net_usd) == (Decimal(1), Decimal("0.70"), Decimal("0.30"))


def test_a_round_trip_finds_its_orders_and_itself_alone() -> None:
    script = day()
    script.wait(60).filled_order("O-5", "c-5")
    found = trace(script.entries, "trip-7")
    assert [order.client_order_id for order in found.orders] == ["O-1", "O-2"]
    assert [trip.trip_id for trip in found.round_trips] == ["trip-7"]
    assert found.found_as == ("round trip",)


def test_a_refusal_is_told_with_rule_value_and_limit() -> None:
    (order,) = trace(day().entries, "O-3").orders
    (verdict,) = order.verdicts
    assert (verdict.is_approved, verdict.rule, verdict.value, verdict.limit) == (
        False,
        "quote_age",
        "3 s",
        "2 s",
    )
    assert (order.status, order.average_price, order.missing) == ("denied", None, ())
    assert order.latencies.decision_to_sent_ns is None


def test_a_decision_without_an_order_is_told_too() -> None:
    found = trace(day().entries, "c-4")
    assert (found.found_as, found.orders) == (("correlation id",), ())
    (step,) = found.decisions
    assert "spread_too_wide" in step.why
    assert found.seqs == {step.seq}


def test_the_records_of_a_trace_are_known_by_number() -> None:
    assert trace(day().entries, "O-1").seqs == set(range(2, 9))


def test_what_an_order_lacks_is_named() -> None:
    script = Script()
    script.fill("O-1", "T-1")
    script.order("O-2", "c-9")
    lacking = {name: trace(script.entries, name).orders[0].missing for name in ("O-1", "O-2")}
    assert [each.partition(":")[0] for each in lacking["O-1"]] == ["terms", "signal", "verdict"]
    assert [each.partition(":")[0] for each in lacking["O-2"]] == ["signal"]


def test_orders_of_the_kill_switch_and_found_ones_need_no_decision() -> None:
    script = Script()
    script.order("O-1", tags=("KILL_SWITCH",))
    script.approval("O-1")
    script.fill("O-1", "T-1")
    script.order("O-2", found_status="ACCEPTED")
    script.fill("O-2", "T-2")
    for name in ("O-1", "O-2"):
        assert trace(script.entries, name).orders[0].missing == ()


def test_an_unknown_id_is_answered_with_near_ones() -> None:
    with pytest.raises(NotFoundError, match=r"'o-1'.*Near it: .*O-1 \(client order id\).*blotter"):
        trace(day().entries, "o-1")
    with pytest.raises(NotFoundError, match=r"Near it: trip-7 \(round trip\)"):
        trace(day().entries, "trop-7")


def test_near_ids_are_few() -> None:
    with pytest.raises(NotFoundError) as raised:
        trace(day().entries, "O")
    assert str(raised.value).count("(") == NEAR_MATCHES_MAX


def test_without_a_near_id_examples_are_given() -> None:
    with pytest.raises(NotFoundError, match="Ids look like O-1 or c-4"):
        trace(day().entries, "zzzzzzzz")
    script = Script()
    script.decision("c-1")
    with pytest.raises(NotFoundError, match="Ids look like c-1"):
        trace(script.entries, "")


def test_a_journal_without_an_order_says_so() -> None:
    script = Script()
    script.opened()
    with pytest.raises(NotFoundError, match="holds no order and no decision"):
        trace(script.entries, "O-1")


def test_durations_are_summarized_by_median_and_nearest_rank() -> None:
    summary = summarized([*(n * 1_000_000 for n in range(1, 101)), None])
    assert (summary.orders, summary.median_ms, summary.p99_ms, summary.max_ms) == (100, 50.5, 99.0, 100.0)
    assert summarized([3_000_000]).median_ms == 3.0
    assert summarized([None]).median_ms is None


def test_a_trace_knows_what_a_note_about_it_may_be_about() -> None:
    names = trace(Script().filled_order("O-1", "c-1").entries, "T-O-1").names
    assert names == {"O-1", "V-O-1", "T-O-1", "c-1", "trip-6"}
    assert trace([Script().order("O-2")], "O-2").names == {"O-2"}
