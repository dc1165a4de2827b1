"""The market data of a backtest, taken along into its archive: what its journal names, checked by hash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from market.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from backtests.replay.recorded_run import RecordedRun

JOURNAL_FOLDER = "journal"


def market_data_of(run_dir: Path, *, catalog: Path | None, work: Path) -> dict[str, Path]:
    """Return the files that make a run its own catalog, by their path in it; none where it has data already.

    `catalog` is where the data is now, by default where the journal says; `work` is a folder for what must be
    written. Raises `NotFoundError` for a run without a journal or a catalog that is not there, `DataError`
    for files that are not what the run saw.
    """
    from backtests.replay.recorded_run import RecordedRun
    from catalog.excerpt import excerpt

    if not (run_dir / JOURNAL_FOLDER).is_dir():
        raise NotFoundError(
            f"{run_dir} has no journal, which alone names the market data of a run. Archive it without "
            "--with-data."
        )
    run = RecordedRun.open(run_dir, catalog=catalog)
    if run.is_live or run.has_own_data:
        return {}
    _require_unchanged(run)
    return excerpt(run.catalog, {file.path for file in run.data_files}, work=work)


def chooses_symbols_elsewhere(run_dir: Path) -> str | None:
    """Return the universe file by whose rules a run chose its symbols, None where its profile names them.

    A replay reads that file again, and the catalog's day before the run: neither is market data of the run.
    """
    from audit.journal import read_entries

    opened = next(read_entries(run_dir / JOURNAL_FOLDER, kinds=("opened",)), None)
    profile = {} if opened is None else opened.body.profile
    if all(section.get("symbols") for section in profile.get("strategies", ())):
        return None
    file = profile.get("universe", {}).get("file")
    return None if file is None else str(file)


def _require_unchanged(run: RecordedRun) -> None:
    changed = run.changed_files()
    if changed:
        raise DataError(
            f"The market data of {run.run_dir} in {run.catalog} is not what the run saw: {changed[0].path} "
            f"{changed[0].why}. Name the catalog that holds it with --catalog, ingest the same source again, "
            "or archive without --with-data."
        )
