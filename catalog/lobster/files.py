"""Which LOBSTER files belong together: found by their names.

    AAPL_2012-06-21_34200000_57600000_message_10.csv     symbol, date, window in ms after midnight, levels
    AAPL_2012-06-21_34200000_57600000_orderbook_10.csv   row by row the book after each message

The window may be missing, `_first999` may follow the levels (a sample: the first rows of a file), `.gz` may
end the name, and a `..._bbo_rowaligned.csv` may hold level 1 of every message where the book is shortened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.headerless_rows import opened
from market.errors import DataError, NotFoundError

_NAME = re.compile(
    r"(?P<symbol>[A-Za-z0-9.\-]+)_(?P<date>\d{4}-\d\d-\d\d)(_(?P<from_ms>\d+)_(?P<to_ms>\d+))?"
    r"_((?P<what>message|orderbook)_(?P<levels>[1-9]\d*)(?P<sample>_first\d+)?|bbo_rowaligned)\.csv(\.gz)?"
)
_COUNT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file and what its name says; `levels` is 1 for a bbo file, `window_ms` after New York midnight."""

    path: Path
    symbol: str
    day: date
    what: str  # message | orderbook | bbo
    levels: int
    window_ms: tuple[int, int] | None
    is_sample: bool

    @classmethod
    def parse(cls, path: Path) -> NamedFile | None:
        """Return what the name of `path` says, or None for a name of another form."""
        match = _NAME.fullmatch(path.name)
        if match is None:
            return None
        try:
            day = date.fromisoformat(match["date"])
        except ValueError:
            return None
        if not 1970 <= day.year < 2100:  # before 1970 the catalog has no time
            return None
        return cls(
            path=path,
            symbol=match["symbol"].upper(),
            day=day,
            what=match["what"] or "bbo",
            levels=int(match["levels"] or 1),
            window_ms=(int(match["from_ms"]), int(match["to_ms"])) if match["from_ms"] else None,
            is_sample=match["sample"] is not None,
        )


@dataclass(frozen=True, slots=True)
class LobsterDay:
    """One instrument and day: its message file, and the book and best-bid-and-offer files beside it."""

    messages: NamedFile
    book: NamedFile | None
    bbo: NamedFile | None

    @property
    def symbol(self) -> str:
        """The symbol in upper case."""
        return self.messages.symbol

    @property
    def day(self) -> date:
        """The date in New York."""
        return self.messages.day

    @property
    def levels(self) -> int:
        """Price levels a side whose changes the messages report."""
        return self.messages.levels

    @property
    def paths(self) -> list[Path]:
        """The files of this day."""
        return [file.path for file in (self.messages, self.book, self.bbo) if file]


def find_days(
    path: Path, *, symbols: Collection[str] | None, start: date | None, end: date | None
) -> tuple[list[LobsterDay], list[Path]]:
    """Return the instrument-days of a message file or a folder, in order, and message files passed over.

    Of several message files of one instrument and day in a folder the longest is taken: samples come after
    whole files, fewer levels after more. Raises `NotFoundError` when nothing is found or left, `DataError`
    for a file whose name says nothing.
    """
    files = _named_files(path)
    wanted = {symbol.strip().upper() for symbol in symbols} if symbols else None
    candidates = [
        file
        for file in (files if path.is_dir() else [_named(path)])
        if file.what == "message"
        and (wanted is None or file.symbol in wanted)
        and (start is None or file.day >= start)
        and (end is None or file.day <= end)
    ]
    if not candidates:
        held = ", ".join(sorted({f"{file.symbol} {file.day}" for file in files})) or "none"
        raise NotFoundError(
            f"No LOBSTER message file in {path} for these symbols and dates. It has: {held}. Names look like "
            "AAPL_2012-06-21_34200000_57600000_message_10.csv."
        )
    candidates.sort(key=lambda file: (file.symbol, file.day, file.is_sample, -file.levels, file.path.name))
    chosen: dict[tuple[str, date], NamedFile] = {}
    for file in candidates:
        chosen.setdefault((file.symbol, file.day), file)
    passed_over = [file.path for file in candidates if file not in chosen.values()]
    return [_with_companions(file, files) for file in chosen.values()], passed_over


def count_rows(path: Path, *, enough: int | None = None) -> int:
    """Return the number of lines of a plain or gzip text file; `enough` lines end the count early."""
    lines, last = 0, b"\n"
    with opened(path) as stream:
        while chunk := stream.read(_COUNT_BYTES):
            lines += chunk.count(b"\n")
            last = chunk
            if enough is not None and lines >= enough:
                return lines
    return lines + (not last.endswith(b"\n"))


def _named_files(path: Path) -> list[NamedFile]:
    if not path.exists():
        raise NotFoundError(f"{path} does not exist. Name a LOBSTER message file or a folder of them.")
    paths = path.rglob("*.csv*") if path.is_dir() else path.parent.iterdir()
    return [named for named in map(NamedFile.parse, sorted(paths)) if named]


def _named(path: Path) -> NamedFile:
    named = NamedFile.parse(path)
    if named is None or named.what != "message":
        raise DataError(
            f"{path.name} is not the name of a LOBSTER message file, which says symbol, date and levels: "
            "AAPL_2012-06-21_34200000_57600000_message_10.csv. Rename it, or name its folder."
        )
    return named


def _with_companions(messages: NamedFile, files: Iterable[NamedFile]) -> LobsterDay:
    key = (messages.path.parent, messages.symbol, messages.day)
    beside = [file for file in files if (file.path.parent, file.symbol, file.day) == key]
    books = [file for file in beside if file.what == "orderbook" and file.levels == messages.levels]
    bbos = [file for file in beside if file.what == "bbo" and not messages.is_sample]
    return LobsterDay(messages, _closest(messages, books), _closest(messages, bbos))


def _closest(messages: NamedFile, candidates: list[NamedFile]) -> NamedFile | None:
    """Return the candidate of the same window and kind, else one that states no other window, or None."""
    same = [file for file in candidates if file.window_ms == messages.window_ms]
    same.sort(key=lambda file: file.is_sample != messages.is_sample)
    open_ended = [file for file in candidates if file.window_ms is None or messages.window_ms is None]
    return next(iter([*same, *open_ended]), None)
