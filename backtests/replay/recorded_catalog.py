"""A recorded day's market data as a catalog that a backtest can run on.

A node trades instruments under the names of its adapter (`AAPL.NASDAQ`); a backtest knows stocks as
`AAPL.SMART`. Prices and sizes are the same fixed-point values in both, so files are copied under the
other name with the metadata that goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from catalog.columns import DataKind
from catalog.instruments import write_equities
from catalog.manifest import (
    MANIFEST_NAME,
    FileRecord,
    IngestRecord,
    Manifest,
    SourceDescription,
    encode,
)
from catalog.recording.publication import file_hash
from catalog.storage.arrow_layout import parquet_options, stream_folder, stream_schema
from market.errors import DataError
from market.instruments import EquitySpec, instrument_id, symbol_of

KIND_OF_FOLDER = {
    Path(stream_folder(kind, "X")).parent.name: kind
    for kind in (DataKind.DELTA, DataKind.TRADE, DataKind.QUOTE)
}


def stage_recorded_data(run_dir: Path, root: Path) -> Path:
    """Write the ticks that were recorded in `run_dir` as a catalog at `root`; return `root`.

    Raises `DataError` for a day without ticks.
    """
    files = tuple(_copied(run_dir, root))
    if not files:
        raise DataError(
            f"{run_dir / 'data'} holds no quotes, trades or depth, so there is nothing to replay."
        )
    specs = {file.instrument_id: EquitySpec(symbol=symbol_of(file.instrument_id)) for file in files}
    write_equities([specs[name] for name in sorted(specs)], root)
    source = SourceDescription(kind="recording", path=str(run_dir), sha256=_identity(root, files))
    record = IngestRecord(
        ingest_id=source.ingest_id,
        source=source,
        files=files,
        rows=sum(file.rows for file in files),
        rejected=0,
        rejects_file=None,
        start_ns=min(file.start_ns for file in files),
        end_ns=max(file.end_ns for file in files),
    )
    (root / MANIFEST_NAME).write_bytes(encode(Manifest(ingests=[record], instruments=specs)))
    return root


def _copied(run_dir: Path, root: Path) -> Iterator[FileRecord]:
    for folder, kind in KIND_OF_FOLDER.items():
        for source in sorted((run_dir / "data" / folder).glob("*/*.parquet")):
            name = instrument_id(symbol_of(source.parent.name))
            schema = stream_schema(kind, name)
            table = pq.read_table(source, partitioning=None).cast(schema)
            path = f"{stream_folder(kind, name)}/{source.name}"
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, root / path, store_schema=True, **parquet_options(kind))
            yield FileRecord(
                path=path,
                kind=kind,
                instrument_id=name,
                rows=table.num_rows,
                start_ns=int(table["ts_init"][0].as_py()),
                end_ns=int(table["ts_init"][-1].as_py()),
            )


def _identity(root: Path, files: tuple[FileRecord, ...]) -> str:
    return file_hash(root / files[0].path)
