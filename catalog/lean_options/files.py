"""Lean's option and index files: what they hold, by folder and name.

option/usa/minute/goog/20151224_quote_american.zip          also indexoption; quote, trade, openinterest; one
day option/usa/universes/goog/20151224.csv                      the whole class at the end of a day, vendor's
iv, greeks index/usa/minute/spx/20210104_trade.zip                     levels of an index, one day

Some zips carry the suffix twice (`.zip.zip`). Hour and daily files repeat what the minutes say, and are left
out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from market.errors import DataError, NotFoundError
from market.option_contracts import ContractName, OptionClass, option_class

_OPTION_FOLDERS = frozenset(("option", "indexoption"))
_OPTION_ZIP = re.compile(
    r"(?P<day>\d{8})_(?P<content>quote|trade|openinterest)_(american|european)\.zip(\.zip)?"
)
_INDEX_ZIP = re.compile(r"(?P<day>\d{8})_trade\.zip")
_UNIVERSE = re.compile(r"(?P<day>\d{8})\.csv")
_ENTRY = re.compile(
    r"\d{8}_(?P<root>[^_]+)_minute_(?P<content>quote|trade|openinterest)_(american|european)_"
    r"(?P<right>call|put)_(?P<strike>\d{1,12})_(?P<expiry>\d{8})\.csv"
)
_STRIKE_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class OptionDay:
    """The minute files of one class on one New York day, by content."""

    option_class: OptionClass
    day: date
    zips: dict[str, Path] = field(default_factory=dict)

    @property
    def paths(self) -> list[Path]:
        """All files, in order of content."""
        return [self.zips[content] for content in sorted(self.zips)]

    @property
    def lean_folder(self) -> Path:
        """The folder that holds `option`, `equity` and `index`."""
        return self.paths[0].resolve().parents[4]


@dataclass(frozen=True, slots=True)
class UniverseDay:
    """One universe file."""

    option_class: OptionClass
    day: date
    path: Path


@dataclass(frozen=True, slots=True)
class IndexDay:
    """One day of an index by minutes."""

    symbol: str
    day: date
    path: Path


@dataclass(frozen=True, slots=True)
class LeanOptionFiles:
    """What there is to ingest, each in order of day."""

    option_days: tuple[OptionDay, ...]
    universes: tuple[UniverseDay, ...]
    indexes: tuple[IndexDay, ...]
    passed_over: int
    """Hour and daily files of options."""

    def __len__(self) -> int:
        return len(self.option_days) + len(self.universes) + len(self.indexes)


def find_option_files(
    path: Path, *, symbols: Collection[str], start: date | None, end: date | None
) -> LeanOptionFiles:
    """Return the option and index files of a zip, a folder or a whole Lean data folder.

    `symbols` are roots or underlyings (none means all); days are inclusive. Raises `NotFoundError` where
    there is nothing.
    """
    if not path.exists():
        raise NotFoundError(f"{path} does not exist. Name a zip or a folder of Lean option data.")
    paths = [path] if path.is_file() else sorted(path.rglob("*.zip")) + sorted(path.rglob("*.csv"))
    wanted = frozenset(symbol.strip().upper() for symbol in symbols)
    days: dict[tuple[str, date], OptionDay] = {}
    universes: list[UniverseDay] = []
    indexes: list[IndexDay] = []
    passed_over = 0
    for each in paths:
        parts = each.resolve().parts
        if len(parts) < 5:
            continue
        terms = option_class(parts[-2])
        day = _day_in(each.name)
        is_option = parts[-5] in _OPTION_FOLDERS
        if is_option and parts[-3] == "minute" and (match := _OPTION_ZIP.fullmatch(each.name)) and day:
            if _is_wanted(day, {terms.root, terms.underlying}, wanted, start, end):
                known = days.setdefault((terms.root, day), OptionDay(terms, day))
                known.zips[match["content"]] = each
        elif is_option and parts[-3] == "universes" and _UNIVERSE.fullmatch(each.name) and day:
            if _is_wanted(day, {terms.root, terms.underlying}, wanted, start, end):
                universes.append(UniverseDay(terms, day, each))
        elif parts[-5] == "index" and parts[-3] == "minute" and _INDEX_ZIP.fullmatch(each.name) and day:
            symbol = parts[-2].upper()
            if _is_wanted(day, {symbol, f"^{symbol}"}, wanted, start, end):
                indexes.append(IndexDay(symbol, day, each))
        elif parts[-4] in _OPTION_FOLDERS and parts[-2] in ("hour", "daily"):
            passed_over += 1
    found = LeanOptionFiles(
        tuple(sorted(days.values(), key=lambda one: (one.option_class.root, one.day))),
        tuple(sorted(universes, key=lambda one: (one.option_class.root, one.day))),
        tuple(sorted(indexes, key=lambda one: (one.symbol, one.day))),
        passed_over,
    )
    if not len(found):
        raise NotFoundError(
            f"No Lean option or index data in {path} for what is wanted. Expected e.g. "
            "option/usa/minute/goog/20151224_quote_american.zip, with Lean's folders above it."
        )
    return found


def contract_of_entry(name: str, *, root: str, content: str) -> ContractName:
    """Return the contract that a text inside a zip is about; raises `DataError` for another name."""
    match = _ENTRY.fullmatch(name.lower())
    expiry = _day_in(match["expiry"]) if match else None
    if match is None or expiry is None or match["root"].upper() != root or match["content"] != content:
        raise DataError(
            f"{name!r} is no {content} file of a contract of {root}. Expected e.g. "
            f"20151224_{root.lower()}_minute_{content}_american_call_7500000_20160115.csv."
        )
    strike = Decimal(match["strike"]) / _STRIKE_UNITS
    return ContractName(root, expiry, match["right"] == "call", strike)


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; raises `DataError` for a damaged one."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is not a zip or is damaged: {error}. Fetch it again.") from error


def _is_wanted(
    day: date, names: set[str], wanted: frozenset[str], start: date | None, end: date | None
) -> bool:
    is_symbol = not wanted or bool(names & wanted)
    return is_symbol and (start is None or day >= start) and (end is None or day <= end)


def _day_in(text: str) -> date | None:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None
