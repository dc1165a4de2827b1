"""The simulated TWS's market: ticks from feed to encoded frame, and a chain of 4,000 contracts.

Everything runs in this process without sockets (`test_tws_wire_speed.py` adds those) and is measured in CPU
time. Ratios are market seconds served per CPU second: above 1 keeps up.
"""

from __future__ import annotations

import time
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, MarketInProcess, contract

TICKS_PER_SECOND = 100_000
STOCKS = 10
CHAIN_CONTRACTS_MIN = 4_000
CHAIN = {"weekly_expiries": 10, "monthly_expiries": 10, "strikes_each_side": 50, "strike_step": "2.5"}


def _crowd(clients: int, ticks_per_second: float) -> tuple[MarketInProcess, list[FakeSession]]:
    """Return a market whose stocks are all watched tick by tick by every client."""
    synthetic = {"ticks_per_second": ticks_per_second, "trade_fraction": 0.0}
    tws = MarketInProcess(data={"tick_by_tick_max": 1000, "synthetic": synthetic})
    found = [tws.client(number + 1) for number in range(clients)]
    stocks = [item for item in tws.universe.listings() if item.security_type == "STK"][:STOCKS]
    for client in found:
        for request_id, stock in enumerate(stocks):
            client.request(
                OUT.REQ_TICK_BY_TICK_DATA,
                "TickByTickRequest",
                reqId=request_id,
                contract=contract(stock.con_id),
                tickType="BidAsk",
            )
    tws.outgoing.clear()
    return tws, found


def _serve(tws: MarketInProcess, seconds: float) -> tuple[float, int]:
    """Let market time pass and encode what is sent; return CPU seconds and the number of ticks."""
    codec = ProtobufCodec()
    began = time.process_time()
    tws.run_for(seconds)
    for out in tws.outgoing:
        codec.encode(out.message_id, out.body)
    cpu = time.process_time() - began
    count = sum(out.message_id == IN.TICK_BY_TICK for out in tws.outgoing)
    tws.outgoing.clear()
    return cpu, count


def test_one_client_gets_100_000_ticks_a_second(benchmark: BenchmarkFixture) -> None:
    tws, _ = _crowd(1, TICKS_PER_SECOND / STOCKS)
    _serve(tws, 0.2)
    cpu, count = benchmark.pedantic(_serve, args=(tws, 1.0), rounds=3)
    benchmark.extra_info["us_per_tick"] = cpu / count * 1e6
    assert count >= TICKS_PER_SECOND * 0.99
    assert 1.0 / cpu > 1.0


def test_ten_clients_share_what_one_tick_costs(benchmark: BenchmarkFixture) -> None:
    """A tick is found and encoded once: each further client costs less than half of the first."""
    alone, _ = _crowd(1, 1_000)
    crowd, _ = _crowd(10, 1_000)
    _serve(alone, 0.5)
    _serve(crowd, 0.5)
    cpu_alone, count_alone = _serve(alone, 2.0)
    cpu_crowd, count_crowd = benchmark.pedantic(_serve, args=(crowd, 2.0), rounds=3)
    assert count_crowd == 10 * count_alone
    further = (cpu_crowd - cpu_alone) / 9
    benchmark.extra_info["further_client_share"] = further / cpu_alone
    assert further < cpu_alone / 2


def _load_chain(tws: MarketInProcess, client: FakeSession) -> tuple[float, int]:
    """Request parameters and details of a whole chain and encode the answers."""
    codec, began = ProtobufCodec(), time.process_time()
    named: dict[str, Any] = {"underlyingSymbol": "AAPL", "underlyingSecType": "STK", "underlyingConId": AAPL}
    client.request(OUT.REQ_SEC_DEF_OPT_PARAMS, "SecDefOptParamsRequest", reqId=1, **named)
    chain = message_type("Contract")(symbol="AAPL", secType="OPT", exchange="SMART", currency="USD")
    client.request(OUT.REQ_CONTRACT_DATA, "ContractDataRequest", reqId=2, contract=chain)
    for out in tws.outgoing:
        codec.encode(out.message_id, out.body)
    cpu = time.process_time() - began
    return cpu, len(client.take(IN.CONTRACT_DATA))


def test_a_chain_of_4_000_contracts_takes_less_than_a_second(benchmark: BenchmarkFixture) -> None:
    tws = MarketInProcess(contracts={"optionable": ("AAPL",), "chain": CHAIN})
    client = tws.client(1)
    cpu, count = benchmark.pedantic(_load_chain, args=(tws, client), rounds=3)
    tws.outgoing.clear()
    benchmark.extra_info["us_per_contract"] = cpu / count * 1e6
    assert count >= CHAIN_CONTRACTS_MIN
    assert 1.0 / cpu > 1.0


def test_a_chain_of_4_000_quotes_follows_its_underlying_in_real_time(benchmark: BenchmarkFixture) -> None:
    """All options watched: ten recomputations a second, and what they publish, in less than the time."""
    tws = MarketInProcess(contracts={"optionable": ("AAPL",), "chain": CHAIN})
    options = tws.universe.options_of(AAPL)
    for option in options:
        tws.market.quote(option.con_id)

    def second() -> float:
        began = time.process_time()
        tws.run_for(1.0)
        return time.process_time() - began

    cpu = benchmark.pedantic(second, rounds=5)
    assert len(options) >= CHAIN_CONTRACTS_MIN
    assert 1.0 / cpu > 2.0
