"""`harvester audit verify`: whether a run's journal is what its writer left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.run_journal import RUN_FILE, noted_journal, verify_run

if TYPE_CHECKING:
    from audit.journal import Verification

NOTES_FOLDER = "notes"
EXIT_TAMPERED = 3
PROBLEMS_SHOWN_MAX = 20
"""Problems in the table; `--json` lists the first 200."""


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

    Exit code 0 when all holds, 3 when records or files were tampered with or lost (each is named; also a
    journal that run.json names and that is gone), 2 when there is no journal to check. Works beside a
    running node. Whoever can write the whole folder could also write the whole journal anew, or remove all
    notes: only a hash or an archive that is kept elsewhere shows that.

    Parameters
    ----------
    run_dir
        A run's folder: what `harvester backtest` printed, or a live node's day.
    """
    expected = None if expect_hash is None else expect_hash.strip().lower()
    found = verify_run(run_dir, expected_hash=expected, may_have_grown=may_have_grown)
    noted, source = expected, "--expect-hash"
    if expected is None and (note := noted_journal(run_dir)) is not None:
        noted, source = note.last_hash, RUN_FILE
    notes = _Notes.of(run_dir)
    if json:
        import msgspec

        said = {"run": str(run_dir), "expected_hash": noted, **msgspec.to_builtins(found)}
        print_json({**said, "notes": None if notes is None else notes.as_json()})
    else:
        _print(run_dir, found, remarks=_remarks(found, noted, source=source))
        if notes is not None:
            counted = f"{_counted(notes.count, 'note')} among them."
            _print(run_dir / NOTES_FOLDER, notes.found, remarks=[counted])
    return 0 if found.ok and (notes is None or notes.found.ok) else EXIT_TAMPERED


@dataclass(frozen=True, slots=True)
class _Notes:
    """What verification of the notes found, and how many there are."""

    found: Verification
    count: int

    @classmethod
    def of(cls, run_dir: Path) -> _Notes | None:
        from audit.note_store import read_notes, verify_notes

        found = verify_notes(run_dir)
        return None if found is None else cls(found, len(read_notes(run_dir, unverified=True)))

    def as_json(self) -> dict[str, Any]:
        import msgspec

        return {**msgspec.to_builtins(self.found), "count": self.count}


def _print(folder: Path, found: Verification, *, remarks: list[str]) -> None:
    from rich.table import Table

    console = stdout_console()
    if found.problems:
        table = Table("where", "record", "what", "why")
        for problem in found.problems[:PROBLEMS_SHOWN_MAX]:
            record = "" if problem.seq is None else str(problem.seq)
            table.add_row(problem.where, record, problem.what, problem.why)
        console.print(table)
        hidden = len(found.problems) - PROBLEMS_SHOWN_MAX
        if hidden > 0:
            console.print(f"and {hidden} more; --json lists them.")
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


def _remarks(found: Verification, noted: str | None, *, source: str) -> list[str]:
    remarks = []
    if found.torn_tail_bytes and found.ok:
        remarks.append(
            f"{found.torn_tail_bytes} bytes at the end are no whole record: one is being written, or a crash "
            "cut it off before it was acknowledged. The next start moves them aside."
        )
    if noted is not None and not found.ok and noted != found.last_hash:
        remarks.append(f"Expected, by {source}: {noted}")
    if found.ok and noted is None:
        remarks.append(
            "No hash from elsewhere was compared; note the last hash, and give it as --expect-hash."
        )
    return remarks
