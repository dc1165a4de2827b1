"""ib_async over the text protocol: what its users do in their first hour, against the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from ib_async import IB, LimitOrder, MarketOrder, Option, Stock

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.settings import SimulatorSettings
from tests.wire.conftest import START
from tests.wire.ib_async_loop import run

SECONDS = 15.0


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    """A simulator in the regular session, with every change of a price sent at once."""
    settings = SimulatorSettings(market_data=MarketDataSettings(top_of_book_ms=0))
    with SimulatorProcess(Launch(start=START, simulator=settings)) as process:
        yield process
        assert process.client.truth()["failures"] == []


def _run(
    simulator: SimulatorProcess, body: Callable[[IB], Awaitable[None]], *, client_id: int = 11
) -> list[int]:
    """Run `body` with a connected IB; return the codes of errors, without the notices of the start."""
    codes: list[int] = []

    async def talk() -> None:
        ib = IB()
        ib.errorEvent += lambda _request, code, _text, _contract: codes.append(code)
        await ib.connectAsync("127.0.0.1", simulator.port, clientId=client_id, timeout=SECONDS)
        try:
            await asyncio.wait_for(body(ib), 3 * SECONDS)
        finally:
            ib.disconnect()

    run(talk())
    simulator.client.wait_for(lambda truth: client_id not in truth["sessions"])
    return [code for code in codes if code not in {2104, 2106, 2158}]


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def _apple(ib: IB) -> Any:
    (contract,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))
    return contract


def test_connecting_synchronizes_account_positions_and_orders(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        assert ib.client.serverVersion() == 176
        assert ib.managedAccounts() == ["DU1234567"]
        values = {value.tag: value.value for value in ib.accountValues()}
        assert float(values["NetLiquidation"]) > 0
        assert ib.positions() == [] or all(position.position for position in ib.positions())

    assert _run(simulator, body) == []


def test_contracts_are_qualified_and_chains_listed(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        apple = await _apple(ib)
        assert (apple.conId, apple.primaryExchange) == (265598, "NASDAQ")
        (details,) = await ib.reqContractDetailsAsync(apple)
        assert details.longName == "APPLE INC"
        assert details.minTick == 0.01
        chains = await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", apple.conId)
        smart = next(chain for chain in chains if chain.exchange == "SMART")
        strike = smart.strikes[len(smart.strikes) // 2]
        option = Option("AAPL", smart.expirations[0], strike, "C", "SMART", tradingClass=smart.tradingClass)
        qualified: Any
        (qualified,) = await ib.qualifyContractsAsync(option)
        assert qualified.conId
        assert qualified.multiplier == "100"

    assert _run(simulator, body) == []


def test_quotes_depth_and_ticks_arrive(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        apple = await _apple(ib)
        ticker = ib.reqMktData(apple)
        await _until(lambda: ticker.bid > 0 and ticker.ask > ticker.bid and ticker.bidSize > 0)
        ib.cancelMktData(apple)
        book = ib.reqMktDepth(apple, numRows=5, isSmartDepth=True)
        await _until(lambda: len(book.domBids) == 5 and len(book.domAsks) == 5)
        assert book.domBids[0].price < book.domAsks[0].price
        ib.cancelMktDepth(apple, isSmartDepth=True)
        ticks = ib.reqTickByTickData(apple, "BidAsk")
        await _until(lambda: ticks.tickByTicks)
        ib.cancelTickByTickData(apple, "BidAsk")

    assert _run(simulator, body) == []


def test_historical_bars_come_with_their_range(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        bars = await ib.reqHistoricalDataAsync(
            await _apple(ib), "", "1 D", "5 mins", "TRADES", useRTH=True, formatDate=2
        )
        assert len(bars) >= 5
        assert all(bar.low <= bar.open <= bar.high for bar in bars)

    assert _run(simulator, body) == []


def test_a_market_order_fills_and_its_fill_is_the_broker_s(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        trade = ib.placeOrder(await _apple(ib), MarketOrder("BUY", 5))
        await _until(trade.isDone)
        assert trade.orderStatus.status == "Filled"
        assert trade.filled() == 5
        await _until(lambda: trade.fills and trade.fills[0].commissionReport.commission > 0)
        truth = simulator.client.truth()
        fill = trade.fills[0]
        assert fill.execution.execId in {row["execution_id"] for row in truth["executions"]}
        await _until(lambda: any(item.contract.conId == 265598 for item in ib.positions()))

    assert _run(simulator, body) == []


def test_a_limit_order_rests_is_changed_and_cancelled(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        apple = await _apple(ib)
        order = LimitOrder("BUY", 5, 100.0)
        trade = ib.placeOrder(apple, order)
        await _until(lambda: trade.orderStatus.status == "Submitted")
        order.lmtPrice = 101.0
        ib.placeOrder(apple, order)
        await _until(
            lambda: any(row["limit"] == "101.0" or row["limit"] == "101" for row in _orders(simulator))
        )
        ib.cancelOrder(order)
        await _until(trade.isDone)
        assert trade.orderStatus.status == "Cancelled"

    assert _run(simulator, body) == [202]


def _orders(simulator: SimulatorProcess) -> list[dict[str, str]]:
    orders: list[dict[str, str]] = simulator.client.truth()["orders"]
    return orders


def test_a_preview_shows_margin_and_commission(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        state: Any = await ib.whatIfOrderAsync(await _apple(ib), LimitOrder("BUY", 5, 100.0))
        assert float(state.initMarginAfter) > 0
        assert 0 < state.commission < 5

    assert _run(simulator, body) == []


def test_an_unknown_contract_is_error_200(simulator: SimulatorProcess) -> None:
    async def body(ib: IB) -> None:
        assert await ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD")) == []

    assert _run(simulator, body) == [200]
