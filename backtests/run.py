"""Runs a profile on a catalog and writes the run directory: the one entry for commands and tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit.journal import JournalError
from backtests.equity import equity_curve
from backtests.fills import round_trips
from backtests.node import assemble
from backtests.outcome import Outcome, OutcomeCollector
from backtests.period import Selection, select
from backtests.quote_samples import sample_quotes
from backtests.run_directory import (
    PROFILE_FILE,
    RUN_FILE,
    require_usable,
    run_directory,
    write_json,
    write_tables,
)
from backtests.run_journal import JournalSummary, RunJournal
from backtests.run_tables import tables_of
from backtests.summary import RunFacts, RunSummary, summarize
from backtests.symbols import traded_symbols
from backtests.tearsheet import write_tearsheet
from configs.profile import LoadedProfile
from market.instruments import instrument_id

RUNS_FOLDER = Path("runs")

Progress = Callable[[str], None]
"""Told, in a few words, what a run does next."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """Where a run was written, and its summary (the content of `run.json`)."""

    directory: Path
    summary: RunSummary


def run_backtest(
    loaded: LoadedProfile,
    *,
    catalog: Path,
    output: Path | None = None,
    progress: Progress | None = None,
    tearsheet: bool = False,
    journal: bool = True,
) -> RunResult:
    """Replay `catalog` through the profile's strategies; write and return the result.

    `journal` False leaves the journal out: a little faster, and nothing of the run can be traced or
    verified; the result is the same. `tearsheet` adds Nautilus' own review page. `output` defaults to
    `runs/<profile>-<UTC time>`. Raises `ConfigError`, `NotFoundError` or `DataError` before anything is
    loaded, and `UserError` when `output` holds something that is not a run.
    """
    started = time.monotonic()
    tell = progress or _silent
    output = output or _new_folder(loaded.profile.name)
    require_usable(output)
    tell("checking the catalog")
    chosen = traded_symbols(loaded, catalog)
    selection = select_for(loaded, catalog, symbols=chosen.symbols)
    tell(f"replaying {selection.rows:,} records")
    with run_directory(output) as folder, _told_that_nothing_is_kept(output):
        run_journal = RunJournal.open(folder, run=output.name) if journal else None
        outcome, written = _replay(
            loaded, selection, journal=run_journal, tearsheet_folder=folder if tearsheet else None
        )
        tell("computing equity and writing the run")
        trips, still_open = round_trips(outcome.fills)
        samples = sample_quotes(selection)
        curve = equity_curve(
            outcome.fills,
            samples,
            period=selection.period,
            starting_balance_usd=outcome.starting_balance_usd,
        )
        facts = RunFacts(loaded, chosen, selection, outcome, written)
        summary = summarize(facts, trips=trips, still_open=still_open, curve=curve, started=started)
        write_tables(folder, tables_of(outcome, trips, curve=curve, samples=samples))
        write_json(folder / PROFILE_FILE, loaded.masked())
        write_json(folder / RUN_FILE, summary)
    return RunResult(output, summary)


def select_for(loaded: LoadedProfile, catalog: Path, *, symbols: Sequence[str]) -> Selection:
    """Return what the profile replays of `catalog` for `symbols`."""
    backtest = loaded.require_backtest()
    universe = loaded.profile.universe
    return select(
        catalog,
        [instrument_id(symbol) for symbol in symbols],
        book=universe.book,
        queue_position=backtest.queue_position,
        days=(backtest.start, backtest.end),
    )


def _replay(
    loaded: LoadedProfile,
    selection: Selection,
    *,
    journal: RunJournal | None,
    tearsheet_folder: Path | None,
) -> tuple[Outcome, JournalSummary | None]:
    """Run, and close the journal however that ends."""
    assembled = assemble(loaded, selection, journal=journal)
    try:
        collector = OutcomeCollector(assembled.engine, assembled.risk_records)
        assembled.run()
        written = None if journal is None else journal.close(ts_ns=assembled.now_ns)
        if tearsheet_folder is not None:
            write_tearsheet(assembled.engine, tearsheet_folder)
        return collector.collect(), written
    finally:
        if journal is not None:
            journal.abandon(ts_ns=assembled.now_ns)
        assembled.dispose()


@contextmanager
def _told_that_nothing_is_kept(output: Path) -> Iterator[None]:
    """Say with a failure of the journal what becomes of the run: its folder is on its way out."""
    try:
        yield
    except JournalError as error:
        former = f"; the run that was in {output} is as it was" if output.exists() else ""
        raise JournalError(
            f"{error} The run has ended and nothing of it is kept{former}. Make room and run it again, "
            "or run it without a journal (--no-journal)."
        ) from error


def _new_folder(name: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    folder = RUNS_FOLDER / f"{name}-{stamp}"
    number = 2
    while folder.exists():
        folder = RUNS_FOLDER / f"{name}-{stamp}-{number}"
        number += 1
    return folder


def _silent(_: str) -> None:
    """Say nothing."""
