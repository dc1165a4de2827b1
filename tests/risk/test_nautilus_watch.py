"""What the timer notices: a lost connection, silence of the data, positions that differ."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick

from market.time import NS_PER_SECOND, new_york_date, to_ns
from risk.records import ReadingRecord
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.live_rig import LiveRig
from tests.risk.nautilus_rig import START_NS, F, Rig, Scripted, market, quotes, raises, scripted


def timed(script: Any, *, held: int = 10, **fields: Any) -> Rig:
    rig = Rig(has_timer=True, **fields)
    rig.run(scripted({1: lambda each: each.submit_order(market(each, held))} | script(rig)))
    return rig


def causes(rig: Rig) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(change.after), change.causes) for change in rig.recorder.breaker_changes][1:]


def test_a_lost_connection_is_safe_mode_and_stays_until_reconciled() -> None:
    def script(rig: Rig) -> dict[int, Any]:
        engine = rig.gate.watch._kernel

        def lose(_: Scripted) -> None:
            down = SimpleNamespace(check_connected=lambda: False)
            rig.gate.watch._kernel = SimpleNamespace(exec_engine=down, data_engine=engine.data_engine)

        def regain(_: Scripted) -> None:
            rig.gate.watch._kernel = engine

        return {5: lose, 10: regain}

    rig = timed(script)
    assert rig.gate.keeper.account.breaker.causes == ("unreconciled",)
    rig.gate.confirm_reconciled(reason="compared")
    assert rig.gate.keeper.account.breaker.state == "RUNNING"


@pytest.mark.parametrize(
    ("held", "owner", "change", "reason"),
    [
        (10, "S-ONE", 7, "F.SMART gate 17, Nautilus 10, limit equal positions"),
        (10, "S-ONE", -10, "F.SMART gate 0, Nautilus 10, limit equal positions"),
        (10, "NOBODY", 7, "F.SMART gate 7, Nautilus 0, limit equal positions"),
        (1, "S-ONE", -1, "F.SMART gate 0, Nautilus 1, limit equal positions"),
        (10, "NOBODY", 1, "F.SMART gate 1, Nautilus 0, limit equal positions"),
    ],
)
def test_positions_that_differ_halt_after_three_looks(
    held: int, owner: str, change: int, reason: str
) -> None:
    def script(rig: Rig) -> dict[int, Any]:
        def lose(_: Scripted) -> None:
            rig.gate.keeper.account.ledger.filled("", owner, rig.gate.instruments.terms(F), change)

        return {5: lose}

    rig = timed(script, held=held)
    breaker = rig.gate.keeper.account.breaker
    assert (breaker.state, breaker.changed_by) == ("HALT", "position_mismatch")
    assert breaker.reason == reason


@pytest.mark.parametrize(
    ("limit_seconds", "changes"),
    [(30, []), (29, [("SAFE_MODE", ("stale_data",)), ("RUNNING", ())])],
)
def test_silence_is_stale_beyond_the_limit_and_not_at_it(limit_seconds: int, changes: list[Any]) -> None:
    half_seconds = quotes("F", count=90, step_ns=NS_PER_SECOND // 2)
    data = [*half_seconds[:5:2], *half_seconds[65:]]  # the last at 2 s, the next at 32.5 s
    rig = timed(lambda _rig: {}, data=data, limits=limits(max_data_silence_seconds=limit_seconds))
    assert causes(rig) == changes


@pytest.mark.parametrize(("limit_seconds", "noticed_seconds"), [(29, 32), (28, 31)])
def test_silence_is_noticed_within_a_second_and_told_by_its_length(
    limit_seconds: int, noticed_seconds: int
) -> None:
    seconds = quotes("F", count=60)
    data = [*seconds[:3], *seconds[40:]]  # the last at 2 s
    rig = timed(lambda _rig: {}, data=data, limits=limits(max_data_silence_seconds=limit_seconds))
    stale = rig.recorder.breaker_changes[1]
    assert stale.ts_ns == START_NS + noticed_seconds * NS_PER_SECOND
    assert stale.reason == f"no quote for {noticed_seconds - 2} s, limit {limit_seconds} s"


def test_no_data_is_expected_outside_the_session() -> None:
    close_ns = to_ns("2024-03-05T16:00:00-05:00")
    day = quotes("F", count=1_000, step_ns=60 * 10**9)  # one a minute, until hours after the close
    data = [tick for tick in day if tick.ts_event < close_ns] + day[-1:]
    rig = timed(lambda _rig: {}, data=data, limits=limits(max_data_silence_seconds=60))
    assert causes(rig) == []


def test_a_look_that_fails_halts_and_ends_neither_the_node_nor_the_other_looks() -> None:
    def script(rig: Rig) -> dict[int, Any]:
        def break_it(_: Scripted) -> None:
            rig.gate.keeper.account.look = raises(RuntimeError("no such line"))  # type: ignore[method-assign]
            rig.gate.keeper.account.ledger.filled("", "S-ONE", rig.gate.instruments.terms(F), 7)

        return {5: break_it}

    rig = timed(script)
    breaker = rig.gate.keeper.account.breaker
    assert (breaker.state, breaker.changed_by) == ("HALT", "gate_fault")
    assert breaker.reason == "a look at the account failed: RuntimeError: no such line"
    readings = [each for each in rig.recorder.entries if isinstance(each, ReadingRecord)]
    assert {each.trigger for each in readings} == {"position_mismatch"}


def test_a_tick_from_the_future_blinds_neither_the_looks_nor_the_day() -> None:
    """Live: a backtest sorts its ticks."""
    rig = LiveRig(
        data=quotes("F", count=20) + quotes("F", count=100, bid="4.4000", ask="4.4100"),
        limits=limits(max_loss_usd_per_trade=LIMITS.max_daily_loss_usd),
    )

    def feed(strategy: Scripted) -> None:
        ts_ns = strategy.clock.timestamp_ns() + 86_400 * NS_PER_SECOND
        tick = quotes("F", count=1)[0]
        sides = (tick.bid_price, tick.ask_price, tick.bid_size, tick.ask_size)
        rig.node.kernel.data_engine.process(QuoteTick(F, *sides, ts_ns, ts_ns))

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 100)), 10: feed}))
    account = rig.gate.keeper.account
    assert (account.breaker.state, account.breaker.changed_by, rig.net()) == ("HALT", "daily_loss", 0)
    assert account.day == new_york_date(rig.node.kernel.clock.timestamp_ns())


def test_a_quote_from_the_future_does_not_hide_the_silence_after_it() -> None:
    def script(rig: Rig) -> dict[int, Any]:
        def feed(_: Scripted) -> None:
            late = quotes("F", count=1, step_ns=1)[0]
            sides = (late.bid_price, late.ask_price, late.bid_size, late.ask_size)
            ts_ns = START_NS + 3_600 * NS_PER_SECOND
            rig.engine.cache.add_quote_tick(QuoteTick(F, *sides, ts_ns, ts_ns))

        return {3: feed}

    seconds = quotes("F", count=60)
    data = [*seconds[:3], *seconds[40:]]
    rig = timed(script, data=data, limits=limits(max_data_silence_seconds=30))
    assert ("SAFE_MODE", ("stale_data",)) in causes(rig)
