"""The journal keeps up with the disk, producers share its syncs, callers and verifiers barely notice it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec
import pytest

from audit.events import CheckpointRecord, OrderEventRecord, PositionRecord
from audit.journal import FOR_BACKTESTS, Journal, JournalSettings, verify
from audit.journal.line import day_files
from tests.audit.journal.journals import START_NS, WAIT_SECONDS_MAX, decision, fill, lines_of

RAW_RATE_RATIO_MIN = 0.9
WAITING_RATE_RATIO_MIN = 0.7
"""Two changes of thread a record cost more the busier the machine is."""
SHARED_RATE_RATIO_MIN = 5.0
"""Of producers that wait once an order: for about ten records."""
WAITING_SHARED_RATE_RATIO_MIN = 2.0
"""Of producers that wait for every record: each then costs two changes of thread, whatever the disk does."""
APPEND_P99_US_MAX = 20.0
VERIFIED_PER_SECOND_MIN = 500_000

RECORDS, TURN = 1_000, 100
"""Raw syncs and the journal's take turns: the disk is not the same from one second to the next."""
PRODUCERS = 16
APPENDED = 40_000
VERIFIED = 150_000


def _typical(number: int) -> msgspec.Struct:
    """Return a trading day's records in turn: mostly order events, some decisions, fills, checkpoints."""
    event = OrderEventRecord(
        event="accepted",
        client_order_id=f"O-20240305-{number}",
        strategy_id="S-ONE",
        instrument_id="BAC.SMART",
        ts_event_ns=START_NS + number,
        venue_order_id=f"SMART-1-{number}",
    )
    position = PositionRecord(
        event="changed",
        position_id=f"BAC.SMART-S-ONE-{number}",
        strategy_id="S-ONE",
        instrument_id="BAC.SMART",
        quantity=100,
        average_open=Decimal("14.01"),
        realized_usd=Decimal("1.25"),
    )
    checkpoint = CheckpointRecord(
        realized_usd=Decimal("1.25"),
        unrealized_usd=Decimal("-0.5"),
        fees_usd=Decimal("0.35"),
        cash_usd=Decimal(100_000),
        open_positions=1,
        working_orders=2,
    )
    return (event, decision(number), event, fill(number), position, event, checkpoint)[number % 7]


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _typical_lines(folder: Path, count: int) -> list[bytes]:
    """Return the lines that a journal writes for `count` typical records."""
    model = Journal.open(folder, settings=FOR_BACKTESTS)
    for number in range(count):
        model.append(_typical(number), ts_ns=START_NS)
    model.close(ts_ns=START_NS, reason="benchmark")
    (path,) = day_files(folder)
    return lines_of(path)[:count]


class _Raw:
    """A file to which each line is written and synced alone: what the disk can do."""

    def __init__(self, folder: Path, count: int) -> None:
        self.lines = _typical_lines(folder / "model", count)
        self.descriptor = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, first: int, last: int) -> None:
        for line in self.lines[first:last]:
            os.write(self.descriptor, line)
            os.fdatasync(self.descriptor)


def _raw_and_journal_seconds(folder: Path, *, wait_for_each: bool) -> tuple[float, float]:
    """Return seconds for the same lines, each synced alone: raw, and by the journal; in turns.

    With `wait_for_each` the producer waits for each record before it appends the next, so that two
    changes of thread a record count too.
    """
    folder.mkdir()
    raw = _Raw(folder, RECORDS)
    journal = Journal.open(folder / "journal", settings=JournalSettings(max_group_records=1))
    bodies = [_typical(number) for number in range(RECORDS)]

    def append(first: int, last: int) -> None:
        for body in bodies[first:last]:
            journal.append(body, ts_ns=START_NS)
            if wait_for_each:
                journal.flush(WAIT_SECONDS_MAX)
        journal.flush(WAIT_SECONDS_MAX)

    raw_seconds = journal_seconds = 0.0
    for first in range(0, RECORDS, TURN):
        raw_seconds += _seconds(partial(raw.write, first, first + TURN))
        journal_seconds += _seconds(partial(append, first, first + TURN))
    journal.close(ts_ns=START_NS, reason="benchmark")
    return raw_seconds, journal_seconds


@pytest.mark.parametrize(
    ("wait_for_each", "ratio_min"), [(False, RAW_RATE_RATIO_MIN), (True, WAITING_RATE_RATIO_MIN)]
)
def test_appends_synced_one_by_one_keep_the_rate_of_raw_syncs(
    benchmark: object, tmp_path: Path, wait_for_each: bool, ratio_min: float
) -> None:
    def best() -> tuple[float, float]:
        rounds = (_raw_and_journal_seconds(tmp_path / name, wait_for_each=wait_for_each) for name in "abc")
        return max(rounds, key=lambda seconds: seconds[0] / seconds[1])

    raw, journal = benchmark.pedantic(best, rounds=1)  # type: ignore[attr-defined]
    rates = f"raw {RECORDS / raw:.0f}/s, journal {RECORDS / journal:.0f}/s, ratio {raw / journal:.3f}"
    print(f"\n{'waiting for each' if wait_for_each else 'streaming'}: {rates}")
    assert raw / journal >= ratio_min


def _shared_seconds(folder: Path, each: int, *, records_a_wait: int) -> float:
    """Return seconds in which all producers append `each` records a thread and see them on disk."""
    journal = Journal.open(folder)
    bodies = [_typical(number) for number in range(records_a_wait)]

    def produce() -> None:
        for _ in range(each // records_a_wait):
            for body in bodies:
                journal.append(body, ts_ns=START_NS)
            journal.flush(WAIT_SECONDS_MAX)

    threads = [threading.Thread(target=produce) for _ in range(PRODUCERS)]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    seconds = _seconds(run)
    journal.close(ts_ns=START_NS, reason="benchmark")
    return seconds


@pytest.mark.parametrize(
    ("records_a_wait", "ratio_min"), [(10, SHARED_RATE_RATIO_MIN), (1, WAITING_SHARED_RATE_RATIO_MIN)]
)
def test_sixteen_producers_share_syncs(
    benchmark: object, tmp_path: Path, records_a_wait: int, ratio_min: float
) -> None:
    each = 500

    def measure() -> float:
        raw = _Raw(tmp_path, RECORDS)
        alone = _seconds(lambda: raw.write(0, RECORDS))
        shared = _shared_seconds(tmp_path / "shared", each, records_a_wait=records_a_wait)
        return (PRODUCERS * each / shared) / (RECORDS / alone)

    ratio = benchmark.pedantic(measure, rounds=1)  # type: ignore[attr-defined]
    print(f"\n{PRODUCERS} producers, a wait each {records_a_wait}: {ratio:.1f} times the raw rate of one")
    assert ratio >= ratio_min


def _append_costs_us(folder: Path, pause_ns: int) -> list[float]:
    """Return the sorted costs of appends on the caller's thread, `pause_ns` of other work between them."""
    journal = Journal.open(folder, settings=JournalSettings(queue_records=2 * APPENDED))
    bodies = [_typical(number) for number in range(700)]
    costs = []
    for number in range(APPENDED if pause_ns == 0 else APPENDED // 8):
        started = time.perf_counter_ns()
        journal.append(bodies[number % 700], ts_ns=START_NS, correlation_id="S-ONE-1", caused_by=number)
        done = time.perf_counter_ns()
        costs.append((done - started) / 1_000)
        while time.perf_counter_ns() - done < pause_ns:
            pass
    journal.close(ts_ns=START_NS, reason="benchmark")
    return sorted(costs)


@pytest.mark.parametrize("pause_ns", [0, 50_000])
def test_an_append_costs_the_caller_microseconds(benchmark: object, tmp_path: Path, pause_ns: int) -> None:
    costs = benchmark.pedantic(_append_costs_us, args=(tmp_path, pause_ns), rounds=1)  # type: ignore[attr-defined]
    p50, p99, p999 = (costs[int(len(costs) * share)] for share in (0.5, 0.99, 0.999))
    print(f"\nappend every {pause_ns / 1_000:.0f} us: p50 {p50:.1f}, p99 {p99:.1f}, p99.9 {p999:.1f} us")
    assert p99 < APPEND_P99_US_MAX


def test_verification_reads_half_a_million_records_a_second(benchmark: object, tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, settings=FOR_BACKTESTS)
    for number in range(VERIFIED):
        journal.append(_typical(number), ts_ns=START_NS + number * 1_000_000)
    journal.close(ts_ns=START_NS, reason="benchmark")

    def best() -> float:
        seconds = []
        for _ in range(3):
            started = time.process_time()
            assert verify(tmp_path).records == VERIFIED + 1
            seconds.append(time.process_time() - started)
        return min(seconds)

    rate = VERIFIED / benchmark.pedantic(best, rounds=1)  # type: ignore[attr-defined]
    print(f"\n{rate:,.0f} records/s of one core")
    assert rate >= VERIFIED_PER_SECOND_MIN
