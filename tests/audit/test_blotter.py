"""The blotter lists every trade and execution with reasons, costs and notes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audit.blotter import blotter
from audit.notes import Note
from tests.audit.script import OPEN_NS, Script


def note(subject: str, text: str = "", *tags: str, seq: int = 1) -> Note:
    return Note(number=seq, seq=seq, ts_ns=OPEN_NS, subject=subject, text=text, tags=tags, by="Ann")


def traded() -> Script:
    script = Script().filled_order("O-1", "c-1", price=Decimal("13.9480"))
    return script.wait(60).filled_order("O-2", "c-2", side="SELL", price=Decimal("14.0500"))


def test_a_closed_trade_is_a_row_with_everything() -> None:
    (trade,) = blotter(traded().entries).trades
    assert (trade.status, trade.symbol, trade.side, trade.quantity) == ("closed", "BAC", "LONG", 10)
    assert (trade.entry_price, trade.exit_price) == (Decimal("13.948"), Decimal("14.05"))
    assert (trade.gross_usd, trade.fees_usd, trade.net_usd) == (
        Decimal("1.02"),
        Decimal("0.70"),
        Decimal("0.32"),
    )
    assert (trade.entry_reason, trade.exit_reason) == ("pressure_agrees", "pressure_agrees")
    assert trade.holding_seconds == pytest.approx(60.02)
    assert (trade.entry_new_york, trade.correlation_id) == ("2013-10-07 09:30:00.020 EDT", "c-1")
    assert (trade.entry_orders, trade.exit_orders) == (("O-1",), ("O-2",))
    assert trade.trade_ids == ("T-O-1", "T-O-2")


def test_slippage_is_of_entry_exit_and_both() -> None:
    (trade,) = blotter(traded().entries).trades
    assert trade.entry_slippage_to_mid_usd == Decimal("0.03")
    assert trade.exit_slippage_to_mid_usd == Decimal("-1.05")
    assert trade.slippage_to_mid_usd == Decimal("-1.02")
    assert trade.slippage_to_limit_usd == Decimal("-0.02") + Decimal("-1.00")
    assert trade.slippage_to_mid_bps == pytest.approx(-1.02 / 278.9 * 1e4)


def test_an_open_trade_has_no_exit() -> None:
    (trade,) = blotter(Script().filled_order("O-1", "c-1").entries).trades
    assert (trade.status, trade.open_quantity, trade.exit_price, trade.exit_reason) == (
        "open",
        10,
        None,
        None,
    )
    assert (trade.exit_ts_ns, trade.exit_new_york, trade.holding_seconds) == (None, None, None)


def test_reasons_are_of_the_decision_sent_the_kill_switch_or_unknown() -> None:
    script = Script()
    script.decision("c-1", outcome="suppressed", reason="too_wide")
    script.filled_order("O-1", "c-1")
    script.order("O-2", tags=("KILL_SWITCH",), side="SELL")
    script.fill("O-2", "T-2", side="SELL")
    script.fill("O-3", "T-3")
    first, second = blotter(script.entries).trades
    assert (first.entry_reason, first.exit_reason) == ("pressure_agrees", "kill_switch")
    assert second.entry_reason == "unknown"


def test_what_a_restart_did_not_find_is_broken_off_and_what_it_found_has_no_execution() -> None:
    script = Script()
    script.opened()
    script.filled_order("O-1", "c-1")
    script.opened()
    script.position("found", 4)
    lost, found = blotter(script.entries).trades
    assert (lost.status, found.status, found.entry_reason) == ("broken_off", "open", "found")
    assert (found.trade_ids, found.entry_slippage_to_mid_usd) == ((), None)


def test_executions_are_listed_with_the_prices_they_are_measured_by() -> None:
    first, second = blotter(traded().entries).executions
    assert (first.trade_id, first.trip_ids, first.venue_order_id) == ("T-O-1", ("trip-6",), "V-O-1")
    assert (first.mid_at_decision, first.limit_price) == (Decimal("13.945"), Decimal("13.9500"))
    assert (first.slippage_to_mid_usd, first.slippage_to_limit_usd) == (Decimal("0.03"), Decimal("-0.02"))
    assert (second.side, second.reason, second.new_york[11:19]) == ("SELL", "pressure_agrees", "09:31:00")


def test_a_fill_through_zero_belongs_to_two_trades_and_one_that_moved_nothing_to_none() -> None:
    script = Script()
    script.fill("O-1", "T-1")
    script.fill("O-2", "T-2", side="SELL", quantity=15)
    script.order("O-3", is_reduce_only=True, strategy_id="Other-1")
    script.fill("O-3", "T-3", strategy_id="Other-1")
    made = blotter(script.entries)
    assert [execution.trip_ids for execution in made.executions] == [("trip-1",), ("trip-1", "trip-2"), ()]


@pytest.mark.parametrize("subject", ["trip-6", "O-1", "V-O-2", "T-O-2", "c-1"])
def test_a_note_on_any_id_of_a_trade_is_shown_with_it(subject: str) -> None:
    notes = [note(subject, "good", "review"), note("O-9", "other")]
    (trade,) = blotter(traded().entries, notes).trades
    assert (trade.tags, trade.notes) == (("review",), ("good (Ann)",))


def test_notes_keep_their_order_and_tags_do_not_repeat() -> None:
    notes = [note("O-1", "first", "a", "b"), note("trip-6", "", "b", seq=2), note("O-1", "last", seq=3)]
    (trade,) = blotter(traded().entries, notes).trades
    assert (trade.tags, trade.notes) == (
        ("a", "b"),
        ("first (Ann)", "tagged b (Ann)", "last (Ann)"),
    )


def test_an_execution_has_the_notes_on_its_trade_id() -> None:
    first, second = blotter(traded().entries, [note("T-O-1", "odd")]).executions
    assert (first.notes, second.notes) == (("odd (Ann)",), ())


def test_an_instrument_without_a_venue_is_its_own_symbol() -> None:
    script = Script()
    script.fill("O-1", "T-1", instrument_id="BAC")
    assert blotter(script.entries).trades[0].symbol == "BAC"
