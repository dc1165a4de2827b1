"""Whether what a run will load can be read, and options have their terms; told before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.manifest import FileRecord
from market.errors import DataError
from market.option_contracts import OptionSpec

DAMAGED_SHOWN_MAX = 3
DEFINITIONS = ("equity", "option_contract", "option_spread", "index_instrument")
"""Nautilus' folders of the instruments that a catalog defines."""


def require_sound(
    catalog: Path,
    files: Iterable[FileRecord],
    *,
    instrument_ids: Sequence[str],
    options: Mapping[str, OptionSpec] | None = None,
) -> None:
    """Raise `DataError` that names what of a selection is gone, damaged or not as recorded.

    Of data only footers are read, a fraction of a millisecond a file. Every instrument must have a definition
    (share, option or index), and one of `options` (the manifest's, by id) must have the terms it was ingested
    with: Nautilus settles by the definition, pricing by the manifest.
    """
    damaged = [why for file in files if (why := _damage(catalog / file.path, rows=file.rows))]
    for name in instrument_ids:
        damaged += _damaged_definition(catalog, name, (options or {}).get(name))
    if not damaged:
        return
    more = f"; and {len(damaged) - DAMAGED_SHOWN_MAX} more" if len(damaged) > DAMAGED_SHOWN_MAX else ""
    raise DataError(
        f"The catalog {catalog} has damaged files: {'; '.join(damaged[:DAMAGED_SHOWN_MAX])}{more}. "
        "Remove them and ingest their sources again (`harvester catalog show` lists the sources)."
    )


def _damaged_definition(catalog: Path, name: str, option: OptionSpec | None) -> Iterator[str]:
    """Yield what is wrong with the definition of an instrument."""
    folders = [catalog / "data" / kind / name.replace("/", "") for kind in DEFINITIONS]
    paths = [path for folder in folders for path in sorted(folder.glob("*.parquet"))]
    if not paths:
        yield f"{name} has no definition in {catalog / 'data'} ({', '.join(DEFINITIONS)})"
    for path in paths:
        why = _damage(path)
        if why is None and option is not None:
            why = _other_terms(path, option)
        if why is not None:
            yield why


def _other_terms(path: Path, option: OptionSpec) -> str | None:
    """Say how the terms in a definition differ from those of `option`, or None."""
    columns = ("expiration_ns", "strike_price", "option_kind", "multiplier")
    try:
        rows = pq.read_table(path, columns=list(columns), partitioning=None).to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        return f"{path} cannot be read ({' '.join(str(error).split())[:120]})"
    expected = (
        option.expiry_ns,
        option.strike,
        "CALL" if option.is_call else "PUT",
        option.option_class.multiplier,
    )
    for row in rows:
        found = (
            int(row["expiration_ns"]),
            Decimal(row["strike_price"]),
            row["option_kind"],
            Decimal(row["multiplier"]),
        )
        differing = [
            f"{name} {have}, the manifest says {want}"
            for name, have, want in zip(columns, found, expected, strict=True)
            if have != want
        ]
        if differing:
            return f"{path} has {'; '.join(differing)}"
    return None


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
