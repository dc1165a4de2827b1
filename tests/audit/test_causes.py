"""Which record follows from which, where several are possible."""

from __future__ import annotations

from audit.causes import OPEN_FILLS_MAX, Causes


def test_a_fill_while_a_cancel_is_asked_follows_from_what_the_order_works_by() -> None:
    causes = Causes()
    trail = causes.begin("O", None, is_flattening=False)
    trail.request = 1
    trail.happened("submitted", 2)
    trail.happened("accepted", 3)
    trail.happened("pending_cancel", 4)
    assert (trail.cause_of_fill, trail.cause_of("canceled"), trail.cause_of("expired")) == (3, 4, 3)
    trail.happened("cancel_rejected", 5)
    assert trail.cause_of("canceled") == 3


def test_a_fill_before_the_order_is_acknowledged_follows_from_its_request() -> None:
    trail = Causes().begin("O", None, is_flattening=False)
    trail.request = 1
    assert trail.cause_of_fill == 1
    trail.happened("expired", 2)
    assert (trail.request, trail.working) == (1, None)


def test_the_orders_of_the_kill_switch_follow_from_the_flattening() -> None:
    causes = Causes()
    causes.flattening(7)
    assert causes.begin("K", None, is_flattening=True).request == 7
    assert causes.begin("O", None, is_flattening=False).request is None


def test_position_events_of_nested_fills_come_newest_first() -> None:
    causes = Causes()
    causes.filled("P", 1, quantity=10, trail=None)
    causes.filled("P", 2, quantity=5, trail=causes.begin("O", "d-1", is_flattening=False))
    assert causes.position_moved("P", 5) == ("d-1", 2)
    assert causes.position_moved("P", 10) == (None, 1)
    assert causes.position_moved("P", 10) == (None, None)
    assert causes.position_moved("Q", 1) == (None, None)


def test_fills_that_no_position_tells_of_are_forgotten() -> None:
    causes = Causes()
    for seq in range(OPEN_FILLS_MAX + 1):
        causes.filled("P", seq, quantity=100 + seq, trail=None)
    assert causes.position_moved("P", 100) == (None, OPEN_FILLS_MAX)
    assert causes.position_moved("P", 101) == (None, 1)


def test_a_signal_counts_at_its_own_time_only() -> None:
    causes = Causes()
    causes.signalled("daily_loss", 5, ts_ns=100)
    assert (causes.signal("daily_loss", 100), causes.signal("daily_loss", 101)) == (5, None)
    assert causes.signal("Ann", 100) is None


def test_unknown_orders_have_no_trail() -> None:
    causes = Causes()
    trail = causes.begin("O", None, is_flattening=False)
    assert causes.trails(["X", "O"]) == [trail]
    assert causes.trail("X") is None
