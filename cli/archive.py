"""`harvester archive` and `harvester restore`: a run as one verified file, and back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from market.errors import UserError

if TYPE_CHECKING:
    from audit.archive import Archived, Restored, Verdict
    from catalog.recording import Recovered

DAYS_MAX = 36_500


def command(
    run_dir: Path,
    /,
    *,
    to: Path,
    keep_days: int | None = None,
    keep_months: int | None = None,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Write and delete nothing; show what would be let go.")
    ] = False,
    even_damaged: Annotated[
        bool, Parameter(negative="", help="Archive a journal that fails verification, as it is.")
    ] = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Archive a run: journal, market data, configuration, report, tables and notes in one file.

    The file holds a manifest with the size and hash of every file and the last hash of the journal; the
    same content gives the same file. It appears whole and verified, or not at all. Works beside a running
    node. With --keep-days, older archives in the folder are let go afterwards: never the newest of a run,
    never one that does not verify, never a file that is no archive of ours.

    Parameters
    ----------
    run_dir
        The folder of a run or of a live day.
    to
        The folder of archives; best on another disk.
    keep_days
        Keep all archives of so many days; of older ones the last of each month.
    keep_months
        Keep the last of a month for so many months only; by default for ever. Needs --keep-days.
    """
    from audit.archive import Policy, archive_run, let_go, plan

    policy = None
    if keep_days is not None:
        _require_within("--keep-days", keep_days)
        policy = Policy(days=keep_days, months=keep_months)
    if keep_months is not None:
        _require_within("--keep-months", keep_months)
    if policy is None and (dry_run or keep_months is not None):
        raise UserError("--dry-run and --keep-months need --keep-days: how many days of archives stay.")
    finished = None if dry_run else _finish_recording(run_dir)
    archived = None if dry_run else archive_run(run_dir, to, even_damaged=even_damaged)
    verdicts = [] if policy is None else plan(to, policy, today=_today_new_york())
    if not dry_run:
        let_go(to, verdicts)
    if json:
        print_json(_as_json(archived, verdicts, dry_run=dry_run))
    else:
        if finished is not None:
            console = stdout_console()
            console.print(f"Finished what a dead node had recorded: {finished.rows:,} market data records.")
        _print(archived, verdicts, dry_run=dry_run)


def restore(
    archive: Path,
    /,
    *,
    to: Path | None = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Restore an archived run: every hash is verified, and the journal, before the folder appears.

    Links, paths that lead out of the folder, and files that the manifest does not name are refused.

    Parameters
    ----------
    archive
        A file that `harvester archive` wrote.
    to
        The folder to restore to, absent or empty; by default runs/<run>-<last day>.
    """
    from audit.archive import restore as restore_run

    restored = restore_run(archive, to=to)
    if json:
        found = restored.verification
        print_json(
            {
                "run_dir": restored.path,
                "files": len(restored.manifest.files),
                "bytes": restored.manifest.size,
                "journal": None if found is None else {"ok": found.ok, "records": found.records},
                "manifest": restored.manifest,
            }
        )
        return
    _print_restored(restored)


def _finish_recording(run_dir: Path) -> Recovered | None:
    """Publish the market data that a dead node left unfinished; of a running one its files are archived."""
    from catalog.recording import BeingRecordedError, recover

    try:
        return recover(run_dir)
    except BeingRecordedError:
        return None


def _require_within(option: str, value: int) -> None:
    if not 1 <= value <= DAYS_MAX:
        raise UserError(f"{option} is {value}, allowed: 1 to {DAYS_MAX}.")


def _today_new_york() -> date:
    import time

    from market.time import new_york_date

    return new_york_date(time.time_ns())


def _as_json(archived: Archived | None, verdicts: list[Verdict], *, dry_run: bool) -> dict[str, Any]:
    written = None
    if archived is not None:
        written = {
            "path": archived.path,
            "bytes": archived.size,
            "is_new": archived.is_new,
            "manifest": archived.manifest,
        }
    kept = [verdict.holding.name for verdict in verdicts if verdict.is_kept]
    gone = [{"name": each.holding.name, "why": each.why} for each in verdicts if not each.is_kept]
    return {"archive": written, "dry_run": dry_run, "kept": kept, "let_go": gone}


def _print(archived: Archived | None, verdicts: list[Verdict], *, dry_run: bool) -> None:
    console = stdout_console()
    if archived is not None:
        manifest = archived.manifest
        state = "Archived" if archived.is_new else "Archived already"
        console.print(f"{state}: {archived.path}", soft_wrap=True)
        console.print(f"{len(manifest.files)} files, {manifest.size:,} bytes, packed {archived.size:,}.")
        if manifest.journal is None:
            console.print("The run has no journal.")
        elif manifest.journal.is_damaged:
            console.print(f"The journal is DAMAGED, and the manifest says so: {manifest.journal.problems[0]}")
        else:
            console.print(f"Journal: {manifest.journal.records:,} records, verified.")
    for verdict in verdicts:
        verb = "kept" if verdict.is_kept else "would go" if dry_run else "deleted"
        console.print(f"{verb:<8}  {verdict.holding.name}  {verdict.why}", soft_wrap=True)


def _print_restored(restored: Restored) -> None:
    console = stdout_console()
    manifest = restored.manifest
    console.print(f"Restored: {restored.path}", soft_wrap=True)
    console.print(f"{len(manifest.files)} files, {manifest.size:,} bytes, every hash verified.")
    if restored.verification is None:
        console.print("The run has no journal.")
    elif restored.verification.ok:
        console.print(f"Journal: {restored.verification.records:,} records, verified.")
    else:
        why = restored.verification.problems[0].why
        console.print(f"The journal was damaged when it was archived: {why}")
