"""How an exit that does not fill is worked to the market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from market.session_windows import SessionPhase
from strategies.intents import Exit
from strategies.intraday.lifecycle import Lifecycle
from strategies.intraday.orders import Command, Place, Reprice, Withdraw
from strategies.intraday.position import Fill
from tests.strategies.builders import TEN_NS, lifecycle, moment, only


def holding(shares: int = 10, **parameters: Any) -> Lifecycle:
    life = lifecycle(allow_short=True, **parameters)
    life.adopt(shares, average_price=5.00, opened_ns=TEN_NS)
    return life


def leave(life: Lifecycle, intent: Exit, after_ms: int = 0, **instant: Any) -> Place:
    command = only(life.request(intent, "target", moment(after_ms, **instant)))
    assert isinstance(command, Place)
    life.on_accepted(command.correlation_id)
    return command


def acknowledge(life: Lifecycle, command: Command, after_ms: int) -> None:
    """Answer a replace or cancel as the venue would."""
    if isinstance(command, Reprice):
        life.on_updated(command.correlation_id, quantity=10, limit_price=command.limit_price)
    elif isinstance(command, Withdraw):
        life.on_ended(command.correlation_id, moment(after_ms).now_ns)


def test_each_style_begins_at_its_price() -> None:
    assert leave(holding(), Exit("passive")).limit_price == Decimal("5.01")
    assert leave(holding(), Exit("marketable")).limit_price == Decimal("4.99")
    assert leave(holding(), Exit("market")).limit_price is None
    assert leave(holding(-10), Exit("passive")).limit_price == Decimal("5.00")
    assert leave(holding(-10), Exit("marketable")).limit_price == Decimal("5.02")


def test_an_unfilled_exit_goes_deeper_each_time_and_ends_as_a_market_order() -> None:
    life = holding(exit_reprice_ms=1_000, exit_reprices_max=2)
    leave(life, Exit("passive"))
    seen: list[tuple[type[Command], Decimal | None]] = []
    for after_ms in range(500, 5_000, 500):
        for command in life.advance(moment(after_ms)):
            seen.append((type(command), getattr(command, "limit_price", None)))
            acknowledge(life, command, after_ms)
    assert seen == [
        (Reprice, Decimal("4.99")),
        (Reprice, Decimal("4.98")),
        (Withdraw, None),
        (Place, None),
    ]


def test_patience_is_exact() -> None:
    life = holding(exit_reprice_ms=1_000)
    leave(life, Exit("passive"))
    assert life.advance(moment(999)) == ()
    assert isinstance(only(life.advance(moment(1_000))), Reprice)


def test_an_exit_is_not_touched_before_the_venue_answered() -> None:
    life = holding(exit_reprice_ms=1_000)
    only(life.request(Exit("passive"), "target", moment()))
    assert life.advance(moment(60_000)) == ()


def test_a_more_urgent_exit_does_not_wait() -> None:
    life = holding(exit_reprice_ms=60_000)
    target = leave(life, Exit("passive"))
    stop = only(life.request(Exit("marketable"), "stop", moment(10)))
    assert isinstance(stop, Reprice)
    assert (stop.correlation_id, stop.limit_price) == (target.correlation_id, Decimal("4.99"))


def test_a_less_urgent_exit_changes_nothing() -> None:
    life = holding(exit_reprice_ms=60_000)
    leave(life, Exit("marketable"))
    assert life.request(Exit("passive"), "target", moment(10)) == ()
    assert life.request(Exit("marketable"), "stop", moment(10)) == ()


def test_a_market_exit_withdraws_the_limit_first() -> None:
    life = holding(exit_reprice_ms=60_000)
    limit = leave(life, Exit("passive"))
    command = only(life.request(Exit("market"), "stop", moment(10)))
    assert isinstance(command, Withdraw)
    life.on_fill(limit.correlation_id, Fill(side="sell", quantity=3, price=5.01, ts_ns=TEN_NS))
    life.on_ended(limit.correlation_id, moment(20).now_ns)
    market = only(life.advance(moment(30)))
    assert isinstance(market, Place)
    assert (market.limit_price, market.quantity) == (None, 7)


def test_without_a_usable_quote_an_exit_is_a_market_order() -> None:
    assert leave(holding(), Exit("marketable"), bid=0.0, ask=0.0).limit_price is None


def test_when_the_quote_is_lost_a_working_exit_goes_to_the_market() -> None:
    life = holding(exit_reprice_ms=1_000)
    leave(life, Exit("passive"))
    assert only(life.advance(moment(1_000, bid=0.0, ask=0.0))).reason == "exit_to_market"


def test_when_the_replace_rate_is_used_up_an_exit_goes_to_the_market() -> None:
    life = holding(exit_reprice_ms=1_000, replaces_per_minute_max=0)
    leave(life, Exit("passive"))
    assert only(life.advance(moment(1_000))).reason == "exit_to_market"


def test_when_a_replace_is_refused_an_exit_goes_to_the_market() -> None:
    life = holding(exit_reprice_ms=1_000)
    limit = leave(life, Exit("passive"))
    only(life.advance(moment(1_000)))
    life.on_reprice_refused(limit.correlation_id)
    assert only(life.advance(moment(1_001))).reason == "exit_to_market"


def test_a_refused_exit_is_tried_again_otherwise_for_as_long_as_it_takes() -> None:
    life = holding(rejection_backoff_ms=100)
    exit_order = only(life.request(Exit("marketable"), "stop", moment()))
    kinds = []
    for attempt in range(1, 7):
        assert isinstance(exit_order, Place)
        kinds.append("market" if exit_order.limit_price is None else "limit")
        refused_ms = attempt * 100
        life.on_refused(exit_order.correlation_id, moment(refused_ms).now_ns)
        assert life.advance(moment(refused_ms + 99)) == ()
        exit_order = only(life.advance(moment(refused_ms + 100)))
    assert kinds == ["limit", "market"] * 3


def test_a_price_that_already_stands_is_not_sent_again() -> None:
    life = holding(exit_reprice_ms=1_000, marketable_offset_ticks=0)
    leave(life, Exit("marketable"))
    assert life.advance(moment(1_000)) == ()
    assert only(life.advance(moment(2_000, bid=4.99))).reason == "exit_repriced"


def test_an_exit_is_worked_in_the_flatten_phase_too() -> None:
    life = holding(exit_reprice_ms=1_000)
    leave(life, Exit("passive"))
    command = only(life.advance(moment(10, phase=SessionPhase.FLATTEN)))
    assert isinstance(command, Reprice)  # the flat time is more urgent than a passive target


def test_no_second_exit_is_sent_while_the_first_may_still_fill() -> None:
    life = holding(exit_reprices_max=0)
    limit = leave(life, Exit("passive"))
    assert isinstance(only(life.advance(moment(5_000))), Withdraw)
    assert life.advance(moment(60_000)) == ()
    assert life.request(Exit("market"), "stop", moment(60_000)) == ()
    life.on_ended(limit.correlation_id, moment(60_010).now_ns)
    assert isinstance(only(life.advance(moment(60_020))), Place)
