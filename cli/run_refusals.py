"""The refusals of a run, read from refusals.parquet and grouped by what refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from market.errors import DataError, NotFoundError

REFUSALS = "refusals.parquet"
EXAMPLES = 3
"""Refusals of one rule that are told in full."""


def read_refusals(run_dir: Path) -> list[dict[str, Any]]:
    """Return time, rule, instrument and reason of each refusal.

    Raises `NotFoundError` for a folder without the table, `DataError` for a table that is damaged or has
    other columns, types or empty cells.
    """
    import pyarrow
    import pyarrow.parquet

    path = run_dir / REFUSALS
    if not path.is_file():
        raise NotFoundError(f"{run_dir} has no {REFUSALS}. Give the folder that a backtest printed.")
    text = pyarrow.string()
    columns = {"ts_ns": pyarrow.int64(), "rule": text, "instrument_id": text, "reason": text}
    try:
        table = pyarrow.parquet.read_table(path).select(list(columns))
        table = table.cast(pyarrow.schema(columns))
        rows: list[dict[str, Any]] = table.to_pylist()
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    except (pyarrow.ArrowException, KeyError, OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    for name in columns:
        if table[name].null_count:
            raise _unreadable(path, f"column {name} has empty cells")
    return rows


def by_rule(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Group refusals by rule, most frequent first, with first and last time, keys and a few examples."""
    from market.time import format_new_york
    from risk.other_refusals import guards_of, keys_of

    groups = []
    for rule, count in Counter(row["rule"] for row in rows).most_common():
        own = [row for row in rows if row["rule"] == rule]
        times = [row["ts_ns"] for row in own]
        groups.append(
            {
                "rule": rule,
                "refusals": count,
                "symbols": dict(Counter(row["instrument_id"] for row in own).most_common()),
                "first": format_new_york(min(times)),
                "last": format_new_york(max(times)),
                "guards": guards_of(rule),
                "limits": list(keys_of(rule)),
                "examples": list(dict.fromkeys(row["reason"] for row in own))[:EXAMPLES],
            }
        )
    return groups


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(f"{path} is not a table of refusals: {' '.join(why.split())}. Run the backtest again.")
