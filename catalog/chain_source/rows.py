"""From blocks of text to rows of a chain: instants, contracts and numbers; the rest is rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from catalog.chain_source.blocks import RaggedRow, text_blocks
from catalog.chain_source.mapping import NUMBERS, ChainColumnMap
from catalog.chain_source.options import ChainCsvOptions
from catalog.progress import SILENT, Progress
from catalog.settlements import expiry_ns_of, session_of
from market.errors import DataError, UserError
from market.option_chain import GREEKS
from market.option_contracts import ContractName, OptionClass, occ_symbol, option_class, parse_occ_symbol
from market.time import new_york_date, new_york_midnight_ns, to_ns

DAYS_PER_YEAR = 365.0
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d")
_RIGHTS = {"c": True, "call": True, "p": False, "put": False}
Reject = Callable[..., None]


@dataclass(frozen=True)
class ChainRows:
    """Rows of one block: `contract` indexes `Contracts.names`; `numbers` by field, NaN where absent."""

    ts_ns: NDArray[np.int64]
    contract: NDArray[np.int64]
    lines: NDArray[np.int64]
    numbers: dict[str, NDArray[np.float64]]


class _Defects:
    """Which rows of a block are bad; each is rejected for the first thing that is wrong with it."""

    def __init__(self, lines: NDArray[np.int64], *, reject: Reject) -> None:
        self.is_bad: NDArray[np.bool_] = np.zeros(len(lines), dtype=np.bool_)
        self.lines = lines
        self.last = ""
        self._reject = reject

    def add(self, row: int, column: str, value: object, why: str) -> None:
        """Reject a row, once."""
        if self.is_bad[row]:
            return
        self.is_bad[row] = True
        shown = "" if value is None else str(value)
        self._reject(line=int(self.lines[row]), column=column, value=shown, why=why)
        self.last = f"line {self.lines[row]}: {column} {shown!r} {why}"

    def add_line(self, ragged: RaggedRow) -> None:
        """Reject a line that is no row of the table."""
        self._reject(line=ragged.line, column="", value=ragged.text, why=ragged.why)
        self.last = f"line {ragged.line}: {ragged.text!r} {ragged.why}"


@dataclass
class ChainReader:
    """Reads one file; texts of times and contracts repeat, and each is understood once."""

    path: Path
    columns: ChainColumnMap
    options: ChainCsvOptions
    reject: Reject
    names: list[ContractName] = field(default_factory=list)
    classes: list[OptionClass] = field(default_factory=list)
    is_daily: bool = True
    _numbers: dict[ContractName, int] = field(default_factory=dict)
    _over_ns: list[int] = field(default_factory=list)
    """By contract: the midnight after its day of expiry."""
    _times: dict[str, int | str] = field(default_factory=dict)
    _contracts: dict[tuple[str | None, ...], int | tuple[str, str, str]] = field(default_factory=dict)

    def blocks(self, progress: Progress = SILENT) -> Iterator[ChainRows]:
        """Yield the usable rows block by block; raises `DataError` when most rows of the file are bad."""
        good, bad = 0, 0
        wanted = sorted(set(self.columns.column_of.values()))
        for block in text_blocks(self.path, wanted, progress):
            defects = _Defects(block.lines, reject=self.reject)
            for ragged in block.ragged:
                defects.add_line(ragged)
            rows = self._rows(block.batch, defects)
            good, bad = good + len(rows.ts_ns), bad + len(block.ragged) + int(defects.is_bad.sum())
            if bad > good:
                raise DataError(
                    f"{self.path} is no chain by these columns: {bad} of {good + bad} rows are unusable, the "
                    f"last of them {defects.last}. Check --columns and --time-format."
                )
            yield rows

    def times_ascend(self) -> bool:
        """Say whether the rows are in order of time, by reading the column of times alone."""
        last = ""
        latest = -1
        for block in text_blocks(self.path, [self.columns["time"]], SILENT):
            for text in block.batch.column(0).to_pylist():
                if text == last or text is None:
                    continue
                last = text
                time = self._time(text)
                if isinstance(time, int):
                    if time < latest:
                        return False
                    latest = time
        return True

    def _rows(self, batch: pa.RecordBatch, defects: _Defects) -> ChainRows:
        times = self._times_of(batch, defects)
        contracts = self._contracts_of(batch, defects)
        numbers = {name: self._floats(batch, name, defects) for name in NUMBERS}
        for name in ("bid", "ask"):
            for row in np.flatnonzero(numbers[name] < 0).tolist():
                defects.add(row, name, numbers[name][row], "is negative")
        self._reject_expired(times, contracts, defects)
        keep = ~defects.is_bad
        kept = {name: values[keep] for name, values in numbers.items()}
        return ChainRows(times[keep], contracts[keep], defects.lines[keep], self._in_our_units(kept))

    def _times_of(self, batch: pa.RecordBatch, defects: _Defects) -> NDArray[np.int64]:
        times = np.zeros(batch.num_rows, dtype=np.int64)
        for row, text in enumerate(self._texts(batch, "time")):
            time = self._time(text)
            if isinstance(time, int):
                times[row] = time
            else:
                defects.add(row, "time", text, time)
        return times

    def _contracts_of(self, batch: pa.RecordBatch, defects: _Defects) -> NDArray[np.int64]:
        contracts = np.zeros(batch.num_rows, dtype=np.int64)
        keys = zip(*(self._texts(batch, name) for name in _CONTRACT_FIELDS), strict=True)
        for row, key in enumerate(keys):
            known = self._contracts.get(key)
            if known is None:
                known = self._contracts[key] = self._contract(key)
            if isinstance(known, int):
                contracts[row] = known
            else:
                defects.add(row, *known)
        return contracts

    def _reject_expired(
        self, times: NDArray[np.int64], contracts: NDArray[np.int64], defects: _Defects
    ) -> None:
        """Reject quotes from after the day on which their contract expired."""
        if not self.names:
            return
        is_late = ~defects.is_bad & (times >= np.array(self._over_ns, dtype=np.int64)[contracts])
        for row in np.flatnonzero(is_late).tolist():
            name = self.names[int(contracts[row])]
            day = new_york_date(int(times[row]))
            defects.add(row, "expiry", name.expiry, f"is before the day of the quote, {day}")

    def _texts(self, batch: pa.RecordBatch, name: str) -> list[str | None]:
        if name not in self.columns:
            return [None] * batch.num_rows
        texts: list[str | None] = batch[self.columns[name]].to_pylist()
        return texts

    def _time(self, text: str | None) -> int | str:
        """Return ns UTC, or why there is none."""
        if text is None:
            return "is empty"
        if text not in self._times:
            self._times[text] = self._parse_time(text.strip())
        return self._times[text]

    def _parse_time(self, text: str) -> int | str:
        zone = ZoneInfo(self.options.time_zone)
        try:
            if self.options.time_format is not None:
                moment = datetime.strptime(text, self.options.time_format)  # noqa: DTZ007 - the zone follows
                has_time = any(code in self.options.time_format for code in ("%H", "%I", "%s"))
            else:
                day = _date_of(text)
                moment = datetime.combine(day, datetime.min.time()) if day else datetime.fromisoformat(text)
                has_time = day is None
            if not has_time:
                return session_of(moment.date()).close_ns
            self.is_daily = False
            return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=zone))
        except ValueError:
            return "is not a time; state its form with --time-format"
        except UserError as error:
            return f"is unusable: {error}"

    def _contract(self, key: tuple[str | None, ...]) -> int | tuple[str, str, str]:
        """Return the number of a contract, or column, value and why there is none."""
        contract, root, underlying, expiry, strike, right = key
        try:
            if contract is not None and "contract" in self.columns:
                name = parse_occ_symbol(contract)
            else:
                name = _named(root or underlying, expiry, strike, right)
            terms = option_class(name.root)
            expiry_ns_of(terms, name.expiry)
            occ_symbol(name.root, name.expiry, strike=name.strike, is_call=name.is_call)
        except UserError as error:
            return "contract", " ".join(text for text in key if text), str(error)
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
            self._over_ns.append(new_york_midnight_ns(name.expiry + timedelta(days=1)))
            self.classes.append(terms)
        return self._numbers[name]

    def _floats(self, batch: pa.RecordBatch, name: str, defects: _Defects) -> NDArray[np.float64]:
        if name not in self.columns:
            return np.full(batch.num_rows, np.nan)
        column = batch[self.columns[name]]
        try:
            values = pc.utf8_trim_whitespace(column).cast(pa.float64())
            found: NDArray[np.float64] = values.to_numpy(zero_copy_only=False).astype(np.float64)
        except pa.ArrowInvalid:
            found = np.full(batch.num_rows, np.nan)
            for row, text in enumerate(column.to_pylist()):
                try:
                    found[row] = float(text) if text is not None else np.nan
                except ValueError:
                    defects.add(row, name, text, "is not a number")
        for row in np.flatnonzero(np.isinf(found)).tolist():
            defects.add(row, name, found[row], "is not finite")
        return found

    def _in_our_units(self, numbers: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        for name in ("bid", "ask", "last", "underlying_price"):
            numbers[name] = np.where(numbers[name] > 0, numbers[name], np.nan)
        if self.options.vega_per == "unit":
            numbers["vega"] = numbers["vega"] * 0.01
        if self.options.theta_per == "year":
            numbers["theta"] = numbers["theta"] / DAYS_PER_YEAR
        unknown = ~(numbers["iv"] > 0)
        for name in GREEKS:
            numbers[name] = np.where(unknown, np.nan, numbers[name])
        return numbers


_CONTRACT_FIELDS = ("contract", "root", "underlying", "expiry", "strike", "right")


def _named(root: str | None, expiry: str | None, strike: str | None, right: str | None) -> ContractName:
    day = _date_of(expiry or "")
    is_call = _RIGHTS.get((right or "").strip().lower())
    try:
        dollars = Decimal((strike or "").strip())
    except InvalidOperation:
        dollars = Decimal(0)
    if not root or day is None or is_call is None or not dollars > 0:
        raise DataError(
            f"names no contract: underlying {root!r}, expiry {expiry!r}, strike {strike!r}, right {right!r}"
        )
    return ContractName(root.strip().upper().removeprefix("^"), day, is_call, dollars)


def _date_of(text: str) -> date | None:
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return None
