"""`harvester archive` and `harvester restore`: a run as one verified file, and back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from market.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.archive import Archived, Manifest, Policy, Restored, Verdict
    from audit.journal import Verification
    from catalog.recording import Recovered

DAYS_MAX = 36_500
PROBLEMS_SHOWN_MAX = 3


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
        bool,
        Parameter(negative="", help="Archive a journal, notes or data that fail verification, as they are."),
    ] = False,
    with_data: Annotated[
        bool, Parameter(negative="", help="Of a backtest: take along the market data that it replayed.")
    ] = False,
    catalog: Path | None = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Archive a run: journal, notes, configuration, report and tables in one file, with its market data.

    The market data that a live node recorded is always in. That of a backtest stays in its catalog, which a
    replay then needs unchanged; with --with-data the files that the journal names go in too, and the
    restored run replays from its own folder.

    The file holds a manifest with the size and hash of every file and the last hashes of journal and notes;
    the same content gives the same file. It appears whole and verified, or not at all. Works beside a running
    node. A journal that fails verification or is gone, notes that fail it, and data that is not what the
    journal names are refused with exit code 3.

    With --keep-days, older archives in the folder are let go afterwards: never the one just archived, never
    the newest of a run (other backtests and other profiles are other runs), never one that does not verify,
    never a file that is no archive of ours. A live day's age counts from the recorded day, a backtest's from
    when it was archived.

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
    catalog
        Where a backtest's catalog is now, if not where it was. Needs --with-data.
    """
    from audit.archive import let_go, plan

    policy = _policy(keep_days, keep_months, dry_run=dry_run)
    if catalog is not None and not with_data:
        raise UserError("--catalog says where the data of --with-data is. Add --with-data, or leave it out.")
    finished = None if dry_run else _finish_recording(run_dir)
    archived = None
    if not dry_run:
        archived = _archived(run_dir, to, even_damaged=even_damaged, with_data=with_data, catalog=catalog)
    just_archived = () if archived is None else (archived.path.name,)
    verdicts = []
    if policy is not None:
        verdicts = plan(to, policy, today=_today_new_york(), just_archived=just_archived)
    if not dry_run:
        let_go(to, verdicts)
    if json:
        print_json({"run": run_dir, **_as_json(archived, verdicts, dry_run=dry_run)})
        return
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
    """Restore an archived run: every hash is verified, journal and notes too, before the folder appears.

    The manifest must have the hash that the archive's name carries; of one that was renamed to a name without
    a hash this is said. Links, paths that lead out of the folder, and files that the manifest does not name
    are refused.

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
        print_json(
            {
                "run": restored.path,
                "files": len(restored.manifest.files),
                "bytes": restored.manifest.size,
                "journal": _verified(restored.verification),
                "notes": _verified(restored.notes),
                "market_data": _market_data(restored.manifest),
                "name_agrees": restored.name_agrees,
                "manifest": restored.manifest,
            }
        )
        return
    _print_restored(restored)


def _policy(keep_days: int | None, keep_months: int | None, *, dry_run: bool) -> Policy | None:
    from audit.archive import Policy

    if keep_months is not None:
        _require_within("--keep-months", keep_months)
    if keep_days is None:
        if dry_run or keep_months is not None:
            raise UserError("--dry-run and --keep-months need --keep-days: how many days of archives stay.")
        return None
    _require_within("--keep-days", keep_days)
    return Policy(days=keep_days, months=keep_months)


def _archived(
    run_dir: Path, to: Path, *, even_damaged: bool, with_data: bool, catalog: Path | None
) -> Archived:
    import tempfile

    from audit.archive import archive_run

    if not with_data:
        return archive_run(run_dir, to, even_damaged=even_damaged)
    from cli.archived_data import chooses_symbols_elsewhere, market_data_of
    from cli.output import stderr_console

    with tempfile.TemporaryDirectory(prefix="harvester-archive-") as work:
        data = market_data_of(run_dir, catalog=catalog, work=Path(work))
        universe = chooses_symbols_elsewhere(run_dir)
        if data and universe is not None:
            stderr_console().print(
                f"warning: the run chose its symbols by {universe} on the catalog's day before, and neither "
                "is taken along: a replay needs both."
            )
        return archive_run(run_dir, to, even_damaged=even_damaged, beside=data)


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
            "market_data": _market_data(archived.manifest),
            "manifest": archived.manifest,
        }
    kept = [verdict.holding.name for verdict in verdicts if verdict.is_kept]
    gone = [{"name": each.holding.name, "why": each.why} for each in verdicts if not each.is_kept]
    return {"archive": written, "dry_run": dry_run, "kept": kept, "let_go": gone}


def _verified(found: Verification | None) -> dict[str, Any] | None:
    return None if found is None else {"ok": found.ok, "records": found.records}


def _market_data(manifest: Manifest) -> str:
    return "included" if manifest.holds_data else "not included"


def _print(archived: Archived | None, verdicts: list[Verdict], *, dry_run: bool) -> None:
    console = stdout_console()
    if archived is not None:
        manifest = archived.manifest
        state = "Archived" if archived.is_new else "Archived already"
        console.print(f"{state}: {archived.path}", soft_wrap=True)
        console.print(f"{len(manifest.files)} files, {manifest.size:,} bytes, packed {archived.size:,}.")
        for line in _told(manifest):
            console.print(line, soft_wrap=True)
        if not manifest.holds_data:
            console.print(
                "NOT in it: the market data. A replay needs the catalog; --with-data takes it along."
            )
    for verdict in verdicts:
        verb = "kept" if verdict.is_kept else "would go" if dry_run else "deleted"
        console.print(f"{verb:<8}  {verdict.holding.name}  {verdict.why}", soft_wrap=True)


def _told(manifest: Manifest) -> Iterator[str]:
    """Yield what an archive says of journal, notes and data."""
    if manifest.journal is None:
        yield "The run has no journal."
    for name, note in (("Journal", manifest.journal), ("Notes", manifest.notes)):
        if note is not None and note.is_damaged:
            yield f"{name}: DAMAGED, and the manifest says so: {note.problems[0]}"
        elif note is not None:
            yield f"{name}: {note.records:,} records, verified."
    for why in manifest.data_problems[:PROBLEMS_SHOWN_MAX]:
        yield f"Market data: DAMAGED, and the manifest says so: {why}."


def _print_restored(restored: Restored) -> None:
    console = stdout_console()
    manifest = restored.manifest
    console.print(f"Restored: {restored.path}", soft_wrap=True)
    console.print(f"{len(manifest.files)} files, {manifest.size:,} bytes, every hash verified.")
    if restored.name_agrees is None:
        console.print(
            "The archive was renamed: its manifest could not be compared with the hash in its name."
        )
    for line in _told(manifest):
        console.print(line, soft_wrap=True)
    if manifest.problems:
        console.print("It was damaged when it was archived, and is as damaged now.")
    if not manifest.holds_data:
        console.print("Market data: not in the archive. A replay needs the catalog that the run was made on.")
