"""Market depth: rows of a book, consolidated (SMART) or of one exchange, at most three requests at a time.

Known: the operations and sides; `marketMaker` names the exchange of a consolidated row and was empty on a
direct exchange in the captured depth of EUR.USD; texts of 309, 310, 316 and 317. Modelled: direct
NASDAQ rows carry "NSDQ", as the samples of clients show; rows of other exchanges carry their name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.tws_simulator.component import Handler, Refused
from adapters.tws_simulator.contracts.resolution import INVALID, the_listing
from adapters.tws_simulator.contracts.universe import SYNONYMS
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.market_data.books import EMPTY, EXCHANGES, Book
from adapters.tws_simulator.market_data.depth_rows import RowChange, row_changes
from adapters.tws_simulator.market_data.encoding import TickShape, request_id_bytes
from adapters.tws_simulator.market_data.standing_requests import MarketAccess, RequestKey, StandingRequests
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.session.sessions import Session

ROWS_MAX = 60
SMART = "SMART"
BID_SIDE, ASK_SIDE = 1, 0
MARKET_MAKERS = {"NASDAQ": "NSDQ"}

NOT_SUPPORTED = "Deep market data is not supported for this combination of security type/exchange"
RESET = "Market depth data has been RESET. Please empty deep book contents before applying any new entries."
HALTED = "Market depth data has been HALTED. Please re-subscribe."


@dataclass(slots=True, eq=False)
class DepthRequest:
    """A client's request, and the rows that it has been told."""

    session: Session
    request_id: int
    prefix: bytes


@dataclass(slots=True, eq=False)
class DepthView:
    """What one or more requests of equal kind see of a book: changes are found and encoded once."""

    listing: Listing
    exchange: str
    rows: int
    shown: Book = EMPTY
    requests: list[DepthRequest] = field(default_factory=list)
    end: Callable[[], None] = lambda: None
    is_waiting: bool = False

    @property
    def is_smart(self) -> bool:
        """Whether the rows of all exchanges are shown."""
        return self.exchange == SMART


class Depth(StandingRequests[tuple[DepthView, DepthRequest]]):
    """All depth requests."""

    def __init__(self, access: MarketAccess) -> None:
        super().__init__(access)
        self._views: dict[tuple[int, str, int], DepthView] = {}
        self._shape = TickShape("MarketDepthL2")

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about depth."""
        return {OUT.REQ_MKT_DEPTH: self._subscribe, OUT.CANCEL_MKT_DEPTH: self._cancel}

    def reset(self, con_id: int | None) -> int:
        """Send 317 on every request of a listing (None: all) and the rows anew; return how many."""
        chosen = self._chosen(con_id)
        for key in chosen:
            view, request = self._held[key]
            self._broker.error(request.session, request.request_id, 317, RESET)
            self._send_book(view, request)
        return len(chosen)

    def halt(self, con_id: int | None) -> int:
        """End every request of a listing (None: all) with 316; return how many."""
        chosen = self._chosen(con_id)
        for key in chosen:
            request = self._held[key][1]
            self._drop(key)
            self._broker.error(request.session, request.request_id, 316, HALTED)
        return len(chosen)

    # ------------------------------------------------------------------ requests

    def _subscribe(self, session: Session, request: Message) -> None:
        key = self._new_key(session, request)
        listing = the_listing(self._prices.universe, request.contract)
        if request.numRows < 1:
            raise Refused(321, f"{INVALID}Invalid number of rows {request.numRows}")
        exchange = self._exchange(listing, request)
        self._entitlements.require_live(listing)
        if len(self._held) >= self._settings.depth_requests_max:
            text = (
                f"Max number ({self._settings.depth_requests_max}) of market depth requests has been reached"
            )
            raise Refused(309, text)
        self._prices.quote(listing.con_id)
        view = self._view(listing, exchange, min(request.numRows, ROWS_MAX))
        depth_request = DepthRequest(session, request.reqId, request_id_bytes(request.reqId))
        view.requests.append(depth_request)
        self._held[key] = (view, depth_request)
        self._send_book(view, depth_request)

    def _cancel(self, session: Session, request: Message) -> None:
        key = (session.session_id, request.reqId)
        if key not in self._held:
            raise Refused(310, f"Can't find the subscribed market depth with tickerId:{request.reqId}")
        self._drop(key)

    def _exchange(self, listing: Listing, request: Message) -> str:
        """Return whose rows are wanted: SMART needs `isSmartDepth`, an exchange must have depth."""
        exchange = SYNONYMS.get(request.contract.exchange, request.contract.exchange) or SMART
        is_deep = exchange in EXCHANGES and exchange in listing.exchanges
        if listing.security_type != "STK" or (exchange == SMART) != request.isSmartDepth:
            raise Refused(10092, NOT_SUPPORTED)
        if exchange != SMART and not is_deep:
            raise Refused(10092, NOT_SUPPORTED)
        return exchange

    def _view(self, listing: Listing, exchange: str, rows: int) -> DepthView:
        key = (listing.con_id, exchange, rows)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = DepthView(listing, exchange, rows)
            view.shown = self._book(view)
            created = view
            view.end = self._prices.books.watch(listing.con_id, lambda: self._mark(created))
        return view

    def _drop(self, key: RequestKey) -> None:
        view, request = self._held.pop(key)
        view.requests.remove(request)
        if not view.requests:
            view.end()
            del self._views[view.listing.con_id, view.exchange, view.rows]

    def _chosen(self, con_id: int | None) -> list[tuple[int, int]]:
        return [key for key, (view, _) in self._held.items() if con_id in (None, view.listing.con_id)]

    # ------------------------------------------------------------------ rows

    def _book(self, view: DepthView) -> Book:
        books, con_id = self._prices.books, view.listing.con_id
        if view.is_smart:
            return books.book(con_id, view.rows)
        return books.exchange_book(con_id, view.exchange, view.rows)

    def _mark(self, view: DepthView) -> None:
        if self._settings.depth_ms == 0:
            self._send_changes(view)
        elif not view.is_waiting:
            view.is_waiting = True
            self._broker.call_after(self._settings.depth_ms * 1_000_000, lambda: self._send_changes(view))

    def _send_changes(self, view: DepthView) -> None:
        view.is_waiting = False
        if not view.requests or self._silenced(view.listing.con_id):
            return
        before, view.shown = view.shown, self._book(view)
        for side, old, new in (
            (BID_SIDE, before.bids, view.shown.bids),
            (ASK_SIDE, before.asks, view.shown.asks),
        ):
            for change in row_changes(old, new, view.rows):
                shared = _encoded(change, side, is_smart=view.is_smart)
                for request in view.requests:
                    self._send(request, shared)

    def _send_book(self, view: DepthView, request: DepthRequest) -> None:
        for side, rows in ((BID_SIDE, view.shown.bids), (ASK_SIDE, view.shown.asks)):
            for change in row_changes([], rows, view.rows):
                self._send(request, _encoded(change, side, is_smart=view.is_smart))

    def _send(self, request: DepthRequest, shared: bytes) -> None:
        body = self._shape.message(request.prefix, shared)
        self._broker.send(request.session, IN.MARKET_DEPTH_L2, body)


def _encoded(change: RowChange, side: int, *, is_smart: bool) -> bytes:
    """Return an encoded `MarketDepthL2` without its request id."""
    row = change.row
    maker = row.exchange if is_smart else MARKET_MAKERS.get(row.exchange, row.exchange)
    message = message_type("MarketDepthL2")()
    data = message.marketDepthData
    data.position, data.operation, data.side = change.position, int(change.operation), side
    data.price, data.size = float(row.price), str(row.size)
    data.marketMaker, data.isSmartDepth = maker, is_smart
    shared: bytes = message.SerializeToString()
    return shared
