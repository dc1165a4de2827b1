"""The same profile on the same catalog gives the same result: again, elsewhere, and in pieces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtests.result_hash import result_hash
from tests.backtests.replays import profile, replay
from tests.backtests.scripted_strategy import alternating

SYMBOLS = ("ZVZZT", "ZWZZT")
NAMES = ("ZVZZT.SMART", "ZWZZT.SMART")
CHANCE = ("backtest.fill_probability=0.5", "backtest.slippage_probability=0.5", "backtest.latency_ms=20")

EAGER = (
    "strategies.harvester.parameters.imbalance_min=0.1",
    "strategies.harvester.parameters.order_flow_ratio_min=0",
    "strategies.harvester.parameters.momentum_bps_min=0",
    "strategies.harvester.parameters.spread_bps_max=19",
)

SCRIPT = """
import sys
from pathlib import Path
from tests.backtests.test_determinism import hash_of_a_run
print(hash_of_a_run(Path(sys.argv[1]), Path(sys.argv[2]), "universe.book=L2"))
"""


def hash_of_a_run(folder: Path, catalog: Path, *overrides: str) -> str:
    """Return the result hash of a run with many orders and with chance at the venue."""
    loaded = profile(folder, *CHANCE, *overrides, symbols=SYMBOLS)
    outcome = replay(loaded, catalog, alternating(NAMES))
    assert len(outcome.fills) > 50
    return result_hash(outcome)


@pytest.mark.parametrize("book", ["L1", "L2"])
def test_in_chunks_of_any_size_as_in_one_piece(tmp_path: Path, small_market: Path, book: str) -> None:
    whole = hash_of_a_run(tmp_path, small_market, f"universe.book={book}")
    for size in (1_000, 4_567, 50_000):
        chunked = hash_of_a_run(
            tmp_path, small_market, f"universe.book={book}", f"backtest.chunk_size={size}"
        )
        assert chunked == whole, f"chunk_size {size}"


def test_in_a_fresh_process_with_another_hash_seed(tmp_path: Path, small_market: Path) -> None:
    here = hash_of_a_run(tmp_path, small_market, "universe.book=L2")
    there = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(small_market)],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here


def test_the_profiles_own_strategy_decides_the_same_in_chunks(tmp_path: Path, small_market: Path) -> None:
    def run(*overrides: str) -> tuple[str, int]:
        loaded = profile(tmp_path, "universe.book=L2", *EAGER, *overrides, symbols=SYMBOLS)
        outcome = replay(loaded, small_market)
        return result_hash(outcome), len(outcome.decisions)

    whole, decisions = run()
    assert decisions > 20
    assert run("backtest.chunk_size=1000") == (whole, decisions)


def test_another_seed_of_the_venue_gives_another_result(tmp_path: Path, small_market: Path) -> None:
    assert hash_of_a_run(tmp_path, small_market) != hash_of_a_run(tmp_path, small_market, "backtest.seed=2")


def test_draws_elsewhere_do_not_change_the_venue(tmp_path: Path, small_market: Path) -> None:
    import random

    random.seed(1)
    first = hash_of_a_run(tmp_path, small_market)
    random.seed(2)
    assert hash_of_a_run(tmp_path, small_market) == first
