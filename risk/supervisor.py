"""Moves the breaker: records, persists and acts on what triggers and persons decide.

Every change is saved before it is announced, and a person is told of it (`on_notice`) whether or not it
could be recorded. A file or a recorder that fails is itself a reason to stop opening: the breaker halts
when its state, or what happens, cannot be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from market.time import NS_PER_MINUTE, NS_PER_MS, format_new_york
from risk.breaker import UNRECONCILED, Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.counted import counted
from risk.decision import Refused
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.notices import Notice, of_change, of_command
from risk.reading_filter import Assessment, Reading, ReadingFilter
from risk.records import (
    BreakerChangeRecord,
    CommandRecord,
    ReadingRecord,
    Recorder,
    RefusalRecord,
    RiskRecord,
)
from risk.triggers import DAY_TRIGGERS, day_readings, is_pausing, rate_readings, trade_reading

RECORDER_FAILURE = "recorder_failure"
REPLACE_RATE = "replace_rate"
UNPRICED_POSITION = "unpriced_position"
SAVE_INTERVAL_NS = NS_PER_MINUTE
"""While something is held, its last prices are saved so often: a restart counts on from them."""
COUNTED_REFUSALS = ("order_rate", "ib_")
"""Refusals that count as rejects: the broker's own rules, and a strategy that sends too fast."""


class Executor(Protocol):
    """Does what the supervisor decides; the kill switch of a shell."""

    def cancel_openings(self) -> None:
        """Cancel every working order that could add risk."""

    def flatten(self, symbols: frozenset[str] | None, now_ns: int, *, by: str, reason: str) -> None:
        """Close the positions in `symbols`, or all of them."""


class Supervisor:
    """The breaker of one gatekeeper. Times are ns UTC."""

    def __init__(self, keeper: Gatekeeper, *, recorder: Recorder, file: BreakerFile | None) -> None:
        self.keeper = keeper
        self.account = keeper.account
        self.limits = keeper.policy.limits
        self.executor: Executor | None = None
        self.on_look: Callable[[int], None] | None = None
        self.on_notice: Callable[[Notice], None] = lambda _notice: None
        self._recorder = recorder
        self._file = file
        self._filter = ReadingFilter(interval_ns=self.limits.halt_reading_interval_ms * NS_PER_MS)
        self._watched_ns = 0
        self._noted_pause_ns: int | None = None
        self._saved_ns = 0

    # -- Told by the shell ------------------------------------------------------------------------

    def refused(
        self,
        refused: Refused,
        names: tuple[str, str, str],
        now_ns: int,
        *,
        command: Literal["submit", "modify"] = "submit",
    ) -> None:
        """Record a refusal; `names` are instrument, client order and strategy ids."""
        instrument_id, order_id, strategy_id = names
        self.record(
            RefusalRecord(
                ts_ns=now_ns,
                command=command,
                rule=refused.rule,
                value=refused.value,
                limit=refused.limit,
                reason=refused.reason,
                instrument_id=instrument_id,
                client_order_id=order_id,
                strategy_id=strategy_id,
                breaker=self.account.breaker.state,
                ib_code=refused.ib_code,
            ),
            now_ns,
        )
        if refused.rule.startswith(COUNTED_REFUSALS):
            self.after_reject(now_ns, counts=True)

    def after_commands(self, now_ns: int) -> None:
        """Look at the rates after commands were judged."""
        is_over = self.account.replaces.count(now_ns) > self.limits.max_replaces_per_minute
        if is_over or self._has(REPLACE_RATE):
            self._watch_replaces(now_ns)

    def after_submission(self, now_ns: int) -> None:
        """Look at the rates after new orders were judged, which can only have fallen."""
        if self.account.breaker.causes:
            self.after_commands(now_ns)

    def after_reject(self, now_ns: int, *, counts: bool = False) -> None:
        """Look at the reject rate after the broker, or the gate in its place (`counts`), refused."""
        if counts:
            self.account.rejects.add(now_ns)
        for reading in rate_readings(self.account, self.limits, now_ns):
            self._act(self._filter.assess(reading))

    def after_fill(self, terms: InstrumentTerms, now_ns: int) -> None:
        """Look at the day's result after a fill."""
        self._watched_ns = now_ns
        self._watch_money(now_ns)
        if self._file is not None and terms.kind != "spread":
            self._save(now_ns, is_durable=False)

    def watch(self, now_ns: int) -> None:
        """Look at everything that changes without a command: call it on quotes and timers.

        `now_ns` is the clock's, never a quote's. Does nothing until `halt_reading_interval_ms` has passed
        since the last look, or the clock went back; then `on_look` is told.
        """
        if 0 <= now_ns - self._watched_ns < self.limits.halt_reading_interval_ms * NS_PER_MS:
            return
        self._watched_ns = now_ns
        self.account.roll_day(now_ns)
        self._watch_money(now_ns, may_be_high=True)
        self._watch_prices(now_ns)
        self._watch_replaces(now_ns)
        if self._recorder.failure is not None:
            self.recording_failed(self._recorder.failure, now_ns)
        if self.on_look is not None:
            self.on_look(now_ns)

    def observe(self, reading: Reading) -> None:
        """Take a reading that the shell made, such as a position that differs from Nautilus' cache."""
        self._act(self._filter.assess(reading))

    # -- The breaker ------------------------------------------------------------------------------

    def halt(self, now_ns: int, *, by: str, reason: str) -> None:
        """Halt, and cancel every order that could add risk."""
        if self.account.breaker.state == "HALT":
            return
        self._move(self.account.breaker.halted(now_ns, by=by, reason=reason), now_ns)
        if self.executor is not None:
            self.executor.cancel_openings()

    def resume(self, now_ns: int, *, by: str, reason: str) -> None:
        """End a halt; raises `NotResumableError` without a person's name and a reason."""
        self._move(self.account.breaker.resumed(now_ns, by=by, reason=reason), now_ns)

    def raise_cause(self, cause: str, now_ns: int, *, reason: str) -> None:
        """Enter SAFE_MODE for a cause, or add it to the others."""
        self._move(self.account.breaker.with_cause(cause, now_ns, reason=reason), now_ns)

    def clear_cause(self, cause: str, now_ns: int, *, reason: str) -> None:
        """Drop a cause; the last one ends SAFE_MODE."""
        self._move(self.account.breaker.without_cause(cause, now_ns, reason=reason), now_ns)

    def confirm_reconciled(self, now_ns: int, *, reason: str) -> None:
        """Say that positions and orders agree with the broker's."""
        self.account.performance.confirm()
        self.clear_cause(UNRECONCILED, now_ns, reason=reason)
        self.enforce_halt()

    def enforce_halt(self) -> None:
        """Cancel again, while in HALT, what could add risk: orders found at a start were never canceled."""
        if self.account.breaker.state == "HALT" and self.executor is not None:
            self.executor.cancel_openings()

    def save(self, now_ns: int) -> None:
        """Save the breaker, pauses and the day durably; a failure halts."""
        self._save(now_ns, is_durable=True)

    def record(self, entry: RiskRecord, now_ns: int) -> bool:
        """Hand an entry to the recorder and return whether it is kept; one that fails halts the breaker."""
        try:
            self._recorder.record(entry)
        except Exception as error:  # noqa: BLE001 - the border to a foreign recorder
            self.recording_failed(f"{type(error).__name__}: {error}", now_ns)
            return False
        return True

    def record_command(self, entry: CommandRecord) -> None:
        """Record what an operator commanded, or the kill switch did, and tell a person."""
        self.on_notice(of_command(entry))
        self.record(entry, entry.ts_ns)

    def recording_failed(self, why: str, now_ns: int) -> None:
        """Halt, because records are being lost: by the gate, or by who records beside it."""
        self.halt(now_ns, by=RECORDER_FAILURE, reason=f"records are being lost: {why}")

    # -- Inside -----------------------------------------------------------------------------------

    def _watch_money(self, now_ns: int, *, may_be_high: bool = False) -> None:
        """Look at the losses; what is closed already needs no further word.

        Looks after fills crowd: they do not make a high of the day, unless nothing is held.
        """
        account = self.account
        account.look(now_ns)
        performance = account.performance
        if may_be_high or performance.is_flat:
            performance.today.note_high(is_sure=performance.is_flat)
        if not self._is_ended():
            for reading in day_readings(account, self.limits, now_ns):
                self._act(self._filter.assess(reading))
        for symbol in sorted({lot.symbol for lot in performance.lots.values()}):
            if not account.is_flattening(symbol):
                self._act(self._filter.assess(trade_reading(account, self.limits, symbol, now_ns)))
        self._note_losses(now_ns)

    def _is_ended(self) -> bool:
        """Whether a loss of the day has nothing left to do: halted, and flat or being closed."""
        is_closing = not self.account.performance.lots or self._is_flattening_all()
        return is_closing and self.account.breaker.state == "HALT"

    def _is_flattening_all(self) -> bool:
        return any(each.symbols is None for each in self.account.flattenings)

    def _watch_prices(self, now_ns: int) -> None:
        """Open nothing while a position has no price: its losses would not be seen."""
        unpriced = self.account.unpriced(now_ns)
        if unpriced:
            limit = self.limits.max_data_silence_seconds
            reason = f"{', '.join(unpriced)} held, without a sound quote for {limit} s"
            self.raise_cause(UNPRICED_POSITION, now_ns, reason=reason)
        elif self._has(UNPRICED_POSITION):
            self.clear_cause(UNPRICED_POSITION, now_ns, reason="every position has a price again")
        if self.account.performance.lots and not 0 <= now_ns - self._saved_ns < SAVE_INTERVAL_NS:
            self._save(now_ns, is_durable=False)

    def _watch_replaces(self, now_ns: int) -> None:
        count, limit = self.account.replaces.count(now_ns), self.limits.max_replaces_per_minute
        replaces = counted(count, "replace")
        if count > limit:
            self.raise_cause(REPLACE_RATE, now_ns, reason=f"{replaces} in a minute, limit {limit}")
        elif self._has(REPLACE_RATE) and count <= limit // 2:
            self.clear_cause(REPLACE_RATE, now_ns, reason=f"{replaces} in a minute")

    def _note_losses(self, now_ns: int) -> None:
        paused_until_ns = is_pausing(self.account, now_ns)
        if paused_until_ns is None or paused_until_ns == self._noted_pause_ns:
            return
        self._noted_pause_ns = paused_until_ns
        losses = counted(self.account.performance.consecutive_losses, "loss", "losses")
        until = format_new_york(paused_until_ns, places=0)
        self.on_notice(Notice(f"Openings are paused until {until} by {losses} in a row."))
        self.record(
            ReadingRecord(
                ts_ns=now_ns,
                trigger="consecutive_losses",
                verdict="confirmed",
                value=f"{losses} in a row",
                limit=f"{self.limits.max_consecutive_losses} in a row",
                readings_ns=(now_ns,),
                inputs={"paused_until_ns": str(paused_until_ns)},
            ),
            now_ns,
        )

    def _act(self, assessment: Assessment) -> None:
        if assessment.verdict not in ("suspect", "confirmed"):
            return
        reading = assessment.readings[-1]
        now_ns = reading.now_ns
        self.record(
            ReadingRecord(
                ts_ns=now_ns,
                trigger=reading.trigger,
                verdict=assessment.verdict,
                value=reading.value,
                limit=reading.limit,
                readings_ns=tuple(each.now_ns for each in assessment.readings),
                inputs=reading.inputs,
            ),
            now_ns,
        )
        if assessment.verdict == "confirmed":
            self._answer(reading, now_ns)

    def _answer(self, reading: Reading, now_ns: int) -> None:
        reason = f"{reading.value}, limit {reading.limit}"
        trigger, _, symbol = reading.trigger.partition(":")
        if trigger == "loss_per_trade":
            if symbol not in self.account.paused_symbols:
                self.account.paused_symbols[symbol] = trigger
                self.save(now_ns)
                self.on_notice(Notice(f"Openings in {symbol} are paused by {trigger}: {reason}."))
            if self.executor is not None:
                self.executor.flatten(frozenset({symbol}), now_ns, by=trigger, reason=reason)
            return
        self.halt(now_ns, by=trigger, reason=reason)
        if trigger not in DAY_TRIGGERS or self._is_flattening_all():
            return
        if self.executor is not None and self.account.performance.lots:
            self.executor.flatten(None, now_ns, by=trigger, reason=reason)

    def _has(self, cause: str) -> bool:
        return cause in self.account.breaker.causes

    def _move(self, breaker: Breaker, now_ns: int) -> None:
        before = self.account.breaker
        if breaker == before:
            return
        self.account.breaker = breaker
        self.save(now_ns)
        change = BreakerChangeRecord(
            ts_ns=now_ns,
            before=before.state,
            after=breaker.state,
            causes=breaker.causes,
            by=breaker.changed_by,
            reason=breaker.reason,
        )
        self.on_notice(of_change(change))
        self.record(change, now_ns)

    def _save(self, now_ns: int, *, is_durable: bool) -> None:
        self._saved_ns = now_ns
        if self._file is None:
            return
        try:
            self._file.save(self._persistent(), is_durable=is_durable)
        except OSError as error:
            reason = f"{self._file.path.name} cannot be written: {error.strerror}"
            self._file = None  # a halt that cannot be kept is still a halt
            if self.account.breaker.state == "HALT":
                self.on_notice(Notice(f"The HALT will not outlive a restart: {reason}.", is_urgent=True))
            self.halt(now_ns, by="breaker_file", reason=reason)

    def _persistent(self) -> BreakerRecord:
        account = self.account
        return BreakerRecord(
            breaker=account.breaker,
            day=account.performance.record(),
            paused_symbols=dict(sorted(account.paused_symbols.items())),
            all_paused_by=account.all_paused_by,
        )
