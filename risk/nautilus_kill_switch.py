"""Cancels and closes in a Nautilus kernel: runs flattenings round by round, and cancels what could open.

Rounds are a second apart, driven by the kernel's clock. A burst of `flatten.MAX_ROUNDS` that does not
end flat is reported, and another begins a minute later, until all is flat or a person ends it. Whatever
fails in a round is told in the report and keeps neither the next round nor the node from going on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from market.time import NS_PER_MINUTE, NS_PER_SECOND
from risk.account import Account
from risk.flatten import Flattening, FlattenReport, Rest, Round, Step
from risk.nautilus_closing_orders import TAG, ClosingOrders
from risk.nautilus_intents import InstrumentBook, intent_of
from risk.nautilus_scene import SceneReader
from risk.openings import closes_alone, openings

__all__ = ["REPEATS_TOLD", "REST_NS", "ROUND_NS", "TAG", "KillSwitch"]

ROUND_NS = NS_PER_SECOND
REST_NS = NS_PER_MINUTE
"""Between two bursts of rounds, and so the longest until a session that opens is noticed."""
REPEAT_NS = 5 * NS_PER_SECOND
"""Between two cancels of an order that could open, while the breaker is in HALT and it still works."""
REPEATS_TOLD = 3
"""Repeated cancels after which a person is told."""

ReportHandler = Callable[[FlattenReport], None]
StartHandler = Callable[[Flattening], None]
StuckHandler = Callable[[tuple[str, ...], int], None]
"""Takes the ids of orders that do not cancel, and the time in ns UTC."""


class KillSwitch:
    """Carries out cancels and flattenings; `execute` is the gate's own handler."""

    def __init__(
        self, kernel: Any, account: Account, instruments: InstrumentBook, execute: Callable[[Any], None]
    ) -> None:
        self.reports: list[FlattenReport] = []
        self.on_start: StartHandler = lambda _flattening: None
        self.on_report: ReportHandler = lambda _report: None
        self.on_stuck: StuckHandler = lambda _order_ids, _now_ns: None
        self._clock = kernel.clock
        self._log = kernel.logger
        self._account = account
        self._instruments = instruments
        self._orders = ClosingOrders(kernel, account, instruments, execute)
        self._scenes = SceneReader(kernel.cache, account, instruments, own_orders=self._orders.sent)
        self._alerts = 0
        self._repeats = 0
        self._is_repeating = False

    @property
    def is_flattening(self) -> bool:
        """Whether a flattening is closing; one that rests until its next burst is not."""
        return any(not each.is_resting for each in self._account.flattenings)

    # -- Cancels ----------------------------------------------------------------------------------

    def cancel_all(self) -> int:
        """Cancel every working order and return how many."""
        reservations = self._account.ledger.reservations
        order_ids = [order_id for order_id, known in reservations.items() if known.is_open]
        self._orders.cancel(order_ids)
        return len(order_ids) + self._orders.cancel_emulated(lambda _order: True)

    def cancel_openings(self) -> None:
        """Cancel every working order that could add risk; those that only close go on working.

        One larger than the position that it closes is lowered to it. What stays unanswered is repeated
        while the breaker is in HALT.
        """
        self._repeats = 0
        self._cancel_openings()

    def _cancel_openings(self) -> None:
        surplus = openings(self._account, self._account.ledger.reservations)
        self._orders.withdraw(surplus)
        self._orders.cancel_emulated(lambda order: not self._closes_alone(order))
        if surplus and not self._is_repeating:
            self._is_repeating = True
            self._alert(self._clock.timestamp_ns() + REPEAT_NS, self._repeat)

    def _repeat(self) -> None:
        self._is_repeating = False
        if self._account.breaker.state != "HALT":
            return
        surplus = openings(self._account, self._account.ledger.reservations)
        stuck = tuple(each.order_id for each in surplus)
        self._repeats += 1
        if stuck and self._repeats == REPEATS_TOLD:
            self.on_stuck(stuck, self._clock.timestamp_ns())
        self._cancel_openings()

    def _closes_alone(self, order: Any) -> bool:
        """Whether an emulated order only closes; one that cannot be read could open."""
        try:
            terms = self._instruments.terms(order.instrument_id)
            return closes_alone(self._account, intent_of(order, terms, honours_oca=False))
        except Exception:  # noqa: BLE001 - as it says
            return False

    # -- Flattening -------------------------------------------------------------------------------

    def flatten(self, symbols: frozenset[str] | None, now_ns: int, *, by: str, reason: str) -> None:
        """Close the positions in `symbols`, or all of them; the first round starts at once.

        It takes over from flattenings of the same symbols that rest.
        """
        flattening = Flattening(symbols, by=by, reason=reason, started_ns=now_ns)
        running = self._account.flattenings
        running[:] = [each for each in running if not (each.is_resting and flattening.includes(each))]
        running.append(flattening)
        self.on_start(flattening)
        self._continue(flattening)

    def stand_down(self, symbol: str | None, now_ns: int) -> None:
        """End the flattenings of a symbol, or all: those that rest at once, others after their burst."""
        for flattening in list(self._account.flattenings):
            if symbol is None or flattening.symbols == frozenset({symbol}):
                report = flattening.stand_down(now_ns)
                if report is not None:
                    self._account.flattenings.remove(flattening)
                    self._tell(report)

    def _continue(self, flattening: Flattening) -> None:
        if flattening not in self._account.flattenings:
            return
        now_ns = self._clock.timestamp_ns()
        try:
            step = self._next(flattening, now_ns)
        except Exception as error:  # noqa: BLE001 - the border: a fault must neither end it nor the node
            why = f"{type(error).__name__}: {error}"
            self._log.error(f"Kill switch: a round failed: {why}")
            step = flattening.failed(why, now_ns)
        pause_ns = ROUND_NS if isinstance(step, Round) else REST_NS
        if isinstance(step, FlattenReport):
            if step.is_over:
                self._account.flattenings.remove(flattening)
            self._tell(step)
        if flattening in self._account.flattenings:
            self._alert(now_ns + pause_ns, lambda: self._continue(flattening))

    def _next(self, flattening: Flattening, now_ns: int) -> Step:
        self._account.ledger.release_expired(now_ns)
        step = flattening.next_round(self._scenes.read(flattening, now_ns), now_ns)
        if isinstance(step, Rest):
            return step
        self._orders.cancel_emulated(lambda order: self._is_in_the_way(order, flattening))
        if isinstance(step, Round):
            if not flattening.is_closing:
                self._orders.withdraw(self._scenes.lowered(flattening))
            self._orders.cancel(step.cancels)
            for closing in step.closings:
                why = self._orders.close(closing)
                if why is not None:
                    flattening.not_sent(closing, why)
        return step

    def _is_in_the_way(self, order: Any, flattening: Flattening) -> bool:
        """Whether an emulated order goes: all of the scope, or what could open while nothing is closed."""
        try:
            if not flattening.covers(self._instruments.terms(order.instrument_id).symbol):
                return False
        except LookupError:
            return flattening.symbols is None
        return flattening.is_closing or not self._closes_alone(order)

    def _tell(self, report: FlattenReport) -> None:
        self.reports.append(report)
        self.on_report(report)

    def _alert(self, at_ns: int, action: Callable[[], None]) -> None:
        self._alerts += 1
        self._clock.set_time_alert_ns(
            name=f"{TAG}-{self._alerts}", alert_time_ns=at_ns, callback=lambda _event: action()
        )
