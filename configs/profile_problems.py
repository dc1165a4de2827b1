"""What is wrong with a profile: collected, located in its file, and reported all at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from market.errors import ConfigError

PROBLEMS_SHOWN_MAX = 40
SET_OPTION = "--set "
"""Begins the origin of what the command line set; the key follows, as it was typed."""

Origins = Mapping[str, Path | str]
"""Where a dotted key came from: a file, or the text of a `--set` override."""


class Problem(NamedTuple):
    """A dotted key and what is wrong with it, e.g. `risk.max_positions` "is 0, allowed: ..."."""

    path: str
    message: str


def joined(path: str, key: str) -> str:
    """Return the path of `key` below `path`."""
    return f"{path}.{key}" if path else key


def unknown_key(path: str, key: str, known: Sequence[str]) -> Problem:
    """Return the problem of a key that does not exist, with the nearest key that does."""
    close = get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        return Problem(joined(path, key), f"is unknown. Did you mean {joined(path, close[0])}?")
    return Problem(joined(path, key), f"is unknown, allowed here: {', '.join(known)}")


def config_error(source: Path | str, problems: Sequence[Problem], origins: Origins) -> ConfigError:
    """Return one error that lists all `problems`, each with the file and line it came from."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    shown = [_line(problem, origins) for problem in problems[:PROBLEMS_SHOWN_MAX]]
    if len(problems) > len(shown):
        shown.append(f"... and {len(problems) - len(shown)} more")
    return ConfigError(f"The profile {source} cannot be used, {count}:\n  " + "\n  ".join(shown))


def _line(problem: Problem, origins: Origins) -> str:
    origin = origin_of(problem.path, origins)
    shown = _as_typed(problem, origins) if isinstance(origin, str) else problem
    text = _printable(f"{shown.path} {shown.message}".strip())
    if origin is None:
        return text
    if isinstance(origin, str):
        return f"{text} [from {origin}]"
    number = line_of(problem.path, origin)
    return f"{text} [{origin}{f', line {number}' if number else ''}]"


def _as_typed(problem: Problem, origins: Origins) -> Problem:
    """Return `problem` with the key of `--set`, which names a table of a list, in place of its number."""
    path = _known_path(problem.path, origins)
    typed = str(origins[path]).removeprefix(SET_OPTION)
    if path.count(".") + path.count("[") != typed.count("."):  # not the key itself, but a table above it
        return problem
    table, _, _ = path.rpartition(".")
    typed_table, _, _ = typed.rpartition(".")
    message = problem.message.replace(f"{table}.", f"{typed_table}.") if table else problem.message
    return Problem(typed + problem.path.removeprefix(path), message)


def _printable(text: str) -> str:
    """Replace what would move the cursor or hide text in a terminal; keys may hold anything."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def origin_of(path: str, origins: Origins) -> Path | str | None:
    """Return the origin of `path`, or of the nearest table around it."""
    return origins.get(_known_path(path, origins))


def _known_path(path: str, origins: Origins) -> str:
    """Return `path`, or the nearest table around it, of which the origin is known; "" where there is none."""
    while path and path not in origins:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return path


def line_of(path: str, file: Path) -> int | None:
    """Return the line (from 1) on which the dotted `path` is set in a TOML file; `None` when unsure.

    Reads headers and simple `key =` lines only: a hint for a person, never used to decide anything.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found: dict[str, int] = {}
    table = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        header = re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", line)
        key = re.match(r"\s*([\w.-]+)\s*=", line)
        if header is not None:
            table = _table_path(header[2], counts, is_new_item=header[1] == "[[")
            found.setdefault(table, number)
        elif key is not None:
            found.setdefault(joined(table, key[1]), number)
    return found.get(path)


def _table_path(dotted: str, counts: dict[str, int], *, is_new_item: bool) -> str:
    """Return `a[1].b` for `[a.b]` inside the second `[[a]]`; `counts` holds the items seen of each list."""
    path = ""
    parts = dotted.split(".")
    for position, part in enumerate(parts, start=1):
        path = joined(path, part)
        if is_new_item and position == len(parts):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = f"{path}[{counts[path] - 1}]"
    return path
