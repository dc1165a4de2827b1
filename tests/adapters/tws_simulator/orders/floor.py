"""A small exchange for tests of orders and accounts: listings and quotes by hand, one broker in process.

floor = Floor()
client = floor.client(1)
floor.quote(AAPL, 199.99, 200.01)
client_order(client, 5, STOCK, action="BUY", quantity=100)
floor.run()                                  # acknowledged and filled
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

from adapters.tws_simulator.account.desk import AccountDesk
from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Listing, Print, Quote, TradingPhase
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.orders.desk import OrdersDesk
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.settings import SessionSettings, SimulatorSettings
from market.time import new_york_date, new_york_ns
from tests.adapters.tws_simulator.in_process import START_NS, FakeSession, InProcess

AAPL, BAC, SPX = 265598, 10098, 416904
CALL_200, CALL_210, PUT_190, PUT_200, SPX_CALL = 1001, 1002, 1003, 1004, 1005
EXPIRY = "20260116"
HOLIDAYS = {date(2026, 1, 1), date(2026, 1, 19)}


def _stock(con_id: int, symbol: str) -> Listing:
    return Listing(
        con_id=con_id,
        security_type="STK",
        symbol=symbol,
        local_symbol=symbol,
        trading_class="NMS",
        primary_exchange="NASDAQ",
        exchanges=("SMART", "NASDAQ", "ARCA"),
        market_rule_ids=(26, 26, 26),
    )


def _option(con_id: int, right: str, strike: int, *, underlying: int = AAPL, symbol: str = "AAPL") -> Listing:
    is_index = underlying == SPX
    return Listing(
        con_id=con_id,
        security_type="OPT",
        symbol=symbol,
        local_symbol=f"{symbol:<6}{EXPIRY[2:]}{right}{strike * 1000:08d}",
        trading_class=symbol,
        primary_exchange="",
        exchanges=("SMART", "CBOE"),
        market_rule_ids=(32, 32),
        multiplier=100,
        expiry=EXPIRY,
        strike=Decimal(strike),
        right=right,
        underlying_con_id=underlying,
        is_european=is_index,
        settlement="PM" if is_index else "PHYSICAL",
    )


INDEX = replace(_stock(SPX, "SPX"), security_type="IND", primary_exchange="CBOE", exchanges=("CBOE",))
LISTINGS = (
    _stock(AAPL, "AAPL"),
    _stock(BAC, "BAC"),
    INDEX,
    _option(CALL_200, "C", 200),
    _option(CALL_210, "C", 210),
    _option(PUT_190, "P", 190),
    _option(PUT_200, "P", 200),
    _option(SPX_CALL, "C", 5000, underlying=SPX, symbol="SPX"),
)


class HandUniverse:
    """The listings above, New York's usual hours."""

    def __init__(self) -> None:
        self._by_id = {listing.con_id: listing for listing in LISTINGS}

    def listing(self, con_id: int) -> Listing | None:
        return self._by_id.get(con_id)

    def listings(self) -> Sequence[Listing]:
        return LISTINGS

    def resolve(self, contract: Message) -> list[Listing]:
        if contract.conId:
            found = self._by_id.get(contract.conId)
            return [found] if found else []
        return [
            one for one in LISTINGS if one.symbol == contract.symbol and one.security_type == contract.secType
        ]

    def options_of(self, underlying_con_id: int) -> Sequence[Listing]:
        return [one for one in LISTINGS if one.underlying_con_id == underlying_con_id]

    def price_increment(self, listing: Listing, *, exchange: str, price: Decimal) -> Decimal:
        return Decimal("0.0001") if price < 1 and not listing.is_option else Decimal("0.01")

    def phase(self, listing: Listing, market_ns: int) -> TradingPhase:
        session = self.regular_session(listing, market_ns)
        if session is None:
            return TradingPhase.CLOSED
        if session[0] <= market_ns < session[1]:
            return TradingPhase.REGULAR
        day = new_york_date(market_ns)
        is_extended = new_york_ns(day, time(4)) <= market_ns < new_york_ns(day, time(20))
        return TradingPhase.OUTSIDE if is_extended else TradingPhase.CLOSED

    def regular_session(self, listing: Listing, market_ns: int) -> tuple[int, int] | None:
        day = new_york_date(market_ns)
        if day.weekday() >= 5 or day in HOLIDAYS:
            return None
        return new_york_ns(day, time(9, 30)), new_york_ns(day, time(16))


class HandMarket:
    """Quotes set by tests."""

    def __init__(self) -> None:
        self.quotes: dict[int, Quote] = {}
        self._on_quote: list[Callable[[int, Quote], None]] = []
        self._on_print: list[Callable[[Print], None]] = []

    def quote(self, con_id: int) -> Quote | None:
        return self.quotes.get(con_id)

    def combination_quote(self, contract: Message) -> Quote | None:
        bid = ask = Decimal(0)
        for leg in contract.comboLegs:
            quote = self.quotes.get(leg.conId)
            if quote is None or quote.bid is None or quote.ask is None:
                return None
            is_bought = leg.action == "BUY"
            bid += leg.ratio * (quote.bid if is_bought else -quote.ask)
            ask += leg.ratio * (quote.ask if is_bought else -quote.bid)
        return Quote(bid=bid, ask=ask)

    def mark(self, con_id: int) -> Decimal | None:
        quote = self.quotes.get(con_id)
        if quote is None:
            return None
        if quote.bid is not None and quote.ask is not None:
            return (quote.bid + quote.ask) / 2
        return quote.last

    def set_quote(self, con_id: int, quote: Quote) -> None:
        self.quotes[con_id] = quote
        for listener in self._on_quote:
            listener(con_id, quote)

    def trade(self, trade: Print) -> None:
        for listener in self._on_print:
            listener(trade)

    def on_quote(self, listener: Callable[[int, Quote], None]) -> None:
        self._on_quote.append(listener)

    def on_print(self, listener: Callable[[Print], None]) -> None:
        self._on_print.append(listener)


class Floor(InProcess):
    """A broker with accounts and orders over the hand-made market; no delays unless asked for."""

    def __init__(
        self,
        *,
        orders: OrdersSettings | None = None,
        account: AccountSettings | None = None,
        session: SessionSettings | None = None,
        now_ns: int = START_NS,
    ) -> None:
        self.universe, self.market = HandUniverse(), HandMarket()
        self._orders, self._account = orders or quick(), account or AccountSettings(position_delay_ms=0)
        session = session or SessionSettings(messages_per_second_max=1_000_000)
        super().__init__(SimulatorSettings(session=session), install=self._install, now_ns=now_ns)
        self._sizes: dict[int, tuple[str, str]] = {}

    def _install(self, broker: Broker) -> Callable[[], int]:
        self.account = AccountDesk(broker, self.universe, self.market, settings=self._account)
        self.orders = OrdersDesk(broker, self.universe, self.market, self.account, settings=self._orders)
        broker.install(self.account)
        broker.install(self.orders)
        return self.orders.next_valid_id

    def quote(
        self, con_id: int, bid: object, ask: object, *, size: object = 1_000_000, last: object = None
    ) -> None:
        """Set a quote with the same size on both sides."""
        before = self.market.quotes.get(con_id)
        held_last = before.last if before is not None and last is None else None
        self.market.set_quote(
            con_id,
            Quote(
                bid=Decimal(str(bid)),
                ask=Decimal(str(ask)),
                bid_size=Decimal(str(size)),
                ask_size=Decimal(str(size)),
                last=held_last if last is None else Decimal(str(last)),
                last_size=Decimal(1),
                ts_ns=self.broker.market_ns,
            ),
        )

    def trade(self, con_id: int, price: object, size: object) -> None:
        """Let the market trade."""
        self.market.trade(Print(con_id, Decimal(str(price)), Decimal(str(size)), self.broker.market_ns))

    def run(self, seconds: float = 0.0) -> None:
        """Run what is due now, and what that makes due, then let `seconds` pass."""
        for _ in range(8):
            self.run_for(0)
        if seconds:
            self.run_for(seconds)
        assert self.broker.failures == []

    def command(self, name: str, **parameters: object) -> Any:
        """Run a control command."""
        return self.broker.run_command(name, parameters)

    def truth_of(self, order_id: int, client_id: int = 1) -> dict[str, Any]:
        """Return what is true of an order."""
        return next(
            one
            for one in self.orders.truth()["orders"]
            if (one["client_id"], one["order_id"]) == (client_id, order_id)
        )

    def books(self, account: str = "DU1234567") -> dict[str, Any]:
        """Return what is true of an account."""
        truth: dict[str, Any] = self.account.truth()["accounts"][account]
        return truth


def quick(**changes: Any) -> OrdersSettings:
    """Return order settings without delays."""
    delays = dict.fromkeys(("acknowledge_delay_ms", "fill_delay_ms", "cancel_delay_ms"), 0)
    return OrdersSettings(**{**delays, **changes})


def contract(con_id: int = AAPL, *, exchange: str = "SMART") -> Message:
    """Return a contract by id."""
    return message_type("Contract")(conId=con_id, exchange=exchange)


def bag(*legs: tuple[int, str, int]) -> Message:
    """Return a combination of (contract id, action, ratio)."""
    made = message_type("Contract")(symbol="AAPL", secType="BAG", currency="USD", exchange="SMART")
    for con_id, action, ratio in legs:
        made.comboLegs.add(conId=con_id, action=action, ratio=ratio, exchange="SMART")
    return made


def place(
    session: FakeSession,
    order_id: int,
    con_id: int | Message = AAPL,
    *,
    action: str = "BUY",
    quantity: object = 100,
    kind: str = "MKT",
    transmit: bool = True,
    **fields: Any,
) -> None:
    """Place an order; `fields` are TWS's names (lmtPrice, auxPrice, tif, ocaGroup, parentId, ...)."""
    order = message_type("Order")(
        action=action, totalQuantity=str(quantity), orderType=kind, transmit=transmit, **fields
    )
    where = contract(con_id) if isinstance(con_id, int) else con_id
    session.request(OUT.PLACE_ORDER, "PlaceOrderRequest", orderId=order_id, contract=where, order=order)


def cancel(session: FakeSession, order_id: int) -> None:
    """Cancel an order."""
    session.request(OUT.CANCEL_ORDER, "CancelOrderRequest", orderId=order_id)


def statuses(session: FakeSession, order_id: int) -> list[str]:
    """Take the order statuses sent for an order, oldest first, without repetitions."""
    found: list[str] = []
    for body in session.take(IN.ORDER_STATUS):
        if body.orderId == order_id and found[-1:] != [body.status]:
            found.append(body.status)
    return found
