"""Lean's map files: which company a ticker meant on which day.

A map file is named by a company's last ticker (`bac.csv`; an older holder of the same ticker is `aaa.1.csv`).
Its first row is the first day, every further row the last day on which the ticker beside it was valid:

    19980102,nb,N
    19980930,nb,N
    20501231,bac,N

So BAC is found in files named `nb` up to 1998-09-30 and `bac` from then on, and what a file `bac` holds of
before 1998-10-01 is another company's (the BankAmerica of that time), which must not get into BAC's data.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from market.errors import DataError

FAR_PAST, FAR_FUTURE = date(1900, 1, 1), date(2050, 12, 31)


@dataclass(frozen=True, slots=True, order=True)
class Listing:
    """A company traded under a ticker from `start` to `end`, both inclusive (dates in New York).

    `symbol` is the company's name in the catalog: that of its map file in upper case.
    """

    ticker: str
    start: date
    end: date
    symbol: str


class MapFiles:
    """All map files of a folder; without a folder every ticker is its own company at all times."""

    def __init__(self, listings: list[Listing]) -> None:
        self._by_ticker: dict[str, list[Listing]] = defaultdict(list)
        for listing in sorted(listings):
            self._by_ticker[listing.ticker].append(listing)

    @classmethod
    def read(cls, folder: Path | None) -> MapFiles:
        """Return the map files of `folder`; raises `DataError` for one that is none, or two that clash."""
        if folder is None or not folder.is_dir():
            return cls([])
        listings = [listing for path in sorted(folder.glob("*.csv")) for listing in _listings(path)]
        maps = cls(listings)
        maps._require_one_owner()
        return maps

    def listings(self, ticker: str) -> list[Listing]:
        """Return who used `ticker` and when, in order of time."""
        known = self._by_ticker.get(ticker.lower())
        return list(known) if known else [Listing(ticker.lower(), FAR_PAST, FAR_FUTURE, ticker.upper())]

    def tickers_of(self, symbol: str) -> list[str]:
        """Return the tickers that a company had, in order of time; empty for one without a map file."""
        return [
            listing.ticker
            for listing in sorted(
                (one for known in self._by_ticker.values() for one in known), key=lambda one: one.start
            )
            if listing.symbol == symbol.upper()
        ]

    def _require_one_owner(self) -> None:
        for ticker, known in self._by_ticker.items():
            for earlier, later in pairwise(known):
                if later.start <= earlier.end and later.symbol != earlier.symbol:
                    raise DataError(
                        f"Map files {earlier.symbol.lower()}.csv and {later.symbol.lower()}.csv both claim "
                        f"{ticker!r} on {later.start}. Correct or remove one of them."
                    )


def _listings(path: Path) -> list[Listing]:
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").split()]
    listings = []
    try:
        start = _date(rows[0][0])
        for text, ticker, *_ in rows[1:]:
            end = _date(text)
            listings.append(Listing(ticker.lower(), start, end, path.stem.upper()))
            start = end + timedelta(days=1)
    except (ValueError, IndexError):
        raise DataError(f"{path} is not a Lean map file: rows read date,ticker, e.g. 20501231,bac.") from None
    return _joined(listings)


def _joined(listings: list[Listing]) -> list[Listing]:
    """Join neighbours of the same ticker; a map file may repeat one for a change of exchange."""
    joined: list[Listing] = []
    for listing in listings:
        if joined and joined[-1].ticker == listing.ticker:
            joined[-1] = Listing(listing.ticker, joined[-1].start, listing.end, listing.symbol)
        else:
            joined.append(listing)
    return joined


def _date(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a date has no zone
