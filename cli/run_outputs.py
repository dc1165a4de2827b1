"""The files that a command writes about a run must not take the place of the run's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from cli.result_file import require_result_files
from market.errors import UserError

EVIDENCE_FOLDERS = ("journal", "notes", "data")


def require_beside(run_dirs: Iterable[Path], outputs: Mapping[str, Path | None]) -> None:
    """Raise `UserError` unless every output, by its option, is a file of its own that no run needs.

    A path in a run's journal, notes or market data is refused, and the name of one of the run's own files.
    """
    for option, path in outputs.items():
        if path is None:
            continue
        for run_dir in run_dirs:
            _require_not_of(run_dir, path, option=option)
    require_result_files(outputs)


def _require_not_of(run_dir: Path, path: Path, *, option: str) -> None:
    run, place = run_dir.resolve(), path.resolve()
    if not place.is_relative_to(run):
        return
    parts = place.relative_to(run).parts
    if (parts and parts[0] in EVIDENCE_FOLDERS) or (len(parts) == 1 and parts[0] in _own_files()):
        raise UserError(
            f"{path} is part of the run {run_dir} and is not overwritten. "
            f"Name a file elsewhere with {option}."
        )


def _own_files() -> set[str]:
    from backtests.run_directory import OTHER_NAMES, PROFILE_FILE, RUN_FILE
    from backtests.run_tables import SCHEMAS

    return {RUN_FILE, PROFILE_FILE, *OTHER_NAMES, *(f"{name}.parquet" for name in SCHEMAS)}
