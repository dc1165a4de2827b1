"""QuantConnect Lean's equity files: what they hold, by folder and name.

equity/usa/minute/bac/20131007_trade.zip   also tick and second; trade or quote; one New York day
equity/usa/hour/bac.zip                    also daily; trades; all years
equity/usa/map_files, factor_files         ticker changes, splits and dividends
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from catalog.headerless_rows import CountedReading
from catalog.progress import SILENT, Progress
from market.errors import DataError, NotFoundError
from market.time import NS_PER_MINUTE, NS_PER_SECOND


class Resolution(StrEnum):
    """What one row covers."""

    TICK = "tick"
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAILY = "daily"

    @property
    def is_in_day_files(self) -> bool:
        """Whether a file holds one day; hour and daily files hold all years."""
        return self in (Resolution.TICK, Resolution.SECOND, Resolution.MINUTE)

    @property
    def bar_step(self) -> str:
        """The step of the bars, as Nautilus' bar types name it."""
        return {"daily": "DAY"}.get(self, self.upper())

    @property
    def bar_ns(self) -> int:
        """The length of a bar in ns; daily bars end with their session instead."""
        return {"second": NS_PER_SECOND, "minute": NS_PER_MINUTE, "hour": 60 * NS_PER_MINUTE}[self]


class Content(StrEnum):
    """Whether rows tell of trades or of quotes."""

    TRADE = "trade"
    QUOTE = "quote"


_DAY_FILE = re.compile(r"(?P<day>\d{8})_(?P<content>trade|quote)\.zip")
_ENTRY = re.compile(
    r"(?P<day>\d{8})_(?P<ticker>[^_]+)_((?P<content>trade|quote)_)?(?P<resolution>tick|second|minute)"
    r"(_(?P<content_after>trade|quote))?\.csv"
)
_OTHER_SECURITIES = frozenset(
    (
        "option",
        "indexoption",
        "futureoption",
        "future",
        "index",
        "forex",
        "cfd",
        "crypto",
        "cryptofuture",
        "base",
    )
)


@dataclass(frozen=True, slots=True)
class LeanFile:
    """One zip: the ticker is in lower case as in its path; `day` (New York) is None in files of all years."""

    path: Path
    resolution: Resolution
    content: Content
    ticker: str
    day: date | None

    @property
    def market_folder(self) -> Path | None:
        """The folder `equity/usa` of this file, if it has map or factor files."""
        for folder in self.path.resolve().parents[:3]:
            if (folder / "map_files").is_dir() or (folder / "factor_files").is_dir():
                return folder
        return None


def find_files(path: Path) -> list[LeanFile]:
    """Return the equity files of a zip, a folder or a whole Lean data folder, in order of path.

    Other securities and other files in a folder are passed over. Raises `NotFoundError` for a path that
    does not exist or holds none, `DataError` for a zip that is not one of these.
    """
    if not path.exists():
        raise NotFoundError(f"{path} does not exist. Name a zip or a folder of Lean equity data.")
    if path.is_file():
        return [_by_path(path) or _by_entry(path)]
    files = [file for file in map(_by_path, sorted(path.rglob("*.zip"))) if file]
    if not files:
        raise NotFoundError(
            f"No Lean equity data in {path}. Expected e.g. equity/usa/minute/bac/20131007_trade.zip below it."
        )
    return files


@contextmanager
def opened_entry(file: LeanFile, progress: Progress = SILENT) -> Iterator[IO[bytes]]:
    """Open the one text inside the zip; raises `DataError` for a damaged zip or one of several texts."""
    with _archive(file.path) as archive:
        entry = _only_entry(archive, file.path)
        _require_same(file, entry.filename)
        progress.begin(f"{file.ticker} {file.resolution} {file.path.name}", entry.file_size)
        with archive.open(entry) as stream:
            yield cast("IO[bytes]", CountedReading(stream, progress))


def _by_path(path: Path) -> LeanFile | None:
    """Return what folder and name say, or None where they say nothing of equities."""
    parts = path.resolve().parts
    if len(parts) >= 5 and _OTHER_SECURITIES & {parts[-4], parts[-5]}:
        return None
    match = _DAY_FILE.fullmatch(path.name)
    day = _day_of(match["day"]) if match else None
    if match and day and parts[-3] in (Resolution.TICK, Resolution.SECOND, Resolution.MINUTE):
        return LeanFile(path, Resolution(parts[-3]), Content(match["content"]), parts[-2].lower(), day)
    if not match and parts[-2] in (Resolution.HOUR, Resolution.DAILY) and path.suffix == ".zip":
        return LeanFile(path, Resolution(parts[-2]), Content.TRADE, path.stem.lower(), None)
    return None


def _by_entry(path: Path) -> LeanFile:
    """Return what the name of the text inside a zip says, for a zip taken out of its folder."""
    with _archive(path) as archive:
        name = _only_entry(archive, path).filename
    file = _named_entry(path, name)
    if file is None:
        raise DataError(
            f"{path} is not a Lean equity file: neither its path nor its content {name!r} tells ticker, "
            "resolution and day. Keep Lean's folders, e.g. equity/usa/hour/bac.zip."
        )
    return file


def _named_entry(path: Path, name: str) -> LeanFile | None:
    """Return what the name of a text says, or None for a name of another form."""
    match = _ENTRY.fullmatch(name.lower())
    day = _day_of(match["day"]) if match else None
    content = (match["content"] or match["content_after"]) if match else None
    if match is None or day is None or content is None:
        return None
    return LeanFile(path, Resolution(match["resolution"]), Content(content), match["ticker"], day)


def _require_same(file: LeanFile, entry: str) -> None:
    """Refuse a day file whose text is named as something else; texts of files of all years say nothing."""
    inside = _named_entry(file.path, entry)
    if inside is not None and inside != file:
        raise DataError(
            f"{file.path} should hold {file.ticker} {file.resolution} {file.content} of {file.day}, but has "
            f"{entry} inside. Put it into the folder that it belongs to."
        )


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is no zip file or is damaged: {error}. Fetch it again.") from error


def _only_entry(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    entries = archive.infolist()
    if len(entries) != 1:
        raise DataError(f"{path} holds {len(entries)} files; a Lean equity zip holds one CSV.")
    return entries[0]


def _day_of(text: str) -> date | None:
    try:
        day = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a date has no zone
    except ValueError:
        return None
    return day if 1970 <= day.year < 2100 else None  # before 1970 the catalog has no time
