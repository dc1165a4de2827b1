"""The archives in a folder: found by name and manifest, let go only when what goes and stays is sound."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from audit.archive.manifest import Manifest, archive_name, is_archive_name
from audit.archive.retention import Holding, Policy, Verdict, judge
from audit.archive.unpacking import examine, read_manifest
from market.errors import UserError


def holdings_in(folder: Path) -> list[Holding]:
    """Return the archives in a folder. A file that has our name and not our content is left out."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_symlink() or not path.is_file() or not is_archive_name(path.name):
            continue
        try:
            manifest = read_manifest(path)
        except UserError:
            continue
        found.append(_holding(path, manifest))
    return found


def plan(folder: Path, policy: Policy, *, today: date) -> list[Verdict]:
    """Return what the policy keeps and lets go, having verified all that would go and the newest of each run.

    One that fails is left alone, and the judgement begins anew without it: the newest sound archive stays.
    """
    holdings = {holding.name: holding for holding in holdings_in(folder)}
    examined: set[str] = set()
    while True:
        verdicts = judge(holdings.values(), policy, today=today)
        doubtful = [
            verdict.holding
            for verdict in verdicts
            if (verdict.is_newest or not verdict.is_kept) and verdict.holding.name not in examined
        ]
        if not doubtful:
            return verdicts
        for holding in doubtful:
            examined.add(holding.name)
            defect = _defect(folder / holding.name)
            holdings[holding.name] = msgspec.structs.replace(holding, defect=defect)


def let_go(folder: Path, verdicts: list[Verdict]) -> list[str]:
    """Delete the archives that the verdicts let go; return their names. Raises `UserError` when it cannot."""
    gone = []
    for verdict in verdicts:
        if not verdict.is_kept:
            try:
                (folder / verdict.holding.name).unlink()
            except OSError as error:
                raise UserError(f"{verdict.holding.name} cannot be deleted: {error.strerror}.") from error
            gone.append(verdict.holding.name)
    return gone


def _holding(path: Path, manifest: Manifest) -> Holding:
    return Holding(
        name=path.name,
        run=manifest.run,
        day=manifest.day,
        records=manifest.journal.records if manifest.journal else 0,
        size=path.stat().st_size,
    )


def _defect(path: Path) -> str | None:
    """Return what is wrong with an archive: a byte, or a name that is not its content's."""
    try:
        manifest = examine(path)
    except UserError as error:
        return str(error)
    if archive_name(manifest) != path.name:
        return f"its content belongs to {archive_name(manifest)}"
    return None
