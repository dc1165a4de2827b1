"""Ticks in, records and commands out: cadence, suppression, sessions, refusals, restarts."""

from __future__ import annotations

from typing import Any

import pytest

from audit.events import DecisionRecord
from market.features import FeatureSnapshot
from market.time import NS_PER_MS, NS_PER_SECOND
from strategies.intents import Decision, Enter, Exit, Hold, Intent, Replace
from strategies.intraday.correlation import CorrelationIds
from strategies.intraday.decision_log import DecisionLog
from strategies.intraday.holding import Holding
from strategies.intraday.orders import Place
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.position import Fill
from strategies.intraday.symbol_trader import SESSION_OVER, ReadDepth, Step, SymbolTrader
from tests.strategies.builders import RULES, SHARES_MAX, TEN_NS, at_new_york, window

WINDOW = window()
BUY = Enter(side="buy", quantity=10)


class Script:
    """A decision function that says what the test tells it to, and remembers what it was shown."""

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self.reason = "scripted"
        self.seen: list[tuple[FeatureSnapshot, Holding]] = []

    def __call__(self, features: FeatureSnapshot, holding: Holding, _parameters: Any) -> Decision:
        self.seen.append((features, holding))
        return Decision(self.intent, self.reason, {"imbalance": 0.5}, {"own": 1.0})


def trader(script: Script, read_depth: ReadDepth | None = None, **parameters: Any) -> SymbolTrader:
    log = DecisionLog("Test-001", "BAC.SMART", CorrelationIds("test", "BAC"))
    made = SymbolTrader(
        script, IntradayParameters(**parameters), log=log, shares_max=SHARES_MAX, read_depth=read_depth
    )
    made.await_session(WINDOW)
    made.step(WINDOW.open_ns)
    made.on_quote(5.00, 5.01, 900.0, 100.0, TEN_NS)
    return made


def step(made: SymbolTrader, after_ms: int = 0) -> Step | None:
    return made.step(TEN_NS + after_ms * NS_PER_MS)


def records(outcome: Step | None) -> tuple[DecisionRecord, ...]:
    return outcome.records if outcome else ()


def the_order(outcome: Step | None) -> Place:
    assert outcome is not None
    (command,) = outcome.commands
    assert isinstance(command, Place)
    return command


def test_an_entry_is_recorded_with_what_was_seen() -> None:
    outcome = step(trader(Script(BUY)))
    order = the_order(outcome)
    (record,) = records(outcome)
    assert (record.action, record.outcome, record.reason) == ("enter", "sent", "scripted")
    assert record.correlation_id == order.correlation_id == "test-BAC-20131007-1"
    assert (record.side, record.quantity, record.limit_price) == ("buy", 10, "5.00")
    assert record.features["imbalance"] == pytest.approx(0.8)
    assert record.features["own"] == 1.0
    assert record.thresholds == {"imbalance": 0.5}


def test_doing_nothing_is_not_recorded() -> None:
    assert step(trader(Script(Hold()))) is None


def test_a_suppressed_signal_is_recorded_once_until_its_reason_changes() -> None:
    script = Script(Hold(signal="buy"))
    made = trader(script)
    seen = []
    for script.reason in ("spread_too_wide", "spread_too_wide", "too_quiet", "spread_too_wide"):
        seen += [(record.reason, record.outcome, record.side) for record in records(step(made))]
    assert seen == [
        ("spread_too_wide", "suppressed", "buy"),
        ("too_quiet", "suppressed", "buy"),
        ("spread_too_wide", "suppressed", "buy"),
    ]


def test_an_entry_that_the_lifecycle_suppresses_says_why() -> None:
    outcome = step(trader(Script(Enter(side="sell", quantity=10))))
    (record,) = records(outcome)
    assert (record.action, record.outcome, record.reason) == ("enter", "suppressed", "short_not_allowed")


def test_a_signal_that_lasts_is_acted_on_once_and_again_after_it_lapsed() -> None:
    script = Script(BUY)
    made = trader(script, cooldown_ms=0)
    order = the_order(step(made))
    made.on_ended(order.correlation_id, TEN_NS)
    assert [record.reason for record in records(step(made, 250))] == ["duplicate_signal"]
    script.intent = Hold()
    step(made, 500)
    script.intent = BUY
    assert the_order(step(made, 750))


def test_decides_at_its_interval_and_at_once_after_a_fill() -> None:
    made = trader(Script(BUY), decision_interval_ms=250)
    order = the_order(step(made))
    assert made.decide_at_ns == TEN_NS + 250 * NS_PER_MS
    made.on_fill(order.correlation_id, Fill(side="buy", quantity=10, price=5.0, ts_ns=TEN_NS))
    assert made.decide_at_ns == 0


def test_the_decision_is_shown_its_position_and_entry() -> None:
    script = Script(BUY)
    made = trader(script)
    order = the_order(step(made))
    script.intent = Hold()
    step(made, 250)
    assert script.seen[-1][1].entry_price == order.limit_price
    made.on_fill(order.correlation_id, Fill(side="buy", quantity=4, price=5.0, ts_ns=TEN_NS))
    step(made, 300)
    assert script.seen[-1][1].shares == 4


def test_nothing_is_asked_outside_the_window_while_flat() -> None:
    script = Script(BUY)
    made = trader(script)
    before = len(script.seen)
    for now_ns in (WINDOW.open_ns, WINDOW.cutoff_ns, WINDOW.flat_ns):
        assert made.step(now_ns) is None
    assert len(script.seen) == before


def test_what_time_demands_is_recorded_too() -> None:
    script = Script(BUY)
    made = trader(script, entry_timeout_ms=1_000)
    order = the_order(step(made))
    made.on_accepted(order.correlation_id)
    script.intent = Hold()
    (record,) = records(step(made, 1_000))
    assert (record.action, record.reason, record.outcome) == ("cancel", "entry_timeout", "sent")
    assert record.correlation_id == order.correlation_id


def test_a_refused_order_is_recorded_and_the_next_signal_backs_off() -> None:
    script = Script(BUY)
    made = trader(script)
    order = the_order(step(made))
    record = made.on_order_refused(
        order.correlation_id, "order_denied", TEN_NS, refused_by="max_shares_per_order"
    )
    assert record is not None
    assert (record.action, record.outcome, record.refused_by) == ("enter", "refused", "max_shares_per_order")
    script.intent = Hold()
    step(made, 1)
    script.intent = BUY
    assert [r.reason for r in records(step(made, 2))] == ["backing_off_after_rejection"]
    assert made.on_order_refused(order.correlation_id, "order_denied", TEN_NS, refused_by="x") is None


def test_a_refused_replace_and_cancel_are_recorded() -> None:
    script = Script(BUY)
    made = trader(script)
    order = the_order(step(made))
    made.on_accepted(order.correlation_id)
    script.intent = Replace(order.limit_price - 1) if order.limit_price else Hold()
    assert step(made, 1_000) is not None
    refused = made.on_request_refused(order.correlation_id, "replace", TEN_NS, refused_by="rate")
    assert refused is not None
    assert (refused.action, refused.reason, refused.outcome) == ("replace", "replace_rejected", "refused")
    gone = made.on_request_refused("unknown", "cancel", TEN_NS, refused_by="x")
    assert gone is None


def test_a_new_session_forgets_the_market_but_not_the_position() -> None:
    script = Script(BUY)
    made = trader(script)
    order = the_order(step(made))
    made.on_fill(order.correlation_id, Fill(side="buy", quantity=10, price=5.0, ts_ns=TEN_NS))
    made.on_trade(5.0, 100.0)
    tomorrow = window(at_new_york(16))
    made.await_session(tomorrow)
    assert made.decide_at_ns == tomorrow.open_ns
    script.intent, before = Hold(), len(script.seen)
    outcome = made.step(tomorrow.open_ns)
    assert len(script.seen) == before  # yesterday's quote is not shown
    left = the_order(outcome)
    assert (left.reason, left.quantity, left.limit_price) == ("left_from_earlier_session", 10, None)
    made.on_quote(5.00, 5.01, 900.0, 100.0, tomorrow.open_ns + 1)
    made.step(tomorrow.open_ns + 1)
    assert script.seen[-1][0].vwap is None


def test_a_quote_that_is_too_old_prices_no_entry() -> None:
    made = trader(Script(BUY), quote_age_ms_max=1_000)
    assert [r.reason for r in records(step(made, 1_001))] == ["no_valid_quote"]
    assert the_order(step(made, 1_000)).limit_price is not None


def test_depth_is_read_at_decisions_and_counts_the_levels_asked_for() -> None:
    reads = []

    def read() -> Any:
        reads.append(1)
        return [(5.00, 300.0), (4.99, 900.0)], [(5.01, 100.0), (5.02, 900.0)]

    script = Script(Hold())
    made = trader(script, read, book_levels=1)
    step(made)
    assert len(reads) == 1
    assert script.seen[-1][0].book_imbalance == pytest.approx(0.5)


def test_without_a_book_the_features_of_level_one_remain() -> None:
    script = Script(Hold())
    step(trader(script, lambda: None))
    assert script.seen[-1][0].book_imbalance is None
    assert script.seen[-1][0].imbalance == pytest.approx(0.8)


def test_standing_down_asks_no_more_and_closes() -> None:
    script = Script(BUY)
    made = trader(script)
    order = the_order(step(made))
    made.on_fill(order.correlation_id, Fill(side="buy", quantity=10, price=5.0, ts_ns=TEN_NS))
    asked = len(script.seen)
    leave = the_order(made.stand_down(TEN_NS))
    assert leave.reason == "standing_down"
    step(made, 250)
    assert len(script.seen) == asked


def test_after_the_close_it_asks_for_the_next_session() -> None:
    assert trader(Script(BUY)).step(WINDOW.close_ns) is SESSION_OVER


def test_before_the_open_it_sleeps_whatever_happens() -> None:
    script = Script(BUY)
    made = trader(script)
    made.adopt(10, average_price=5.0, opened_ns=TEN_NS)
    tomorrow = window(at_new_york(16))
    made.await_session(tomorrow)
    made.on_ended("unknown", tomorrow.open_ns - 2)
    assert made.step(tomorrow.open_ns - 1) is None
    assert made.decide_at_ns == tomorrow.open_ns


def test_a_paused_symbol_keeps_still_until_somebody_else_has_closed() -> None:
    made = trader(Script(BUY))
    order = the_order(step(made))
    made.on_fill(order.correlation_id, Fill(side="buy", quantity=10, price=5.0, ts_ns=TEN_NS))
    made.pause()
    assert step(made, 250) is None
    made.unpause()
    assert the_order(step(made, 500)).reason == "standing_down"


def test_a_decision_that_raises_changes_nothing_until_it_is_told_to_fail() -> None:
    def fails(*_: Any) -> Decision:
        raise RuntimeError("broken")

    script = Script(BUY)
    made = trader(script, entry_timeout_ms=1_000)
    order = the_order(step(made))
    made.on_accepted(order.correlation_id)
    script.__class__ = type("Broken", (Script,), {"__call__": fails})
    with pytest.raises(RuntimeError, match="broken"):
        step(made, 2_000)
    outcome = made.fail(RuntimeError("broken"), TEN_NS + 2_000 * NS_PER_MS)
    told = [(record.action, record.reason, record.refused_by) for record in outcome.records]
    assert told == [
        ("hold", "decision_failed", "RuntimeError('broken')"),
        ("cancel", "standing_down", None),
    ]
    assert len(outcome.commands) == 1  # the cancel of the entry, which the failed step did not swallow


def test_sequence_and_pauses_survive_a_restart() -> None:
    made = trader(Script(BUY))
    order = the_order(step(made))
    made.on_ended(order.correlation_id, TEN_NS)
    restarted = trader(Script(BUY))
    restarted.restore(made.saved_state())
    (record,) = records(step(restarted, 10))
    assert record.reason == "cooldown"
    assert record.correlation_id == "test-BAC-20131007-2"


def test_a_reset_trader_repeats_itself() -> None:
    script = Script(BUY)
    made = trader(script)
    first = step(made)
    made.reset()
    made.await_session(WINDOW)
    made.step(WINDOW.open_ns)
    made.on_quote(5.00, 5.01, 900.0, 100.0, TEN_NS)
    assert step(made) == first


def test_a_position_is_adopted_and_can_be_left() -> None:
    script = Script(Exit())
    made = trader(script)
    made.adopt(10, average_price=5.0, opened_ns=TEN_NS)
    order = the_order(step(made))
    assert (order.side, order.quantity) == ("sell", 10)


def test_orders_that_changed_unseen_are_forgotten() -> None:
    made = trader(Script(BUY))
    step(made)
    assert not made.is_idle
    made.begin_again()
    assert made.is_idle


def test_the_rules_of_the_tests_leave_ten_o_clock_for_trading() -> None:
    assert RULES.open_ramp_minutes * 60 * NS_PER_SECOND < TEN_NS - WINDOW.open_ns
