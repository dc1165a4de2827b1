"""The file that a flag such as `--html` names: it appears as a whole or not at all, in folders made for it.

One rule for all commands: what is there is replaced, missing folders above it are made, a folder in its place
is refused, and nothing half-written is left behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from market.errors import UserError


def require_result_files(outputs: Mapping[str, Path | None]) -> None:
    """Raise `UserError` unless each output, by its option, can be a file; asked before any work is done."""
    given: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        _require_no_folder(path, option=option)
        _require_writable_place(path, option=option)
        first = given.setdefault(path.resolve(), option)
        if first != option:
            same = f"{first} and {option} name the same file, {path}."
            raise UserError(f"{same} Name another one with {option}.")


@contextmanager
def finished_file(path: Path, *, option: str) -> Iterator[Path]:
    """Yield a path beside `path`, given with `option`, that takes its place when all went well.

    Raises `UserError` where `path` is a folder or cannot be written.
    """
    _require_no_folder(path, option=option)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error}. Name another file with {option}.") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def write_text_file(path: Path, text: str, *, option: str) -> Path:
    """Write `text` as UTF-8 to `path`, given with `option`, and return it. Raises as `finished_file`."""
    with finished_file(path, option=option) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return path


def _require_no_folder(path: Path, *, option: str) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a file. Name a file in it with {option}.")


def _require_writable_place(path: Path, *, option: str) -> None:
    nearest = next(above for above in path.absolute().parents if above.exists())
    if not nearest.is_dir():
        why = f"{nearest} is a file, not a folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        why = f"you have no right to write in {nearest}"
    else:
        return
    raise UserError(f"{path} cannot be written: {why}. Name another file with {option}.")
