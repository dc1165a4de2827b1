"""The rows of all contracts of one class and day, read from Lean's zips into compact columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.headerless_rows import Checks, CountedReading, Layout, Rows, RowTally, read_rows
from catalog.lean_options.files import OptionDay, contract_of_entry, opened_archive
from catalog.progress import Progress
from market.errors import DataError
from market.option_contracts import ContractName

ROWS_MAX = 20_000_000
"""Rows of one class and day, 28 bytes each; SPX and SPXW have about 8 million a day."""

MS_PER_MINUTE = 60_000
_MS_PER_DAY = 86_400_000
_WHOLE_MAX = 2**31 - 1
_BAR = ("open", "high", "low", "close")
_QUOTE = (*(f"bid_{name}" for name in _BAR), "bid_size", *(f"ask_{name}" for name in _BAR), "ask_size")
_USED = {
    "quote": ("bid_close", "ask_close", "bid_size", "ask_size"),
    "trade": ("close", "volume"),
    "openinterest": ("open_interest",),
}
_COLUMNS = {"quote": _QUOTE, "trade": (*_BAR, "volume"), "openinterest": ("open_interest",)}
Reject = Callable[..., None]


@dataclass(frozen=True)
class ContentRows:
    """Rows of one content, in order of time: `time` in ms after midnight at the START of the minute.

    `contract` indexes the day's contracts; values are 32-bit integers, prices in 1/10,000 USD, 0 is absent.
    """

    time: NDArray[np.int32]
    contract: NDArray[np.int32]
    values: dict[str, NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True)
class DayRows:
    """All rows of a class and day."""

    contracts: tuple[ContractName, ...]
    contents: dict[str, ContentRows]


def read_day(day: OptionDay, *, reject: Reject, progress: Progress) -> DayRows:
    """Return the rows of `day`; those that cannot be true are rejected.

    Raises `DataError` for damaged zips, texts of other contracts, and more than `ROWS_MAX` rows.
    """
    numbers: dict[ContractName, int] = {}
    contents = {
        content: _read_named_zip(day, content, numbers, reject, progress) for content in sorted(day.zips)
    }
    return DayRows(tuple(numbers), contents)


def _read_named_zip(
    day: OptionDay,
    content: str,
    numbers: dict[ContractName, int],
    reject: Reject,
    progress: Progress,
) -> ContentRows:
    """Return the rows of a zip; an error names it, as the day has several."""
    name = day.zips[content].name
    try:
        return _read_zip(day, content, numbers, reject, progress)
    except DataError as error:
        raise error if name in str(error) else DataError(f"{name}: {error}") from error


def _read_zip(
    day: OptionDay,
    content: str,
    numbers: dict[ContractName, int],
    reject: Reject,
    progress: Progress,
) -> ContentRows:
    path, root = day.zips[content], day.option_class.root
    blocks: list[dict[str, NDArray[Any]]] = []
    total = 0
    with opened_archive(path) as archive:
        progress.begin(f"{root} {path.name}", sum(entry.file_size for entry in archive.infolist()))
        for entry in archive.infolist():
            contract = contract_of_entry(entry.filename, root=root, content=content)
            if contract.expiry < day.day:
                why = f"expired before the day of the file, {day.day}"
                reject(file=path.name, line=1, column="", value=entry.filename, why=why)
                continue
            number = numbers.setdefault(contract, len(numbers))
            with archive.open(entry) as stream:
                counted = cast("IO[bytes]", CountedReading(stream, progress))
                for block in _blocks(counted, content, partial(reject, file=f"{path.name}/{entry.filename}")):
                    block["contract"] = np.full(len(block["time"]), number, dtype=np.int32)
                    blocks.append(block)
                    total += len(block["time"])
            if total > ROWS_MAX:
                raise DataError(f"{path} has more than {ROWS_MAX} rows; split it by expiry.")
    return _joined(blocks, content)


def _blocks(stream: IO[bytes], content: str, reject: Reject) -> list[dict[str, NDArray[Any]]]:
    layout = layout_of(content)
    tally = RowTally(layout.title, reject)
    used = ("time", *_USED[content])
    found = []
    for rows in read_rows(stream, layout, tally):
        good = tally.good(rows, _checks(rows, content))
        found.append({name: good[name].astype(np.int32) for name in used})
    return found


def layout_of(content: str) -> Layout:
    """Return the columns of a text: `quote`, `trade` or `openinterest`."""
    names = ("time", *_COLUMNS[content])
    empty = frozenset(_QUOTE) if content == "quote" else frozenset[str]()
    return Layout(f"Lean option {content}", names, dict.fromkeys(names, pa.int64()), may_be_empty=empty)


def _checks(rows: Rows, content: str) -> Checks:
    time = rows["time"]
    yield "time", (time < 0) | (time >= _MS_PER_DAY), "is not in ms after midnight"
    for name in _USED[content]:
        yield name, (rows[name] < 0) | (rows[name] > _WHOLE_MAX), f"is not from 0 to {_WHOLE_MAX}"
    if content == "trade":
        yield "close", rows["close"] == 0, "is not a positive price"


def _joined(blocks: list[dict[str, NDArray[Any]]], content: str) -> ContentRows:
    names = ("time", "contract", *_USED[content])
    columns = {
        name: np.concatenate([block[name] for block in blocks]) if blocks else np.empty(0, dtype=np.int32)
        for name in names
    }
    order = np.argsort(columns["time"], kind="stable")
    return ContentRows(
        columns["time"][order],
        columns["contract"][order],
        {name: columns[name][order] for name in _USED[content]},
    )
