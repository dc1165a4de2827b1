"""Finds, among the runs of a folder, the one whose journal knows an id; and the runs of a folder."""

from __future__ import annotations

import re
from pathlib import Path

from cli.run_journal import JOURNAL_FOLDER
from market.errors import NotFoundError, UserError

_ROUND_TRIP = re.compile(r"trip-\d+")


def runs_in(folder: Path) -> list[Path]:
    """Return `folder` when it has a journal, else the runs directly in it that have one, by name.

    What begins with a dot is left out: a backtest that was killed leaves such a folder behind.
    """
    if (folder / JOURNAL_FOLDER).exists() or not folder.is_dir():
        return [folder]
    inside = (run for run in folder.iterdir() if not run.name.startswith("."))
    return sorted(run for run in inside if (run / JOURNAL_FOLDER).is_dir()) or [folder]


def run_holding(folder: Path, name: str) -> Path:
    """Return `folder` when it is a run, else the one run directly in it whose journal knows `name`.

    `name` is the id of an order, a trade or a decision; the journals' indexes are asked, so that a folder
    of many days is searched quickly. Raises `NotFoundError` where no run knows it, and `UserError` where
    several do, or where it is a round trip's: those are counted in each run.
    """
    runs = runs_in(folder)
    if runs == [folder]:
        return folder
    if _ROUND_TRIP.fullmatch(name.strip()):
        raise UserError(
            f"{name!r} is a round trip, and each run counts its own. Give the folder of one run, "
            "or the id of an order or a trade."
        )
    unsearched: list[str] = []
    holding = [run for run in runs if _knows(run, name.strip(), unsearched)]
    if len(holding) > 1:
        listed = ", ".join(str(run) for run in holding)
        raise UserError(f"{name!r} is in {len(holding)} runs: {listed}. Give the folder of one of them.")
    if holding:
        return holding[0]
    also = f" {len(unsearched)} could not be searched: {unsearched[0]}" if unsearched else ""
    raise NotFoundError(
        f"None of the {len(runs)} runs in {folder} knows {name!r}.{also} Give one run to see what is like it."
    )


def _knows(run: Path, name: str, unsearched: list[str]) -> bool:
    from audit.journal import JournalIndex

    try:
        with JournalIndex(run / JOURNAL_FOLDER) as index:
            found = (index.find(name=name), index.find(correlation_id=name))
            return any(next(entries, None) is not None for entries in found)
    except UserError as error:
        unsearched.append(f"{run}: {error}")
        return False
