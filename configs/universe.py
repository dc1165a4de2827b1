"""Universe files: TOML with lists and rules, or CSV with lists, read into `market.universe.Universe`.

Whatever is wrong with a file is reported at once, each with its key, value, what is allowed and line, as one
`ConfigError`. Reference: docs/reference/universe-file.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from catalog.day_statistics import day_statistics
from catalog.store import CatalogStore
from configs.profile_decoding import find_problems
from configs.profile_fields import NAME_PATTERN, Section, setting
from configs.profile_problems import PROBLEMS_SHOWN_MAX, Problem, line_of
from configs.profile_reading import read_text, read_toml
from market.errors import ConfigError, NotFoundError
from market.instruments import SYMBOL_PATTERN
from market.time import new_york_date
from market.universe import DayStatistics, Universe, UniverseDecision, UniverseRules, evaluate

DAYS_SHOWN_MAX = 10
CSV_LISTS = ("candidate", "whitelist", "prohibited")


def _symbols(meaning: str) -> msgspec.Meta:
    return setting(meaning, pattern=SYMBOL_PATTERN, example='"BAC" or "BRK.B"')


class UniverseFile(Section, frozen=True, kw_only=True):
    """A universe file in TOML."""

    name: Annotated[
        str | None,
        setting("Name shown; default: the file's name.", pattern=NAME_PATTERN, example="launch"),
    ] = None
    description: Annotated[str, setting("What it is for.")] = ""
    symbols: Annotated[
        tuple[str, ...] | None, _symbols("Candidates; default: every symbol of the catalog.")
    ] = None
    symbols_file: Annotated[
        str | None, setting("CSV file of candidates, relative to this file; instead of `symbols`.")
    ] = None
    whitelist: Annotated[tuple[str, ...] | None, _symbols("Nothing else is kept; default: no such list.")] = (
        None
    )
    prohibited: Annotated[tuple[str, ...], _symbols("Never kept, whatever else is said.")] = ()
    rules: Annotated[UniverseRules, setting("What a symbol's day must satisfy.")] = UniverseRules()

    def contradictions(self) -> Sequence[str]:
        """One source of candidates, no empty list, each symbol once, nothing both allowed and prohibited."""
        found = []
        if self.symbols is not None and self.symbols_file is not None:
            found.append("symbols_file cannot stand beside symbols. Keep one of them.")
        for key in ("symbols", "whitelist"):
            listed = getattr(self, key)
            if listed == ():
                found.append(f"{key} is empty and would keep nothing. Name symbols, or leave the key out.")
        for key in ("symbols", "whitelist", "prohibited"):
            found.extend(_repeated(key, getattr(self, key) or ()))
        both = sorted(set(self.whitelist or ()) & set(self.prohibited))
        if both:
            found.append(f"whitelist has {', '.join(both)}, which is prohibited too. Take it off one list.")
        return found


class UniverseDay(NamedTuple):
    """A universe applied to a day: the decisions, and the statistics of every symbol decided on."""

    universe: Universe
    day: date
    decisions: tuple[UniverseDecision, ...]
    statistics: Mapping[str, DayStatistics]

    @property
    def kept(self) -> tuple[str, ...]:
        """The symbols that may be traded."""
        return tuple(decision.symbol for decision in self.decisions if decision.kept)


def universe_on(path: Path, *, catalog: Path, day: date) -> UniverseDay:
    """Read the universe file at `path` and apply it to `day` of `catalog`.

    Raises `ConfigError` or `NotFoundError` for the file, `NotFoundError` where the catalog has no data of
    that day, and what `day_statistics` raises.
    """
    universe = read_universe(path)
    _require_day(catalog, day)
    statistics = day_statistics(catalog, day, symbols=universe.symbols)
    return UniverseDay(universe, day, evaluate(universe, statistics), statistics)


def _require_day(catalog: Path, day: date) -> None:
    """Without this a day that the catalog lacks would look like one on which no symbol has data."""
    ingests = CatalogStore.open_existing(catalog).manifest().ingests
    spans = {
        (new_york_date(file.start_ns), new_york_date(file.end_ns))
        for ingest in ingests
        for file in ingest.files
    }
    if any(first <= day <= last for first, last in spans):
        return
    days = [str(first) if first == last else f"{first} to {last}" for first, last in sorted(spans)]
    if not days:
        raise NotFoundError(f"The catalog {catalog} is empty. Bring data in with `harvester ingest`.")
    shown = ", ".join(days if len(days) <= DAYS_SHOWN_MAX else [*days[: DAYS_SHOWN_MAX - 1], "...", days[-1]])
    raise NotFoundError(f"The catalog {catalog} has no data on {day}. It has: {shown}. Choose one of these.")


def read_universe(path: Path) -> Universe:
    """Return the universe in a `.toml` or `.csv` file; raises `ConfigError` or `NotFoundError`."""
    readers = {".toml": _read_toml_universe, ".csv": _read_csv_universe}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path} is not a universe file. Its name must end in .toml or .csv.")
    return reader(path)


def _read_toml_universe(path: Path) -> Universe:
    table: dict[str, Any] = read_toml(path)
    problems = list(find_problems(table, UniverseFile))
    if problems:
        raise _universe_error(path, problems)
    file = msgspec.convert(table, UniverseFile)
    symbols, whitelist, prohibited = file.symbols, file.whitelist, frozenset(file.prohibited)
    if file.symbols_file is not None:
        listed = _read_csv_universe(path.parent / file.symbols_file)
        if listed.whitelist is not None or listed.prohibited:
            problem = Problem("symbols_file", f"is {file.symbols_file}, allowed: a list of candidates alone")
            raise _universe_error(path, [problem])
        symbols = listed.symbols
    return Universe(
        name=file.name or path.stem,
        symbols=symbols,
        whitelist=None if whitelist is None else frozenset(whitelist),
        prohibited=prohibited,
        rules=file.rules,
    )


def _read_csv_universe(path: Path) -> Universe:
    """Return the lists of a CSV file: a column `symbol`, and optionally `list` with one of `CSV_LISTS`."""
    text = read_text(path, encoding="utf-8-sig")
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    if "symbol" not in (rows.fieldnames or ()):
        found = ", ".join(rows.fieldnames or ("nothing",))
        raise ConfigError(f"{path} has no column `symbol` in its first line, but: {found}.")
    lists: dict[str, list[str]] = {name: [] for name in CSV_LISTS}
    problems = []
    for row in rows:
        symbol, name = (row["symbol"] or "").strip(), (row.get("list") or "candidate").strip()
        where = f"line {rows.line_num}"
        if re.fullmatch(SYMBOL_PATTERN, symbol) is None:
            problems.append(Problem(where, f"symbol is {symbol!r}, allowed: upper case such as BAC or BRK.B"))
        elif name not in lists:
            problems.append(Problem(where, f"list is {name!r}, allowed: {', '.join(CSV_LISTS)}"))
        elif symbol in lists[name]:
            problems.append(Problem(where, f"{symbol} is on the list {name} already"))
        else:
            lists[name].append(symbol)
    if problems:
        raise _universe_error(path, problems)
    return _of_lists(path, lists)


def _of_lists(path: Path, lists: Mapping[str, Sequence[str]]) -> Universe:
    candidates, whitelist, prohibited = (lists[name] for name in CSV_LISTS)
    both = sorted(set(whitelist) & set(prohibited))
    if both:
        raise ConfigError(f"{path} has {', '.join(both)} on both whitelist and prohibited. Keep one of them.")
    if not candidates and not whitelist:
        raise ConfigError(f"{path} names no candidate. Add a line with a symbol.")
    return Universe(
        name=path.stem,
        symbols=tuple(candidates or whitelist),
        whitelist=frozenset(whitelist) if whitelist else None,
        prohibited=frozenset(prohibited),
    )


def _repeated(key: str, symbols: Sequence[str]) -> list[str]:
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    return [f"{key} has {', '.join(twice)} more than once. Keep one."] if twice else []


def _universe_error(path: Path, problems: Sequence[Problem]) -> ConfigError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = []
    for problem in problems[:PROBLEMS_SHOWN_MAX]:
        number = line_of(problem.path, path)
        lines.append(f"{problem.path} {problem.message}" + (f" [line {number}]" if number else ""))
    if len(problems) > len(lines):
        lines.append(f"... and {len(problems) - len(lines)} more")
    return ConfigError(f"The universe {path} cannot be used, {count}:\n  " + "\n  ".join(lines))
