"""A recorded day as a feed, and the days before it as history.

Events are replayed in the order of `ts_init` (the catalog's causal order) and stamped with `ts_event`. Files
are read in batches: memory does not grow with the length of the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from adapters.tws_simulator.market_data import catalog_files as files
from adapters.tws_simulator.market_data.source import (
    FeedSink,
    IntArray,
    QuoteArrays,
    TradeArrays,
    price_of,
)
from market.errors import NotFoundError
from market.time import new_york_midnight_ns

QUOTE, TRADE, LEVEL = range(3)
KINDS = {files.QUOTES: QUOTE, files.TRADES: TRADE, files.DELTAS: LEVEL}
DELETE, CLEAR = 3, 4
BUY_SIDE = 1
LAST_FLAG = 128
CACHED_FILES = 64
DEFAULT_VOLATILITY = 0.35

Event = tuple[int, int, int, int, int, int, int, int]
"""ts_init, kind, contract id, ts_event and four numbers of the kind."""


class CatalogDay:
    """Implements `Feed` and `PriceHistory` over the catalog at `root`; `assign` gives it contract ids.

    Raises `NotFoundError` when the catalog has no quotes and no trades on `day` (a New York date).
    """

    def __init__(self, root: Path, day: date) -> None:
        self._root, self._day = root, day
        self._start_ns = new_york_midnight_ns(day)
        self._end_ns = new_york_midnight_ns(day + timedelta(days=1))
        equities = root / "data" / files.EQUITIES
        found = sorted(path.name for path in equities.iterdir()) if equities.is_dir() else []
        self._ids: dict[str, str] = {}
        self._isins: dict[str, str] = {}
        self._skip_ns = self._start_ns
        for identifier in found:
            if self._day_files(files.QUOTES, identifier) or self._day_files(files.TRADES, identifier):
                symbol, isin = files.equity_facts(root, identifier)
                self._isins[symbol] = isin
                self._ids[symbol] = identifier
        if not self._ids:
            raise NotFoundError(
                f"The catalog at {root} has no quotes and no trades on {day}. "
                "See which days it has with: harvester catalog show."
            )
        self._by_con_id: dict[int, str] = {}
        self._streams: list[_Stream] = []
        self._events: list[Event] = []
        self._position = 0
        self._load = lru_cache(maxsize=CACHED_FILES)(_load_file)

    def isins(self) -> Mapping[str, str]:
        """Return the ISIN ("" for none) of every stock of the day, by symbol."""
        return self._isins

    def first_prices(self) -> dict[str, Decimal]:
        """Return the first price (USD) of the day of every stock that has one."""
        prices = {}
        for symbol, identifier in self._ids.items():
            for kind, column in ((files.QUOTES, "bid_price"), (files.TRADES, "price")):
                first = next(self._batches(kind, identifier), None)
                price = None if first is None else price_of(int(first[column][0]))
                if price is not None:
                    prices[symbol] = price
                    break
        return prices

    def assign(self, con_ids: Mapping[str, int]) -> None:
        """Tell which contract id each symbol has."""
        self._by_con_id = {con_ids[symbol]: identifier for symbol, identifier in self._ids.items()}

    def recorded_depth(self) -> frozenset[int]:
        """Return the contract ids whose books are recorded on the day."""
        return frozenset(
            con_id
            for con_id, identifier in self._by_con_id.items()
            if self._day_files(files.DELTAS, identifier)
        )

    # ------------------------------------------------------------------ Feed

    def start(self, market_ns: int) -> None:
        """Begin with the first event after `market_ns`; recorded books are built up from the day's start."""
        self._streams = [
            _Stream(con_id, KINDS[kind], self._batches(kind, identifier))
            for con_id, identifier in sorted(self._by_con_id.items())
            for kind in KINDS
        ]
        self._events, self._position = [], 0
        self._skip_ns = market_ns

    def next_ns(self) -> int | None:
        """Return when the next event is due, None at the end of the day."""
        if self._position == len(self._events) and not self._merge():
            return None
        return max(self._events[self._position][0], self._skip_ns)

    def run(self, sink: FeedSink, until_ns: int) -> None:
        """Tell `sink` every event up to `until_ns`."""
        while self._position < len(self._events) or self._merge():
            events, position = self._events, self._position
            while position < len(events):
                event = events[position]
                if event[0] > until_ns:
                    self._position = position
                    return
                position += 1
                if event[1] == LEVEL or event[0] >= self._skip_ns:
                    _tell(sink, event)
            self._position = position

    def _merge(self) -> bool:
        """Bring the next rows into one order, up to where every stream is known; False at the end."""
        live = [stream for stream in self._streams if stream.fill()]
        if not live:
            return False
        horizon = min(stream.known_until_ns for stream in live)
        rows = np.concatenate([stream.take(horizon) for stream in live])
        order = np.lexsort((rows[:, 1], rows[:, 0]))
        self._events = [tuple(row) for row in rows[order].tolist()]
        self._position = 0
        return bool(self._events) or self._merge()

    def _day_files(self, kind: str, identifier: str) -> list[Path]:
        return files.files_between(self._root, kind, identifier, self._start_ns, self._end_ns)

    def _batches(self, kind: str, identifier: str) -> Iterator[dict[str, IntArray]]:
        for path in self._day_files(kind, identifier):
            yield from files.batches(path, kind, self._start_ns, self._end_ns)

    # ------------------------------------------------------------------ PriceHistory

    def earliest_ns(self, con_id: int) -> int | None:
        """Return the time of the first recorded price, None for a listing without any."""
        paths = self._paths(con_id, files.QUOTES, 0, self._end_ns)
        paths += self._paths(con_id, files.TRADES, 0, self._end_ns)
        return min((files.file_range(path)[0] for path in paths), default=None)

    def quotes(self, con_id: int, start_ns: int, end_ns: int) -> QuoteArrays:
        """Return the recorded quotes in `[start_ns, end_ns)`."""
        table = self._rows(con_id, files.QUOTES, start_ns, end_ns)
        columns = ("ts_event", "bid_price", "ask_price", "bid_size", "ask_size")
        return QuoteArrays(*(table[name] for name in columns))

    def trades(self, con_id: int, start_ns: int, end_ns: int) -> TradeArrays:
        """Return the recorded trades in `[start_ns, end_ns)`."""
        table = self._rows(con_id, files.TRADES, start_ns, end_ns)
        return TradeArrays(table["ts_event"], table["price"], table["size"])

    def quote_at(self, con_id: int, market_ns: int) -> tuple[int, int, int, int] | None:
        """Return the quote in force at `market_ns`, of that day or up to a week before; None without one."""
        for days in (1, 7):
            found = self.quotes(con_id, market_ns - days * 86_400_000_000_000, market_ns + 1)
            if len(found.bid):
                columns = (found.bid, found.ask, found.bid_size, found.ask_size)
                bid, ask, bid_size, ask_size = (int(column[-1]) for column in columns)
                return bid, ask, bid_size, ask_size
        return None

    def ticks_between(self, con_id: int, start_ns: int, end_ns: int) -> int:  # noqa: ARG002
        """Return 0: recorded days are always read in full."""
        return 0

    def samples(self, con_id: int, ts_ns: IntArray) -> IntArray:
        """Return the mid prices in force at rising times; `MISSING` before the first quote."""
        if not len(ts_ns):
            return np.zeros(0, dtype=np.int64)
        found = self.quotes(con_id, int(ts_ns[0]) - 86_400_000_000_000, int(ts_ns[-1]) + 1)
        if not len(found.bid):
            return np.zeros(len(ts_ns), dtype=np.int64)
        places = np.searchsorted(found.ts_ns, ts_ns, side="right") - 1
        mids = (found.bid + found.ask) // 2
        return np.where(places >= 0, mids[np.maximum(places, 0)], 0)

    def volatility(self, con_id: int, ts_ns: IntArray) -> npt.NDArray[np.float64]:  # noqa: ARG002
        """Return a constant: a catalog of prices holds no implied volatility."""
        return np.full(len(ts_ns), DEFAULT_VOLATILITY)

    def _paths(self, con_id: int, kind: str, start_ns: int, end_ns: int) -> list[Path]:
        identifier = self._by_con_id.get(con_id)
        return files.files_between(self._root, kind, identifier, start_ns, end_ns) if identifier else []

    def _rows(self, con_id: int, kind: str, start_ns: int, end_ns: int) -> dict[str, IntArray]:
        parts = [self._load(path, kind) for path in self._paths(con_id, kind, start_ns, end_ns)]
        joined = {
            name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0, dtype=np.int64)
            for name in files.COLUMNS[kind]
        }
        first, last = np.searchsorted(joined["ts_init"], [start_ns, end_ns])
        return {name: values[first:last] for name, values in joined.items()}


class _Stream:
    """One stream's rows as events, batch by batch."""

    def __init__(self, con_id: int, kind: int, source: Iterator[dict[str, IntArray]]) -> None:
        self._con_id, self._kind, self._source = con_id, kind, source
        self._rows: npt.NDArray[np.int64] = np.zeros((0, 8), dtype=np.int64)

    @property
    def known_until_ns(self) -> int:
        """Up to which `ts_init` no further row can come."""
        return int(self._rows[-1, 0])

    def fill(self) -> bool:
        """Read on when nothing is left; False at the end."""
        if not len(self._rows):
            batch = next(self._source, None)
            if batch is not None:
                self._rows = _as_events(self._con_id, self._kind, batch)
        return bool(len(self._rows))

    def take(self, until_ns: int) -> npt.NDArray[np.int64]:
        """Remove and return the rows up to and including `until_ns`."""
        count = int(np.searchsorted(self._rows[:, 0], until_ns, side="right"))
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken


def _as_events(con_id: int, kind: int, batch: Mapping[str, IntArray]) -> npt.NDArray[np.int64]:
    rows = np.zeros((len(batch["ts_init"]), 8), dtype=np.int64)
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = batch["ts_init"], kind, con_id, batch["ts_event"]
    names: tuple[str, ...]
    if kind == QUOTE:
        names = ("bid_price", "ask_price", "bid_size", "ask_size")
    elif kind == TRADE:
        names = ("price", "size")
    else:
        names = ("action", "price", "size", "flags")
    for place, name in enumerate(names, start=4):
        rows[:, place] = batch[name]
    if kind == LEVEL:
        rows[:, 7] = (batch["flags"] & LAST_FLAG) | (batch["side"] == BUY_SIDE)
    return rows


def _tell(sink: FeedSink, event: Event) -> None:
    _, kind, con_id, ts_ns, first, second, third, fourth = event
    if kind == QUOTE:
        sink.feed_quote(con_id, first, second, third, fourth, ts_ns)
    elif kind == TRADE:
        sink.feed_trade(con_id, first, second, ts_ns)
    elif first == CLEAR:
        sink.feed_clear(con_id)
    else:
        size = 0 if first == DELETE else third
        sink.feed_level(con_id, bool(fourth & 1), second, size, is_last=bool(fourth & LAST_FLAG))


def _load_file(path: Path, kind: str) -> dict[str, IntArray]:
    parts = list(files.batches(path, kind, 0, 2**62))
    return {
        name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        for name in files.COLUMNS[kind]
    }
