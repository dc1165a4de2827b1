"""Nautilus' unmodified adapter in a TradingNode against the simulator: start, data, reconnection.

Orders in the node have a file of their own; here is what a node does before and beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import BookType

from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.settings import SimulatorSettings
from tests.wire.trading_node import ACCOUNT, APPLE, CHAIN, SPX, SPY, NodeRig, run_node


@pytest.fixture
def node_simulator() -> Iterator[SimulatorProcess]:
    """A simulator whose market's time is now and always open: the adapter lives by the wall clock."""
    settings = SimulatorSettings(contracts=ContractSettings(hours="always"))
    with SimulatorProcess(Launch(start="now", simulator=settings)) as simulator:
        yield simulator
        truth = simulator.client.truth()
    assert truth["failures"] == []


def test_a_node_starts_loads_its_instruments_and_knows_its_account(node_simulator: SimulatorProcess) -> None:
    async def scenario(rig: NodeRig) -> None:
        assert rig.instrument(APPLE).isin == "US0378331005"
        assert str(rig.instrument(SPY).price_increment) == "0.01"
        assert rig.instrument(SPX)
        account = rig.node.cache.accounts()[0]
        assert account.id.get_id() == ACCOUNT
        assert account.balance_total(USD).as_double() == 1_000_000
        assert rig.truth()["sessions"] == [1]

    run_node(node_simulator, scenario)


def test_a_node_loads_an_option_chain(node_simulator: SimulatorProcess) -> None:
    async def scenario(rig: NodeRig) -> None:
        options = [i for i in rig.node.cache.instruments() if type(i).__name__ == "OptionContract"]
        strikes = {str(option.strike_price) for option in options}
        expiries = {option.expiration_ns for option in options}
        assert len(strikes) >= 20
        assert len(expiries) >= 3
        assert {str(option.multiplier) for option in options} == {"100"}
        assert len(options) == 2 * len(strikes) * len(expiries)

    run_node(node_simulator, scenario, chains=frozenset({CHAIN}))


def test_quotes_trades_and_the_index_arrive(node_simulator: SimulatorProcess) -> None:
    async def scenario(rig: NodeRig) -> None:
        rig.strategy.subscribe_quote_ticks(APPLE)
        rig.strategy.subscribe_trade_ticks(SPY)
        rig.strategy.subscribe_index_prices(SPX)
        await rig.until(lambda: len(rig.strategy.quotes) >= 5)
        await rig.until(lambda: rig.strategy.trades and rig.strategy.index_prices)
        for quote in rig.strategy.quotes:
            assert 0 < quote.bid_price < quote.ask_price

    run_node(node_simulator, scenario)


def test_depth_makes_a_book_that_is_not_crossed(node_simulator: SimulatorProcess) -> None:
    async def scenario(rig: NodeRig) -> None:
        rig.strategy.subscribe_order_book_deltas(APPLE, book_type=BookType.L2_MBP, depth=5)
        await rig.until(lambda: len(rig.strategy.deltas) >= 20)
        book = rig.node.cache.order_book(APPLE)
        assert len(book.bids()) >= 3
        assert len(book.asks()) >= 3
        assert book.best_bid_price() < book.best_ask_price()

    run_node(node_simulator, scenario)


def test_historical_bars_are_loaded(node_simulator: SimulatorProcess) -> None:
    async def scenario(rig: NodeRig) -> None:
        bars = BarType.from_str("AAPL.NASDAQ-1-MINUTE-LAST-EXTERNAL")
        now = datetime.now(UTC)
        received: list[object] = []
        rig.strategy.request_bars(
            bars, start=now - timedelta(hours=2), end=now, callback=lambda _: received.append(True)
        )
        await rig.until(lambda: received)
        assert rig.node.cache.bar_count(bars) > 10

    run_node(node_simulator, scenario)


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_node_connects_again_and_its_quotes_go_on(node_simulator: SimulatorProcess, how: str) -> None:
    async def scenario(rig: NodeRig) -> None:
        rig.strategy.subscribe_quote_ticks(APPLE)
        await rig.until(lambda: rig.strategy.quotes)
        node_simulator.client.run("disconnect", how=how)
        await rig.until(lambda: rig.truth()["sessions"] == [])
        await rig.until(lambda: rig.truth()["sessions"] == [1], seconds=40.0)
        before = len(rig.strategy.quotes)
        await rig.until(lambda: len(rig.strategy.quotes) > before + 3, seconds=40.0)

    run_node(node_simulator, scenario)


def test_a_node_starts_again_with_the_same_client_id(node_simulator: SimulatorProcess) -> None:
    async def scenario(rig: NodeRig) -> None:
        assert rig.truth()["sessions"] == [4]

    run_node(node_simulator, scenario, client_id=4)
    run_node(node_simulator, scenario, client_id=4)
