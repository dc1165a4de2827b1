"""Market data lines: reqMktData for stocks, indexes, options and combinations, and reqMarketDataType.

Lines are sampled as TWS does (250 ms, options 100 ms): what changed since the last sample is sent. Not
modelled: generic ticks beyond 106 and 233 are accepted and silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from adapters.tws_simulator.component import Handler, Refused
from adapters.tws_simulator.contracts.details import min_tick
from adapters.tws_simulator.contracts.resolution import INVALID, legs_of, the_listing
from adapters.tws_simulator.interfaces import Listing, Print, Quote, TradingPhase
from adapters.tws_simulator.market_data import tick_messages as ticks
from adapters.tws_simulator.market_data.combinations import combination_quote
from adapters.tws_simulator.market_data.computations import computation_frames
from adapters.tws_simulator.market_data.day_so_far import look_up_day
from adapters.tws_simulator.market_data.delayed import DelayedPrices
from adapters.tws_simulator.market_data.encoding import TickShape, request_id_bytes
from adapters.tws_simulator.market_data.line import Frame, Line
from adapters.tws_simulator.market_data.lines import (
    DISPLAYING_DELAYED,
    TOO_MANY_TICKERS,
    DataType,
)
from adapters.tws_simulator.market_data.standing_requests import MarketAccess, RequestKey, StandingRequests
from adapters.tws_simulator.messages import IN, OUT, REPLY_TYPES, Message, message_type
from adapters.tws_simulator.session.sessions import Session

BBO_EXCHANGE = "9c0001"
SNAPSHOT_PERMISSIONS = 3
SENT = (IN.TICK_PRICE, IN.TICK_SIZE, IN.TICK_STRING, IN.TICK_GENERIC, IN.TICK_OPTION_COMPUTATION)
DELAYED_REFRESH_NS = 1_000_000_000

LEGAL_GENERIC_TICKS = frozenset({100, 101, 104, 105, 106, 165, 221, 225, 232, 233, 236, 258, 292, 293, 294})
LEGAL_GENERIC_TICKS |= {295, 318, 375, 411, 456, 460, 576, 577, 578, 586, 588, 595, 614, 619, 623}


class TopOfBook(StandingRequests[Line]):
    """All market data lines of all sessions."""

    def __init__(self, access: MarketAccess) -> None:
        super().__init__(access)
        self._delayed = DelayedPrices(self._prices, self._settings.delay_seconds)
        self._ends: dict[tuple[int, int], list[Callable[[], None]]] = {}
        self._wanted: dict[int, DataType] = {}
        self._waiting: dict[int, list[Line]] = {}
        self._delayed_timer = False
        self._shapes = {number: TickShape(REPLY_TYPES[number]) for number in SENT}

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about lines."""
        return {
            OUT.REQ_MKT_DATA: self._subscribe,
            OUT.CANCEL_MKT_DATA: self._cancel,
            OUT.REQ_MARKET_DATA_TYPE: self._choose_type,
        }

    def session_ended(self, session: Session) -> None:
        """Drop a session's lines and its choice of data type."""
        self._wanted.pop(session.session_id, None)
        super().session_ended(session)

    def refuse_all(self, code: int, text: str) -> None:
        """End every line with an error, as a competing session does."""
        for key, line in list(self._held.items()):
            self._drop(key)
            self._broker.error(line.session, line.request_id, code, text)

    # ------------------------------------------------------------------ requests

    def _choose_type(self, session: Session, request: Message) -> None:
        if request.marketDataType not in set(DataType):
            raise Refused(321, f"{INVALID}Invalid market data type")
        self._wanted[session.session_id] = DataType(request.marketDataType)

    def _subscribe(self, session: Session, request: Message) -> None:
        key = self._new_key(session, request)
        generic = _generic_ticks(request.genericTickList)
        is_snapshot = request.snapshot or request.regulatorySnapshot
        if is_snapshot and generic:
            raise Refused(
                321, f"{INVALID}Snapshot market data subscription is not applicable to generic ticks"
            )
        line = self._line(session, request, generic, is_snapshot=is_snapshot)
        if line.is_snapshot:
            self._open(line)
            end = message_type("TickSnapshotEnd")(reqId=line.request_id)
            self._broker.send(session, IN.TICK_SNAPSHOT_END, end)
            return
        if len(self._held) >= self._settings.lines_max:
            raise Refused(101, TOO_MANY_TICKERS)
        self._held[key] = line
        self._open(line)
        self._ends[key] = [] if line.is_delayed else self._watch(line)
        if line.is_delayed and not self._delayed_timer:
            self._delayed_timer = True
            self._broker.call_after(DELAYED_REFRESH_NS, self._refresh_delayed)

    def _line(
        self, session: Session, request: Message, generic: frozenset[int], *, is_snapshot: bool
    ) -> Line:
        contract = request.contract
        is_combination = contract.secType == "BAG"
        legs = legs_of(self._prices.universe, contract) if is_combination else []
        listing = None if is_combination else the_listing(self._prices.universe, contract)
        wanted = self._wanted.get(session.session_id, DataType.LIVE)
        now_ns = self._broker.market_ns
        first = listing or legs[0][0]
        is_closed = self._prices.universe.phase(first, now_ns) is TradingPhase.CLOSED
        data_type = self._entitlements.data_type(first, wanted, is_closed=is_closed)
        return Line(
            session,
            request.reqId,
            request_id_bytes(request.reqId),
            listing,
            legs,
            data_type,
            generic,
            is_snapshot,
            contract.exchange,
        )

    # ------------------------------------------------------------------ a line's life

    def _open(self, line: Line) -> None:
        """Send what TWS sends first: the type of data, the parameters, then all that is known."""
        first = line.listing or line.legs[0][0]
        if line.is_delayed and not self._entitlements.is_live(first):
            self._broker.error(line.session, line.request_id, 10167, DISPLAYING_DELAYED)
        kind = message_type("MarketDataType")(reqId=line.request_id, marketDataType=int(line.data_type))
        self._broker.send(line.session, IN.MARKET_DATA_TYPE, kind)
        parameters = message_type("TickReqParams")(
            reqId=line.request_id,
            minTick=min_tick(first),
            bboExchange=BBO_EXCHANGE if line.exchange in {"", "SMART"} else "",
            snapshotPermissions=SNAPSHOT_PERMISSIONS,
        )
        self._broker.send(line.session, IN.TICK_REQ_PARAMS, parameters)
        if line.listing is not None:
            look_up_day(self._prices, line.listing.con_id, self._broker.market_ns)
            if line.listing.security_type == "STK":
                self._send(line, [(IN.TICK_GENERIC, ticks.tick_generic(ticks.HALTED, 0.0))])
        self._sample(line)

    def _watch(self, line: Line) -> list[Callable[[], None]]:
        board = self._prices.board
        listings = [line.listing] if line.listing else [leg for leg, _ in line.legs]
        ends: list[Callable[[], None]] = []

        def changed(_news: Quote | Print) -> None:
            self._mark(line)

        for listing in listings:
            board.watch(listing.con_id, changed)
            board.watch_trades(listing.con_id, changed)
            ends.append(_ender(board.unwatch, listing.con_id, changed))
            ends.append(_ender(board.unwatch_trades, listing.con_id, changed))
        return ends

    def _drop(self, key: RequestKey) -> None:
        for end in self._ends.pop(key, []):
            end()
        del self._held[key]

    def _mark(self, line: Line) -> None:
        """Sample a line at the next sampling time of its kind, at once when there is none."""
        if line.is_waiting:
            return
        is_option = line.listing is not None and line.listing.is_option
        interval_ms = self._settings.option_top_of_book_ms if is_option else self._settings.top_of_book_ms
        if interval_ms == 0:
            self._sample(line)
            return
        line.is_waiting = True
        waiting = self._waiting.setdefault(interval_ms, [])
        if not waiting:
            self._broker.call_after(interval_ms * 1_000_000, lambda: self._sample_waiting(interval_ms))
        waiting.append(line)

    def _sample_waiting(self, interval_ms: int) -> None:
        lines, self._waiting[interval_ms] = self._waiting[interval_ms], []
        for line in lines:
            line.is_waiting = False
            if (line.session.session_id, line.request_id) in self._held:
                self._sample(line)

    def _refresh_delayed(self) -> None:
        delayed = [line for line in self._held.values() if line.is_delayed]
        self._delayed_timer = bool(delayed)
        for line in delayed:
            self._sample(line)
        if delayed:
            self._broker.call_after(DELAYED_REFRESH_NS, self._refresh_delayed)

    def _sample(self, line: Line) -> None:
        if not self._silenced(line.listing.con_id if line.listing else None):
            self._send(line, self._frames(line))

    def _frames(self, line: Line) -> Iterator[Frame]:
        if line.listing is None:
            combined = combination_quote(line.legs, self._prices.quote)
            if combined is not None:
                yield from line.changes(combined, None)
            return
        con_id, now_ns = line.listing.con_id, self._broker.market_ns
        quote = self._delayed.quote(line.listing, now_ns) if line.is_delayed else self._prices.quote(con_id)
        if quote is None:
            return
        if line.data_type is DataType.LIVE and self._is_closed(line.listing, now_ns):
            quote = Quote(last=quote.last, last_size=quote.last_size, ts_ns=quote.ts_ns)
        day = self._prices.board.days.get(con_id)
        yield from line.changes(quote, day)
        if quote.last is not None and quote.ts_ns // 10**9 != line.last_ns // 10**9:
            line.last_ns = quote.ts_ns
            stamp = str(quote.ts_ns // 10**9)
            yield IN.TICK_STRING, ticks.tick_string(line.tick_type(ticks.LAST_TIMESTAMP), stamp)
        yield from computation_frames(self._prices, line, quote, now_ns)

    def _is_closed(self, listing: Listing, now_ns: int) -> bool:
        is_held = listing.con_id in self._prices.held
        return not is_held and self._prices.universe.phase(listing, now_ns) is TradingPhase.CLOSED

    def _send(self, line: Line, frames: Iterator[Frame] | list[Frame]) -> None:
        for number, shared in frames:
            self._broker.send(line.session, number, self._shapes[number].message(line.prefix, shared))


def _ender(end: Callable[..., None], con_id: int, watcher: object) -> Callable[[], None]:
    return lambda: end(con_id, watcher)


def _generic_ticks(text: str) -> frozenset[int]:
    """Return the generic ticks of a comma-separated list; raises `Refused` 321 for what is none."""
    chosen = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        number = part.split(":")[0]
        if number == "mdoff":
            continue
        if not number.isdigit() or int(number) not in LEGAL_GENERIC_TICKS:
            raise Refused(321, f"{INVALID}Incorrect generic tick list of {text}.")
        chosen.add(int(number))
    return frozenset(chosen)
