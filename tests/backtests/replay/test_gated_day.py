"""A TradingNode with the risk gate in its door: refusals, halts and the kill switch are replayed too."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from audit.events import Entry
from audit.journal import read_entries, verify
from backtests.replay.replay import Request, replay
from catalog.instruments import nautilus_equity
from cli.__main__ import main
from configs.profile import LoadedProfile
from market.instruments import EquitySpec
from risk.operator_commands import FlattenAll, Halt, Resume
from tests.backtests.replay.gated_node import QUICK, GatedNode
from tests.backtests.replay.live_node import (
    NAME,
    SYMBOL,
    WAIT_SECONDS_MAX,
    FeedFactory,
    RejectingFactory,
    sandbox_config,
)
from tests.backtests.replay.open_calendar import OpenNow, open_calendar
from tests.backtests.replays import profile

pytestmark = pytest.mark.slow

PACE_SECONDS = 0.008
WAVE = 40
"""Quotes for which the queue leans to one side."""
RULES = (
    "strategies.harvester.parameters.entry_style=passive",
    "strategies.harvester.parameters.cooldown_ms=60",
    "risk.max_replaces_per_minute=10",
    "risk.max_rejects_per_minute=1000",
    "risk.max_orders_per_second=40",
)
OPERATOR = {"by": "Ann", "reason": "test"}


class _Session:
    """One node, one market of waves, and an operator."""

    def __init__(self, run_dir: Path, loaded: LoadedProfile, calendar: OpenNow) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.node = TradingNode(sandbox_config("L1_MBP"), loop=self.loop)
        RejectingFactory.portfolio = self.node.portfolio
        self.node.add_exec_client_factory("SMART", RejectingFactory)
        self.node.add_data_client_factory("SMART", FeedFactory)
        self.node.cache.add_instrument(nautilus_equity(EquitySpec(symbol=SYMBOL)))
        self.node.build()
        self.gated = GatedNode(self.node, run_dir, loaded, instrument_id=NAME, calendar=calendar)
        self.cents, self.number = 775, 0

    def run(self) -> None:
        try:
            self.loop.run_until_complete(self._run())
        finally:
            self.gated.close()
            self.node.dispose()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _run(self) -> None:
        running = asyncio.ensure_future(self.node.run_async())
        while not self.node.kernel.trader.is_running:
            await asyncio.sleep(PACE_SECONDS)
        gate, executor = self.gated.gate, self.gated.gate.kill_switch
        await self._feed(60)
        gate.confirm_reconciled(reason="a test starts flat")
        await self._feed(100)
        await self._until(lambda: self.gated.is_holding)
        gate.command(FlattenAll(**OPERATOR))
        await self._until(lambda: not executor.is_flattening)
        gate.command(Resume(**OPERATOR))
        await self._feed(100)
        gate.command(Halt(**OPERATOR))
        await self._feed(60)
        gate.command(Resume(**OPERATOR))
        await self._until(lambda: self.gated.happened["OrderModifyRejected"] > 0)
        await self._feed(60)
        await self.node.stop_async()
        await running
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:  # workers of Nautilus' actors, which its own stop leaves behind
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _feed(self, count: int) -> None:
        """Send quotes: prices drift with the side that the queue leans to, and dip now and then."""
        for _ in range(count):
            self.node.kernel.msgbus.send(endpoint="DataEngine.process", msg=self._quote())
            await asyncio.sleep(PACE_SECONDS)

    def _quote(self) -> QuoteTick:
        self.number += 1
        leans_up = self.number // WAVE % 2 == 0
        if self.number % 5 == 0:
            self.cents += 1 if leans_up else -1
        dip = 5 if self.number % 20 < 2 else 0
        sizes = (4_000, 600) if leans_up else (600, 4_000)
        now_ns = self.node.kernel.clock.timestamp_ns()
        bid, ask = (Price((self.cents - dip + each) / 100, 4) for each in (0, 2))
        bid_size, ask_size = (Quantity.from_int(size + self.number % 7 * 10) for size in sizes)
        return QuoteTick(InstrumentId.from_str(NAME), bid, ask, bid_size, ask_size, now_ns, now_ns)

    async def _until(self, condition: Callable[[], bool]) -> None:
        ends = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError(f"not within {WAIT_SECONDS_MAX} s")
            await self._feed(1)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A day of seconds that a gated node recorded; strategies know its session while the test runs."""
    calendar = open_calendar(monkeypatch)
    loaded = profile(tmp_path, *QUICK, *RULES, symbols=(SYMBOL,))
    folder = tmp_path / "gated-day"
    _Session(folder, loaded, calendar).run()
    return folder


def _counts(entries: list[Entry]) -> Counter[str]:
    counts = Counter(entry.kind for entry in entries)
    counts.update(entry.body.event for entry in entries if entry.kind == "order_event")
    counts.update(f"{entry.body.command} refused" for entry in entries if entry.kind == "refusal")
    return counts


def test_a_gated_day_replays_to_identical_decisions(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = list(read_entries(run_dir / "journal"))
    counts = _counts(entries)
    wanted = ("denied", "modify_rejected", "rejected", "updated", "fill", "submit refused")
    assert min(counts[name] for name in (*wanted, "modify refused")) > 0, counts
    changes = [(entry.body.before, entry.body.after) for entry in entries if entry.kind == "breaker"]
    states = ["SAFE_MODE", "SAFE_MODE", "RUNNING", "HALT", "RUNNING"]
    assert changes[:4] == [*pairwise(states)]
    commands = [entry.body.command for entry in entries if entry.kind == "operator_command"]
    assert commands == ["flatten_start", "flatten_all", "flatten_report", "resume", "halt", "resume"]
    assert any("KILL_SWITCH" in entry.body.tags for entry in entries if entry.kind == "order")

    assert verify(run_dir / "journal").ok
    result = replay(Request(run_dir=run_dir))
    assert (result.difference, result.left_over, result.mode) == (None, 0, "live")
    assert result.recorded_hash == result.replayed_hash
    assert result.recorded_decisions > 30
    assert main(["replay", str(run_dir)]) == 0
    assert main(["audit", "verify", str(run_dir)]) == 0
    assert "Identical: " in capsys.readouterr().out
