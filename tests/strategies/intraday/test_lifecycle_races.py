"""Fills, cancels and refusals that cross each other."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.intents import Cancel, Exit
from strategies.intraday.lifecycle import State
from strategies.intraday.orders import Command, Place, Withdraw
from tests.strategies.builders import TEN_NS, moment, only
from tests.strategies.lives import fill, open_position, place, working_entry


def test_an_exit_waits_for_the_cancel_of_a_half_filled_entry() -> None:
    life, entry = working_entry()
    fill(life, entry, 4)
    assert isinstance(only(life.request(Exit(), "stop_loss", moment(10))), Withdraw)
    assert life.advance(moment(20)) == ()
    life.on_ended(entry.correlation_id, moment(30).now_ns)
    leave = only(life.advance(moment(40)))
    assert isinstance(leave, Place)
    assert (leave.quantity, leave.reason) == (4, "stop_loss")


def test_an_exit_goes_ahead_when_the_cancel_stays_unanswered() -> None:
    life, entry = working_entry(entry_cancel_wait_ms=1_000)
    fill(life, entry, 4)
    only(life.request(Exit(), "stop_loss", moment(10)))
    assert life.advance(moment(1_009)) == ()
    assert only(life.advance(moment(1_010))).quantity == 4


def test_an_exit_goes_ahead_although_cancels_are_refused_again_and_again() -> None:
    life, entry = working_entry(entry_cancel_wait_ms=1_000, replace_interval_ms=500)
    fill(life, entry, 4)
    only(life.request(Exit(), "stop_loss", moment(0)))
    sent: list[Command] = []
    for after_ms in range(100, 1_100, 100):
        life.on_cancel_refused(entry.correlation_id)
        sent += life.advance(moment(after_ms))
    assert [command.quantity for command in sent if isinstance(command, Place)] == [4]


def test_a_late_fill_of_a_withdrawn_entry_is_exited_after_the_first_exit() -> None:
    life, entry = working_entry(entry_cancel_wait_ms=1_000)
    fill(life, entry, 4)
    only(life.request(Exit(), "stop_loss", moment(0)))
    first = only(life.advance(moment(1_000)))
    assert isinstance(first, Place)
    fill(life, entry, 6)  # the rest of the entry, while 4 are on their way out
    assert life.advance(moment(1_010)) == ()
    fill(life, first, 4)
    assert life.state is State.EXITING
    second = only(life.advance(moment(1_020)))
    assert isinstance(second, Place)
    assert second.quantity == 6
    fill(life, second, 6)
    assert life.is_idle


def test_an_entry_that_fills_after_its_cancel_was_confirmed_is_a_position_again() -> None:
    life, entry = working_entry()
    only(life.request(Cancel(), "turned", moment(10)))
    life.on_ended(entry.correlation_id, moment(20).now_ns)
    assert life.is_idle
    fill(life, entry, 10)
    assert (life.state, life.position.shares) == (State.OPEN, 10)


def test_an_exit_that_a_late_fill_made_too_large_is_withdrawn() -> None:
    life = open_position(exit_reprices_max=0)
    first = place(life, Exit())
    life.on_accepted(first.correlation_id)
    assert isinstance(only(life.advance(moment(5_000))), Withdraw)
    life.on_ended(first.correlation_id, moment(5_010).now_ns)
    second = only(life.advance(moment(5_020)))
    assert isinstance(second, Place)
    fill(life, first, 10)  # the first exit did fill before its cancel
    command = only(life.advance(moment(5_030)))
    assert (type(command), command.reason) == (Withdraw, "exit_exceeds_position")
    assert command.correlation_id == second.correlation_id


@pytest.mark.parametrize("allow_short", [False, True])
def test_a_position_on_the_wrong_side_is_closed_at_once(allow_short: bool) -> None:
    life = open_position(allow_short=allow_short)
    leave = place(life, Exit())
    fill(life, leave, 10)
    fill(life, leave, 10)  # a venue that fills an exit twice
    command = only(life.advance(moment(10)))
    assert isinstance(command, Place)
    assert (command.side, command.quantity, command.reason) == ("buy", 10, "unintended_position")


def test_a_position_above_the_limit_is_closed() -> None:
    life, entry = working_entry(cooldown_ms=0)
    life.on_ended(entry.correlation_id, TEN_NS)
    life.pauses.lapse()
    second = place(life)
    fill(life, second, 10)
    fill(life, entry, 10)  # the first entry was filled after all
    assert only(life.advance(moment(10))).reason == "position_above_limit"


def test_an_event_about_an_order_that_ended_changes_nothing() -> None:
    life, entry = working_entry()
    life.on_ended(entry.correlation_id, TEN_NS)
    for tell in (life.on_accepted, life.on_reprice_refused, life.on_cancel_refused):
        tell(entry.correlation_id)
    life.on_refused(entry.correlation_id, TEN_NS)
    life.on_updated(entry.correlation_id, quantity=10, limit_price=Decimal(1))
    assert life.is_idle
    assert life.pauses.rejections_in_a_row == 0


def test_an_exit_lasts_until_the_entry_can_fill_no_more() -> None:
    life, entry = working_entry(entry_cancel_wait_ms=1_000)
    fill(life, entry, 4)
    only(life.request(Exit(), "stop_loss", moment(0)))
    first = only(life.advance(moment(1_000)))
    assert isinstance(first, Place)
    fill(life, first, 4)
    assert (life.position.shares, life.state) == (0, State.EXITING)
    fill(life, entry, 2)
    second = only(life.advance(moment(1_010)))
    assert isinstance(second, Place)
    assert (second.quantity, second.reason) == (2, "stop_loss")
    fill(life, second, 2)
    life.on_ended(entry.correlation_id, moment(1_020).now_ns)
    assert life.is_idle
