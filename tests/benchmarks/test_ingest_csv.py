"""CSV quotes into a catalog: CPU time against the wrangler and against pyarrow, and memory.

Every method runs in a process of its own, after a small file has loaded its imports; what is compared is
the CPU time of the process, and the memory that its peak adds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

ROWS = 2_000_000
ROUNDS = 5
WRANGLER_RATIO_MIN = 12.0
PYARROW_RATIO_MIN = 1.0
MEMORY_FRACTION_MAX = 1 / 8

STATUS = Path("/proc/self/status")
HARNESS = """
import json, re, sys, time
from pathlib import Path

method, small, big, folder = sys.argv[1], *map(Path, sys.argv[2:5])


def harvester(path, target):
    from catalog.ingest_csv import ingest_csv
    from catalog.store import CatalogStore

    assert ingest_csv(path, store=CatalogStore(target), symbols=["BAC"]).rejected == 0


def pyarrow(path, target):
    import pyarrow.csv, pyarrow.parquet

    target.mkdir()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(path), target / "quotes.parquet")


def wrangler(path, target):
    import pandas
    from catalog.instruments import nautilus_equity
    from market.instruments import EquitySpec
    from nautilus_trader.persistence.catalog import ParquetDataCatalog
    from nautilus_trader.persistence.wranglers import QuoteTickDataWrangler

    frame = pandas.read_csv(path)
    frame.index = pandas.to_datetime(frame.pop("timestamp"), unit="ns", utc=True)
    ticks = QuoteTickDataWrangler(nautilus_equity(EquitySpec(symbol="BAC"))).process(frame)
    ParquetDataCatalog(str(target)).write_data(ticks)


def peak():
    # Not getrusage: its maximum begins with that of the process that started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])


run = {"harvester": harvester, "pyarrow": pyarrow, "wrangler": wrangler}[method]
run(small, folder / "small")
memory, start = peak(), time.process_time()
run(big, folder / "big")
print(json.dumps({"cpu": time.process_time() - start, "memory": peak() - memory}))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small file, and one of two million quotes as a vendor would write them."""
    folder = tmp_path_factory.mktemp("quotes")
    paths = (folder / "small.csv", folder / "big.csv")
    for path, rows in zip(paths, (1_000, ROWS), strict=True):
        pa.csv.write_csv(_quotes(rows), path)
    return paths


def _quotes(rows: int) -> pa.Table:
    chance = np.random.default_rng(7)
    cents = 1390 + np.abs(np.cumsum(chance.integers(-1, 2, rows)))
    return pa.table(
        {
            "timestamp": 1_381_152_600_000_000_000 + np.cumsum(chance.integers(1, 40_000_000, rows)),
            "bid_price": np.round(cents / 100, 2),
            "ask_price": np.round((cents + 1) / 100, 2),
            "bid_size": chance.integers(1, 90, rows) * 100,
            "ask_size": chance.integers(1, 90, rows) * 100,
        }
    )


def _measure(method: str, files: tuple[Path, Path], folder: Path) -> dict[str, float]:
    folder.mkdir()
    command = [sys.executable, "-c", textwrap.dedent(HARNESS), method, *map(str, files), str(folder)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


@pytest.mark.timeout(300)
@pytest.mark.skipif(not STATUS.exists(), reason="peak memory is read from /proc/self/status")
def test_csv_quotes_reach_the_catalog_at_the_speed_of_pyarrow(
    benchmark: Any, files: tuple[Path, Path], tmp_path: Path
) -> None:
    methods = ("harvester", "pyarrow", "wrangler")
    measured: dict[str, list[dict[str, float]]] = {method: [] for method in methods}
    for round_number in range(ROUNDS):
        for method in methods if round_number == 0 else methods[:2]:
            measured[method].append(_measure(method, files, tmp_path / f"{method}-{round_number}"))
    cpu = {method: statistics.median(run["cpu"] for run in measured[method]) for method in methods}
    memory = {method: max(run["memory"] for run in measured[method]) for method in methods}
    benchmark.extra_info.update(
        rows_per_cpu_second={method: round(ROWS / cpu[method]) for method in methods},
        times_wrangler=cpu["wrangler"] / cpu["harvester"],
        times_pyarrow=cpu["pyarrow"] / cpu["harvester"],
        memory_fraction_of_wrangler=memory["harvester"] / memory["wrangler"],
    )
    print(benchmark.extra_info)
    benchmark.pedantic(
        _measure, args=("harvester", files, tmp_path / "shown"), rounds=1, iterations=1, warmup_rounds=0
    )
    assert cpu["wrangler"] / cpu["harvester"] >= WRANGLER_RATIO_MIN
    assert cpu["pyarrow"] / cpu["harvester"] >= PYARROW_RATIO_MIN
    assert memory["harvester"] > 0
    assert memory["harvester"] / memory["wrangler"] <= MEMORY_FRACTION_MAX
