"""`harvester audit verify`: whether a run's journal is what its writer left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from market.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from audit.journal import Verification

JOURNAL_FOLDER = "journal"
RUN_FILE = "run.json"
EXIT_TAMPERED = 3


def verify(
    run_dir: Path,
    /,
    *,
    expect_hash: Annotated[
        str | None, Parameter(help="Hash of the last record, noted elsewhere; default: that of run.json.")
    ] = None,
    may_have_grown: Annotated[
        bool, Parameter(negative="", help="Records may follow the one with the expected hash.")
    ] = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Check that nothing in a run's journal, or in its notes, was changed, moved, cut off or deleted.

    Exit code 0 when all holds, 3 when records or files were tampered with or lost (each is named), 2
    when there is no journal to check. Works beside a running node. Whoever can write the whole folder
    could also write the whole journal anew: only a hash that is kept elsewhere shows that.

    Parameters
    ----------
    run_dir
        A run's folder: what `harvester backtest` printed, or a live node's day.
    """
    from audit.journal import verify as verify_journal
    from audit.note_store import NOTES_FOLDER

    noted = expect_hash or _hash_in_run_file(run_dir)
    found = verify_journal(run_dir / JOURNAL_FOLDER, expected_hash=noted, may_have_grown=may_have_grown)
    notes_folder = run_dir / NOTES_FOLDER
    notes = verify_journal(notes_folder) if notes_folder.is_dir() else None
    if json:
        import msgspec

        print_json(
            {"run": str(run_dir), "expected_hash": noted, **msgspec.to_builtins(found), "notes": notes}
        )
    else:
        _print(run_dir, found, remarks=_remarks(found, noted))
        if notes is not None:
            _print(notes_folder, notes, remarks=[])
    return 0 if found.ok and (notes is None or notes.ok) else EXIT_TAMPERED


def _hash_in_run_file(run_dir: Path) -> str | None:
    """Return the last hash that a finished run noted of its journal; None where there is no such note."""
    import msgspec

    path = run_dir / RUN_FILE
    try:
        summary: Any = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        if not run_dir.is_dir():
            raise NotFoundError(f"There is no folder {run_dir}. Give the folder of a run.") from None
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged: {error}. Give --expect-hash, or restore the file.") from None
    note = summary.get("journal") if isinstance(summary, dict) else None
    noted = note.get("last_hash") if isinstance(note, dict) else None
    return noted if isinstance(noted, str) else None


def _print(folder: Path, found: Verification, *, remarks: list[str]) -> None:
    from rich.table import Table

    console = stdout_console()
    if found.problems:
        table = Table("where", "record", "what", "why")
        for problem in found.problems:
            where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
            table.add_row(where, "" if problem.seq is None else str(problem.seq), problem.what, problem.why)
        console.print(table)
    problems = _counted(len(found.problems), "problem")
    verdict = "All holds." if found.ok else f"{problems}: do not rely on this journal."
    state = "closed" if found.is_closed else "not closed"
    console.print(
        f"{folder}: {_counted(found.records, 'record')} in {_counted(len(found.files), 'file')}, "
        f"{state}. {verdict}",
        soft_wrap=True,
    )
    if found.last_hash is not None:
        console.print(f"Last hash: {found.last_hash}", soft_wrap=True)
    for remark in remarks:
        console.print(remark, soft_wrap=True)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _remarks(found: Verification, noted: str | None) -> list[str]:
    remarks = []
    if found.torn_tail_bytes:
        remarks.append(
            f"{found.torn_tail_bytes} bytes at the end are no whole record: one is being written, or a crash "
            "cut it off before it was acknowledged. The next start moves them aside."
        )
    if found.ok and noted is None:
        remarks.append(
            "No hash from elsewhere was compared; note the last hash, and give it as --expect-hash."
        )
    return remarks
