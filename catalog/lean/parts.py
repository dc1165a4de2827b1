"""Which rows of which Lean files belong to which company: the sources of an ingest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.columns import Int64Array
from catalog.headerless_rows import BoolArray
from catalog.lean.files import LeanFile, Resolution
from catalog.lean.map_files import FAR_FUTURE, FAR_PAST, Listing, MapFiles
from catalog.lean.rows import day_number
from market.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted: symbols in upper case, New York dates (inclusive), resolutions; empty is all."""

    symbols: frozenset[str] = frozenset()
    start: date | None = None
    end: date | None = None
    resolutions: frozenset[Resolution] = frozenset()

    def clip(self, listing: Listing) -> tuple[date, date] | None:
        """Return the wanted part of a listing's time, or None."""
        if self.symbols and listing.symbol not in self.symbols:
            return None
        first = max(listing.start, self.start or FAR_PAST)
        last = min(listing.end, self.end or FAR_FUTURE)
        return (first, last) if first <= last else None


@dataclass(frozen=True, slots=True)
class LeanPart:
    """The rows of a file from `start` to `end` (inclusive): they are all of one company, `symbol`.

    `claims` are the listings of the file's ticker, given to its first part only; `asked` are the first and
    last date that the user wants.
    """

    file: LeanFile
    symbol: str
    start: date
    end: date
    claims: tuple[Listing, ...] = ()
    asked: tuple[date, date] = (FAR_PAST, FAR_FUTURE)

    def is_wanted(self, days: Int64Array) -> BoolArray:
        """Say which `days` (since 1970) this part covers."""
        return (days >= day_number(self.start)) & (days <= day_number(self.end))

    def is_unclaimed(self, days: Int64Array) -> BoolArray:
        """Say on which asked `days` nobody had the ticker; nowhere for all but the first part."""
        first, last = self.asked
        unclaimed = (days >= day_number(first)) & (days <= day_number(last)) & bool(self.claims)
        for claim in self.claims:
            unclaimed &= (days < day_number(claim.start)) | (days > day_number(claim.end))
        return unclaimed


def parts_of(files: Iterable[LeanFile], selection: Selection) -> tuple[list[LeanPart], list[str]]:
    """Return the wanted parts of `files`, and notes on what the map files give to nobody.

    A file of all years is parted where its ticker changes hands. Raises `NotFoundError` when nothing is
    left, naming what there is.
    """
    parts: list[LeanPart] = []
    notes: list[str] = []
    maps: dict[Path | None, MapFiles] = {}
    seen: set[str] = set()
    for file in files:
        if selection.resolutions and file.resolution not in selection.resolutions:
            continue
        folder = file.market_folder
        if folder not in maps:
            maps[folder] = MapFiles.read(folder / "map_files" if folder else None)
        listings = maps[folder].listings(file.ticker)
        if file.day is not None:
            listings = [one for one in listings if one.start <= file.day <= one.end]
            if not listings:
                notes.append(
                    f"{file.path.name} of {file.ticker} passed over: no map file knows it on that day"
                )
        seen.update(listing.symbol for listing in listings)
        parts += _wanted(file, listings, selection)
    if not parts:
        held = ", ".join(sorted(seen)) or "none"
        raise NotFoundError(
            f"No data for these symbols, dates and resolutions. The symbols there are: {held}."
        )
    return parts, notes


def _wanted(file: LeanFile, listings: list[Listing], selection: Selection) -> list[LeanPart]:
    parts: list[LeanPart] = []
    for listing in listings:
        span = selection.clip(listing)
        if span is None or (file.day is not None and not span[0] <= file.day <= span[1]):
            continue
        first, last = span if file.day is None else (file.day, file.day)
        claims = () if parts or file.day else tuple(listings)
        asked = (selection.start or FAR_PAST, selection.end or FAR_FUTURE)
        parts.append(LeanPart(file, listing.symbol, first, last, claims, asked))
    return parts
