"""Criteria files of the scanner, and files of events: TOML and CSV read into the scanner's own types.

Whatever is wrong with a file is reported at once, each with its key, value, what is allowed and line, as one
`ConfigError`. Reference: docs/reference/scan-criteria.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from configs.criteria_problems import criteria_problems
from configs.profile_problems import PROBLEMS_SHOWN_MAX, Problem, line_of
from configs.profile_reading import read_text, read_toml
from market.errors import ConfigError, DataError, NotFoundError
from market.time import parse_date
from scanner.context import EVENT_KINDS, Event
from scanner.criteria import Criteria

BUNDLED = Path(__file__).parent / "criteria"
EVENT_COLUMNS = ("symbol", "date", "kind")


def read_criteria(path: Path) -> Criteria:
    """Return the criteria of a TOML file; `name` defaults to that of the file.

    A bare name, such as `bull_put`, means the bundled file of that name in configs/criteria/. Raises
    `ConfigError` or `NotFoundError`.
    """
    file = _found(path)
    table: dict[str, Any] = {"name": file.stem, **_with_floats(read_toml(file))}
    problems = criteria_problems(table)
    if problems:
        raise _criteria_error(file, problems)
    return msgspec.convert(table, Criteria)


def bundled_names() -> list[str]:
    """Return the names of the criteria that come with Harvester."""
    return sorted(file.stem for file in BUNDLED.glob("*.toml"))


def read_events(path: Path) -> Mapping[str, tuple[Event, ...]]:
    """Return the events of a CSV file by symbol: columns symbol, date (New York) and kind.

    A symbol that the file does not name has no events. Raises `ConfigError` naming every wrong line.
    """
    text = read_text(path, encoding="utf-8-sig")
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    missing = [name for name in EVENT_COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise ConfigError(f"{path} lacks the column {', '.join(missing)}; its first line must name them.")
    events: dict[str, list[Event]] = {}
    problems = []
    for row in rows:
        symbol, day, kind = ((row[name] or "").strip() for name in EVENT_COLUMNS)
        try:
            if not symbol or kind not in EVENT_KINDS:
                raise DataError(f"symbol {symbol!r}, kind {kind!r}, allowed: {' or '.join(EVENT_KINDS)}")
            events.setdefault(symbol.upper(), []).append(Event(kind, parse_date(day)))
        except DataError as error:
            problems.append(f"line {rows.line_num}: {error}")
    if problems:
        shown = problems[:PROBLEMS_SHOWN_MAX]
        raise ConfigError(f"The events of {path} cannot be used:\n  " + "\n  ".join(shown))
    return {symbol: tuple(listed) for symbol, listed in events.items()}


def _found(path: Path) -> Path:
    if path.suffix or path.exists() or len(path.parts) > 1:
        return path
    bundled = BUNDLED / f"{path.name}.toml"
    if not bundled.is_file():
        raise NotFoundError(
            f"There are no criteria {str(path)!r}. Name a TOML file, or one of: {', '.join(bundled_names())}."
        )
    return bundled


def _with_floats(value: Any) -> Any:
    """Return the tables with `Decimal` as float: thresholds of statistics, never money of an order."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _with_floats(item) for key, item in value.items()}
    return [_with_floats(item) for item in value] if isinstance(value, list) else value


def _criteria_error(path: Path, problems: list[Problem]) -> ConfigError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = []
    numbered = sorted(
        ((_line_near(one.path, path), one) for one in problems), key=lambda pair: pair[0] or 1e9
    )
    for number, problem in numbered[:PROBLEMS_SHOWN_MAX]:
        lines.append(f"{problem.path} {problem.message}" + (f" [line {number}]" if number else ""))
    return ConfigError(f"The criteria {path} cannot be used, {count}:\n  " + "\n  ".join(lines))


def _line_near(key: str, file: Path) -> int | None:
    """Return the line of a key, or of the inline table that it stands in."""
    return line_of(key, file) or (line_of(key.rpartition(".")[0], file) if "." in key else None)
