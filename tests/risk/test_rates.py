"""How often something happened within a sliding window, and what too much of it leads to."""

from __future__ import annotations

import pytest

from market.time import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from risk.gatekeeper import Gatekeeper
from risk.rates import SlidingCount
from risk.supervisor import REPLACE_RATE
from tests.risk.desk import NAMES, Desk, refusal
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import NOW_NS, order, verdict

# -- Counting -------------------------------------------------------------------------------------


def test_a_sliding_count_forgets_what_left_its_window() -> None:
    count = SlidingCount(100)
    for now_ns in (0, 50, 100):
        count.add(now_ns)
    assert count.count(99) == 3
    assert count.count(100) == 2
    assert count.count(199) == 1
    count.take_back()
    assert count.count(199) == 0


def test_a_sliding_count_goes_no_further_than_100_000() -> None:
    count = SlidingCount(100)
    for number in range(1, 100_003):
        count.add(200)
        if number > 99_998:
            assert count.count(200) == min(number, 100_000)


def test_rates_count_within_their_windows(keeper: Gatekeeper) -> None:
    account = keeper.account
    for counter, window_ns in (
        (account.orders, NS_PER_SECOND), (account.attempts, NS_PER_SECOND),
        (account.replaces, 60 * NS_PER_SECOND), (account.rejects, 60 * NS_PER_SECOND),
    ):  # fmt: skip
        counter.add(NOW_NS)
        assert counter.count(NOW_NS + window_ns - 1) == 1
        assert counter.count(NOW_NS + window_ns) == 0


def test_a_strategy_that_tries_ten_times_the_rate_runs_away(keeper: Gatekeeper) -> None:
    most = 10 * LIMITS.max_orders_per_second
    for _ in range(most):
        verdict(keeper, order(quantity=101))
    assert not keeper.account.is_running_away(NOW_NS)
    verdict(keeper, order(quantity=101))
    assert keeper.account.is_running_away(NOW_NS)
    assert not keeper.account.is_running_away(NOW_NS + NS_PER_SECOND)


# -- Acting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "after"), [("ib_tick", "HALT"), ("order_rate", "HALT"), ("quote_age", "RUNNING")]
)
def test_too_many_rejects_halt_and_ordinary_refusals_do_not(desk: Desk, rule: str, after: str) -> None:
    for number in range(LIMITS.max_rejects_per_minute):
        desk.supervisor.refused(refusal(rule), NAMES, NOW_NS + number)
    assert desk.state == "RUNNING"
    desk.supervisor.refused(refusal(rule), NAMES, NOW_NS + 9)
    assert desk.state == after


def test_the_brokers_rejects_count_too(desk: Desk) -> None:
    for _ in range(LIMITS.max_rejects_per_minute + 1):
        assert desk.state == "RUNNING"
        desk.supervisor.keeper.rejected("O", NOW_NS)
        desk.supervisor.after_reject(NOW_NS)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "reject_rate")
    assert desk.executor.calls == [("cancel_openings",)]


def test_too_many_replaces_are_safe_mode_until_they_are_half_as_many(desk: Desk) -> None:
    most = LIMITS.max_replaces_per_minute
    for number in range(most + 1):
        desk.supervisor.keeper.cancel("O", NOW_NS + number * NS_PER_MS)
    desk.supervisor.after_commands(NOW_NS + NS_PER_MINUTE - 1)
    assert (desk.state, desk.account.breaker.causes) == ("SAFE_MODE", (REPLACE_RATE,))
    assert desk.account.breaker.reason == "31 replaces in a minute, limit 30"
    gone = most + 1 - most // 2
    desk.supervisor.after_commands(NOW_NS + NS_PER_MINUTE + (gone - 2) * NS_PER_MS)
    assert desk.state == "SAFE_MODE"
    desk.supervisor.after_commands(NOW_NS + NS_PER_MINUTE + (gone - 1) * NS_PER_MS)
    assert desk.state == "RUNNING"


def test_replaces_at_their_limit_are_fine(desk: Desk) -> None:
    for _ in range(LIMITS.max_replaces_per_minute):
        desk.supervisor.keeper.cancel("O", NOW_NS)
    desk.supervisor.after_commands(NOW_NS)
    desk.look()
    assert desk.state == "RUNNING"


def test_the_watch_notices_replaces_that_have_ended(desk: Desk) -> None:
    desk.supervisor.raise_cause(REPLACE_RATE, NOW_NS, reason="test")
    desk.look()
    assert desk.state == "RUNNING"
