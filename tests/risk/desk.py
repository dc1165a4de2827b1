"""A supervisor with everything around it in plain view: market, recorder, executor, file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from market.time import NS_PER_MS
from risk.breaker_file import BreakerFile
from risk.decision import Refused
from risk.flatten import Flattening
from risk.limits import RiskLimits
from risk.operator_commands import OperatorCommand, carry_out
from risk.performance import Fill
from risk.records import CommandRecord, MemoryRecorder, RiskRecord
from risk.supervisor import Supervisor
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import NOW_NS, TableMarket, gatekeeper, quote, stock

D = Decimal
F = stock()
STEP_NS = LIMITS.halt_reading_interval_ms * NS_PER_MS
"""Between two looks of the supervisor."""
NAMES = ("F.SMART", "O-1", "S-ONE")
"""Instrument, order and strategy of a refusal."""
WIDE_TRADE = limits(max_loss_usd_per_trade=LIMITS.max_daily_loss_usd)
"""A trade may lose what a day may: the limits of the day are reached first."""


class Executor:
    """Notes what it is told; its flattenings never end by themselves."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.flattenings: list[Flattening] = []

    def cancel_openings(self) -> None:
        self.calls.append(("cancel_openings",))

    def cancel_all(self) -> int:
        self.calls.append(("cancel_all",))
        return 3

    def flatten(self, symbols: frozenset[str] | None, now_ns: int, *, by: str, reason: str) -> None:
        self.calls.append(("flatten", symbols, by, reason))
        self.flattenings.append(Flattening(symbols, by=by, reason=reason, started_ns=now_ns))

    def stand_down(self, symbol: str | None, now_ns: int) -> None:
        self.calls.append(("stand_down", symbol))


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
        self.account.flattenings = self.executor.flattenings
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
        """Look so often, each time at a quote of its own."""
        for _ in range(times):
            self.now_ns += STEP_NS
            quotes, latest = self.market.quotes, self.market.default_quote
            for name, each in quotes.items():
                quotes[name] = each and msgspec.structs.replace(each, ts_ns=self.now_ns)
            self.market.default_quote = latest and msgspec.structs.replace(latest, ts_ns=self.now_ns)
            self.supervisor.watch(self.now_ns)

    def of(self, kind: type[RiskRecord]) -> list[Any]:
        return [entry for entry in self.recorder.entries if isinstance(entry, kind)]

    def command(self, command: OperatorCommand) -> CommandRecord:
        return carry_out(command, self.supervisor, self.executor, self.now_ns)


def losing(desk: Desk, bid: str = "4.40") -> None:
    """Hold 100 shares bought at 5.00 and let the bid fall."""
    desk.buy(100)
    desk.bid(bid)


def refusal(rule: str) -> Refused:
    """Return a refusal by a rule; of IB's own it has a code."""
    return Refused(rule=rule, value="v", limit="l", advice="a", ib_code=110 if rule == "ib_tick" else None)


class BrokenRecorder(MemoryRecorder):
    """Refuses every record while `broken`."""

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
