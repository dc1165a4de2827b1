"""Stored chains back as `OptionChain`: the latest at a moment, or one after the other."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from catalog.columns import DataKind
from catalog.manifest import FileRecord, Manifest, read_manifest
from catalog.option_chain_rows import decode_chain
from market.errors import NotFoundError
from market.option_chain import OptionChain
from market.pricing.scaled_erfc import Array
from market.time import NS_PER_MINUTE, NS_PER_SECOND, format_new_york

AGE_MAX = timedelta(days=7)
"""How old a snapshot may be to count as the chain of a moment: a long weekend and a holiday."""

_TOGETHER_NS = 5 * NS_PER_MINUTE
"""Snapshots of several classes further apart are not of one moment."""
_COLUMNS = ["ts_event", "ts_init", "underlying_price", "contracts", "market"]


def chain_symbols(root: Path) -> tuple[str, ...]:
    """Return the underlyings of which the catalog has chains, e.g. `GOOG` and `SPX`, sorted."""
    return tuple(sorted({chain.underlying for chain in _manifest(root).chains.values()}))


def underlying_of(root: Path, symbol: str) -> str:
    """Return the underlying of a class (SPXW: SPX), or the symbol itself where there is no chain of it."""
    wanted = symbol.strip().upper().removeprefix("^")
    chains = _manifest(root).chains.values()
    return next((chain.underlying for chain in chains if wanted in (chain.underlying, chain.root)), wanted)


def chain_at(root: Path, symbol: str, at_ns: int, *, age_max: timedelta = AGE_MAX) -> OptionChain:
    """Return the chain of `symbol` as it was known at `at_ns` (ns UTC): nothing from after it.

    `symbol` is an underlying (all its classes: SPX has SPX and SPXW) or one class. Of each class the latest
    snapshot counts, unless it is minutes older than that of another class; of one time, a snapshot within the
    day goes before a daily one. `underlying_price` is NaN where the source had none. Raises `NotFoundError`
    where there is none in the `age_max` before.
    """
    manifest = _manifest(root)
    oldest_ns = at_ns - int(age_max.total_seconds()) * NS_PER_SECOND
    latest = [
        found
        for streams in _streams_by_class(manifest, symbol).values()
        if (found := _latest(root, streams, oldest_ns, at_ns)) is not None
    ]
    if not latest:
        raise NotFoundError(_nothing(manifest, symbol, at_ns, age_max))
    return _merged([_decoded(row) for row in latest])


def chains_between(root: Path, symbol: str, start_ns: int, end_ns: int) -> Iterator[OptionChain]:
    """Yield every snapshot of a class or underlying with `start_ns` <= time < `end_ns`, in order of time.

    Of a class that has snapshots within the day in that time, the daily ones are left out. Snapshots of
    several classes of one underlying follow each other, they are not merged. A few are in memory at once.
    """
    by_class = [
        _stored(root, chosen, start_ns, end_ns)
        for streams in _streams_by_class(_manifest(root), symbol).values()
        if (chosen := next((files for files in map(_overlapping(start_ns, end_ns), streams) if files), []))
    ]
    yield from heapq.merge(*by_class, key=lambda chain: chain.ts_ns)


def snapshot_times(root: Path, symbol: str, until_ns: int) -> NDArray[np.int64]:
    """Return when there are snapshots of a class or underlying until `until_ns`, ascending, ns UTC.

    Raises `NotFoundError` where the catalog has no chain of `symbol`.
    """
    manifest = _manifest(root)
    files = [
        file
        for streams in _streams_by_class(manifest, symbol).values()
        for stream in streams
        for file in stream
    ]
    if not files:
        raise NotFoundError(_nothing(manifest, symbol, until_ns, AGE_MAX))
    known = [
        pq.ParquetFile(root / file.path).read(columns=["ts_event"])["ts_event"].to_numpy()
        for file in files
        if file.start_ns <= until_ns + NS_PER_SECOND
    ]
    times = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *known]))
    return times[times <= until_ns]


def underlying_prices(root: Path, symbol: str, until_ns: int) -> tuple[NDArray[np.int64], Array]:
    """Return when snapshots until `until_ns` were made, ascending, and the underlying's price then.

    NaN where the source had none; empty where the catalog has no chain of `symbol`.
    """
    tables = [
        pq.ParquetFile(root / file.path).read(columns=["ts_event", "underlying_price"])
        for streams in _streams_by_class(_manifest(root), symbol).values()
        for stream in streams
        for file in stream
        if file.start_ns <= until_ns + NS_PER_SECOND
    ]
    times = np.concatenate([np.empty(0, dtype=np.int64), *(one["ts_event"].to_numpy() for one in tables)])
    prices = np.concatenate([np.empty(0), *(one["underlying_price"].to_numpy() for one in tables)])
    order = np.argsort(times, kind="stable")
    order = order[times[order] <= until_ns]
    return times[order], prices[order]


def _overlapping(start_ns: int, end_ns: int) -> Callable[[list[FileRecord]], list[FileRecord]]:
    # A file's name has ts_init, which is up to a few microseconds after ts_event.
    def within(files: list[FileRecord]) -> list[FileRecord]:
        return [file for file in files if file.start_ns < end_ns + NS_PER_SECOND and file.end_ns >= start_ns]

    return within


def _stored(root: Path, files: list[FileRecord], start_ns: int, end_ns: int) -> Iterator[OptionChain]:
    for file in sorted(files, key=lambda file: file.start_ns):
        for batch in pq.ParquetFile(root / file.path).iter_batches(batch_size=16, columns=_COLUMNS):
            for row in batch.to_pylist():
                if start_ns <= row["ts_event"] < end_ns:
                    yield _decoded(row)


def _manifest(root: Path) -> Manifest:
    manifest = read_manifest(root)
    if manifest is None:
        raise NotFoundError(f"No catalog in {root}. Make one with `harvester ingest ... --catalog {root}`.")
    return manifest


def _streams_by_class(manifest: Manifest, symbol: str) -> dict[str, list[list[FileRecord]]]:
    """Return, by root, the files of each stream of snapshots of an underlying or class."""
    wanted = symbol.strip().upper().removeprefix("^")
    chosen = {
        chain_id: chain.root
        for chain_id, chain in manifest.chains.items()
        if wanted in (chain.underlying, chain.root)
    }
    streams: dict[str, list[FileRecord]] = {}
    for ingest in manifest.ingests:
        for file in ingest.files:
            if file.kind is DataKind.CHAIN and file.instrument_id in chosen:
                streams.setdefault(file.instrument_id, []).append(file)
    by_class: dict[str, list[list[FileRecord]]] = {}
    for chain_id in sorted(streams, key=len):  # the stream within the day comes before the daily one
        by_class.setdefault(chosen[chain_id], []).append(streams[chain_id])
    return by_class


def _latest(root: Path, streams: list[list[FileRecord]], oldest_ns: int, at_ns: int) -> dict[str, Any] | None:
    rows = (_latest_of_stream(root, files, at_ns) for files in streams)
    known = [row for row in rows if row is not None and row["ts_event"] >= oldest_ns]
    return max(known, key=lambda row: int(row["ts_event"]), default=None)


def _latest_of_stream(root: Path, files: list[FileRecord], at_ns: int) -> dict[str, Any] | None:
    # A file's name has ts_init, which is up to a few microseconds after ts_event.
    for file in sorted(files, key=lambda file: file.start_ns, reverse=True):
        if file.start_ns > at_ns + NS_PER_SECOND:
            continue
        source = pq.ParquetFile(root / file.path)
        times = source.read(columns=["ts_event"])["ts_event"].to_numpy()
        count = int(np.searchsorted(times, at_ns, side="right"))
        if count:
            return _row(source, count - 1)
    return None


def _row(source: pq.ParquetFile, position: int) -> dict[str, Any]:
    for group in range(source.metadata.num_row_groups):
        rows = source.metadata.row_group(group).num_rows
        if position < rows:
            row: dict[str, Any] = source.read_row_group(group, _COLUMNS).slice(position, 1).to_pylist()[0]
            return row
        position -= rows
    raise IndexError(position)


def _decoded(row: dict[str, Any]) -> OptionChain:
    return decode_chain(
        row["contracts"],
        row["market"],
        ts_ns=int(row["ts_event"]),
        underlying_price=float(row["underlying_price"]),
    )


def _merged(chains: list[OptionChain]) -> OptionChain:
    """Return one chain of those that are about as new as the newest, at the newest's time."""
    newest = max(chains, key=lambda chain: chain.ts_ns)
    fresh = [chain for chain in chains if chain.ts_ns >= newest.ts_ns - _TOGETHER_NS]
    if len(fresh) == 1:
        return newest
    prices = [chain.underlying_price for chain in (newest, *fresh) if not np.isnan(chain.underlying_price)]
    columns = {name: np.concatenate([getattr(chain, name) for chain in fresh]) for name in newest.columns()}
    return OptionChain.of(
        underlying=newest.underlying,
        ts_ns=newest.ts_ns,
        underlying_price=prices[0] if prices else float("nan"),
        columns=columns,
    )


def _nothing(manifest: Manifest, symbol: str, at_ns: int, age_max: timedelta) -> str:
    known = ", ".join(sorted({f"{chain.root}" for chain in manifest.chains.values()})) or "none"
    spans = [
        (file.start_ns, file.end_ns)
        for streams in _streams_by_class(manifest, symbol).values()
        for files in streams
        for file in files
    ]
    if not spans:
        return f"The catalog has no chain of {symbol}; it has {known}. Ingest one with chain-csv."
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    return (
        f"No chain of {symbol} in the {age_max.days} days before {format_new_york(at_ns)}: there are chains "
        f"from {format_new_york(first)} to {format_new_york(last)}. Choose a --at within."
    )
