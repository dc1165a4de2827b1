"""Orders and the trading day: opening, close, good-after and good-till times, and the 399 warning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

from adapters.tws_simulator.account.frames import quantity_text
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Listing, Market
from adapters.tws_simulator.orders.book import WorkingOrder
from adapters.tws_simulator.orders.combination import LegPrice
from adapters.tws_simulator.orders.frames import local_time
from adapters.tws_simulator.orders.hours import OrderHours
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.terms import ON_CLOSE
from adapters.tws_simulator.orders.time_in_force import parse_order_time
from market.time import new_york_ns

OPTIONS_CLOSE = time(16, 15)
"""Index options trade until then; those on stocks end with the session, and quote no more."""


class SessionOrders:
    """Schedules what the clock does to an order. `work(order)` matches it."""

    def __init__(
        self,
        broker: Broker,
        market: Market,
        *,
        lifecycle: Lifecycle,
        hours: OrderHours,
        work: Callable[[WorkingOrder], None],
    ) -> None:
        self._broker, self._market, self._lifecycle = broker, market, lifecycle
        self._hours, self._work = hours, work

    def schedule(self, one: WorkingOrder, go_live: Callable[[], None]) -> None:
        """Arrange an order's end, its opening or close, and let it live now or when its time comes."""
        now_ns = self._broker.market_ns
        self.schedule_end(one)
        if one.terms.good_after:
            start_ns = parse_order_time(one.terms.good_after)
            if start_ns > now_ns:
                self._broker.call_at_market(start_ns, lambda: self._begin(one, go_live))
                return
        self._begin(one, go_live)

    def _begin(self, one: WorkingOrder, go_live: Callable[[], None]) -> None:
        now_ns = self._broker.market_ns
        session = self._hours.session(one, now_ns)
        if one.terms.order_type in ON_CLOSE and session is not None:
            self._broker.call_at_market(session[1] - 1, lambda: self._close(one))
        waits = session is not None and now_ns < session[0] and not self._hours.may_trade(one, now_ns)
        is_for_opening = one.terms.time_in_force == "OPG"
        if session is not None and (waits or (is_for_opening and now_ns < session[0])):
            self._warn_of_waiting(one, session[0])
            if is_for_opening:
                self._broker.call_at_market(session[0], go_live)
                return
            self._broker.call_at_market(session[0], lambda: self._work(one))
        go_live()

    def schedule_end(self, one: WorkingOrder) -> None:
        """Arrange when an order ends, anew after its time in force may have changed."""
        ends = [self._time_in_force_ends_ns(one, self._broker.market_ns)]
        ends += [self._expiry_ns(leg.listing) for leg in one.legs]
        end_ns = min((ns for ns in ends if ns is not None), default=None)
        if end_ns is not None and end_ns != one.ends_ns:
            self._broker.call_at_market(end_ns, lambda: self._end(one, end_ns))
        one.ends_ns = end_ns

    def _end(self, one: WorkingOrder, end_ns: int) -> None:
        if one.ends_ns == end_ns:
            self._lifecycle.cancel(one)

    def _time_in_force_ends_ns(self, one: WorkingOrder, now_ns: int) -> int | None:
        if one.terms.time_in_force == "GTD":
            return parse_order_time(one.terms.good_till)
        if one.terms.time_in_force == "GTC":
            return None
        if one.terms.time_in_force == "OPG":
            session = self._hours.session(one, now_ns)
            return session[1] if session else None
        return self._hours.ends_ns(one, now_ns)

    def _expiry_ns(self, listing: Listing) -> int | None:
        """Return when an option stops trading: nothing in it works after the close of its last day."""
        if not listing.is_option:
            return None
        return new_york_ns(date.fromisoformat(listing.expiry), OPTIONS_CLOSE)

    def _close(self, one: WorkingOrder) -> None:
        """Trade an on-close order in the closing auction, at the last price, or end it."""
        con_id = one.legs[0].listing.con_id
        quote = self._market.quote(con_id)
        price = quote.last if quote is not None and quote.last is not None else self._market.mark(con_id)
        if one.is_done or not one.is_live or price is None:
            return
        limit = one.terms.limit
        misses = limit is not None and (price > limit if one.terms.is_buy else price < limit)
        if misses:
            self._lifecycle.cancel(one, "The close did not reach the limit")
            return
        self._lifecycle.fill(one, one.remaining, [LegPrice(one.legs[0], price)])

    def _warn_of_waiting(self, one: WorkingOrder, open_ns: int) -> None:
        zone = self._broker.settings.session.time_zone
        local = local_time(open_ns, zone)
        when = f"{local[:4]}-{local[4:6]}-{local[6:]}"
        what = f"{one.order.action} {quantity_text(one.quantity)} {one.contract.symbol}"
        where = one.legs[0].listing.primary_exchange or one.contract.exchange
        text = (
            f"Order Message:\n{what} {where}\n"
            f"Warning: your order will not be placed at the exchange until {when}"
        )
        self._lifecycle.warn(one, 399, text)
