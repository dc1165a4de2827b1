"""Lean and LOBSTER rows reach the catalog about as fast as pyarrow turns the same text into plain Parquet.

Ratios of one run: rows per CPU second of the ingest (text to a published catalog, checks included) over
those of `pyarrow.csv.read_csv` and `pyarrow.parquet.write_table` (no checks, no times, not Nautilus' layout).
"""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from catalog.ingest_lean import ingest_lean
from catalog.ingest_lobster import ingest_lobster
from catalog.store import CatalogStore
from tests.catalog.lean.lean_folder import LeanFolder

ROUNDS = 3
# The comment is what was measured on two cores shared with other work: ratio, rows per CPU second.
LEAN_QUOTES_RATIO_MIN = 0.6  # 0.70 to 0.93, 3.1 million
LEAN_TRADES_RATIO_MIN = 0.5  # 0.67 to 0.71, 3.6 million
LOBSTER_MESSAGES_RATIO_MIN = (
    0.22  # 0.28 to 0.31, 1.4 million (a message gives a delta, and may give a trade, a quote)
)
LOBSTER_ROWS_RATIO_MIN = 0.32  # 0.41 to 0.46, 0.4 million (a message comes with 40 numbers)
LEVELS = 10


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least CPU time of a few runs."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def fresh_stores(folder: Path) -> Iterator[CatalogStore]:
    for number in range(1_000):
        yield CatalogStore(folder / f"catalog-{number}")


def plain_parquet(open_text: Callable[[], Any], folder: Path) -> None:
    with open_text() as stream:
        names = pacsv.ReadOptions(autogenerate_column_names=True)
        pq.write_table(pacsv.read_csv(stream, read_options=names), folder / "plain.parquet")


def compare(benchmark: Any, *, rows: int, ingest: Callable[[], object], plain: Callable[[], object]) -> float:
    """Return the ratio of rows per CPU second, ingest over plain Parquet."""
    ingest()  # Nautilus is imported with the first instrument
    plain_seconds = cpu_seconds(plain)
    ingest_seconds = benchmark.pedantic(cpu_seconds, (ingest,), rounds=1)
    benchmark.extra_info.update(
        rows=rows,
        rows_per_cpu_second=round(rows / ingest_seconds),
        plain_rows_per_cpu_second=round(rows / plain_seconds),
    )
    return plain_seconds / ingest_seconds


def lean_lines(count: int, columns: Callable[[np.random.Generator], list[Any]]) -> list[str]:
    chance = np.random.default_rng(1)
    times = np.sort(chance.integers(34_200_000, 57_600_000, count))
    return [",".join(map(str, row)) for row in zip(times.tolist(), *columns(chance), strict=True)]


@pytest.mark.parametrize(
    ("content", "ratio_min"), [("quote", LEAN_QUOTES_RATIO_MIN), ("trade", LEAN_TRADES_RATIO_MIN)]
)
def test_lean_ticks(benchmark: Any, tmp_path: Path, content: str, ratio_min: float) -> None:
    count = 500_000

    def quotes(chance: np.random.Generator) -> list[Any]:
        is_bid = chance.random(count) < 0.5
        price = (140_000 + 100 * chance.integers(-9, 9, count)).tolist()
        size = (100 * chance.integers(1, 99, count)).tolist()
        sides = [
            (p, s, 0, 0) if bid else (0, 0, p + 2_000, s)
            for p, s, bid in zip(price, size, is_bid, strict=True)
        ]
        return [*zip(*sides, strict=True), ["N"] * count, [1] * count, [0] * count]

    def trades(chance: np.random.Generator) -> list[Any]:
        price, size = 140_000 + 100 * chance.integers(-9, 9, count), chance.integers(1, 999, count)
        return [price.tolist(), size.tolist(), ["D"] * count, ["20000020"] * count, [0] * count]

    lines = lean_lines(count, quotes if content == "quote" else trades)
    path = LeanFolder(tmp_path / "lean").day("tick", "bac", "20131007", content, lines)

    def plain() -> None:
        with zipfile.ZipFile(path) as archive:
            plain_parquet(lambda: archive.open(archive.namelist()[0]), tmp_path)

    stores = fresh_stores(tmp_path)
    ratio = compare(benchmark, rows=count, ingest=lambda: ingest_lean(path, store=next(stores)), plain=plain)
    assert ratio >= ratio_min


def lobster_files(folder: Path, count: int, *, with_rows: bool) -> Path:
    """Messages of about 2,000 resting orders on 200 levels, with the order book row after each if wanted."""
    chance = random.Random(1)
    live: list[tuple[int, int, int, int]] = []
    held: dict[tuple[int, int], int] = {}
    messages, rows = [], []
    for order_id in range(1, count + 1):
        if len(live) < 2_000 or chance.random() < 0.5:
            side = chance.choice((1, -1))
            reach = 12 if with_rows else 100
            order = (
                order_id,
                chance.randint(1, 9) * 10,
                5_000_000 - side * 100 * chance.randint(1, reach),
                side,
            )
            live.append(order)
            kind, sign = 1, 1
        else:
            at = chance.randrange(len(live))
            order, live[at] = live[at], live[-1]
            live.pop()
            kind, sign = chance.choice((3, 3, 3, 4)), -1
        number, size, price, side = order
        held[side, price] = held.get((side, price), 0) + sign * size
        messages.append(f"{34_200 + order_id * 0.07:.9f},{kind},{number},{size},{price},{side}")
        if with_rows:
            rows.append(",".join(map(str, book_row(held))))
    path = folder / "BAC_2013-10-07_34200000_57600000_message_10.csv"
    path.write_text("\n".join(messages) + "\n")
    if with_rows:
        path.with_name(path.name.replace("message", "orderbook")).write_text("\n".join(rows) + "\n")
    return path


def book_row(held: dict[tuple[int, int], int]) -> list[int]:
    row: list[int] = []
    for level in range(1, LEVELS + 1):
        for side, absent in ((-1, 9_999_999_999), (1, -9_999_999_999)):
            price = 5_000_000 - side * 100 * level
            size = held.get((side, price), 0)
            row += (price, size) if size else (absent, 0)
    return row


def test_lobster_messages_alone(benchmark: Any, tmp_path: Path) -> None:
    count = 300_000
    path = lobster_files(tmp_path, count, with_rows=False)
    stores = fresh_stores(tmp_path)
    ratio = compare(
        benchmark,
        rows=count,
        ingest=lambda: ingest_lobster(path, store=next(stores)),
        plain=lambda: plain_parquet(lambda: path.open("rb"), tmp_path),
    )
    assert ratio >= LOBSTER_MESSAGES_RATIO_MIN


def test_lobster_messages_with_their_rows(benchmark: Any, tmp_path: Path) -> None:
    count = 100_000
    path = lobster_files(tmp_path, count, with_rows=True)
    book = path.with_name(path.name.replace("message", "orderbook"))

    def plain() -> None:
        plain_parquet(lambda: path.open("rb"), tmp_path)
        plain_parquet(lambda: book.open("rb"), tmp_path)

    stores = fresh_stores(tmp_path)
    ratio = compare(
        benchmark, rows=count, ingest=lambda: ingest_lobster(path, store=next(stores)), plain=plain
    )
    assert ratio >= LOBSTER_ROWS_RATIO_MIN
