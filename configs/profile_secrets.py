"""Secrets: found in the environment or in a file outside the checkout, never in a profile, never printed.

`HARVESTER_SECRET_<NAME>` wins over the file named by `secrets.file`. The file is TOML with
`name = "value"` lines, readable by its owner alone.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from configs.profile_fields import NAME_PATTERN
from configs.profile_problems import Problem, joined

VARIABLE_PREFIX = "HARVESTER_SECRET_"
MASK = "***"

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|pwd|secret|token|credentials?|api_?key|access_?key|private_?key|"
    r"control_?key|hmac)($|_)",
    re.IGNORECASE,
)
_ADDRESS_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


class Secret:
    """A secret's value; `reveal()` is the only way to it, printing shows a mask."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, to hand to the program that needs it and to nothing else."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled or copied")


def is_secret_name(key: str) -> bool:
    """Return whether a key by its name holds a secret: `tws_password`, `api_key`."""
    return _SECRET_NAME.search(key.replace("-", "_")) is not None


def secrets_written(table: Mapping[str, object], path: str = "") -> Iterator[Problem]:
    """Yield a problem for every secret that stands in a profile; its value is not repeated."""
    for key, value in table.items():
        below = joined(path, key)
        if is_secret_name(key) and below != "secrets":
            yield Problem(
                below,
                f"is a secret and may not stand in a profile. Delete it there, put it into "
                f"{VARIABLE_PREFIX}{_variable(key)} or the file named by secrets.file, and change it, "
                f"because it may have been copied.",
            )
        else:
            yield from _secrets_in(value, below)


def find_secrets(
    *, file: str | None, required: Sequence[str], environ: Mapping[str, str], forbidden: Sequence[Path]
) -> tuple[dict[str, Secret], list[Problem]]:
    """Return the secrets by name, and what is wrong with them.

    `forbidden` are folders in which a secrets file is refused (the checkouts).
    """
    problems: list[Problem] = []
    found: dict[str, Secret] = {}
    if file is not None:
        found, problems = _read_file(Path(file).expanduser(), forbidden)
    for name in required:
        value = environ.get(f"{VARIABLE_PREFIX}{_variable(name)}")
        if value:
            found[name] = Secret(value)
        elif name not in found:
            variable = f"{VARIABLE_PREFIX}{_variable(name)}"
            problems.append(
                Problem("secrets.required", f"names {name!r}, which is neither in {variable} nor in a file.")
            )
    return {name: found[name] for name in required if name in found}, problems


def checkout_of(path: Path) -> Path | None:
    """Return the root of the version-controlled folder that holds `path`, if there is one."""
    resolved = path.resolve()
    return next((folder for folder in (resolved, *resolved.parents) if (folder / ".git").exists()), None)


def _read_file(file: Path, forbidden: Sequence[Path]) -> tuple[dict[str, Secret], list[Problem]]:
    def refused(message: str) -> tuple[dict[str, Secret], list[Problem]]:
        return {}, [Problem("secrets.file", message)]

    if not file.is_absolute():
        return refused(f"is {str(file)!r}, allowed: an absolute path, or one that begins with ~/")
    resolved = file.resolve()
    for folder in forbidden:
        if resolved.is_relative_to(folder.resolve()):
            return refused(f"is {file}, inside the checkout {folder}. Move it out, and change its secrets.")
    try:
        mode = resolved.stat().st_mode
        text = resolved.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        return refused(f"cannot be read: {error}.")
    if os.name == "posix" and mode & 0o077:
        return refused(f"is {file}, which others may read (mode {mode & 0o777:o}). Run: chmod 600 {file}")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError):
        # The parser's message may repeat a part of a secret.
        return refused(f'is {file}, which is not TOML of `name = "value"` lines.')
    wrong = [name for name, value in values.items() if not isinstance(value, str) or not value]
    if wrong or not all(re.fullmatch(NAME_PATTERN, name) for name in values):
        return refused(f'is {file}, allowed in it: `name = "value"` lines, names in snake_case.')
    return {name: Secret(value) for name, value in values.items()}, []


def _secrets_in(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        yield from secrets_written(value, path)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _secrets_in(item, f"{path}[{index}]")
    elif isinstance(value, str) and _ADDRESS_WITH_PASSWORD.search(value):
        yield Problem(path, "holds an address with a password. Name the secret in secrets.required instead.")


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()
