"""Market data over real sockets: a plain ibapi program, a recorded day, and live bars in a TradingNode."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ibapi.contract import Contract
from nautilus_trader.model.data import BarType

from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.settings import SimulatorSettings
from market.time import to_ns
from tests.catalog.day_catalog import liquid_and_thin
from tests.wire.ibapi_program import Program, stock
from tests.wire.trading_node import APPLE, NodeRig, run_node

AAPL = 265598


@pytest.fixture
def program(simulator: SimulatorProcess) -> Iterator[Program]:
    made = Program().begin(simulator.port, 1)
    yield made
    made.end()


def by_id(con_id: int, exchange: str = "SMART") -> Contract:
    contract = Contract()
    contract.conId, contract.exchange = con_id, exchange
    return contract


def test_a_chain_is_found_and_one_of_its_options_priced(program: Program) -> None:
    program.reqSecDefOptParams(1, "AAPL", "", "STK", AAPL)
    found = program.wait("securityDefinitionOptionParameter", lambda *call: call[1] == "SMART")
    program.wait("securityDefinitionOptionParameterEnd")
    expiry, strike = min(found[5]), sorted(found[6])[len(found[6]) // 2]
    option = stock()
    option.secType, option.primaryExchange = "OPT", ""
    option.lastTradeDateOrContractMonth, option.strike, option.right = expiry, strike, "C"
    program.reqContractDetails(2, option)
    details = program.wait("contractDetails")[1]
    assert details.underConId == AAPL
    program.reqMktData(3, by_id(details.contract.conId), "", False, False, [])
    model = program.wait("tickOptionComputation", lambda *call: call[:2] == (3, 13))
    assert 0 < model[4] < 1
    assert model[3] > 0
    assert program.error_codes() == []


def test_top_of_book_ticks_and_depth_arrive_and_agree(program: Program) -> None:
    program.reqMktData(1, stock(), "", False, False, [])
    program.reqTickByTickData(2, stock(), "BidAsk", 0, False)
    program.reqTickByTickData(3, stock(), "AllLast", 0, False)
    program.reqMktDepth(4, stock(), 5, True, [])
    bid = program.wait("tickPrice", lambda *call: call[:2] == (1, 1))[2]
    tick = program.wait("tickByTickBidAsk")
    trade = program.wait("tickByTickAllLast")
    rows = [program.wait("updateMktDepthL2", lambda *call, at=at: call[1] == at) for at in range(5)]
    assert abs(bid - tick[2]) < 1
    assert abs(trade[3] - tick[2]) < 1
    assert tick[2] < tick[3]
    assert [row[3] for row in rows] == [0] * 5
    program.reqMktDepth(5, stock("SPY", "ARCA"), 5, True, [])
    program.reqMktDepth(6, stock("SPY", "ARCA"), 5, True, [])
    program.reqMktDepth(7, stock("SPY", "ARCA"), 5, True, [])
    assert program.wait("error", lambda *call: call[0] == 7)[2] == 309


def test_history_comes_as_bars_ticks_and_head(program: Program) -> None:
    program.reqHistoricalData(1, stock(), "", "1800 S", "1 min", "TRADES", 1, 2, False, [])
    program.wait("historicalDataEnd")
    assert len(program.all("historicalData")) in {30, 31}
    program.reqHistoricalTicks(2, stock(), "", "20260102-14:45:00", 10, "BID_ASK", 1, False, [])
    ticks = program.wait("historicalTicksBidAsk")
    assert len(ticks[1]) >= 10
    program.reqHeadTimeStamp(3, stock(), "TRADES", 1, 2)
    assert int(program.wait("headTimestamp")[1]) < to_ns("2022-01-01T00:00:00Z") // 10**9
    program.cancelHistoricalData(9)
    assert program.wait("error", lambda *call: call[0] == 9)[2] == 366


def test_a_recorded_day_is_seen_with_its_own_times(tmp_path: Path) -> None:
    liquid_and_thin(tmp_path / "catalog")
    launch = Launch(
        catalog=str(tmp_path / "catalog"), date=date(2013, 10, 7), start="2013-10-07T09:29:58", speed=2.0
    )
    with SimulatorProcess(launch) as simulator:
        program = Program().begin(simulator.port, 1)
        program.reqTickByTickData(1, stock("LQD"), "AllLast", 0, False)
        program.reqMktDepth(2, _direct("LQD"), 5, False, [])
        trade = program.wait("tickByTickAllLast")
        row = program.wait("updateMktDepthL2")
        program.end()
        truth = simulator.client.truth()
    assert (trade[2], trade[3], int(trade[4])) == (to_ns("2013-10-07T09:30:01-04:00") // 10**9, 5.0, 40_000)
    assert row[2:6] == ("NSDQ", 0, 1, 5.0)
    assert truth["failures"] == []


def _direct(symbol: str) -> Contract:
    contract = stock(symbol)
    contract.exchange = "NASDAQ"
    return contract


def test_live_bars_arrive_in_a_node() -> None:
    settings = SimulatorSettings(
        contracts=ContractSettings(hours="always"), market_data=MarketDataSettings(tick_by_tick_max=5)
    )
    bars = BarType.from_str(f"{APPLE}-5-SECOND-LAST-EXTERNAL")

    async def scenario(rig: NodeRig) -> None:
        rig.strategy.subscribe_bars(bars)
        await rig.until(lambda: len(rig.strategy.bars) >= 2)
        assert all(_is_sound(bar) for bar in rig.strategy.bars)

    with SimulatorProcess(Launch(start="now", simulator=settings)) as simulator:
        run_node(simulator, scenario)
        assert simulator.client.truth()["failures"] == []


def _is_sound(bar: Any) -> bool:
    return bool(bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high)
