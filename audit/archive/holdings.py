"""The archives in a folder: found by name and manifest, let go only when what goes and stays is sound."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import msgspec

from audit.archive.content import RUN_FILE
from audit.archive.manifest import Manifest, archive_name, is_archive_name
from audit.archive.retention import Holding, Policy, Verdict, judge
from audit.archive.unpacking import examine, read_manifest
from market.errors import UserError
from market.time import new_york_date


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


def plan(folder: Path, policy: Policy, *, today: date, just_archived: Collection[str] = ()) -> list[Verdict]:
    """Return what the policy keeps and lets go, having verified all that would go and the newest of each run.

    `just_archived` are names that stay whatever the policy. One that fails is left alone, and the judgement
    begins anew without it: the newest sound archive stays.
    """
    holdings = {holding.name: holding for holding in holdings_in(folder)}
    examined: set[str] = set()
    while True:
        verdicts = judge(holdings.values(), policy, today=today, just_archived=just_archived)
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
            if defect is not None:
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
    status = path.stat()
    journal, notes = manifest.journal, manifest.notes
    line = _line(manifest)
    return Holding(
        name=path.name,
        run=manifest.run,
        series=f"{manifest.environment} {manifest.profile_hash}" if manifest.is_live else line,
        line=line,
        day=manifest.day if manifest.is_live else new_york_date(status.st_mtime_ns),
        records=journal.records if journal else 0,
        notes=notes.records if notes else 0,
        size=status.st_size,
        defect="its run was damaged when it was archived" if manifest.problems else None,
    )


def _line(manifest: Manifest) -> str:
    """Return what archives of the same records have in common: the beginnings of journal and notes.

    Another journal is another run; other notes, or market data that the other lacks, are not to be lost,
    either. Without a journal `run.json` stands for the run.
    """
    journal = manifest.journal.first_hash if manifest.journal else None
    summary = next((entry.sha256 for entry in manifest.files if entry.path == RUN_FILE), None)
    notes = manifest.notes.first_hash if manifest.notes else None
    return f"{manifest.profile_hash} {journal or summary} {notes} {manifest.holds_data}"


def _defect(path: Path) -> str | None:
    """Return what is wrong with an archive: a byte, or a name that is not its content's."""
    try:
        manifest = examine(path)
    except UserError as error:
        return f"does not verify: {error}"
    if archive_name(manifest) != path.name:
        return f"its content belongs to {archive_name(manifest)}"
    return None
