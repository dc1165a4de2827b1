"""Implied volatility and greeks of 10,000 contracts beside py_vollib_vectorized, CPU time, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from market.pricing.european import EuropeanOptions, price
from market.pricing.implied_volatility import Engine, volatility_and_greeks

CONTRACTS = 10_000
SPOT, RATE, DIVIDEND_YIELD = 100.0, 0.03, 0.01


def _contracts() -> tuple[EuropeanOptions, np.ndarray, np.ndarray]:
    """Options worth at least a cent: 5 days to a year, 10 to 80 % volatility, strikes 60 to 150."""
    chance = np.random.default_rng(0)
    n = CONTRACTS * 2
    options = EuropeanOptions.of(
        spot=SPOT,
        strike=chance.uniform(60, 150, n).round(),
        years=chance.uniform(5 / 365, 1.0, n),
        rate=RATE,
        dividend_yield=DIVIDEND_YIELD,
        is_call=chance.random(n) < 0.5,
    )
    volatility = chance.uniform(0.1, 0.8, n)
    values = price(options, volatility)
    intrinsic = price(options, 0.0)
    kept = np.flatnonzero(values - intrinsic >= 0.01)[:CONTRACTS]
    assert kept.size == CONTRACTS
    return options.take(kept), values[kept], volatility[kept]


def _cpu_seconds(work: Callable[[], object], repetitions: int) -> float:
    best = float("inf")
    for _ in range(repetitions):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def _peer(options: EuropeanOptions, values: np.ndarray) -> Callable[[], object]:
    peer = pytest.importorskip("py_vollib_vectorized", reason="run `uv sync --group peers`")
    flag = np.where(options.is_call, "c", "p")
    spot, strike, years = options.spot.copy(), options.strike.copy(), options.years.copy()

    def work() -> object:
        solved = peer.vectorized_implied_volatility(
            values,
            spot,
            strike,
            years,
            RATE,
            flag,
            q=DIVIDEND_YIELD,
            model="black_scholes_merton",
            return_as="numpy",
        )
        return peer.get_all_greeks(
            flag,
            spot,
            strike,
            years,
            RATE,
            solved,
            DIVIDEND_YIELD,
            model="black_scholes_merton",
            return_as="dict",
        )

    return work


@pytest.mark.parametrize(("engine", "times_at_least"), [("numpy", 10), ("numba", 40)])
def test_solves_many_times_faster_than_py_vollib_vectorized(
    benchmark: BenchmarkFixture, engine: Engine, times_at_least: float
) -> None:
    options, values, volatility = _contracts()
    peer = _peer(options, values)
    found = benchmark(volatility_and_greeks, options, values, engine=engine)
    error = float(np.max(np.abs(found.volatility - volatility)))
    peer()
    ratio = _cpu_seconds(peer, 8) / _cpu_seconds(
        lambda: volatility_and_greeks(options, values, engine=engine), 60
    )
    benchmark.extra_info |= {"times_py_vollib_vectorized": round(ratio, 1), "largest_error": error}
    print(f"{engine}: {ratio:.1f} times py_vollib_vectorized, largest error {error:.1e}")
    assert error <= 1e-9
    assert ratio >= times_at_least
