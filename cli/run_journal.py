"""The journal of a run directory, verified before a command makes figures of it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from market.errors import DataError, NotFoundError, UserError

if TYPE_CHECKING:
    from audit.events import Entry
    from audit.journal import Verification
    from audit.notes import Note

JOURNAL_FOLDER = "journal"
RUN_FILE = "run.json"

Unverified = Annotated[
    bool,
    Parameter(negative="", help="Go on where the journal fails its verification; what fails is said."),
]
"""The flag `--unverified` of the commands that read a journal."""


@dataclass(frozen=True, slots=True)
class NotedJournal:
    """What a finished run noted of its journal in run.json."""

    records: int | None
    last_hash: str


@dataclass(frozen=True, slots=True)
class RunRecords:
    """What a run recorded. `unverified` says what fails verification; empty where all holds."""

    run_dir: Path
    unverified: tuple[str, ...] = ()

    def entries(self, *, kinds: Collection[str] | None = None) -> Iterator[Entry]:
        """Yield the entries of the journal, of the kinds named; of one that fails, those that can be read."""
        from audit.journal import read_entries

        folder = self.run_dir / JOURNAL_FOLDER
        return read_entries(folder, kinds=kinds, skip_unreadable=bool(self.unverified))

    def notes(self) -> list[Note]:
        """Return the notes beside the journal."""
        from audit.note_store import read_notes

        return read_notes(self.run_dir, unverified=bool(self.unverified))


def open_run(run_dir: Path, *, unverified: bool = False, with_notes: bool = False) -> RunRecords:
    """Return the records of a run whose journal holds, and with `with_notes` its notes too.

    A running node's journal holds, and so does one whose last record a crash cut off before anybody had
    acknowledged it. Raises `NotFoundError` where there is no journal, and `TamperedError` (exit code 3) with
    the first problem for one that was changed, cut or deleted; `unverified` goes on with a warning instead.
    """
    from audit.journal import TamperedError

    found = [*_journal_problems(run_dir, go_on=unverified), *(_note_problems(run_dir) if with_notes else ())]
    if not found:
        return RunRecords(run_dir)
    more = f" {len(found) - 1:,} more follow." if len(found) > 1 else ""
    what = f"The journal of {run_dir} fails its verification: {found[0]}{more}"
    if not _is_there(run_dir / JOURNAL_FOLDER):
        raise TamperedError(what)
    if not unverified:
        advice = f"`harvester audit verify {run_dir}` names every record"
        raise TamperedError(f"{what} {advice}; --unverified goes on as if all held.")
    sys.stderr.write(f"warning: {what} What follows is made of it all the same.\n")
    return RunRecords(run_dir, tuple(found))


def verify_run(run_dir: Path, *, expected_hash: str | None, may_have_grown: bool = False) -> Verification:
    """Return what verification of a run's journal finds; one that is gone although it was noted is a loss.

    `expected_hash` of None takes the hash that run.json notes. Raises `NotFoundError` for a run that has no
    journal and never said that it had, `DataError` for a damaged run.json, `UserError` for what cannot be
    read.
    """
    from audit.journal import verify

    _require_run(run_dir)
    noted = None if expected_hash is not None else noted_journal(run_dir)
    expected = expected_hash if noted is None else noted.last_hash
    folder = run_dir / JOURNAL_FOLDER
    if not _is_there(folder):
        if expected is None:
            raise _no_journal(run_dir)
        return _gone(noted)
    return verify(folder, expected_hash=expected, may_have_grown=may_have_grown)


def noted_journal(run_dir: Path) -> NotedJournal | None:
    """Return what run.json notes of the journal; None without a run.json, and for a run made without one."""
    import msgspec

    from audit.journal.errors import readable

    path = run_dir / RUN_FILE
    try:
        with readable(run_dir):
            if not path.is_file():
                return None
            summary = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged: {error}. Give --expect-hash, or restore the file.") from None
    note = summary.get("journal") if isinstance(summary, dict) else None
    match note:
        case {"last_hash": str(last_hash), "records": int(records)}:
            return NotedJournal(records, last_hash)
        case {"last_hash": str(last_hash)}:
            return NotedJournal(None, last_hash)
    return None


def entries_of(run_dir: Path, *, kinds: Collection[str] | None = None) -> Iterator[Entry]:
    """Yield the entries of a run's journal, of the kinds named, without verifying them.

    Raises `NotFoundError` where there is no journal, and `DataError` where a line cannot be read.
    """
    _require_run(run_dir)
    if not _is_there(run_dir / JOURNAL_FOLDER):
        raise _no_journal(run_dir)
    return RunRecords(run_dir).entries(kinds=kinds)


def _journal_problems(run_dir: Path, *, go_on: bool) -> list[str]:
    from audit.journal import verify

    try:
        return [str(problem) for problem in verify_run(run_dir, expected_hash=None).problems]
    except DataError as error:  # a damaged run.json
        if not go_on or not _is_there(run_dir / JOURNAL_FOLDER):
            raise
        return [str(error), *(str(problem) for problem in verify(run_dir / JOURNAL_FOLDER).problems)]


def _note_problems(run_dir: Path) -> list[str]:
    from audit.note_store import verify_notes

    found = verify_notes(run_dir)
    return [] if found is None else [f"notes/{problem}" for problem in found.problems]


def _require_run(run_dir: Path) -> None:
    if run_dir.is_dir():
        return
    if run_dir.exists():
        raise UserError(f"{run_dir} is a file, not a folder. Give the folder of a run.")
    raise NotFoundError(f"There is no folder {run_dir}. Give the folder that a backtest printed.")


def _is_there(folder: Path) -> bool:
    """Return whether anything of a journal is left in `folder`: a head or a day file."""
    from audit.journal.errors import readable
    from audit.journal.head import HEAD_FILE

    with readable(folder):
        return folder.is_dir() and ((folder / HEAD_FILE).exists() or any(folder.glob("*.jsonl")))


def _no_journal(run_dir: Path) -> NotFoundError:
    return NotFoundError(
        f"{run_dir} has no journal. Give the folder of a run that was made without --no-journal, "
        "or a live node's day."
    )


def _gone(noted: NotedJournal | None) -> Verification:
    from audit.journal import Problem, Verification

    count = (
        "a journal" if noted is None or noted.records is None else f"a journal of {noted.records:,} records"
    )
    by = "A hash was noted of" if noted is None else f"{RUN_FILE} names"
    why = f"{by} {count}, and the folder is gone or empty. Restore it from the archive."
    problem = Problem(file=f"{JOURNAL_FOLDER}/", line=None, seq=None, what="journal_missing", why=why)
    return Verification(
        ok=False,
        records=0,
        files=(),
        first_hash=None,
        last_hash=None,
        is_closed=False,
        torn_tail_bytes=0,
        head_seq=None,
        problems=(problem,),
    )
