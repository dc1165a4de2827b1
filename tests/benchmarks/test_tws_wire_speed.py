"""The simulated TWS's wire: ticks per second to one client and to ten, its start, memory of subscriptions.

The server runs in this process, so that its CPU time is measured; clients are another process that
reads and counts bytes. A tick is a whole TICK_BY_TICK message: built, passed through the broker, encoded
and written to the socket. Ratios are market seconds served per CPU second: above 1 keeps up.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.server import TwsServer
from adapters.tws_simulator.session.desk import SessionDesk
from adapters.tws_simulator.session.sessions import Session
from adapters.tws_simulator.settings import SessionSettings, SimulatorSettings
from tests.wire.raw_client import RawClient

TICKS_PER_SECOND = 100_000
START_SECONDS_MAX = 1.0
TICKS_PER_TURN = 2_000

READERS = """
import selectors, socket, struct, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
chosen = selectors.DefaultSelector()
for number in range(count):
    client = socket.create_connection(("127.0.0.1", port))
    offer = b"v100..223"
    client.sendall(b"API\\0" + struct.pack("!I", len(offer)) + offer)
    client.recv(4096)
    body = struct.pack("!I", 271) + b"\\x08" + bytes([number + 1])
    client.sendall(struct.pack("!I", len(body)) + body)
    chosen.register(client, selectors.EVENT_READ)
total = 0
while chosen.get_map():
    for key, _ in chosen.select():
        data = key.fileobj.recv(1 << 20)
        total += len(data)
        if not data:
            chosen.unregister(key.fileobj)
print(total)
"""
"""Clients that start their API and read until the server ends their connection."""


def _tick(number: int) -> Any:
    tick = message_type("TickByTickData")(reqId=1, tickType=3)
    quote = tick.historicalTickBidAsk
    quote.time, quote.priceBid, quote.priceAsk = 1_767_366_000, 200.0 + number % 100 * 0.01, 201.0
    quote.sizeBid, quote.sizeAsk = "300", "200"
    return tick


async def _serve_ticks(clients: int, ticks: int) -> tuple[float, int]:
    """Send `ticks` to each client; return CPU seconds of the sending and the bytes the clients read."""
    server = TwsServer(SimulatorSettings())
    server.broker.install(SessionDesk(server.broker, lambda: 1))
    port = await server.start(0)
    readers = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READERS, str(port), str(clients), stdout=subprocess.PIPE
    )
    while len(server.broker.sessions.started()) < clients:
        await asyncio.sleep(0.01)
    sessions: list[Session] = server.broker.sessions.started()
    cpu = 0.0
    for first in range(0, ticks, TICKS_PER_TURN // clients):
        began = time.process_time()
        for number in range(first, min(first + TICKS_PER_TURN // clients, ticks)):
            for session in sessions:
                server.broker.send(session, IN.TICK_BY_TICK, _tick(number))
        await asyncio.sleep(0)
        cpu += time.process_time() - began
        await asyncio.sleep(0.001)
    for session in sessions:
        server.broker.hang_up(session)
    assert readers.stdout is not None
    received = int(await readers.stdout.read())
    await readers.wait()
    await server.stop()
    return cpu, received


def _best(work: Callable[[], tuple[float, int]], rounds: int = 3) -> tuple[float, int]:
    return min(work() for _ in range(rounds))


@pytest.mark.parametrize("clients", [1, 10])
def test_a_second_of_100_000_ticks_costs_less_than_a_second(
    benchmark: BenchmarkFixture, clients: int
) -> None:
    ticks = TICKS_PER_SECOND // clients
    framed = len(_tick(0).SerializeToString()) + 8

    def work() -> tuple[float, int]:
        return asyncio.run(_serve_ticks(clients, ticks))

    cpu, received = benchmark.pedantic(_best, args=(work,), rounds=1)
    assert received >= 0.99 * ticks * clients * framed, "the clients did not get every tick"
    seconds_served = ticks * clients / TICKS_PER_SECOND
    benchmark.extra_info["ticks_per_cpu_second"] = round(ticks * clients / cpu)
    assert seconds_served / cpu >= 1.0


def test_a_simulator_starts_within_a_second_of_cpu(benchmark: BenchmarkFixture) -> None:
    import resource

    def work() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with SimulatorProcess():
            pass
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    cpu = benchmark.pedantic(lambda: min(work() for _ in range(3)), rounds=1)
    assert START_SECONDS_MAX / cpu >= 1.0


SUBSCRIPTIONS = 1_000
MEGABYTES_PER_1000_MAX = 50.0


def _resident_megabytes(process_id: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process_id}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from Linux's /proc")
def test_a_thousand_subscriptions_cost_little_memory(benchmark: BenchmarkFixture) -> None:
    settings = SimulatorSettings(
        session=SessionSettings(messages_per_second_max=10**9),
        market_data=MarketDataSettings(lines_max=2 * SUBSCRIPTIONS),
    )

    def work() -> float:
        launch = Launch(start="2026-01-02T10:00", simulator=settings)
        with SimulatorProcess(launch) as simulator, RawClient(simulator.port).start(1) as client:
            before = _resident_megabytes(simulator.process_id)
            for number in range(1, SUBSCRIPTIONS + 1):
                contract = {"conId": 265598, "symbol": "AAPL", "secType": "STK", "exchange": "SMART"}
                client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=number, contract=contract)
            client.until(lambda number, body: number == IN.TICK_PRICE and body.reqId == SUBSCRIPTIONS)
            assert simulator.client.truth()["subscriptions"]["lines"] == SUBSCRIPTIONS
            return _resident_megabytes(simulator.process_id) - before

    grown = benchmark.pedantic(work, rounds=1)
    benchmark.extra_info["megabytes_per_1000_subscriptions"] = round(grown, 1)
    assert MEGABYTES_PER_1000_MAX / max(grown, 0.1) >= 1.0
