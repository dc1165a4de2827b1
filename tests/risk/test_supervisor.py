"""What moves the breaker, what is recorded and saved, what operators may command."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from market.errors import NotFoundError, UserError
from market.time import NS_PER_MINUTE, NS_PER_MS
from risk.approvals import Approvals
from risk.breaker import UNRECONCILED, NotResumableError
from risk.breaker_file import BreakerFile
from risk.decision import Approved, Decision, Refused
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.operator_commands import (
    CancelAll,
    FlattenAll,
    FlattenSymbol,
    Halt,
    OperatorCommand,
    PauseAll,
    PauseSymbol,
    Resume,
    ResumeSymbol,
    carry_out,
)
from risk.performance import Fill
from risk.reading_filter import Reading
from risk.records import (
    ApprovalRecord,
    BreakerChangeRecord,
    CommandRecord,
    MemoryRecorder,
    ReadingRecord,
    RefusalRecord,
    RiskRecord,
)
from risk.supervisor import RECORDER_FAILURE, REPLACE_RATE, Supervisor
from risk.triggers import is_pausing
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import NOW_NS, TableMarket, gatekeeper, order, quote, stock

D = Decimal
F = stock()
STEP_NS = LIMITS.halt_reading_interval_ms * NS_PER_MS
NAMES = ("F.SMART", "O-1", "S-ONE")
WHO: dict[str, str] = {"by": "Ann", "reason": "news"}


class Executor:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def cancel_openings(self) -> None:
        self.calls.append(("cancel_openings",))

    def cancel_all(self) -> int:
        self.calls.append(("cancel_all",))
        return 3

    def flatten(self, symbols: frozenset[str] | None, now_ns: int, *, by: str, reason: str) -> None:
        self.calls.append(("flatten", symbols, by, reason))


class Desk:
    """A supervisor with its market, recorder, executor and file."""

    def __init__(self, path: Path | None = None, risk_limits: RiskLimits = LIMITS) -> None:
        self.market = TableMarket()
        self.recorder = MemoryRecorder()
        self.executor = Executor()
        self.file = None if path is None else BreakerFile(path / "breaker.json")
        self.supervisor = Supervisor(
            gatekeeper(risk_limits, self.market), recorder=self.recorder, file=self.file
        )
        self.supervisor.executor = self.executor
        self.account = self.supervisor.account
        self.now_ns = NOW_NS
        self.fills = 0

    @property
    def state(self) -> str:
        return self.account.breaker.state

    def buy(self, count: int = 10, price: str = "5.00") -> None:
        fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=count, price=D(price))
        self.fills += 1
        self.supervisor.keeper.filled("O", f"T-{self.fills}", fill, self.now_ns)
        self.supervisor.after_fill(F, self.now_ns)

    def bid(self, price: str) -> None:
        self.market.default_quote = quote(price, str(D(price) + D("0.01")))

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.now_ns += STEP_NS
            self.supervisor.watch(self.now_ns)

    def of(self, kind: type[RiskRecord]) -> list[Any]:
        return [entry for entry in self.recorder.entries if isinstance(entry, kind)]

    def command(self, command: OperatorCommand) -> CommandRecord:
        return carry_out(command, self.supervisor, self.executor, self.now_ns)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def losing(desk: Desk, bid: str = "4.40") -> None:
    """Hold 100 shares bought at 5.00 and let the bid fall."""
    desk.buy(100)
    desk.bid(bid)


WIDE_TRADE = limits(max_loss_usd_per_trade=LIMITS.max_daily_loss_usd)


# -- Money ----------------------------------------------------------------------------------------


def test_the_daily_loss_halts_after_three_looks_cancels_and_flattens() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    losing(desk)
    desk.look(2)
    assert (desk.state, desk.executor.calls) == ("RUNNING", [])
    desk.look()
    assert desk.state == "HALT"
    assert desk.account.breaker.changed_by == "daily_loss"
    assert desk.account.breaker.reason == "60.00 USD, limit 50 USD"
    assert desk.executor.calls[:2] == [
        ("cancel_openings",), ("flatten", None, "daily_loss", "60.00 USD, limit 50 USD"),
    ]  # fmt: skip


def test_a_loss_at_the_limit_counts_and_one_cent_less_does_not() -> None:
    at_limit, below = Desk(risk_limits=WIDE_TRADE), Desk(risk_limits=WIDE_TRADE)
    losing(at_limit, "4.50")
    losing(below, "4.51")
    at_limit.look(3)
    below.look(5)
    assert (at_limit.state, below.state) == ("HALT", "RUNNING")


def test_the_drawdown_from_the_high_halts_too() -> None:
    desk = Desk(risk_limits=limits(max_daily_drawdown_usd=D(30)))
    desk.buy(100)
    desk.bid("5.20")
    desk.look()
    desk.bid("4.90")
    desk.look(3)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "daily_drawdown")
    assert ("flatten", None, "daily_drawdown", "30.00 USD, limit 30 USD") in desk.executor.calls


def test_one_outlier_is_recorded_with_its_inputs_and_does_not_halt(desk: Desk) -> None:
    losing(desk, "1.00")
    desk.look()
    desk.bid("4.99")
    desk.look(5)
    assert (desk.state, desk.executor.calls) == ("RUNNING", [])
    suspect = desk.of(ReadingRecord)[0]
    assert (suspect.trigger, suspect.verdict, suspect.value) == ("daily_loss", "suspect", "400.00 USD")
    assert suspect.inputs == {
        "realized_usd": "0.00", "profit_usd": "-400.00", "high_usd": "0.00", "F.SMART": "1.00/1.01",
    }  # fmt: skip


def test_a_realized_loss_is_confirmed_and_halts_at_once(desk: Desk) -> None:
    desk.buy(100)
    desk.now_ns += STEP_NS
    desk.buy(-100, "4.50")
    assert desk.state == "HALT"
    confirmed = [each for each in desk.of(ReadingRecord) if each.verdict == "confirmed"]
    assert confirmed[0].readings_ns == (desk.now_ns,)


def test_a_realized_loss_with_a_position_open_takes_three_looks(desk: Desk) -> None:
    desk.buy(100)
    desk.now_ns += STEP_NS
    desk.buy(-99, "4.40")
    assert desk.state == "RUNNING"
    desk.look(2)
    assert desk.state == "HALT"


def test_looks_closer_than_the_interval_do_nothing(desk: Desk) -> None:
    losing(desk, "1.00")
    desk.supervisor.watch(desk.now_ns + STEP_NS - 1)
    assert desk.of(ReadingRecord) == []


def test_a_missing_price_is_no_loss(desk: Desk) -> None:
    desk.buy(100)
    desk.market.default_quote = None
    desk.look(5)
    assert (desk.state, desk.of(ReadingRecord)) == ("RUNNING", [])


def test_a_trade_that_loses_too_much_is_paused_and_closed(desk: Desk, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    losing(desk, "4.80")
    desk.look(3)
    assert (desk.state, desk.account.paused_symbols) == ("RUNNING", {"F": "loss_per_trade"})
    reason = "20.00 USD open in F, limit 20 USD"
    assert desk.executor.calls == [("flatten", frozenset({"F"}), "loss_per_trade", reason)]
    assert desk.file is not None
    assert desk.file.load(1).paused_symbols == ("F",)
    desk.look(5)
    assert len(desk.executor.calls) == 1


def test_losses_in_a_row_are_recorded_once(desk: Desk) -> None:
    for _ in range(LIMITS.max_consecutive_losses):
        desk.now_ns += STEP_NS
        desk.buy(1)
        desk.buy(-1, "4.90")
    desk.look(3)
    (record,) = [each for each in desk.of(ReadingRecord) if each.trigger == "consecutive_losses"]
    assert (record.value, record.limit, record.verdict) == ("3 losses in a row", "3 in a row", "confirmed")
    until_ns = LIMITS.consecutive_loss_pause_minutes * NS_PER_MINUTE
    assert int(record.inputs["paused_until_ns"]) > NOW_NS + until_ns
    assert desk.state == "RUNNING"


def test_a_pause_that_has_ended_is_not_recorded() -> None:
    desk = Desk()
    for _ in range(LIMITS.max_consecutive_losses):
        desk.buy(1)
        desk.buy(-1, "4.90")
    until_ns = NOW_NS + LIMITS.consecutive_loss_pause_minutes * NS_PER_MINUTE
    assert is_pausing(desk.account, until_ns - 1) == until_ns
    assert is_pausing(desk.account, until_ns) is None


# -- Rates ----------------------------------------------------------------------------------------


def refusal(rule: str) -> Refused:
    return Refused(rule=rule, value="v", limit="l", advice="a", ib_code=110 if rule == "ib_tick" else None)


def test_a_refusal_is_recorded_with_everything_a_reader_needs(desk: Desk) -> None:
    desk.supervisor.refused(refusal("ib_tick"), NAMES, 7, command="modify")
    assert desk.of(RefusalRecord) == [
        RefusalRecord(
            ts_ns=7, command="modify", rule="ib_tick", value="v", limit="l",
            reason="ib_tick (IB 110): v, limit l. a", instrument_id="F.SMART", client_order_id="O-1",
            strategy_id="S-ONE", breaker="RUNNING", ib_code=110,
        )
    ]  # fmt: skip


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
    assert desk.state == "RUNNING"


def test_the_watch_notices_replaces_that_have_ended(desk: Desk) -> None:
    desk.supervisor.raise_cause(REPLACE_RATE, NOW_NS, reason="test")
    desk.look()
    assert desk.state == "RUNNING"


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


# -- The breaker, its record and its file ----------------------------------------------------------


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


def test_the_days_result_is_saved_with_every_fill(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.buy(10)
    desk.buy(-10, "4.00")
    assert desk.file is not None
    day = desk.file.load(1).day
    assert day is not None
    assert (day.realized_usd, day.high_usd, day.consecutive_losses) == (D(-10), D(0), 1)
    assert day.day.isoformat() == "2024-03-05"


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


def test_a_file_that_cannot_be_written_halts(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    desk = Desk(blocked)
    desk.buy(10)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "breaker_file")
    assert desk.account.breaker.reason == "breaker.json cannot be written: File exists"
    assert desk.executor.calls == [("cancel_openings",)]


class BrokenRecorder(MemoryRecorder):
    broken = True

    def record(self, entry: RiskRecord) -> None:
        if self.broken:
            raise OSError("disk full")
        super().record(entry)


def broken(desk: Desk) -> tuple[Supervisor, BrokenRecorder]:
    """Return a supervisor of the same account whose recorder fails."""
    recorder = BrokenRecorder()
    supervisor = Supervisor(desk.supervisor.keeper, recorder=recorder, file=None)
    supervisor.executor = desk.executor
    return supervisor, recorder


def test_who_looks_along_is_told_of_every_look_and_of_nothing_between(desk: Desk) -> None:
    looks: list[int] = []
    desk.supervisor.on_look = looks.append
    for now_ns in (NOW_NS + STEP_NS, NOW_NS + STEP_NS + 1, NOW_NS + 2 * STEP_NS):
        desk.supervisor.watch(now_ns)
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


# -- Approvals ------------------------------------------------------------------------------------


def approvals(verdicts: list[Decision[OrderIntent]], supervisor: Supervisor) -> list[Any]:
    return Approvals(supervisor).of_submission(verdicts, NOW_NS)


def test_an_approval_names_order_quantity_and_prices(desk: Desk) -> None:
    verdict = Approved(order(quantity=30, limit_price=D("5.01")))
    assert approvals([verdict], desk.supervisor) == [verdict]
    (record,) = desk.of(ApprovalRecord)
    assert (record.command, record.client_order_ids) == ("submit", (verdict.value.order_id,))
    assert (record.quantity, record.limit_price, record.trigger_price) == (30, D("5.01"), None)


def test_an_approval_names_the_trigger_of_a_stop(desk: Desk) -> None:
    stop = order(order_type="stop", limit_price=None, trigger_price=D("5.10"))
    approvals([Approved(stop)], desk.supervisor)
    (record,) = desk.of(ApprovalRecord)
    assert (record.limit_price, record.trigger_price) == (None, D("5.10"))


def test_the_approval_of_a_list_names_its_orders_alone(desk: Desk) -> None:
    verdicts: list[Any] = [Approved(order(order_id="A")), Approved(order(order_id="B"))]
    approvals(verdicts, desk.supervisor)
    (record,) = desk.of(ApprovalRecord)
    assert (record.client_order_ids, record.quantity, record.limit_price) == (("A", "B"), None, None)


def test_what_is_refused_has_no_approval(desk: Desk) -> None:
    verdicts: list[Any] = [Approved(order()), refusal("quote_age")]
    assert approvals(verdicts, desk.supervisor) == verdicts
    assert Approvals(desk.supervisor).of_change(verdicts[1], 5, NOW_NS) is verdicts[1]
    Approvals(desk.supervisor).of_cancel([], strategy_id="S", instrument_id="F", now_ns=NOW_NS)
    assert desk.of(ApprovalRecord) == []


def test_an_approval_that_cannot_be_recorded_is_a_refusal_unless_it_lowers_risk(desk: Desk) -> None:
    supervisor, _ = broken(desk)
    opening, closing = Approved(order()), Approved(order(side="sell"), is_reducing=True)
    (refused,) = approvals([opening], supervisor)
    assert refused.rule == RECORDER_FAILURE
    assert "journal-cannot-be-written" in refused.reason
    assert Approvals(supervisor).of_change(opening, 5, NOW_NS) == msgspec.structs.replace(
        refused, value="the approval of this change could not be recorded"
    )
    assert approvals([closing], supervisor) == [closing]
    assert Approvals(supervisor).of_change(closing, 5, NOW_NS) is closing
    assert desk.state == "HALT"


# -- Operators ------------------------------------------------------------------------------------


def test_halt_and_resume(desk: Desk) -> None:
    record = desk.command(Halt(**WHO))
    assert record == CommandRecord(
        ts_ns=NOW_NS, command="halt", by="Ann", reason="news", outcome="breaker HALT, paused: nothing"
    )
    assert desk.of(CommandRecord) == [record]
    desk.command(PauseAll(**WHO))
    assert desk.command(Resume(**WHO)).outcome == "breaker RUNNING, paused: nothing"


def test_pausing_and_resuming_a_symbol(desk: Desk) -> None:
    assert desk.command(PauseSymbol(symbol="F", **WHO)).outcome == "breaker RUNNING, paused: F"
    assert desk.account.paused_symbols == {"F": "Ann"}
    assert desk.command(PauseSymbol(symbol="BAC", **WHO)).outcome.endswith("paused: BAC, F")
    assert desk.command(ResumeSymbol(symbol="F", **WHO)).outcome.endswith("paused: BAC")
    with pytest.raises(NotFoundError, match=r"F is not paused. Paused: BAC"):
        desk.command(ResumeSymbol(symbol="F", **WHO))


def test_pausing_everything(desk: Desk) -> None:
    assert desk.command(PauseAll(**WHO)).outcome == "breaker RUNNING, paused: everything"
    assert desk.account.all_paused_by == "Ann"


def test_canceling_everything(desk: Desk) -> None:
    assert desk.command(CancelAll(**WHO)).outcome == "3 orders canceled"
    assert desk.executor.calls == [("cancel_all",)]


def test_flattening_pauses_first(desk: Desk) -> None:
    assert desk.command(FlattenSymbol(symbol="F", **WHO)).command == "flatten_symbol"
    assert desk.account.paused_symbols == {"F": "Ann"}
    desk.command(FlattenAll(**WHO))
    assert desk.account.all_paused_by == "Ann"
    assert desk.executor.calls == [
        ("flatten", frozenset({"F"}), "Ann", "news"), ("flatten", None, "Ann", "news"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", [PauseSymbol, FlattenSymbol])
def test_an_unknown_symbol_is_refused_with_the_known_ones(desk: Desk, command: type[Any]) -> None:
    with pytest.raises(NotFoundError, match=r"'XYZ' is neither held nor in the universe. Symbols: BAC, F, "):
        desk.command(command(symbol="XYZ", **WHO))


def test_a_held_symbol_outside_the_universe_can_be_flattened(desk: Desk) -> None:
    desk.account.ledger.filled("", "EXTERNAL", stock("OLD"), 5)
    desk.command(FlattenSymbol(symbol="OLD", **WHO))
    assert desk.executor.calls[-1][1] == frozenset({"OLD"})


@pytest.mark.parametrize("who", [{"by": "", "reason": "x"}, {"by": "Ann", "reason": " "}])
def test_every_command_needs_a_person_and_a_reason(who: dict[str, str]) -> None:
    with pytest.raises(UserError, match="give a person's name and a reason"):
        Halt(**who)


def test_a_command_is_saved(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.command(PauseAll(**WHO))
    assert desk.file is not None
    assert desk.file.load(1).is_all_paused


def test_resuming_is_refused_without_a_name(desk: Desk) -> None:
    with pytest.raises(NotResumableError):
        desk.supervisor.resume(1, by="", reason="x")
