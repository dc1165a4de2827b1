"""The simulated TWS's orders: what a quote costs that looks at many resting orders. CPU time, one run."""

from __future__ import annotations

import time

from pytest_benchmark.fixture import BenchmarkFixture

from tests.adapters.tws_simulator.orders.floor import AAPL, Floor, place

RESTING = 1_000
QUOTES = 300
FILLS = 300
CHEAPER = 100
"""A resting order that a quote does not reach costs at most this part of a filled one; measured: 800."""


def _seconds_per_fill(floor: Floor) -> float:
    client = floor.client(1)
    began = time.process_time()
    for order_id in range(1, FILLS + 1):
        place(client, order_id, quantity=1)
        floor.run()
    spent = time.process_time() - began
    client.take()
    return spent / FILLS


def _seconds_per_resting_order(floor: Floor) -> float:
    client = floor.client(2)
    for order_id in range(FILLS + 1, FILLS + RESTING + 1):
        place(client, order_id, kind="LMT", lmtPrice=150.0, quantity=1)
    floor.run()
    began = time.process_time()
    for _ in range(QUOTES):
        floor.quote(AAPL, "199.99", "200.01")
    return (time.process_time() - began) / QUOTES / RESTING


def test_a_quote_passes_by_orders_that_it_does_not_reach(benchmark: BenchmarkFixture) -> None:
    floor = Floor()
    floor.quote(AAPL, "199.99", "200.01")
    fill, resting = benchmark.pedantic(
        lambda: (_seconds_per_fill(floor), _seconds_per_resting_order(floor)), rounds=1
    )
    benchmark.extra_info["fill_us"] = fill * 1e6
    benchmark.extra_info["resting_ns"] = resting * 1e9
    assert fill / resting > CHEAPER
