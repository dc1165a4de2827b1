"""What the timer notices: a lost connection, silence of the data, positions that differ."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from market.time import NS_PER_SECOND, to_ns
from tests.risk.limit_cases import limits
from tests.risk.nautilus_rig import START_NS, F, Rig, Scripted, market, quotes, scripted


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
