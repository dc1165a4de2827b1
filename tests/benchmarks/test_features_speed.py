"""Features must be cheap beside Nautilus' own work per quote, and arrays cheaper still for research.

Ratios of one run, CPU time, hot caches; the unit is a Python method that stores its five arguments.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from market.features import FeatureSettings, QuoteFeatures
from market.features.arrays import quote_features
from market.session_windows import SessionWindow
from market.time import NS_PER_MS, NS_PER_SECOND

ON_QUOTE_RATIO_MAX = 10.0  # measured 6: 310 ns against 52
SNAPSHOT_RATIO_MAX = 16.0  # measured 9.5
PHASE_RATIO_MAX = 3.0  # measured 1.5
ARRAYS_SPEED_UP_MIN = 4.0  # measured 8

Row = tuple[float, float, float, float, int]


class _Store:
    __slots__ = ("a", "b", "c", "d", "e")

    def on_quote(self, a: float, b: float, c: float, d: float, e: int) -> None:
        self.a = a
        self.b = b
        self.c = c
        self.d = d
        self.e = e


def _rows(count: int) -> list[Row]:
    chance, rows, ts_ns, bid = random.Random(1), [], 1_381_152_600 * NS_PER_SECOND, 1_390
    for _ in range(count):
        ts_ns += chance.randint(0, 100 * NS_PER_MS)
        bid += chance.choice((-1, 1)) if chance.random() < 0.1 else 0
        sizes = [float(chance.randint(1, 500) * 100) for _ in range(2)]
        rows.append((bid / 100, (bid + 1) / 100, sizes[0], sizes[1], ts_ns))
    return rows


def _ns_per_row(rows: list[Row], make: Callable[[], Callable[..., object]]) -> float:
    best = float("inf")
    for _ in range(40):
        call = make()
        started = time.process_time_ns()
        for bid, ask, bid_size, ask_size, ts_ns in rows:
            call(bid, ask, bid_size, ask_size, ts_ns)
        best = min(best, time.process_time_ns() - started)
    return best / len(rows)


def test_a_quote_costs_a_few_method_calls(benchmark: Any) -> None:
    rows = _rows(2_000)
    unit = _ns_per_row(rows, lambda: _Store().on_quote)
    on_quote = benchmark.pedantic(_ns_per_row, (rows, lambda: QuoteFeatures().on_quote), rounds=1)

    def look() -> Callable[..., object]:
        features = QuoteFeatures()
        on, snapshot = features.on_quote, features.snapshot

        def both(bid: float, ask: float, bid_size: float, ask_size: float, ts_ns: int) -> None:
            on(bid, ask, bid_size, ask_size, ts_ns)
            snapshot(ts_ns)

        return both

    snapshot = _ns_per_row(rows, look) - on_quote
    benchmark.extra_info.update(unit_ns=round(unit), on_quote_ns=round(on_quote), snapshot_ns=round(snapshot))
    assert on_quote < ON_QUOTE_RATIO_MAX * unit
    assert snapshot < SNAPSHOT_RATIO_MAX * unit


def test_the_phase_of_a_session_costs_a_method_call(benchmark: Any) -> None:
    rows = _rows(2_000)
    start_ns = rows[0][4]
    window = SessionWindow(
        open_ns=start_ns,
        ramp_end_ns=start_ns,
        cutoff_ns=start_ns + 3_600 * NS_PER_SECOND,
        flat_ns=start_ns + 3_601 * NS_PER_SECOND,
        close_ns=start_ns + 3_602 * NS_PER_SECOND,
        no_trade_ns=((start_ns - 2, start_ns - 1),),
    )
    phase = window.phase
    unit = _ns_per_row(rows, lambda: _Store().on_quote)
    asked = benchmark.pedantic(
        _ns_per_row, (rows, lambda: lambda bid, ask, bid_size, ask_size, ts_ns: phase(ts_ns)), rounds=1
    )
    benchmark.extra_info.update(unit_ns=round(unit), phase_ns=round(asked))
    assert asked < PHASE_RATIO_MAX * unit


def test_arrays_are_faster_than_quote_by_quote(benchmark: Any) -> None:
    rows, settings = _rows(200_000), FeatureSettings()
    columns = np.array([row[:4] for row in rows]).T
    ts_ns = np.array([row[4] for row in rows], dtype=np.int64)

    started = time.process_time()
    features = QuoteFeatures(settings)
    for row in rows:
        features.on_quote(*row)
        features.snapshot(row[4])
    one_by_one = time.process_time() - started

    seconds: list[float] = []

    def at_once() -> None:
        started = time.process_time()
        quote_features(ts_ns, (columns[0], columns[1]), (columns[2], columns[3]), settings)
        seconds.append(time.process_time() - started)

    benchmark.pedantic(at_once, rounds=3)
    benchmark.extra_info.update(speed_up=round(one_by_one / min(seconds), 1))
    assert one_by_one > ARRAYS_SPEED_UP_MIN * min(seconds)
