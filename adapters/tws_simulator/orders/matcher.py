"""Lets the market fill what is live: quotes, trades, opening, close, and the end of an order's time.

A quote displays so much on each side; what our orders take of it is gone until the next quote of that
listing. Orders are matched one at a time in the order of their arrival.
"""

from __future__ import annotations

from decimal import Decimal

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Market, Print, Quote
from adapters.tws_simulator.orders import matching
from adapters.tws_simulator.orders.book import WorkingOrder
from adapters.tws_simulator.orders.combination import NON_GUARANTEED, Leg, LegPrice, side_price, side_size
from adapters.tws_simulator.orders.hours import OrderHours
from adapters.tws_simulator.orders.legging import Legging
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.matching import Interest
from adapters.tws_simulator.orders.session_orders import SessionOrders
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.orders.terms import ON_CLOSE
from adapters.tws_simulator.orders.triggers import observe, trigger_method, triggered_limit

NS_PER_MS = 1_000_000
ZERO = Decimal(0)
AT_ONCE = frozenset({"IOC", "FOK"})


class Matcher:
    """Works live orders against the market. `is_holding` keeps everything from filling, for tests."""

    def __init__(
        self,
        broker: Broker,
        market: Market,
        *,
        lifecycle: Lifecycle,
        hours: OrderHours,
        settings: OrdersSettings,
    ) -> None:
        self._broker, self._market, self._lifecycle = broker, market, lifecycle
        self._hours, self._settings = hours, settings
        self.fill_rule = settings.fill_rule
        self.is_holding = False
        self._live: dict[int, dict[int, WorkingOrder]] = {}
        self._taken: dict[tuple[int, bool], Decimal] = {}
        self._legging = Legging(broker, market, lifecycle=lifecycle, delay_ms=settings.leg_delay_ms)
        self._sessions = SessionOrders(broker, market, lifecycle=lifecycle, hours=hours, work=self.work)
        market.on_quote(self._on_quote)
        market.on_print(self._on_print)
        lifecycle.start_working = self.start
        lifecycle.rework = self.rework

    def start(self, one: WorkingOrder) -> None:
        """Let an acknowledged order work, after the time that fills take."""
        self._sessions.schedule(one, lambda: self._go_live(one))

    def work(self, one: WorkingOrder) -> None:
        """Fill what can be filled of an order now."""
        if one.is_done or not one.is_live or self.is_holding:
            return
        quote = self._quote(one)
        if quote is None or not self._hours.may_trade(one, self._broker.market_ns):
            return
        if not self._has_triggered(one, quote) or one.terms.order_type in ON_CLOSE:
            return
        self._trade(one, quote)
        if not one.is_done:
            self._after_attempt(one, quote)

    def rework(self, one: WorkingOrder) -> None:
        """Work an order whose terms have changed."""
        if not one.is_waiting_for_parent:
            self._sessions.schedule_end(one)
        self.work(one)

    def release(self) -> None:
        """Stop holding, and work everything that is live."""
        self.is_holding = False
        for orders in list(self._live.values()):
            for one in list(orders.values()):
                self.work(one)

    def leg_quote(self, leg: Leg) -> Quote | None:
        """Return the quote of a leg."""
        return self._market.quote(leg.listing.con_id)

    # ------------------------------------------------------------------ from the market

    def _on_quote(self, con_id: int, quote: Quote) -> None:
        orders = self._live.get(con_id)
        if not orders:
            return
        self._taken.pop((con_id, True), None)
        self._taken.pop((con_id, False), None)
        for perm_id, one in list(orders.items()):
            if one.is_done:
                del orders[perm_id]
            elif not _is_out_of_reach(one, quote):
                self.work(one)

    def _on_print(self, trade: Print) -> None:
        left = trade.size
        for one in list(self._live.get(trade.con_id, {}).values()):
            if one.is_done or one.is_combination or self.is_holding or not one.is_live:
                continue
            if self._hours.may_trade(one, self._broker.market_ns):
                left -= self._meet_print(one, trade, left)

    def _meet_print(self, one: WorkingOrder, trade: Print, left: Decimal) -> Decimal:
        quote = self._market.quote(trade.con_id) or Quote()
        seen = Quote(quote.bid, quote.ask, quote.bid_size, quote.ask_size, trade.price, trade.size)
        if not self._has_triggered(one, seen) or one.terms.is_all_or_none:
            return ZERO
        offered, one.queue_ahead = matching.size_at_print(
            self._interest(one), trade.price, left, self.fill_rule
        )
        limit = triggered_limit(one.terms, one.trigger)
        quantity = min(_whole(offered), one.remaining)
        if quantity <= 0 or limit is None:
            return ZERO
        self._lifecycle.fill(one, quantity, [LegPrice(one.legs[0], limit)])
        return quantity

    # ------------------------------------------------------------------ inside

    def _go_live(self, one: WorkingOrder) -> None:
        def begin() -> None:
            if one.is_done:
                return
            one.is_live = True
            for leg in one.legs:
                self._live.setdefault(leg.listing.con_id, {})[one.perm_id] = one
            self.work(one)

        self._broker.call_after(self._settings.fill_delay_ms * NS_PER_MS, begin)

    def _quote(self, one: WorkingOrder) -> Quote | None:
        if one.is_combination:
            return self._market.combination_quote(one.contract)
        return self._market.quote(one.legs[0].listing.con_id)

    def _has_triggered(self, one: WorkingOrder, quote: Quote) -> bool:
        if one.trigger.is_triggered:
            return True
        is_stock = not one.is_combination and not one.legs[0].listing.is_option
        method = trigger_method(
            one.terms, is_stock=is_stock, stocks_trigger_on_quotes=self._settings.trigger_on_quotes
        )
        one.trigger = observe(one.trigger, one.terms, quote, method)
        if one.trigger.is_triggered:
            self._lifecycle.triggered(one)
        return one.trigger.is_triggered

    def _interest(self, one: WorkingOrder) -> Interest:
        return Interest(
            is_buy=one.terms.is_buy,
            limit=triggered_limit(one.terms, one.trigger),
            is_resting=one.is_resting,
            queue_ahead=one.queue_ahead,
        )

    def _trade(self, one: WorkingOrder, quote: Quote) -> None:
        price = matching.price_at_quote(self._interest(one), quote, self.fill_rule)
        if price is None:
            return
        available = min(self._available(one), one.remaining)
        if available <= 0 or (one.terms.is_all_or_none and available < one.remaining):
            return
        legs = self._leg_prices(one, price)
        if legs is None:
            return
        if one.is_combination and _is_not_guaranteed(one):
            self._legging.begin(one, available, legs[0])
            return
        self._fill_in_parts(one, available, legs)

    def _fill_in_parts(self, one: WorkingOrder, available: Decimal, legs: list[LegPrice]) -> None:
        part_max = Decimal(self._settings.fill_quantity_max) or available
        while available > 0 and not one.is_done:
            quantity = min(part_max, available, one.remaining)
            self._take(one, quantity)
            self._lifecycle.fill(one, quantity, legs)
            available -= quantity

    def _leg_prices(self, one: WorkingOrder, price: Decimal) -> list[LegPrice] | None:
        if not one.is_combination:
            return [LegPrice(one.legs[0], price)] if price > 0 else None
        found = []
        for leg in one.legs:
            quote = self._market.quote(leg.listing.con_id)
            leg_price = side_price(leg, quote, order_is_buy=one.terms.is_buy)
            if leg_price is None or leg_price <= 0:
                return None
            found.append(LegPrice(leg, leg_price))
        return found

    def _available(self, one: WorkingOrder) -> Decimal:
        if not self._settings.is_size_limited:
            return one.remaining
        return min(self._available_of(leg, one) for leg in one.legs)

    def _available_of(self, leg: Leg, one: WorkingOrder) -> Decimal:
        is_buy = one.terms.is_buy
        con_id = leg.listing.con_id
        size = side_size(leg, self._market.quote(con_id), order_is_buy=is_buy)
        left = size - self._taken.get((con_id, leg.is_bought(is_buy)), ZERO)
        return _whole(left / leg.ratio)

    def _take(self, one: WorkingOrder, quantity: Decimal) -> None:
        for leg in one.legs:
            key = (leg.listing.con_id, leg.is_bought(one.terms.is_buy))
            self._taken[key] = self._taken.get(key, ZERO) + quantity * leg.ratio

    def _after_attempt(self, one: WorkingOrder, quote: Quote) -> None:
        if one.terms.time_in_force in AT_ONCE:
            self._lifecycle.cancel(one)
        elif one.terms.time_in_force == "OPG" and one.terms.limit is not None:
            self._lifecycle.cancel(one, "The opening did not reach the limit")
        elif not one.is_resting or one.queue_ahead is None:
            one.is_resting = triggered_limit(one.terms, one.trigger) is not None
            one.queue_ahead = matching.queue_on_resting(self._interest(one), quote)


def _is_not_guaranteed(one: WorkingOrder) -> bool:
    return one.order.smartComboRoutingParams.get(NON_GUARANTEED, "0") == "1"


def _is_out_of_reach(one: WorkingOrder, quote: Quote) -> bool:
    """Return whether a quote can do nothing to an order: it rests away from the market.

    Most orders are such, and every quote looks at all of a listing's orders.
    """
    limit, is_buy = one.terms.limit, one.terms.is_buy
    if not one.is_resting or limit is None or one.is_combination or one.terms.order_type == "TRAIL LIMIT":
        return False
    offered, best = (quote.ask, quote.bid) if is_buy else (quote.bid, quote.ask)
    if offered is not None and (offered <= limit if is_buy else offered >= limit):
        return False
    learns_its_queue = one.queue_ahead is None and (
        best is None or (best <= limit if is_buy else best >= limit)
    )
    return not learns_its_queue


def _whole(quantity: Decimal) -> Decimal:
    return Decimal(int(quantity))
