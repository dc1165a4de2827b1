"""Which days and which streams of a catalog a run replays, checked before anything is loaded.

A profile's run needs the quotes of every symbol on every session of its period, and the deltas too where
the profile asks for depth. Trades are taken where they are; without them passive orders cannot wait in a
queue, which `Selection.queue_position` tells. Strategies of one's own may be replayed on bars instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from catalog.columns import DataKind
from catalog.manifest import FileRecord, Manifest
from catalog.soundness import require_sound
from catalog.store import CatalogStore
from market.calendar import Session, TradingCalendar
from market.errors import DataError
from market.instruments import symbol_of
from market.time import new_york_date, new_york_midnight_ns

MISSING_SHOWN_MAX = 5
BOOKS = {
    "L1": (DataKind.TRADE, DataKind.QUOTE),
    "L2": (DataKind.DELTA, DataKind.TRADE, DataKind.QUOTE),
    "bars": (DataKind.BAR,),
}
"""What is replayed for a best bid and offer, for depth, and where there is nothing but bars."""

_REQUIRED = {DataKind.QUOTE: "quotes", DataKind.DELTA: "order book deltas", DataKind.BAR: "bars"}

Book = Literal["L1", "L2", "bars"]


@dataclass(frozen=True, slots=True)
class Period:
    """New York dates `start` to `end`, both replayed; `start_ns` inclusive, `end_ns` exclusive, ns UTC."""

    start: date
    end: date
    sessions: tuple[Session, ...]

    @property
    def start_ns(self) -> int:
        """Midnight in New York at which `start` begins."""
        return new_york_midnight_ns(self.start)

    @property
    def end_ns(self) -> int:
        """Midnight in New York at which `end` is over."""
        return new_york_midnight_ns(self.end + timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is replayed: the period, and the instruments of each stream, in a fixed order."""

    catalog: Path
    period: Period
    instrument_ids: tuple[str, ...]
    book: Book
    queue_position: bool
    files: tuple[FileRecord, ...]

    def of(self, kind: DataKind) -> tuple[str, ...]:
        """Return the instruments that have records of `kind` in the period."""
        present = {file.instrument_id for file in self.files if file.kind is kind}
        return tuple(name for name in self.instrument_ids if name in present)

    @property
    def has_depth(self) -> bool:
        """Whether deltas build the book."""
        return self.book == "L2"

    @property
    def kinds(self) -> tuple[DataKind, ...]:
        """What is replayed, in the order in which it is loaded."""
        return BOOKS[self.book]

    @property
    def bar_types(self) -> tuple[str, ...]:
        """The types of the bars, e.g. `BAC.SMART-1-MINUTE-LAST-EXTERNAL`: the names of their folders."""
        return tuple(sorted({Path(f.path).parent.name for f in self.files if f.kind is DataKind.BAR}))

    @property
    def first_ns(self) -> int:
        """Not after the first record's `ts_init`, and equal to it where a file begins in the period."""
        return max(min(file.start_ns for file in self.files), self.period.start_ns)

    @property
    def last_ns(self) -> int:
        """Not before the last record's `ts_init`, and equal to it where a file ends in the period."""
        return min(max(file.end_ns for file in self.files), self.period.end_ns - 1)

    @property
    def rows(self) -> int:
        """Records in the chosen files; more than are replayed where a file reaches beyond the period."""
        return sum(file.rows for file in self.files)


def select(
    catalog: Path,
    instrument_ids: Sequence[str],
    *,
    book: Book,
    queue_position: bool,
    days: tuple[date | None, date | None] = (None, None),
) -> Selection:
    """Return what to replay of `catalog`; `days` that are None mean the catalog's own first and last.

    Raises `NotFoundError` without a catalog there, and `DataError` naming symbol, type and date of
    what is missing, with the command that brings it in, or the file that cannot be read.
    """
    manifest = CatalogStore.open_existing(catalog).manifest()
    wanted = tuple(sorted(set(instrument_ids)))
    kinds = BOOKS[book]
    files = [file for file in _files(manifest) if file.instrument_id in wanted and file.kind in kinds]
    required = tuple(kind for kind in kinds if kind in _REQUIRED)
    _require_streams(catalog, files, wanted=wanted, required=required)
    period = _period(files, days)
    _require_days(catalog, files, wanted=wanted, required=required, period=period)
    inside = tuple(file for file in files if _overlaps(file, period.start_ns, period.end_ns))
    require_sound(catalog, inside, instrument_ids=wanted, options=manifest.options)
    traded = {file.instrument_id for file in inside if file.kind is DataKind.TRADE}
    return Selection(
        catalog=catalog,
        period=period,
        instrument_ids=wanted,
        book=book,
        queue_position=queue_position and traded == set(wanted),
        files=inside,
    )


def _files(manifest: Manifest) -> Iterator[FileRecord]:
    for ingest in manifest.ingests:
        yield from ingest.files


def _overlaps(file: FileRecord, start_ns: int, end_ns: int) -> bool:
    return file.start_ns < end_ns and file.end_ns >= start_ns


def _period(files: Sequence[FileRecord], days: tuple[date | None, date | None]) -> Period:
    start = days[0] or new_york_date(min(file.start_ns for file in files))
    end = days[1] or new_york_date(max(file.end_ns for file in files))
    if end < start:
        raise DataError(
            f"The period ends on {end}, before it starts on {start}. "
            "Set `backtest.start` and `backtest.end` within the catalog's days."
        )
    sessions = TradingCalendar(start, end).sessions(start, end)
    if not sessions:
        raise DataError(f"The exchange is closed from {start} to {end}. Choose a period with a session.")
    return Period(start, end, sessions)


def _require_streams(
    catalog: Path, files: Sequence[FileRecord], *, wanted: Sequence[str], required: Sequence[DataKind]
) -> None:
    missing = [
        f"{symbol_of(name)} has no {_REQUIRED[kind]}"
        for name in wanted
        for kind in required
        if not any(file.kind is kind and file.instrument_id == name for file in files)
    ]
    if missing:
        raise DataError(_message(catalog, missing, command=_command(catalog, wanted)))


def _require_days(
    catalog: Path,
    files: Sequence[FileRecord],
    *,
    wanted: Sequence[str],
    required: Sequence[DataKind],
    period: Period,
) -> None:
    missing = [
        f"{symbol_of(name)} has no {_REQUIRED[kind]} on {session.date}"
        for session in period.sessions
        for name in wanted
        for kind in required
        if not _has_day(files, kind, name, session)
    ]
    if missing:
        dates = f"--start {period.start} --end {period.end}"
        raise DataError(_message(catalog, missing, command=f"{_command(catalog, wanted)} {dates}"))


def _has_day(files: Sequence[FileRecord], kind: DataKind, name: str, session: Session) -> bool:
    start_ns = new_york_midnight_ns(session.date)
    end_ns = new_york_midnight_ns(session.date + timedelta(days=1))
    return any(
        file.kind is kind and file.instrument_id == name and _overlaps(file, start_ns, end_ns)
        for file in files
    )


def _command(catalog: Path, wanted: Sequence[str]) -> str:
    symbols = " ".join(f"--symbol {symbol_of(name)}" for name in wanted[:MISSING_SHOWN_MAX])
    return f"harvester ingest lean|csv|lobster PATH --catalog {catalog} {symbols}"


def _message(catalog: Path, missing: Sequence[str], *, command: str) -> str:
    shown = "; ".join(missing[:MISSING_SHOWN_MAX])
    more = f"; and {len(missing) - MISSING_SHOWN_MAX} more" if len(missing) > MISSING_SHOWN_MAX else ""
    return (
        f"The catalog {catalog} lacks data that this backtest needs: {shown}{more}. "
        f"Bring it in with `{command}`, or narrow `universe` and `backtest.start`/`backtest.end` of the "
        f"profile (`harvester catalog show --catalog {catalog}` lists what is there)."
    )
