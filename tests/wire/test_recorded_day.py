"""A day of our own node over a real socket: strategy, gate, journal and recorded data; then its replay."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.settings import SimulatorSettings
from audit.events import Entry
from audit.journal import read_entries, verify
from backtests.replay.replay import Request, replay
from cli.__main__ import main
from risk.operator_commands import FlattenAll
from tests.backtests.replay.gated_node import QUICK, GatedNode
from tests.backtests.replay.open_calendar import open_calendar
from tests.backtests.replays import profile
from tests.wire.trading_node import APPLE, NodeRig, run_node

pytestmark = pytest.mark.slow

APPLE_ID = 265598
SECONDS_MAX = 30.0
PACE_SECONDS = 0.26
CENTS, SPREAD_CENTS = 20_000, 4
PATH = (0, 1, 2, 3, -3, 0, 2, 3, 4, 4, 5, 5)
WAVE = 12
"""Quotes for which the queue leans to one side."""
RULES = (
    "strategies.harvester.parameters.entry_style=passive",
    "strategies.harvester.parameters.grid_ms=250",
    "strategies.harvester.parameters.momentum_horizon_ms=500",
    "strategies.harvester.parameters.volatility_window_ms=1000",
    "strategies.harvester.parameters.order_flow_half_life_ms=250",
    "strategies.harvester.parameters.time_stop_ms=1500",
    "strategies.harvester.parameters.entry_timeout_ms=400",
    "risk.max_price_usd=1000",
    "risk.max_notional_usd_per_order=5000",
    "risk.max_notional_usd_per_symbol=5000",
    "risk.max_notional_usd_total=10000",
    "risk.max_rejects_per_minute=100",
)


class _Market:
    """Sets Apple's quote in the simulator: it goes up in steps and falls at once, through what waits to buy.

    The adapter makes a quote of each single tick, the bid's first: a rise of less than the spread never
    looks crossed in between.
    """

    def __init__(self, simulator: SimulatorProcess) -> None:
        self._simulator, self._number = simulator, 0

    def step(self) -> None:
        """Set the next quote."""
        self._number += 1
        cents = CENTS + PATH[self._number % len(PATH)]
        bid, ask = (f"{each / 100:.2f}" for each in (cents, cents + SPREAD_CENTS))
        sizes = (4_000, 600) if self._number // WAVE % 2 == 0 else (600, 4_000)
        self._simulator.client.run(
            "set_quote", con_id=APPLE_ID, bid=bid, ask=ask, bid_size=sizes[0], ask_size=sizes[1], last=bid
        )


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a day of seconds; strategies know its session while the test runs."""
    calendar = open_calendar(monkeypatch)
    loaded = profile(tmp_path, *QUICK, *RULES, symbols=("AAPL",))
    folder = tmp_path / "wire-day"
    nodes: list[GatedNode] = []

    def prepare(node: object) -> None:
        nodes.append(GatedNode(node, folder, loaded, instrument_id=str(APPLE), calendar=calendar))

    async def scenario(rig: NodeRig) -> None:
        (gated,), market = nodes, _Market(rig.simulator)

        async def trade(condition: Callable[[], bool]) -> None:
            ends = time.monotonic() + SECONDS_MAX
            while not condition():
                assert time.monotonic() < ends, "the session did not come to it"
                market.step()
                await asyncio.sleep(PACE_SECONDS)

        gated.gate.confirm_reconciled(reason="a test starts flat")
        happened = gated.happened
        await trade(lambda: happened["OrderFilled"] >= 2 and happened["OrderCanceled"] >= 1)
        await trade(lambda: gated.is_holding)
        gated.gate.command(FlattenAll(by="Ann", reason="test"))
        await trade(lambda: not gated.gate.kill_switch.is_flattening)

    settings = SimulatorSettings(contracts=ContractSettings(hours="always"))
    with SimulatorProcess(Launch(start="now", simulator=settings)) as simulator:
        try:
            run_node(simulator, scenario, prepare=prepare)
        finally:
            nodes[0].close()
        assert simulator.client.truth()["failures"] == []
    return folder


def test_a_day_over_the_wire_verifies_traces_and_replays_to_identical_decisions(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = list(read_entries(run_dir / "journal"))
    counts = Counter(entry.body.event for entry in entries if entry.kind == "order_event")
    assert min(counts[name] for name in ("submitted", "accepted", "canceled")) > 0
    _assert_every_fill_traces(entries)

    assert verify(run_dir / "journal").ok
    result = replay(Request(run_dir=run_dir))
    assert (result.difference, result.left_over, result.mode) == (None, 0, "live")
    assert result.recorded_hash == result.replayed_hash
    assert result.recorded_decisions > 5
    assert main(["replay", str(run_dir)]) == 0
    assert main(["audit", "verify", str(run_dir)]) == 0
    assert "Identical: " in capsys.readouterr().out


def _assert_every_fill_traces(entries: list[Entry]) -> None:
    """Each fill leads back to the decision that made its order, or to the kill switch's command."""
    by_seq = {entry.seq: entry for entry in entries}
    fills = [entry for entry in entries if entry.kind == "fill"]
    roots = []
    for fill in fills:
        cause = fill
        while cause.caused_by is not None:
            cause = by_seq[cause.caused_by]
        roots.append(cause.kind)
    assert Counter(roots)["decision"] >= 2
    assert set(roots) == {"decision", "operator_command"}
