"""Reading a profile's files: TOML, `extends`, `--set`; plain tables in, plain tables and origins out.

Tables merge key by key, the nearer file wins; lists replace as a whole. `name` and `environment` are
never inherited and never overridden: which environment a profile is for stands in its own file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from configs.profile_problems import SET_OPTION, Problem, config_error, joined
from market.errors import ConfigError, NotFoundError

EXTENDS_DEPTH_MAX = 8
"""Files in one chain of `extends`."""

OWN_KEYS = ("name", "environment")
"""Keys that a profile states itself."""

PROFILES_FOLDER = Path("configs", "profiles")
PROFILES_SHOWN_MAX = 20

Table = dict[str, Any]


class RawProfile(NamedTuple):
    """A merged profile before it is checked.

    `origins` maps dotted keys to the file, or the `--set` option, that set them. `sources` are the
    files read, the profile itself first.
    """

    table: Table
    origins: dict[str, Path | str]
    sources: tuple[Path, ...]


def read_profile(path: Path) -> RawProfile:
    """Read the profile at `path` and all that it extends.

    Raises `NotFoundError` for a missing file and `ConfigError` for one that is not TOML or extends itself.
    """
    chain: list[tuple[Path, Table]] = []
    following: Path | None = path
    while following is not None:
        file = following
        if any(file.resolve() == earlier.resolve() for earlier, _ in chain):
            names = " -> ".join(str(earlier) for earlier, _ in chain)
            raise ConfigError(f"{names} -> {file}: a profile extends itself. Remove one `extends`.")
        if len(chain) == EXTENDS_DEPTH_MAX:
            raise ConfigError(f"{path} extends more than {EXTENDS_DEPTH_MAX - 1} files. Join some of them.")
        table = read_toml(file, hint=_profiles_near)
        chain.append((file, table))
        following = _extended(file, table)
    merged: Table = {}
    origins: dict[str, Path | str] = {}
    for file, table in reversed(chain):
        if file is not path:
            table = {key: value for key, value in table.items() if key not in OWN_KEYS}
        _resolve_paths(table, file)
        _merge(merged, table, file, origins)
    return RawProfile(merged, origins, tuple(file for file, _ in chain))


def read_toml(file: Path, *, hint: Callable[[Path], str] = lambda _: "") -> Table:
    """Return the tables of a TOML file, its numbers with a point as `Decimal`.

    Raises `NotFoundError` or `ConfigError`, naming the file and, of a folder, what `hint` says of it.
    """
    text = read_text(file, hint=hint)
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error or type(error).__name__}.") from None


def read_text(file: Path, *, encoding: str = "utf-8", hint: Callable[[Path], str] = lambda _: "") -> str:
    """Return the text of `file`, `encoding` being utf-8 or utf-8-sig; raises as `read_toml` does."""
    try:
        return file.read_text(encoding=encoding)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {file}.{hint(file.parent)}") from None
    except IsADirectoryError:
        raise NotFoundError(f"{file} is a folder. Name a file in it.{hint(file)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(_not_text(file, error)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise NotFoundError(f"{file} cannot be read: {why}.") from None


def apply_overrides(raw: RawProfile, overrides: Sequence[str]) -> None:
    """Set each `KEY=VALUE` in `raw`; a strategy is addressed by name, `strategies.NAME.parameters.x`.

    Raises `ConfigError` for text that is not an override, or a key that cannot be set.
    """
    for text in overrides:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not all(key.split(".")):
            raise ConfigError(f"--set {text!r} is not KEY=VALUE. Write it like --set risk.max_positions=2.")
        problem = _set(raw, key.split("."), _override_value(value))
        if problem is not None:
            raise config_error(raw.sources[0], [problem], {problem.path: SET_OPTION + key})


def _set(raw: RawProfile, parts: Sequence[str], value: object) -> Problem | None:
    if parts[0] in (*OWN_KEYS, "extends"):
        return Problem(parts[0], "cannot be set on the command line. Write it in the profile.")
    node: Any = raw.table
    path = ""
    for depth, part in enumerate(parts[:-1], start=1):
        path, node = _step(node, part, path)
        if node is None:
            typed = ".".join(parts[:depth])
            return Problem(typed, "does not exist, or is not a table. Tables of a list are named by `name`.")
    if not isinstance(node, dict):
        return Problem(".".join(parts[:-1]), f"is not a table and has no key {parts[-1]!r}.")
    path = joined(path, parts[-1])
    node[parts[-1]] = value
    raw.origins[path] = SET_OPTION + ".".join(parts)
    return None


def _step(node: Any, part: str, path: str) -> tuple[str, Any]:
    """Return path and table of `part` below `node`; `None` for a table that is not there."""
    if isinstance(node, dict):
        return joined(path, part), node.setdefault(part, {})
    if isinstance(node, list):
        for index, item in enumerate(node):
            if isinstance(item, dict) and item.get("name") == part:
                return f"{path}[{index}]", item
    return joined(path, part), None


def _override_value(text: str) -> object:
    """Return `text` as a TOML value, or the text itself where it is none (`DEBUG`)."""
    try:
        parsed = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return text
    return parsed["value"] if parsed.keys() == {"value"} else text


def _extended(file: Path, table: Table) -> Path | None:
    if "extends" not in table:
        return None
    extended = table.pop("extends")
    if not isinstance(extended, str) or not extended.endswith(".toml") or "\0" in extended:
        problem = Problem("extends", f"is {extended!r}, allowed: a .toml file, relative to this one")
        raise config_error(file, [problem], {"extends": file})
    return file.parent / extended


def _resolve_paths(table: Table, file: Path) -> None:
    """Make `universe.file` hold for a profile in another folder that extends this one."""
    universe = table.get("universe")
    if isinstance(universe, dict) and isinstance(universe.get("file"), str):
        universe["file"] = str(file.parent / universe["file"])


def _merge(merged: Table, nearer: Table, file: Path, origins: dict[str, Path | str], path: str = "") -> None:
    for key, value in nearer.items():
        below = joined(path, key)
        origins[below] = file
        present = merged.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value, file, origins, below)
        elif isinstance(value, dict):
            merged[key] = {}
            _merge(merged[key], value, file, origins, below)
        else:
            merged[key] = value


def _not_text(file: Path, error: UnicodeDecodeError) -> str:
    if b"\0" in error.object:
        return f"{file} is not a text file. Name another."
    line = error.object.count(b"\n", 0, error.start) + 1
    found = error.object[error.start]
    return f"{file} is not UTF-8 text: line {line} has the byte 0x{found:02x}. Save it as UTF-8."


def _profiles_near(folder: Path) -> str:
    """Return the names of the profiles in `folder`, or else of those in configs/profiles, as a hint."""
    for place in (folder, PROFILES_FOLDER):
        names = [file.name for file in sorted(place.glob("*.toml")) if _is_profile(file)]
        if names:
            return f" Profiles in {place}: {', '.join(names[:PROFILES_SHOWN_MAX])}."
    return ""


def _is_profile(file: Path) -> bool:
    """Whether `file` states an environment, which every profile does itself."""
    try:
        return "environment" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
