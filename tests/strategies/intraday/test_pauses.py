from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from market.time import NS_PER_MINUTE, NS_PER_MS
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.pauses import Pauses, ReplaceRate

NOW = 1_000 * NS_PER_MINUTE


def pauses() -> Pauses:
    return Pauses(
        IntradayParameters(cooldown_ms=1_000, rejection_backoff_ms=500, rejection_backoff_ms_max=1_500)
    )


def test_a_cooldown_ends_after_its_time() -> None:
    pause = pauses()
    pause.cool_down(NOW)
    assert pause.reason("buy", NOW + 1_000 * NS_PER_MS - 1) == "cooldown"
    assert pause.reason("buy", NOW + 1_000 * NS_PER_MS) is None


def test_a_backoff_doubles_with_every_rejection_in_a_row_up_to_the_maximum() -> None:
    pause = pauses()
    waits = []
    for _ in range(4):
        pause.back_off(NOW)
        waits.append((pause.backoff_until_ns - NOW) // NS_PER_MS)
    assert waits == [500, 1_000, 1_500, 1_500]
    pause.accept()
    pause.back_off(NOW)
    assert pause.backoff_until_ns == NOW + 500 * NS_PER_MS
    assert pause.reason("sell", NOW) == "backing_off_after_rejection"


def test_a_used_signal_counts_again_only_after_it_lapsed() -> None:
    pause = pauses()
    pause.use("buy")
    assert pause.reason("buy", NOW) == "duplicate_signal"
    assert pause.reason("sell", NOW) is None
    pause.lapse()
    assert pause.reason("buy", NOW) is None


def test_pauses_survive_a_restart() -> None:
    before, after = pauses(), pauses()
    before.cool_down(NOW)
    before.back_off(NOW)
    before.use("sell")
    after.restore(before.state())
    assert after.state() == before.state()
    assert after.reason("sell", NOW) == before.reason("sell", NOW)


def test_a_rate_of_zero_allows_nothing() -> None:
    assert not ReplaceRate(0).allows(NOW)


@given(st.integers(1, 5), st.lists(st.integers(0, NS_PER_MINUTE // 2), max_size=40))
def test_no_minute_ever_holds_more_replaces_than_allowed(per_minute_max: int, waits_ns: list[int]) -> None:
    rate = ReplaceRate(per_minute_max)
    now = NOW
    sent: list[int] = []
    for wait_ns in waits_ns:
        now += wait_ns
        recent = [ts for ts in sent if now - ts < NS_PER_MINUTE]
        assert rate.allows(now) == (len(recent) < per_minute_max)
        if rate.allows(now):
            rate.count(now)
            sent.append(now)
