"""Historical data: bars, ticks, head time stamp, schedule; bars that are kept up to date.

Known from captures: 162 "API historical data query cancelled" after a cancel, bars without trades are
left out, daily dates "20230413". Known from documents and reports: 50 open requests (322), 366.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Handler, Refused
from adapters.tws_simulator.contracts.resolution import the_listing
from adapters.tws_simulator.market_data.bars import Bar, bar_edges, build_bars, range_of
from adapters.tws_simulator.market_data.historical_ticks import TickRequest, tick_reply, tick_request
from adapters.tws_simulator.market_data.history_pacing import HistoryPacing, PacedRequest
from adapters.tws_simulator.market_data.history_request import (
    FAILED,
    SCHEDULE,
    SECOND_NS,
    SMALL_BAR_SECONDS,
    BarRequest,
    bar_request,
    check_kind,
    no_data,
    time_text,
    utc_text,
)
from adapters.tws_simulator.market_data.price_series import price_series
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.settings import HistorySettings
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.session.sessions import Session
from adapters.tws_simulator.timers import Timer

TOO_MANY = (
    "Error processing request.-'bS' : cause - Only {limit} simultaneous API historical data requests allowed."
)
DAY_NS = 86_400 * SECOND_NS
YEAR_NS = 365 * DAY_NS
Key = tuple[int, int]


@dataclass(slots=True, eq=False)
class OpenQuery:
    """A request that is not answered yet, or whose last bar is kept up to date."""

    session: Session
    request_id: int
    timer: Timer | None = None
    last_begin_ns: int = 0


class History:
    """All requests for the past; `settings` are IB's limits."""

    def __init__(self, broker: Broker, prices: MarketPrices, *, settings: HistorySettings) -> None:
        self._broker, self._prices, self._settings = broker, prices, settings
        self._pacing = HistoryPacing(settings)
        self._queries: dict[Key, OpenQuery] = {}

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about the past."""
        return {
            OUT.REQ_HISTORICAL_DATA: self._request_bars,
            OUT.CANCEL_HISTORICAL_DATA: self._cancel,
            OUT.REQ_HISTORICAL_TICKS: self._request_ticks,
            OUT.CANCEL_HISTORICAL_TICKS: self._cancel,
            OUT.REQ_HEAD_TIMESTAMP: self._request_head,
            OUT.CANCEL_HEAD_TIMESTAMP: self._cancel,
        }

    def count(self, session: Session | None = None) -> int:
        """Return how many requests of a session are open, or of all."""
        return sum(session is None or key[0] == session.session_id for key in self._queries)

    def session_ended(self, session: Session) -> None:
        """Drop a session's requests."""
        for key in [key for key in self._queries if key[0] == session.session_id]:
            self._close(key)

    def drop_all(self) -> None:
        """Forget every request without a word to anybody."""
        for key in list(self._queries):
            self._close(key)

    # ------------------------------------------------------------------ requests

    def _request_bars(self, session: Session, request: Message) -> None:
        listing = the_listing(self._prices.universe, request.contract)
        wanted = bar_request(request, listing)
        if wanted.bar_seconds <= SMALL_BAR_SECONDS:
            self._pace(wanted, request)
        self._open(session, request.reqId, lambda query: self._answer_bars(query, wanted))

    def _request_ticks(self, session: Session, request: Message) -> None:
        listing = the_listing(self._prices.universe, request.contract)
        wanted = tick_request(request, listing)
        identity = (listing.con_id, wanted)
        paced = PacedRequest(identity, listing.con_id, request.contract.exchange, wanted.kind)
        self._pacing.admit(paced, self._broker.now_ns)
        self._open(session, request.reqId, lambda query: self._answer_ticks(query, wanted))

    def _request_head(self, session: Session, request: Message) -> None:
        listing = the_listing(self._prices.universe, request.contract)
        kind = check_kind(request.whatToShow, listing)
        is_epoch = request.formatDate == 2

        def answer(query: OpenQuery) -> None:
            source = listing.underlying_con_id if listing.is_option else listing.con_id
            history = self._prices.history
            earliest = None if history is None or source is None else history.earliest_ns(source)
            self._close((query.session.session_id, query.request_id))
            if earliest is None:
                self._broker.error(query.session, query.request_id, 162, no_data(listing, kind))
                return
            reach_ns = self._broker.market_ns // DAY_NS * DAY_NS - self._settings.years * YEAR_NS
            earliest = max(earliest, reach_ns)
            text = str(earliest // SECOND_NS) if is_epoch else utc_text(earliest)
            reply = message_type("HeadTimestamp")(reqId=query.request_id, headTimestamp=text)
            self._broker.send(query.session, IN.HEAD_TIMESTAMP, reply)

        self._open(session, request.reqId, answer)

    def _cancel(self, session: Session, request: Message) -> None:
        key = (session.session_id, request.reqId)
        if key not in self._queries:
            raise Refused(366, f"No historical data query found for ticker id:{request.reqId}")
        self._close(key)
        raise Refused(162, f"{FAILED}API historical data query cancelled: {request.reqId}")

    def _pace(self, wanted: BarRequest, request: Message) -> None:
        identity = (wanted, request.endDateTime)
        paced = PacedRequest(identity, wanted.listing.con_id, wanted.exchange, wanted.kind)
        self._pacing.admit(paced, self._broker.now_ns)

    def _open(self, session: Session, request_id: int, answer: Callable[[OpenQuery], None]) -> None:
        key = (session.session_id, request_id)
        if key in self._queries:
            raise Refused(322, "Error processing request. Duplicate ticker id")
        limit = self._settings.open_requests_max
        if len(self._queries) >= limit:
            raise Refused(322, TOO_MANY.format(limit=limit))
        query = self._queries[key] = OpenQuery(session, request_id)
        query.timer = self._broker.call_after(self._settings.answer_ms * 1_000_000, lambda: answer(query))

    def _close(self, key: Key) -> None:
        query = self._queries.pop(key, None)
        if query is not None and query.timer is not None:
            query.timer.cancel()

    # ------------------------------------------------------------------ answers

    def _answer_bars(self, query: OpenQuery, wanted: BarRequest) -> None:
        now_ns = self._broker.market_ns
        start_ns, end_ns = range_of(wanted, self._prices.universe.hours, now_ns)
        start_ns = max(start_ns, now_ns - self._settings.years * YEAR_NS)
        if wanted.kind == SCHEDULE:
            self._send_schedule(query, wanted, start_ns, end_ns)
            return
        bars = self._bars(wanted, start_ns, end_ns)
        if not bars and not wanted.is_kept_up_to_date:
            self._close((query.session.session_id, query.request_id))
            self._broker.error(query.session, query.request_id, 162, no_data(wanted.listing, wanted.kind))
            return
        reply = message_type("HistoricalData")(reqId=query.request_id)
        for bar in bars:
            _fill(reply.historicalDataBars.add(), bar, wanted)
        self._broker.send(query.session, IN.HISTORICAL_DATA, reply)
        end = message_type("HistoricalDataEnd")(
            reqId=query.request_id, startDateStr=time_text(start_ns), endDateStr=time_text(end_ns)
        )
        self._broker.send(query.session, IN.HISTORICAL_DATA_END, end)
        if wanted.is_kept_up_to_date:
            query.last_begin_ns = bars[-1].begin_ns if bars else end_ns
            self._keep(query, wanted)
        else:
            self._close((query.session.session_id, query.request_id))

    def _keep(self, query: OpenQuery, wanted: BarRequest) -> None:
        delay_ns = self._settings.update_seconds * SECOND_NS
        query.timer = self._broker.call_after(delay_ns, lambda: self._update(query, wanted))

    def _update(self, query: OpenQuery, wanted: BarRequest) -> None:
        """Send the last bar again, and those that have begun since."""
        for bar in self._bars(wanted, query.last_begin_ns, self._broker.market_ns):
            update = message_type("HistoricalDataUpdate")(reqId=query.request_id)
            _fill(update.historicalDataBar, bar, wanted)
            self._broker.send(query.session, IN.HISTORICAL_DATA_UPDATE, update)
            query.last_begin_ns = bar.begin_ns
        self._keep(query, wanted)

    def _bars(self, wanted: BarRequest, start_ns: int, end_ns: int) -> list[Bar]:
        edges = bar_edges(wanted, self._prices.universe.hours, start_ns, end_ns)
        if not len(edges.begins):
            return []
        series = price_series(
            self._prices, wanted.listing, wanted.kind, int(edges.begins[0]), min(int(edges.ends[-1]), end_ns)
        )
        return [] if series is None else build_bars(series, edges, end_ns)

    def _send_schedule(self, query: OpenQuery, wanted: BarRequest, start_ns: int, end_ns: int) -> None:
        sessions = self._prices.universe.hours.sessions_between(
            wanted.listing, start_ns, end_ns, is_regular=wanted.is_regular_only
        )
        texts = [(_local(begin), _local(end)) for begin, end in sessions]
        reply = message_type("HistoricalSchedule")(
            reqId=query.request_id,
            startDateTime=texts[0][0] if texts else _local(start_ns),
            endDateTime=texts[-1][1] if texts else _local(end_ns),
            timeZone="US/Eastern",
        )
        for begin, end in texts:
            reply.historicalSessions.add(startDateTime=begin, endDateTime=end, refDate=begin[:8])
        self._close((query.session.session_id, query.request_id))
        self._broker.send(query.session, IN.HISTORICAL_SCHEDULE, reply)

    def _answer_ticks(self, query: OpenQuery, wanted: TickRequest) -> None:
        self._close((query.session.session_id, query.request_id))
        number, reply = tick_reply(self._prices, wanted, query.request_id, self._broker.market_ns)
        self._broker.send(query.session, number, reply)


def _fill(target: Message, bar: Bar, wanted: BarRequest) -> None:
    if bar.label:
        target.date = bar.label
    elif wanted.is_epoch:
        target.date = str(bar.begin_ns // SECOND_NS)
    else:
        target.date = time_text(bar.begin_ns)
    target.open, target.high, target.low, target.close = bar.open, bar.high, bar.low, bar.close
    target.volume, target.WAP, target.barCount = str(bar.volume), f"{bar.average:g}", bar.count


def _local(market_ns: int) -> str:
    """Return a time as captured in schedules: "20230414-09:30:00" in New York."""
    return time_text(market_ns)[:17].replace(" ", "-")
