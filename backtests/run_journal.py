"""The journal of one backtest: opened with its configuration, filled by the recorder, closed with the run."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from audit.events import OpenedRecord
from audit.journal import FOR_BACKTESTS, Journal, JournalError
from audit.nautilus_recorder import JournalRecorder
from backtests.data_defects import data_checks, data_defects
from backtests.data_files import data_file_records
from backtests.findings_in_time import FindingsInTime
from backtests.period import Selection
from configs.profile import LoadedProfile
from risk.records import Recorder

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine

JOURNAL_FOLDER = "journal"
TRADER_ID = "HARVESTER-001"
PACKAGES = ("harvester", "nautilus_trader", "numpy", "pandas", "pyarrow")
"""The packages that a result can depend on."""


class JournalSummary(msgspec.Struct, frozen=True):
    """How many records a closed journal holds, and the hash of its last one as 64 hexadecimal digits."""

    records: int
    last_hash: str


class RunJournal:
    """The journal in the folder `journal/` of a run directory, made by `open`."""

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._records = FindingsInTime(journal)
        self._run = run

    @classmethod
    def open(cls, run_folder: Path, *, run: str) -> Self:
        """Begin the journal of a run named `run`; raises `JournalError` when it cannot be written."""
        return cls(Journal.open(run_folder / JOURNAL_FOLDER, settings=FOR_BACKTESTS), run)

    def attach(
        self, engine: BacktestEngine, loaded: LoadedProfile, selection: Selection, *, beside: Recorder
    ) -> JournalRecorder:
        """Record all that `engine` does from now on, after its configuration and the data that it replays.

        What is wrong with that data stands among the engine's records at its time.
        """
        recorder = JournalRecorder(engine, self._records, beside=beside)
        recorder.open(
            OpenedRecord(
                run=self._run,
                environment="backtest",
                trader_id=TRADER_ID,
                profile_name=loaded.profile.name,
                profile_hash=loaded.hash,
                profile=loaded.masked(),
                versions=versions(),
                instruments=selection.instrument_ids,
                catalog=str(selection.catalog),
                starting_balance_usd=loaded.require_backtest().starting_balance_usd,
                data_checks=data_checks(selection),
            )
        )
        for file in data_file_records(selection):
            self._journal.append(file, ts_ns=selection.first_ns)
        for defect in data_defects(selection):
            self._records.expect(defect.record, ts_ns=defect.ts_ns)
        return recorder

    def close(self, *, ts_ns: int, reason: str = "the run ended") -> JournalSummary:
        """Bring everything to the disk and return what there is; raises `JournalError` if it is not all."""
        self._records.finish()
        self._journal.close(ts_ns=ts_ns, reason=reason)
        return JournalSummary(self._journal.durable_seq, self._journal.last_hash)

    def abandon(self, *, ts_ns: int) -> None:
        """End the journal of a run that failed, unless it is closed; its folder is on its way out."""
        with suppress(JournalError):
            self._journal.close(ts_ns=ts_ns, reason="the run failed")


def versions() -> dict[str, str]:
    """Return the versions of the packages that a result can depend on."""
    return {package: version(package) for package in PACKAGES}
