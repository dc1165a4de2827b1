"""Writes what a run leaves behind: `run.json`, `profile.json`, seven tables, the journal, or nothing.

A run directory appears as a whole: everything is written beside it and renamed at the end. An output
that holds a former run is replaced in the same way; anything else that is not empty is refused.
docs/reference/run-directory.md describes every file and column.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from backtests.run_journal import JOURNAL_FOLDER
from backtests.run_tables import SCHEMAS
from backtests.unfinished_runs import remove_leftovers, unfinished_folder
from market.errors import UserError
from market.folders import require_writable_folder

RUN_FILE = "run.json"
PROFILE_FILE = "profile.json"
OTHER_NAMES = ("report.html", "tearsheet.html", JOURNAL_FOLDER, "data")
"""What else a run directory may hold; `data` is the market data that a live node recorded."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def require_usable(output: Path) -> None:
    """Raise `UserError` unless a run may be written to `output`: absent, empty, or a former run."""
    require_writable_folder(output, option="--output")
    if not output.exists():
        return
    names = {path.name for path in output.iterdir()}
    if not names:
        return
    foreign = sorted(names - _known_names())
    if RUN_FILE not in names or foreign:
        example = foreign[0] if foreign else sorted(names)[0]
        raise UserError(
            f"{output} holds {example}, which is not part of a run, so it is not overwritten. "
            "Name another folder with --output, or empty this one."
        )


@contextmanager
def run_directory(output: Path) -> Iterator[Path]:
    """Yield a folder to write into; it becomes `output` when the block ends without an exception."""
    require_usable(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(output.parent, known_names=_known_names())
    with unfinished_folder(output) as unfinished:
        try:
            yield unfinished
            _put_in_place(unfinished, output)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise UserError(
                f"The run cannot be written to {output}: {os.strerror(error.errno)}. Nothing of it is kept. "
                "Make room and run it again, or name another place with --output."
            ) from error


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def write_tables(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write every table of a run; raises `ValueError` unless they are exactly those of `SCHEMAS`."""
    if tables.keys() != SCHEMAS.keys():
        raise ValueError(f"a run has the tables {sorted(SCHEMAS)}, not {sorted(tables)}")
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def _known_names() -> set[str]:
    return {RUN_FILE, PROFILE_FILE, *OTHER_NAMES, *(f"{name}.parquet" for name in SCHEMAS)}


def _put_in_place(unfinished: Path, output: Path) -> None:
    if not output.exists():
        unfinished.rename(output)
        return
    former = output.with_name(f".{output.name}.former-{os.getpid()}")
    output.rename(former)
    try:
        unfinished.rename(output)
    except OSError:
        with suppress(OSError):
            former.rename(output)
        raise
    shutil.rmtree(former, ignore_errors=True)
