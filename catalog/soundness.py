"""Whether the files of a catalog can be read, told by their footers before a run begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.manifest import FileRecord
from market.errors import DataError

DAMAGED_SHOWN_MAX = 3


def require_sound(catalog: Path, files: Iterable[FileRecord], *, instrument_ids: Sequence[str]) -> None:
    """Raise `DataError` that names the files of a selection that are gone, damaged or not as recorded.

    Only footers are read, those of the instruments' definitions too: a fraction of a millisecond a file.
    """
    equities = (catalog / "data" / "equity" / name.replace("/", "") for name in instrument_ids)
    definitions = (path for folder in equities for path in sorted(folder.glob("*.parquet")))
    damaged = [why for file in files if (why := _damage(catalog / file.path, rows=file.rows))]
    damaged += [why for path in definitions if (why := _damage(path))]
    if not damaged:
        return
    more = f"; and {len(damaged) - DAMAGED_SHOWN_MAX} more" if len(damaged) > DAMAGED_SHOWN_MAX else ""
    raise DataError(
        f"The catalog {catalog} has damaged files: {'; '.join(damaged[:DAMAGED_SHOWN_MAX])}{more}. "
        "Remove them and ingest their sources again (`harvester catalog show` lists the sources)."
    )


def _damage(path: Path, *, rows: int | None = None) -> str | None:
    """Say what is wrong with a Parquet file, or None; `rows` is how many it should have."""
    try:
        found = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return f"{path} is gone"
    except (OSError, pa.ArrowException) as error:
        return f"{path} cannot be read ({' '.join(str(error).split())[:120]})"
    if rows is not None and found != rows:
        return f"{path} has {found:,} rows, the manifest says {rows:,}"
    return None
