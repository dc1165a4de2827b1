"""Changes what a run recorded, as somebody with an editor would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

Change = Callable[[dict[str, Any]], None]


def edit_record(run_dir: Path, kind: str, change: Change, *, number: int = 0) -> int:
    """Apply `change` to the body of the `number`th record of `kind`, not its hash; return its seq."""
    for path in sorted((run_dir / "journal").glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        places = [index for index, line in enumerate(lines) if _decoded(line)["kind"] == kind]
        if number >= len(places):
            number -= len(places)
            continue
        index = places[number]
        envelope = _decoded(lines[index])
        change(envelope["body"])
        lines[index] = lines[index][:65] + msgspec.json.encode(envelope) + b"\n"
        path.write_bytes(b"".join(lines))
        return int(envelope["seq"])
    raise AssertionError(f"no {kind} of that number in {run_dir}")


def edit_quotes(path: Path, *, from_row: int, cents: int) -> None:
    """Move bid and ask of a Parquet file of quotes by `cents` from a row on."""
    with pq.ParquetFile(path) as file:
        table = file.read()
    for name in ("bid_price", "ask_price"):
        values = [int.from_bytes(value.as_py(), "little", signed=True) for value in table[name]]
        moved = values[:from_row] + [value + cents * 10**14 for value in values[from_row:]]
        raw = [value.to_bytes(16, "little", signed=True) for value in moved]
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(raw, pa.binary(16)))
    pq.write_table(table, path, compression="snappy")


def _decoded(line: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(line[65:])
    return decoded
