"""The breaker, its record and its file, and what a recorder that fails leads to."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from risk.breaker import UNRECONCILED
from risk.reading_filter import Reading
from risk.records import BreakerChangeRecord, RefusalRecord
from risk.supervisor import RECORDER_FAILURE, SAVE_INTERVAL_NS
from tests.risk.desk import NAMES, STEP_NS, WIDE_TRADE, Desk, broken, losing, refusal
from tests.risk.table_market import NOW_NS, option, spread

D = Decimal


def test_a_refusal_is_recorded_with_everything_a_reader_needs(desk: Desk) -> None:
    desk.supervisor.refused(refusal("ib_tick"), NAMES, 7, command="modify")
    assert desk.of(RefusalRecord) == [
        RefusalRecord(
            ts_ns=7, command="modify", rule="ib_tick", value="v", limit="l",
            reason="ib_tick (IB 110): v, limit l. a", instrument_id="F.SMART", client_order_id="O-1",
            strategy_id="S-ONE", breaker="RUNNING", ib_code=110,
        )
    ]  # fmt: skip


def test_a_reading_of_the_shell_halts_without_flattening(desk: Desk) -> None:
    for number in range(3):
        desk.supervisor.observe(
            Reading(
                trigger="position_mismatch", value="F gate 1, Nautilus 2", limit="equal positions",
                is_beyond=True, now_ns=NOW_NS + number * STEP_NS,
            )
        )  # fmt: skip
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "position_mismatch")
    assert desk.executor.calls == [("cancel_openings",)]


def test_readings_in_quick_succession_halt_nothing(desk: Desk) -> None:
    """One bad moment is no evidence, however often it is looked at."""
    for number in range(20):
        desk.supervisor.observe(
            Reading(
                trigger="position_mismatch", value="F gate 1, Nautilus 2", limit="equal positions",
                is_beyond=True, now_ns=NOW_NS + number * STEP_NS // 20,
            )
        )  # fmt: skip
    assert desk.state == "RUNNING"


def test_a_halt_keeps_its_first_reason_and_cancels_once(desk: Desk) -> None:
    desk.supervisor.halt(1, by="Ann", reason="news")
    desk.supervisor.halt(2, by="Bob", reason="other")
    assert desk.executor.calls == [("cancel_openings",)]
    assert desk.of(BreakerChangeRecord) == [
        BreakerChangeRecord(ts_ns=1, before="RUNNING", after="HALT", causes=(), by="Ann", reason="news")
    ]


def test_without_a_shell_a_halt_is_still_a_halt() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    desk.supervisor.executor = None
    losing(desk)
    desk.look(3)
    assert desk.state == "HALT"
    other = Desk()
    other.supervisor.executor = None
    losing(other, "4.80")
    other.look(3)
    assert other.account.paused_symbols == {"F": "loss_per_trade"}


def test_a_halt_survives_a_restart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.supervisor.halt(1, by="Ann", reason="news")
    assert desk.file is not None
    loaded = desk.file.load(2).breaker
    assert (loaded.state, loaded.changed_by, loaded.causes) == ("HALT", "Ann", (UNRECONCILED,))


def test_reconciling_ends_safe_mode(desk: Desk) -> None:
    desk.supervisor.raise_cause(UNRECONCILED, 1, reason="start")
    desk.supervisor.confirm_reconciled(2, reason="agrees")
    assert desk.state == "RUNNING"
    desk.supervisor.confirm_reconciled(3, reason="again")
    assert len(desk.of(BreakerChangeRecord)) == 2


def test_orders_found_at_a_start_are_canceled_once_they_are_reconciled_with_a_halt(desk: Desk) -> None:
    desk.supervisor.confirm_reconciled(1, reason="agrees")
    assert desk.executor.calls == []
    desk.supervisor.halt(2, by="Ann", reason="news")
    desk.supervisor.confirm_reconciled(3, reason="agrees")
    assert desk.executor.calls == [("cancel_openings",)] * 2
    desk.supervisor.executor = None
    desk.supervisor.confirm_reconciled(4, reason="agrees")
    assert desk.state == "HALT"


def test_the_days_result_is_saved_with_every_fill(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.buy(10)
    desk.buy(-10, "4.00")
    assert desk.file is not None
    day = desk.file.load(1).day
    assert day is not None
    assert (day.realized_usd, day.high_usd, day.consecutive_losses) == (D(-10), D(0), 1)
    assert day.day.isoformat() == "2024-03-05"


def test_a_spread_is_saved_with_the_fills_of_its_legs(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.file is not None
    desk.supervisor.after_fill(spread((option(100), -1), (option(95), 1)), desk.now_ns)
    assert not desk.file.path.exists()
    desk.supervisor.after_fill(option(100), desk.now_ns)
    assert desk.file.path.exists()


def test_a_fill_is_saved_without_waiting_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", flushed.append)
    desk = Desk(tmp_path)
    desk.buy(10)
    assert flushed == []
    desk.supervisor.halt(1, by="Ann", reason="news")
    assert flushed


@pytest.mark.parametrize(("elapsed_ns", "saves"), [(SAVE_INTERVAL_NS - 1, 0), (SAVE_INTERVAL_NS, 1), (-1, 1)])
def test_a_look_saves_the_day_of_a_position_once_in_a_while_and_when_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elapsed_ns: int, saves: int
) -> None:
    desk = Desk(tmp_path)
    assert desk.file is not None
    desk.buy(10)
    saved: list[bool] = []
    monkeypatch.setattr(desk.file, "save", lambda _, is_durable: saved.append(is_durable))
    desk.supervisor.watch(desk.now_ns + elapsed_ns)
    assert saved == [False] * saves


def test_a_halt_flushed_to_disk_is_not_written_over_by_the_look_that_found_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, WIDE_TRADE)
    assert desk.file is not None
    losing(desk)
    saved: list[bool] = []
    monkeypatch.setattr(desk.file, "save", lambda _, is_durable: saved.append(is_durable))
    desk.look(3)
    assert desk.state == "HALT"
    assert saved == [True]


def test_a_file_that_cannot_be_written_halts(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    desk = Desk(blocked)
    desk.buy(10)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "breaker_file")
    assert desk.account.breaker.reason == "breaker.json cannot be written: File exists"
    assert desk.executor.calls == [("cancel_openings",)]


# -- The recorder ---------------------------------------------------------------------------------


def test_who_looks_along_is_told_of_every_look_and_of_nothing_between(desk: Desk) -> None:
    looks: list[int] = []
    desk.supervisor.on_look = looks.append
    for elapsed_ns in (STEP_NS, STEP_NS, STEP_NS + 1, 2 * STEP_NS):
        desk.supervisor.watch(NOW_NS + elapsed_ns)
    assert looks == [NOW_NS + STEP_NS, NOW_NS + 2 * STEP_NS]


def test_a_recorder_that_has_lost_records_halts_at_the_next_look(desk: Desk) -> None:
    supervisor, recorder = broken(desk)
    recorder.broken = False
    supervisor.watch(NOW_NS + STEP_NS)
    assert desk.state == "RUNNING"
    recorder.failure = "the journal's thread died"
    supervisor.watch(NOW_NS + 2 * STEP_NS)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", RECORDER_FAILURE)
    assert desk.account.breaker.reason == "records are being lost: the journal's thread died"


def test_a_recorder_that_fails_halts_and_cancels_openings_once(desk: Desk) -> None:
    supervisor, _ = broken(desk)
    supervisor.refused(refusal("quote_age"), NAMES, NOW_NS)
    supervisor.refused(refusal("quote_age"), NAMES, NOW_NS)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", RECORDER_FAILURE)
    assert desk.account.breaker.reason == "records are being lost: OSError: disk full"
    assert desk.executor.calls == [("cancel_openings",)]


def test_a_recorder_that_works_again_ends_the_halt_for_a_person_only(desk: Desk) -> None:
    supervisor, recorder = broken(desk)
    supervisor.refused(refusal("quote_age"), NAMES, NOW_NS)
    recorder.broken = False
    supervisor.watch(NOW_NS + STEP_NS)
    assert desk.state == "HALT"
    supervisor.resume(NOW_NS + 2 * STEP_NS, by="Ann", reason="disk mended")
    assert desk.state == "RUNNING"


def test_a_resume_while_the_recorder_still_fails_halts_again(desk: Desk) -> None:
    supervisor, _ = broken(desk)
    supervisor.refused(refusal("quote_age"), NAMES, NOW_NS)
    supervisor.resume(NOW_NS + STEP_NS, by="Ann", reason="hope")
    assert (desk.state, desk.account.breaker.changed_at_ns) == ("HALT", NOW_NS + STEP_NS)


def test_a_recorder_that_says_that_it_loses_records_halts_at_the_next_look(desk: Desk) -> None:
    desk.look()
    assert desk.state == "RUNNING"
    desk.recorder.failure = "JournalError: No space left on device"
    desk.look()
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", RECORDER_FAILURE)
