"""Looks at the account between commands: at every quote of what is held, and once a second when live.

A backtest has no timer: its quotes drive everything, so that it replays the same. Live, the timer also
notices what sends no event: silence of the data, a lost connection, positions that differ.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd

from market.time import NS_PER_SECOND
from risk.breaker import UNRECONCILED
from risk.intent import InstrumentTerms
from risk.nautilus_intents import InstrumentBook
from risk.reading_filter import Reading
from risk.supervisor import Supervisor

TIMER = "RISK_GATE_WATCH"
STALE_DATA = "stale_data"
CONNECTION_LOST = "connection_lost"
POSITION_MISMATCH = "position_mismatch"

Positions = dict[tuple[str, InstrumentTerms], tuple[int, Decimal]]


class Watch:
    """Calls the supervisor; `positions` gives Nautilus' own positions for the comparison."""

    def __init__(
        self,
        kernel: Any,
        supervisor: Supervisor,
        instruments: InstrumentBook,
        *,
        positions: Callable[[], Positions],
    ) -> None:
        self._kernel = kernel
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._bus = kernel.msgbus
        self._supervisor = supervisor
        self._account = supervisor.account
        self._instruments = instruments
        self._positions = positions
        self._followed: set[str] = set()
        self._started_ns = 0
        self._awaits_fill = False

    def follow(self, terms: InstrumentTerms) -> None:
        """Watch the quotes of an instrument while it is held, and no longer."""
        if self._awaits_fill:
            self.start_timer()
        is_held = any(key[1] == terms.instrument_id for key in self._account.performance.lots)
        if is_held == (terms.instrument_id in self._followed):
            return
        instrument_id = self._instruments.nautilus_id(terms)
        topic = f"data.quotes.{instrument_id.venue}.{instrument_id.symbol}"
        if is_held:
            self._followed.add(terms.instrument_id)
            self._bus.subscribe(topic=topic, handler=self._on_quote)
        else:
            self._followed.discard(terms.instrument_id)
            self._bus.unsubscribe(topic=topic, handler=self._on_quote)

    def start_timer_at_fill(self) -> None:
        """Look once a second from the first fill on: before a backtest runs, its clock stands in 1970."""
        self._awaits_fill = True

    def start_timer(self) -> None:
        """Look once a second from now on."""
        self._awaits_fill = False
        self._started_ns = self._clock.timestamp_ns()
        self._clock.set_timer(TIMER, pd.Timedelta(seconds=1), None, None, self._on_timer)

    def _on_quote(self, _tick: Any) -> None:
        self._look(self._supervisor.watch)

    def _on_timer(self, _event: Any) -> None:
        for look in (
            self._supervisor.watch, self._watch_data, self._watch_connection, self._watch_positions,
        ):  # fmt: skip
            self._look(look)

    def _look(self, look: Callable[[int], None]) -> None:
        """Look at the clock's time, never at a tick's: it may be of tomorrow. A fault ends nothing else."""
        now_ns = self._clock.timestamp_ns()
        try:
            look(now_ns)
        except Exception as error:  # noqa: BLE001 - the border: Nautilus ends the node at an exception
            reason = f"a look at the account failed: {type(error).__name__}: {error}"
            self._supervisor.halt(now_ns, by="gate_fault", reason=reason)

    def _watch_data(self, now_ns: int) -> None:
        """Silence counts from the last quote of any stock of the universe, in session only."""
        limit = self._supervisor.limits.max_data_silence_seconds
        session = self._account.market.session(now_ns)
        if session.day is None or session.phase == "closed":
            return
        since_ns = max(self._last_quote_ns(now_ns), self._started_ns, session.day.open_ns)
        if now_ns - since_ns > limit * NS_PER_SECOND:
            reason = f"no quote for {(now_ns - since_ns) / NS_PER_SECOND:.0f} s, limit {limit} s"
            self._supervisor.raise_cause(STALE_DATA, now_ns, reason=reason)
        else:
            self._supervisor.clear_cause(STALE_DATA, now_ns, reason="quotes arrive again")

    def _last_quote_ns(self, now_ns: int) -> int:
        """Return when the last quote came; one that says it comes from the future says nothing."""
        ticks = (self._cache.quote_tick(instrument_id) for instrument_id in self._cache.instrument_ids())
        times_ns = (tick.ts_init for tick in ticks if tick is not None)
        return max((ts_ns for ts_ns in times_ns if ts_ns <= now_ns), default=0)

    def _watch_connection(self, now_ns: int) -> None:
        """A lost connection also asks for a new reconciliation: what happened meanwhile is unknown."""
        if self._kernel.exec_engine.check_connected() and self._kernel.data_engine.check_connected():
            self._supervisor.clear_cause(CONNECTION_LOST, now_ns, reason="connected again")
            return
        reason = "a client of the node is not connected"
        self._supervisor.raise_cause(UNRECONCILED, now_ns, reason=reason)
        self._supervisor.raise_cause(CONNECTION_LOST, now_ns, reason=reason)

    def _watch_positions(self, now_ns: int) -> None:
        ours = {
            (owner, book.terms.instrument_id): quantity
            for book in self._account.ledger.books.values()
            for owner, quantity in book.positions.items()
        }
        theirs = {
            (owner, terms.instrument_id): quantity
            for (owner, terms), (quantity, _) in self._positions().items()
        }
        names = sorted(ours.keys() | theirs.keys())
        different = [name for name in names if ours.get(name, 0) != theirs.get(name, 0)]
        pairs = [f"{name[1]} gate {ours.get(name, 0)}, Nautilus {theirs.get(name, 0)}" for name in different]
        self._supervisor.observe(
            Reading(
                trigger=POSITION_MISMATCH,
                value="; ".join(pairs) or "equal",
                limit="equal positions",
                is_beyond=bool(different),
                now_ns=now_ns,
                inputs={name[1]: pair for name, pair in zip(different, pairs, strict=True)},
            )
        )
