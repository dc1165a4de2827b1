from __future__ import annotations

from decimal import Decimal

import pytest

from market.session_windows import SessionPhase
from strategies.intents import Cancel, Enter, Exit, Hold, Replace, Side
from strategies.intraday.lifecycle import State
from strategies.intraday.orders import Place, Reprice, Withdraw
from strategies.intraday.position import Fill
from tests.strategies.builders import OPEN_NS, SHARES_MAX, TEN_NS, lifecycle, moment, only
from tests.strategies.lives import BUY, fill, open_position, place, suppressed, working_entry

# Entering -----------------------------------------------------------------------------------------------


def test_a_round_trip_passes_through_every_state() -> None:
    life = lifecycle()
    states = [life.state]
    entry = place(life)
    states.append(life.state)
    fill(life, entry, 10)
    states.append(life.state)
    leave = place(life, Exit())
    states.append(life.state)
    fill(life, leave, 10)
    states.append(life.state)
    assert states == [State.FLAT, State.ENTERING, State.OPEN, State.EXITING, State.FLAT]
    assert life.is_idle


def test_a_passive_entry_rests_and_a_marketable_one_takes_or_leaves() -> None:
    passive = place(lifecycle(), Enter(side="buy", quantity=10, style="passive"))
    assert (passive.limit_price, passive.time_in_force) == (Decimal("5.00"), "day")
    marketable = place(
        lifecycle(marketable_offset_ticks=2), Enter(side="buy", quantity=10, style="marketable")
    )
    assert (marketable.limit_price, marketable.time_in_force) == (Decimal("5.03"), "ioc")


def test_a_price_of_the_decision_replaces_the_style_s_and_is_put_on_the_tick() -> None:
    entry = place(lifecycle(), Enter(side="buy", quantity=1, limit_price=Decimal("4.979")))
    assert entry.limit_price == Decimal("4.97")


@pytest.mark.parametrize("phase", [phase for phase in SessionPhase if phase is not SessionPhase.TRADING])
def test_no_entry_outside_the_session_window(phase: SessionPhase) -> None:
    outcome = lifecycle().request(BUY, "test", moment(phase=phase))
    assert suppressed(outcome) == "outside_session_window"


@pytest.mark.parametrize("quantity", [0, -1, SHARES_MAX + 1])
def test_no_entry_of_a_size_out_of_bounds(quantity: int) -> None:
    outcome = lifecycle().request(Enter(side="buy", quantity=quantity), "test", moment())
    assert suppressed(outcome) == "quantity_out_of_bounds"


def test_an_entry_of_the_largest_size_is_sent() -> None:
    assert place(lifecycle(), Enter(side="buy", quantity=SHARES_MAX)).quantity == SHARES_MAX


def test_a_short_entry_needs_permission() -> None:
    sell = Enter(side="sell", quantity=10)
    assert suppressed(lifecycle().request(sell, "test", moment())) == "short_not_allowed"
    assert place(lifecycle(allow_short=True), sell).side == "sell"


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 0.0), (5.00, 0.0), (0.0, 5.01), (5.01, 5.01), (5.02, 5.01)])
def test_no_entry_without_a_valid_quote(bid: float, ask: float) -> None:
    outcome = lifecycle().request(BUY, "test", moment(bid=bid, ask=ask))
    assert suppressed(outcome) == "no_valid_quote"


def test_one_entry_at_a_time() -> None:
    life = lifecycle()
    place(life)
    assert suppressed(life.request(BUY, "test", moment())) == "entry_already_working"


def test_no_entry_while_a_position_is_open_or_going() -> None:
    life = open_position()
    assert suppressed(life.request(BUY, "test", moment())) == "position_already_open"
    place(life, Exit())
    assert suppressed(life.request(BUY, "test", moment())) == "exit_in_progress"


def test_a_cooldown_follows_a_round_trip_and_an_unfilled_entry() -> None:
    life = open_position(cooldown_ms=1_000)
    leave = place(life, Exit())
    fill(life, leave, 10)
    life.pauses.lapse()
    assert suppressed(life.request(BUY, "test", moment(999))) == "cooldown"
    unfilled = place(life, after_ms=1_000)
    life.on_ended(unfilled.correlation_id, moment(1_000).now_ns)
    life.pauses.lapse()
    assert suppressed(life.request(BUY, "test", moment(1_999))) == "cooldown"
    assert place(life, after_ms=2_000)


def test_a_cooldown_follows_also_when_somebody_else_closed_the_position() -> None:
    life = open_position(cooldown_ms=1_000)
    life.on_fill(None, Fill(side="sell", quantity=10, price=5.00, ts_ns=TEN_NS))
    life.pauses.lapse()
    assert life.is_idle
    assert suppressed(life.request(BUY, "test", moment(999))) == "cooldown"


def test_a_signal_that_lasts_leads_to_one_entry() -> None:
    life = lifecycle(cooldown_ms=0)
    entry = place(life)
    life.on_ended(entry.correlation_id, TEN_NS)
    assert suppressed(life.request(BUY, "test", moment(1))) == "duplicate_signal"
    life.pauses.lapse()
    assert place(life, after_ms=2)


def test_rejections_in_a_row_back_off_ever_longer() -> None:
    life = lifecycle(rejection_backoff_ms=100, cooldown_ms=0)
    first = place(life)
    life.on_refused(first.correlation_id, TEN_NS)
    life.pauses.lapse()
    assert life.state is State.FLAT
    assert suppressed(life.request(BUY, "test", moment(99))) == "backing_off_after_rejection"
    second = place(life, after_ms=100)
    life.on_refused(second.correlation_id, moment(100).now_ns)
    life.pauses.lapse()
    assert suppressed(life.request(BUY, "test", moment(299))) == "backing_off_after_rejection"
    assert place(life, after_ms=300)


# Working an entry ---------------------------------------------------------------------------------------


def test_an_entry_follows_a_new_price() -> None:
    life, entry = working_entry(replace_interval_ms=500)
    command = only(life.request(Replace(Decimal("5.02")), "moved", moment(500)))
    assert command == Reprice(
        correlation_id=entry.correlation_id,
        purpose="entry",
        side="buy",
        quantity=10,
        limit_price=Decimal("5.02"),
        reason="moved",
    )
    life.on_updated(entry.correlation_id, quantity=10, limit_price=Decimal("5.02"))
    assert life.entry is not None
    assert life.entry.limit_price == Decimal("5.02")


def test_a_replace_waits_for_its_interval_and_its_rate() -> None:
    life, entry = working_entry(replace_interval_ms=500, replaces_per_minute_max=1, entry_timeout_ms=600_000)
    assert suppressed(life.request(Replace(Decimal("5.01")), "moved", moment(499))) == "replace_rate"
    only(life.request(Replace(Decimal("5.01")), "moved", moment(500)))
    life.on_updated(entry.correlation_id, quantity=10, limit_price=Decimal("5.01"))
    assert suppressed(life.request(Replace(Decimal("5.02")), "moved", moment(60_499))) == "replace_rate"
    only(life.request(Replace(Decimal("5.02")), "moved", moment(60_500)))


def test_a_replace_that_changes_nothing_or_is_under_way_says_nothing() -> None:
    life, _ = working_entry()
    assert life.request(Replace(Decimal("5.009")), "moved", moment(5_000)) == ()  # same tick
    only(life.request(Replace(Decimal("5.01")), "moved", moment(5_000)))
    assert life.request(Replace(Decimal("5.02")), "moved", moment(9_000)) == ()


def test_a_refused_replace_leaves_the_entry_working() -> None:
    life, entry = working_entry()
    only(life.request(Replace(Decimal("5.01")), "moved", moment(1_000)))
    life.on_reprice_refused(entry.correlation_id)
    assert life.entry is not None
    assert life.entry.limit_price == Decimal("5.00")
    assert only(life.request(Replace(Decimal("5.01")), "moved", moment(2_000)))


def test_there_is_nothing_to_replace_or_cancel_when_flat() -> None:
    assert suppressed(lifecycle().request(Replace(Decimal(5)), "x", moment())) == "nothing_to_replace"
    assert suppressed(lifecycle().request(Cancel(), "x", moment())) == "nothing_to_cancel"
    assert suppressed(lifecycle().request(Exit(), "x", moment())) == "nothing_to_exit"
    assert lifecycle().request(Hold(), "x", moment()) == ()


def test_no_replace_outside_the_session_window() -> None:
    life, _ = working_entry()
    outcome = life.request(Replace(Decimal("5.01")), "x", moment(1_000, phase=SessionPhase.CLOSE_CUTOFF))
    assert suppressed(outcome) == "outside_session_window"


def test_an_entry_is_withdrawn_when_its_time_is_up() -> None:
    life, entry = working_entry(entry_timeout_ms=1_000)
    assert life.advance(moment(999)) == ()
    command = only(life.advance(moment(1_000)))
    assert isinstance(command, Withdraw)
    assert (command.correlation_id, command.reason) == (entry.correlation_id, "entry_timeout")
    assert life.advance(moment(5_000)) == ()  # the cancel is under way


def test_an_entry_is_withdrawn_when_its_window_ends() -> None:
    life, _ = working_entry()
    command = only(life.advance(moment(1, phase=SessionPhase.NO_TRADE)))
    assert (type(command), command.reason) == (Withdraw, "outside_session_window")


def test_a_refused_cancel_is_sent_again_after_a_while() -> None:
    life, entry = working_entry(replace_interval_ms=500)
    only(life.request(Cancel(), "turned", moment(100)))
    life.on_cancel_refused(entry.correlation_id)
    assert life.request(Cancel(), "turned", moment(599)) == ()
    assert isinstance(only(life.request(Cancel(), "turned", moment(600))), Withdraw)


def test_a_partly_filled_entry_opens_what_it_filled() -> None:
    life, entry = working_entry()
    fill(life, entry, 4)
    assert life.state is State.ENTERING
    life.on_ended(entry.correlation_id, TEN_NS)
    assert (life.state, life.position.shares) == (State.OPEN, 4)
    assert place(life, Exit()).quantity == 4


# The end of the session, of the strategy, and of an earlier life ------------------------------------------


def test_what_is_held_is_exited_at_the_flat_time() -> None:
    life = open_position()
    assert life.advance(moment(1, phase=SessionPhase.CLOSE_CUTOFF)) == ()
    command = only(life.advance(moment(2, phase=SessionPhase.FLATTEN)))
    assert (type(command), command.reason) == (Place, "flat_before_close")


def test_nothing_is_sent_while_the_exchange_is_closed() -> None:
    life = open_position()
    life.stand_down()
    assert life.advance(moment(1, phase=SessionPhase.CLOSED)) == ()
    assert life.advance(moment(2, phase=SessionPhase.OPEN_RAMP))


def test_a_position_from_an_earlier_session_is_exited_when_the_next_one_opens() -> None:
    life = open_position()
    next_open_ns = OPEN_NS + 24 * 3_600 * 1_000_000_000
    later = moment(24 * 3_600_000, phase=SessionPhase.OPEN_RAMP, session_open_ns=next_open_ns)
    assert only(life.advance(later)).reason == "left_from_earlier_session"


def test_standing_down_closes_and_enters_nothing_more() -> None:
    life, entry = working_entry()
    fill(life, entry, 4)
    life.stand_down()
    assert isinstance(only(life.advance(moment(1))), Withdraw)
    life.on_ended(entry.correlation_id, TEN_NS)
    leave = only(life.advance(moment(2)))
    assert isinstance(leave, Place)
    fill(life, leave, 4)
    assert suppressed(life.request(BUY, "test", moment(3))) == "standing_down"


@pytest.mark.parametrize(("shares", "side"), [(10, "sell"), (-10, "buy")])
def test_an_adopted_position_can_be_exited(shares: int, side: Side) -> None:
    life = lifecycle(allow_short=True)
    life.adopt(shares, average_price=5.00, opened_ns=TEN_NS)
    assert life.advance(moment()) == ()
    leave = place(life, Exit())
    assert (leave.side, leave.quantity) == (side, 10)
