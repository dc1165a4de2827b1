"""The breaker's table, its file, and the filter against false halts."""

from __future__ import annotations

import itertools
import os
import typing
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from risk.breaker import TRANSITIONS, UNRECONCILED, Breaker, BreakerState, NotResumableError, Signal
from risk.breaker_file import BreakerFile, BreakerRecord, DayRecord
from risk.reading_filter import READINGS_TO_HALT, Reading, ReadingFilter

STATES = typing.get_args(BreakerState)
SIGNALS = typing.get_args(Signal)


def breaker(state: BreakerState, *causes: str) -> Breaker:
    return Breaker(state=state, causes=causes, changed_at_ns=1, changed_by="test", reason="before")


def test_the_table_answers_every_signal_in_every_state() -> None:
    assert set(TRANSITIONS) == set(itertools.product(STATES, SIGNALS))


def test_only_a_person_leaves_halt() -> None:
    out = {signal for (state, signal), after in TRANSITIONS.items() if state == "HALT" and after != "HALT"}
    assert out == {"resume"}


def test_running_is_reached_only_when_no_cause_is_left() -> None:
    into = {
        (state, signal)
        for (state, signal), after in TRANSITIONS.items()
        if after == "RUNNING" and state != "RUNNING"
    }
    assert into == {("SAFE_MODE", "causes_cleared")}


def test_the_first_start_is_safe_mode_until_reconciled() -> None:
    start = Breaker.at_start(5)
    assert start == Breaker(
        state="SAFE_MODE",
        causes=(UNRECONCILED,),
        changed_at_ns=5,
        changed_by="start",
        reason="positions and orders are not reconciled yet",
    )
    assert start.without_cause(UNRECONCILED, 6, reason="agrees").state == "RUNNING"


def test_a_restart_leaves_running_for_safe_mode() -> None:
    again = breaker("RUNNING").restarted(7)
    assert (again.state, again.causes, again.changed_at_ns, again.changed_by) == (
        "SAFE_MODE", (UNRECONCILED,), 7, "restart",
    )  # fmt: skip
    assert again.reason == "not reconciled since the restart"


def test_a_restart_keeps_a_halt_with_its_reason() -> None:
    again = breaker("HALT").restarted(7)
    assert again == msgspec.structs.replace(breaker("HALT"), causes=(UNRECONCILED,))


def test_a_restart_adds_its_cause_once() -> None:
    assert breaker("SAFE_MODE", UNRECONCILED).restarted(7).causes == (UNRECONCILED,)


@pytest.mark.parametrize("state", ["RUNNING", "SAFE_MODE"])
def test_a_halt_is_latched_with_the_first_reason(state: BreakerState) -> None:
    halted = breaker(state, "stale_data").halted(2, by="Ann", reason="news")
    assert halted == Breaker(
        state="HALT", causes=("stale_data",), changed_at_ns=2, changed_by="Ann", reason="news"
    )
    assert halted.halted(3, by="Bob", reason="later") is halted


def test_causes_add_up_and_the_last_one_ends_safe_mode() -> None:
    one = breaker("RUNNING").with_cause("stale_data", 2, reason="no quotes")
    assert (one.state, one.changed_by, one.reason, one.changed_at_ns) == (
        "SAFE_MODE", "stale_data", "no quotes", 2,
    )  # fmt: skip
    two = one.with_cause("connection_lost", 3, reason="socket")
    assert (two.causes, two.changed_at_ns) == (("stale_data", "connection_lost"), 2)
    assert two.with_cause("stale_data", 4, reason="again") is two
    left = two.without_cause("stale_data", 5, reason="quotes")
    assert (left.state, left.causes) == ("SAFE_MODE", ("connection_lost",))
    assert left.without_cause("unknown", 6, reason="x") is left
    clear = left.without_cause("connection_lost", 7, reason="connected")
    assert clear == Breaker(
        state="RUNNING", causes=(), changed_at_ns=7, changed_by="connection_lost", reason="connected"
    )


def test_causes_come_and_go_during_a_halt_without_ending_it() -> None:
    halted = breaker("HALT").with_cause("stale_data", 2, reason="no quotes")
    assert (halted.state, halted.causes, halted.changed_by) == ("HALT", ("stale_data",), "test")
    assert halted.without_cause("stale_data", 3, reason="quotes") == breaker("HALT")


def test_resuming_without_causes_runs_and_with_causes_is_safe_mode() -> None:
    assert breaker("HALT").resumed(2, by=" Ann ", reason=" checked ") == Breaker(
        state="RUNNING", causes=(), changed_at_ns=2, changed_by="Ann", reason="checked"
    )
    assert breaker("HALT", UNRECONCILED).resumed(2, by="Ann", reason="checked").state == "SAFE_MODE"


@pytest.mark.parametrize("state", ["RUNNING", "SAFE_MODE"])
def test_resuming_what_is_not_halted_changes_nothing(state: BreakerState) -> None:
    before = breaker(state, *(("stale_data",) if state == "SAFE_MODE" else ()))
    assert before.resumed(2, by="Ann", reason="checked") is before


@pytest.mark.parametrize(("by", "reason"), [("", "checked"), ("Ann", ""), (" ", "checked"), ("Ann", " ")])
def test_resuming_needs_a_person_and_a_reason(by: str, reason: str) -> None:
    with pytest.raises(NotResumableError, match="Give a person's name and a reason"):
        breaker("HALT").resumed(2, by=by, reason=reason)


# -- The file -------------------------------------------------------------------------------------

RECORD = BreakerRecord(
    breaker=breaker("HALT"),
    day=DayRecord(
        day=date(2024, 3, 5),
        realized_usd=Decimal("-51.20"),
        high_usd=Decimal("3.10"),
        consecutive_losses=4,
        paused_until_ns=1_709_651_000_000_000_000,
    ),
    paused_symbols={"F": "Ann"},
    all_paused_by="Bob",
)


@pytest.mark.parametrize("is_durable", [True, False])
def test_a_saved_halt_is_there_after_a_restart(tmp_path: Path, is_durable: bool) -> None:
    file = BreakerFile(tmp_path / "live" / "state" / "breaker.json")
    file.save(RECORD, is_durable=is_durable)
    loaded = BreakerFile(file.path).load(9)
    assert loaded == msgspec.structs.replace(RECORD, breaker=RECORD.breaker.restarted(9))
    assert [path.name for path in file.path.parent.iterdir()] == ["breaker.json"]


def test_a_file_that_does_not_say_who_paused_still_loads(tmp_path: Path) -> None:
    text = """{
  "breaker": {"state": "HALT", "causes": [], "changed_at_ns": 1, "changed_by": "Ann", "reason": "news"},
  "day": {"day": "2024-03-05", "realized_usd": "-51.20", "high_usd": "3.10", "consecutive_losses": 4},
  "paused_symbols": ["F", "GE"], "is_all_paused": %s
}"""
    path = tmp_path / "breaker.json"
    for is_paused, by in (("true", "an earlier run"), ("false", None)):
        path.write_text(text % is_paused)
        loaded = BreakerFile(path).load(9)
        assert (loaded.breaker.state, loaded.breaker.reason) == ("HALT", "news")
        assert loaded.paused_symbols == {"F": "an earlier run", "GE": "an earlier run"}
        assert loaded.all_paused_by == by
        assert loaded.day is not None
        assert (loaded.day.consecutive_losses, loaded.day.paused_until_ns) == (4, None)


def test_a_first_start_has_no_file(tmp_path: Path) -> None:
    assert BreakerFile(tmp_path / "none.json").load(5) == BreakerRecord(breaker=Breaker.at_start(5))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"{}", b'{"breaker": {"state": "RUN"}}', b'{"breaker": 1, "x": 2}', b"\xff"]
)
def test_a_damaged_file_is_a_halt(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "breaker.json"
    path.write_bytes(text)
    loaded = BreakerFile(path).load(5)
    assert (loaded.breaker.state, loaded.breaker.changed_by) == ("HALT", "start")
    assert loaded.breaker.changed_at_ns == 5
    assert loaded.breaker.causes == (UNRECONCILED,)
    assert loaded.breaker.reason.startswith("breaker.json is damaged: ")


def test_a_file_that_cannot_be_read_is_a_halt(tmp_path: Path) -> None:
    loaded = BreakerFile(tmp_path).load(5)  # a folder
    assert loaded.breaker.state == "HALT"
    assert "cannot be read: Is a directory" in loaded.breaker.reason


def test_saving_replaces_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = BreakerFile(tmp_path / "breaker.json")
    file.save(RECORD)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        file.save(BreakerRecord(breaker=breaker("RUNNING")))
    monkeypatch.undo()
    assert BreakerFile(file.path).load(9).breaker.state == "HALT"


def test_a_durable_save_flushes_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    file = BreakerFile(tmp_path / "breaker.json")
    file.save(RECORD, is_durable=False)
    assert flushed == []
    file.save(RECORD)
    assert len(flushed) == 2


# -- The filter -----------------------------------------------------------------------------------

INTERVAL_NS = 100


def reading(now_ns: int, *, beyond: bool = True, confirmed: bool = False, trigger: str = "loss") -> Reading:
    return Reading(
        trigger=trigger, value="1", limit="0", is_beyond=beyond, now_ns=now_ns, is_confirmed=confirmed
    )


def verdicts(*readings: Reading) -> list[str]:
    filters = ReadingFilter(interval_ns=INTERVAL_NS)
    return [filters.assess(each).verdict for each in readings]


def test_three_readings_in_a_row_confirm_and_the_record_has_all_of_them() -> None:
    filters = ReadingFilter(interval_ns=INTERVAL_NS)
    three = [reading(0), reading(100), reading(200)]
    assessments = [filters.assess(each) for each in three]
    assert [each.verdict for each in assessments] == ["suspect", "suspect", "confirmed"]
    assert assessments[-1].readings == tuple(three)
    assert READINGS_TO_HALT == 3


def test_a_good_reading_in_between_starts_the_count_again() -> None:
    assert verdicts(
        reading(0), reading(100), reading(200, beyond=False), reading(300), reading(400), reading(500)
    ) == ["suspect", "suspect", "fine", "suspect", "suspect", "confirmed"]


def test_readings_closer_than_the_interval_are_one() -> None:
    assert verdicts(reading(0), reading(99), reading(100), reading(199), reading(200)) == [
        "suspect", "ignored", "suspect", "ignored", "confirmed",
    ]  # fmt: skip


def test_readings_of_one_instant_are_one() -> None:
    assert verdicts(reading(7), reading(7), reading(7)) == ["suspect", "ignored", "ignored"]


def test_a_reading_of_a_clock_that_went_back_counts() -> None:
    assert verdicts(reading(900), reading(0), reading(100)) == ["suspect", "suspect", "confirmed"]


def test_a_confirmed_value_acts_at_once() -> None:
    assert verdicts(reading(0, confirmed=True)) == ["confirmed"]
    assert verdicts(reading(0), reading(1, confirmed=True), reading(2)) == ["suspect", "confirmed", "suspect"]


def test_a_confirmed_value_within_its_limit_is_fine() -> None:
    assert verdicts(reading(0, beyond=False, confirmed=True)) == ["fine"]


def test_after_it_acted_the_count_starts_again() -> None:
    assert verdicts(*(reading(100 * number) for number in range(4)))[-1] == "suspect"


def test_triggers_are_counted_apart() -> None:
    assert verdicts(reading(0), reading(0, trigger="other"), reading(100), reading(200)) == [
        "suspect", "suspect", "suspect", "confirmed",
    ]  # fmt: skip
