"""Whether a folder that somebody named can be made and written to, asked before work is done for it."""

from __future__ import annotations

import os
from pathlib import Path

from market.errors import UserError


def require_no_file_in_the_way(folder: Path, *, option: str) -> None:
    """Raise `UserError` when `folder`, given with `option`, or something above it is not a folder."""
    nearest = _nearest(folder)
    if nearest.is_dir():
        return
    if nearest == folder:
        raise UserError(f"{folder} is a file, not a folder. Name another folder with {option}.")
    raise UserError(f"{folder} cannot be a folder: {nearest} is a file. Name another folder with {option}.")


def require_writable_folder(folder: Path, *, option: str) -> None:
    """Raise `UserError` unless `folder`, given with `option`, is there or can be made, and written to."""
    require_no_file_in_the_way(folder, option=option)
    nearest = _nearest(folder)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(
            f"{folder} cannot be written: you have no right to write in {nearest}. "
            f"Name another folder with {option}."
        )


def _nearest(path: Path) -> Path:
    """Return `path` or the nearest thing above it that exists; a dangling link counts as existing."""
    while not (path.exists() or path.is_symlink()) and path.parent != path:
        path = path.parent
    return path
