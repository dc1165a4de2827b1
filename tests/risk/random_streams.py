"""Random streams of commands against a random venue whose answers come late, twice, never or mixed up.

`Stream` drives a `Gatekeeper`; `Truth` is the venue that it cannot see. Fills that are lost come back
with a reconciliation inside the grace period, as Nautilus' checks bring them back; every other lost
event stays lost. All chance comes from one seed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from decimal import Decimal

import msgspec

from market.time import NS_PER_MS
from risk.decision import Approved, Refused
from risk.intent import InstrumentTerms, OrderIntent
from risk.performance import Fill
from risk.snapshot import Quote
from tests.risk.stream_limits import LimitCheck
from tests.risk.stream_world import (
    ALL_OPTIONS,
    DELAY_MS_MAX,
    GRACE_MS,
    LIMITS,
    OPTIONS,
    SPREADS,
    STOCKS,
    STRATEGIES,
    Truth,
    VenueOrder,
    leg_fills,
)
from tests.risk.table_market import NOW_NS, TableMarket, gatekeeper


class Stream:
    """One random stream; `run` raises AssertionError where a limit is exceeded."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.market = TableMarket()
        self.keeper = gatekeeper(LIMITS, self.market)
        self.truth = Truth()
        self.now_ns = NOW_NS
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.known: dict[tuple[str, str], int] = {}
        self.known_left: dict[str, int] = {}
        self.approved = 0
        self.refused = 0
        self.known_paid: dict[tuple[str, str], Decimal] = {}
        self.told: set[tuple[str, str]] = set()
        self.openings_ns: list[int] = []
        self.limits = LimitCheck(self.truth, self.market, self.openings_ns)
        self._count = 0
        self._move_prices()

    def run(self, steps: int) -> None:
        """Take `steps` random steps and check every limit after each."""
        actions = (
            self._new_stock, self._new_stock, self._new_spread, self._new_option, self._bracket, self._close,
            self._close, self._change, self._cancel, self._fill, self._fill, self._venue_ends, self._burst,
            self._suppose_rejected,
        )  # fmt: skip
        for _ in range(steps):
            self.now_ns += self.chance.randrange(1, 200) * NS_PER_MS
            self._deliver()
            if self.chance.random() < 0.2:
                self._move_prices()
            self.chance.choice(actions)()
            self.limits.check(self.now_ns)

    # -- The market -------------------------------------------------------------------------------

    def _move_prices(self) -> None:
        for terms in STOCKS:
            cents = self.chance.randrange(400, 600)
            self._quote(terms, Decimal(cents) / 100, Decimal(cents + 1) / 100)
        for terms in (*ALL_OPTIONS, *SPREADS):
            cents = self.chance.randrange(50, 400)
            self._quote(terms, Decimal(cents) / 100, Decimal(cents + 5) / 100)
        for terms in (SPREADS[0], SPREADS[2], SPREADS[3]):  # sold for a credit
            cents = self.chance.randrange(50, 400)
            self._quote(terms, Decimal(-cents - 5) / 100, Decimal(-cents) / 100)

    def _quote(self, terms: InstrumentTerms, bid: Decimal, ask: Decimal) -> None:
        self.market.quotes[terms.instrument_id] = Quote(bid, ask, 1_000, 1_000, self.now_ns)

    # -- Commands ---------------------------------------------------------------------------------

    def _intent(self, terms: InstrumentTerms, quantity: int, **fields: object) -> OrderIntent:
        self._count += 1
        quote = self.market.quote(terms)
        assert quote is not None
        side = fields.pop("side", None) or self.chance.choice(("buy", "sell"))
        is_market = terms.kind == "stock" and self.chance.random() < 0.3
        price = quote.ask if side == "buy" else quote.bid
        values = {
            "order_id": f"O-{self._count}",
            "strategy_id": self.chance.choice(STRATEGIES),
            "terms": terms,
            "side": side,
            "quantity": quantity,
            "order_type": "market" if is_market else "limit",
            "time_in_force": "day",
            "limit_price": None if is_market else price,
        }
        return OrderIntent(**(values | fields))  # type: ignore[arg-type]

    def _new_stock(self) -> None:
        self._submit([self._intent(self.chance.choice(STOCKS), self.chance.randrange(1, 130))])

    def _new_spread(self) -> None:
        self._submit([self._intent(self.chance.choice(SPREADS), self.chance.randrange(1, 6))])

    def _new_option(self) -> None:
        self._submit([self._intent(self.chance.choice(OPTIONS), self.chance.randrange(1, 6))])

    def _burst(self) -> None:
        for _ in range(self.chance.randrange(2, 8)):
            self.chance.choice((self._new_stock, self._new_spread, self._close, self._change))()
            self.limits.check(self.now_ns)

    def _bracket(self) -> None:
        """Send an entry with one to three children, now and then larger than it, or in no OCA group."""
        quantity = self.chance.randrange(1, 100)
        entry = self._intent(self.chance.choice(STOCKS), quantity)
        common = {
            "side": "sell" if entry.side == "buy" else "buy",
            "strategy_id": entry.strategy_id,
            "protects_id": entry.order_id,
            "group_id": f"G-{entry.order_id}" if self.chance.random() < 0.8 else None,
        }
        children = []
        for number in range(self.chance.choice((1, 2, 2, 3))):
            size = quantity if self.chance.random() < 0.7 else self.chance.randrange(1, 100)
            child = self._intent(entry.terms, size, **common)
            if child.limit_price is not None:  # else the duplicate of its sibling
                child = msgspec.structs.replace(child, limit_price=child.limit_price + Decimal(number) / 100)
            children.append(child)
        if self.chance.random() < 0.5:
            self.truth.free_whole.add(entry.order_id)
        self._submit([entry, *children])

    def _close(self) -> None:
        held = [(key, count) for key, count in self.known.items() if count]
        if not held:
            return
        (strategy_id, instrument_id), count = self.chance.choice(held)
        terms = next(each for each in (*STOCKS, *ALL_OPTIONS) if each.instrument_id == instrument_id)
        quantity = self.chance.choice((abs(count), self.chance.randrange(1, abs(count) + 1)))
        is_owner = self.chance.random() < 0.8  # another strategy may close what the account holds
        closer = strategy_id if is_owner else self.chance.choice(STRATEGIES)
        intent = self._intent(terms, quantity, side="sell" if count > 0 else "buy", strategy_id=closer)
        is_possible = is_owner and quantity <= abs(count) - self._known_closing(intent)
        must_pass = is_possible and terms.kind == "stock"
        verdicts = self._submit([intent])
        if must_pass:
            assert isinstance(verdicts[0], Approved), f"reducing {intent} was refused: {verdicts[0]}"

    def _known_closing(self, intent: OrderIntent) -> int:
        """Return what the strategy has working in the intent's direction, as far as it has been told."""
        return sum(
            left
            for order_id, left in self.known_left.items()
            if (earlier := self.truth.orders[order_id].intent).strategy_id == intent.strategy_id
            and earlier.terms is intent.terms
            and earlier.side == intent.side
        )

    def _submit(self, intents: list[OrderIntent]) -> list[Approved[OrderIntent] | Refused]:
        verdicts = self.keeper.submit(intents, self.now_ns)
        for intent, verdict in zip(intents, verdicts, strict=True):
            if isinstance(verdict, Refused):
                self.refused += 1
                continue
            self.approved += 1
            if not verdict.is_reducing:
                self.openings_ns.append(self.now_ns)
            placed = VenueOrder(intent, verdict.is_reducing, intent.quantity, price=intent.price)
            self.truth.orders[intent.order_id] = placed
            self.known_left[intent.order_id] = intent.quantity
        if any(isinstance(verdict, Approved) and not verdict.is_reducing for verdict in verdicts):
            self.limits.check_opened(intents[0].terms)
        return verdicts

    def _change(self) -> None:
        live = self.truth.live()
        if not live:
            return
        each = self.chance.choice(live)
        total = (
            self.chance.randrange(1, 130)
            if each.intent.terms.kind == "stock"
            else self.chance.randrange(1, 6)
        )
        price = each.price
        if price is not None and self.chance.random() < 0.5:
            price += Decimal(self.chance.randrange(-5, 6)) / 100
        known_filled = self._gate_filled(each.intent.order_id)
        if total <= known_filled:
            return
        intent = msgspec.structs.replace(
            each.intent, quantity=total - known_filled, limit_price=price, replaces=True
        )
        verdict = self.keeper.change(intent, total, self.now_ns)
        if isinstance(verdict, Refused):
            self.refused += 1
            return
        self.approved += 1
        each.is_reducing |= verdict.is_reducing
        order_id = each.intent.order_id
        self.known_left[order_id] += max(total - each.intent.quantity, 0)
        each.intent = msgspec.structs.replace(each.intent, quantity=max(each.intent.quantity, total))
        ts_ns = self.now_ns
        if self.chance.random() < 0.3:
            self._send(lambda: self.keeper.change_rejected(order_id, ts_ns), may_be_lost=True)
            return
        each.quantity, each.price = max(total, each.filled), price
        quantity = each.quantity
        self._send(lambda: self.keeper.changed(order_id, quantity, price, ts_ns), may_be_lost=True)

    def _gate_filled(self, order_id: str) -> int:
        reservation = self.keeper.account.ledger.reservations.get(order_id)
        return 0 if reservation is None else reservation.filled

    def _cancel(self) -> None:
        live = self.truth.live()
        if live:
            each = self.chance.choice(live)
            self.keeper.cancel(each.intent.order_id, self.now_ns)
            if self.chance.random() < 0.7:
                self._end(each)

    # -- The venue --------------------------------------------------------------------------------

    def _fill(self) -> None:
        live = [each for each in self.truth.live() if self.truth.can_fill(each)]
        if not live:
            return
        each = self.chance.choice(live)
        most = self.truth.can_fill(each)
        count = self.chance.choice((most, self.chance.randrange(1, most + 1)))
        intent = each.intent
        each.filled += count
        price = each.price
        if price is None:
            quote = self.market.quote(intent.terms)
            assert quote is not None
            price = quote.ask if intent.side == "buy" else quote.bid
        self._count += 1
        trade_id = f"T-{self._count}"
        self._fill_leg(each, intent.terms, intent.sign * count, price=price, trade_id=trade_id)
        if intent.terms.kind == "spread":
            for terms, signed, leg_price in leg_fills(each, count):
                self._fill_leg(each, terms, signed, price=leg_price, trade_id=trade_id)

    def _fill_leg(
        self, each: VenueOrder, terms: InstrumentTerms, signed: int, *, price: Decimal, trade_id: str
    ) -> None:
        intent = each.intent
        key = (intent.strategy_id, terms.instrument_id)
        fill = Fill(strategy_id=intent.strategy_id, terms=terms, signed_quantity=signed, price=price)
        owner = (intent.strategy_id, terms.symbol)
        cash = signed * price * terms.multiplier if terms.kind == "option" else Decimal(0)
        self.truth.paid[owner] = self.truth.paid.get(owner, Decimal(0)) + cash
        if terms.kind != "spread":
            self.truth.positions[key] = self.truth.positions.get(key, 0) + signed

        def arrive() -> None:
            is_new = (trade_id, terms.instrument_id) not in self.told
            self.told.add((trade_id, terms.instrument_id))
            self.keeper.filled(intent.order_id, trade_id, fill, self.now_ns)
            if terms.kind != "spread" and is_new:
                self.known[key] = self.known.get(key, 0) + signed
                self._note_paid(owner, terms, signed, cash)
            if terms is intent.terms and is_new:
                self.known_left[intent.order_id] -= abs(signed)

        self._send(arrive, may_be_lost=False)
        if self.chance.random() < 0.2:
            self._send(arrive, may_be_lost=False)  # reported twice

    def _note_paid(self, owner: tuple[str, str], terms: InstrumentTerms, signed: int, cash: Decimal) -> None:
        """Forget the money of a trade once it is known to be over, as the limits of loss do.

        It is when nothing is held any more, and when the only option held has turned: then what went
        beyond begins a new trade.
        """
        if terms.kind != "option":
            return
        self.known_paid[owner] = self.known_paid.get(owner, Decimal(0)) + cash
        held = {
            each.instrument_id: self.known.get((owner[0], each.instrument_id), 0)
            for each in ALL_OPTIONS
            if each.symbol == owner[1]
        }
        now = held.pop(terms.instrument_id)
        if not any(held.values()) and now * (now - signed) <= 0 and now != signed:
            of_new_trade = cash * now / signed
            self.truth.paid[owner] -= self.known_paid[owner] - of_new_trade
            self.known_paid[owner] = of_new_trade

    def _venue_ends(self) -> None:
        live = self.truth.live()
        if not live:
            return
        each = self.chance.choice(live)
        if each.filled == 0 and self.chance.random() < 0.5:
            each.is_live = False
            order_id = each.intent.order_id
            self._send(lambda: self._told_end(order_id, rejected=True), may_be_lost=True)
        else:
            self._end(each)

    def _suppose_rejected(self) -> None:
        """Tell of a rejection that nobody but Nautilus has made up: the order works on for a while."""
        live = [each for each in self.truth.live() if each.filled == 0]
        if not live:
            return
        each = self.chance.choice(live)
        self.keeper.rejected(each.intent.order_id, self.now_ns)
        dies_ns = self.now_ns + self.chance.randrange(GRACE_MS - DELAY_MS_MAX) * NS_PER_MS

        def die() -> None:
            each.is_live = False

        heapq.heappush(self.events, (dies_ns, self.chance.randrange(1 << 40), die))

    def _end(self, each: VenueOrder) -> None:
        each.is_live = False
        order_id = each.intent.order_id
        self._send(lambda: self._told_end(order_id, rejected=False), may_be_lost=True)

    def _told_end(self, order_id: str, *, rejected: bool) -> None:
        if rejected:
            self.known_left[order_id] = 0
        if rejected:
            self.keeper.rejected(order_id, self.now_ns, is_certain=True)
        else:
            self.keeper.ended(order_id, self.now_ns)

    def _send(self, event: Callable[[], None], *, may_be_lost: bool) -> None:
        if may_be_lost and self.chance.random() < 0.1:
            return
        delay_ns = self.chance.choice((0, self.chance.randrange(DELAY_MS_MAX))) * NS_PER_MS
        heapq.heappush(self.events, (self.now_ns + delay_ns, self.chance.randrange(1 << 40), event))

    def _deliver(self) -> None:
        while self.events and self.events[0][0] <= self.now_ns:
            heapq.heappop(self.events)[2]()
