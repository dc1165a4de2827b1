"""Random streams of commands against a random venue whose answers come late, twice, never or mixed up.

`Stream` drives a `Gatekeeper`; `Venue` is the truth that it cannot see. Fills that are lost come back
with a reconciliation inside the grace period, as Nautilus' checks bring them back; every other lost
event stays lost. All chance comes from one seed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product

import msgspec

from market.time import NS_PER_MS, NS_PER_SECOND
from risk.decision import Approved, Refused
from risk.intent import InstrumentTerms, OrderIntent
from risk.limits import RiskLimits
from risk.performance import Fill
from risk.snapshot import Quote
from tests.risk.limit_cases import OPTION_LIMITS, limits
from tests.risk.table_market import LATER_NS, NOW_NS, TableMarket, gatekeeper, option, spread, stock

GRACE_MS = 2_000
DELAY_MS_MAX = 1_500
STRATEGIES = ("S-1", "S-2", "S-3")
STOCKS = tuple(stock(symbol) for symbol in ("F", "GE", "BAC"))
P95, P100, P105 = (option(strike) for strike in (95, 100, 105))
C110, C115 = (option(strike, "call") for strike in (110, 115))
Q100, Q105 = (option(strike, symbol="QQQ") for strike in (100, 105))
LATE100 = option(100, expiration_ns=LATER_NS)
SPREADS = (
    spread((P100, -1), (P95, 1)),
    spread((P105, 1), (P100, -1)),
    spread((P100, -1), (P95, 1), (C110, -1), (C115, 1)),
    spread((Q105, -1), (Q100, 1)),
    spread((P105, 1), (P100, -2), (P95, 1)),
    spread((P100, -1), (LATE100, 1)),
)
OPTIONS = (P95, P100, P105, C110, C115, LATE100)
LIMITS: RiskLimits = limits(
    max_shares_per_order=100,
    max_notional_usd_per_order=Decimal(600),
    max_position_shares_per_symbol=150,
    max_notional_usd_per_symbol=Decimal(800),
    max_notional_usd_total=Decimal(1_400),
    max_positions=3,
    max_open_orders=14,
    max_orders_per_second=20,
    max_replaces_per_minute=60,
    canceled_order_grace_ms=GRACE_MS,
    duplicate_window_ms=1,
    max_price_from_mid_bps=500,
    max_price_from_last_bps=10_000,
    max_quote_age_ms=3_600_000,
    max_daily_loss_usd=Decimal(1_000_000),
    max_daily_drawdown_usd=Decimal(1_000_000),
    max_loss_usd_per_trade=Decimal(1_000_000),
    max_consecutive_losses=1_000,
    options=msgspec.structs.replace(
        OPTION_LIMITS,
        max_contracts_per_order=4,
        max_contracts_per_leg=6,
        max_loss_usd_per_spread=Decimal(1_600),
        max_loss_usd_per_underlying=Decimal(2_500),
        max_loss_usd_total=Decimal(3_500),
        max_delta_shares_per_underlying=100_000,
        max_vega_usd_per_underlying=Decimal(100_000),
        max_price_from_mid_usd=Decimal(2),
    ),
)


@dataclass
class VenueOrder:
    """The truth of one order at the venue."""

    intent: OrderIntent
    is_reducing: bool
    quantity: int
    filled: int = 0
    is_live: bool = True
    price: Decimal | None = None

    @property
    def left(self) -> int:
        return self.quantity - self.filled if self.is_live else 0


@dataclass
class Truth:
    """Positions and cost by strategy and instrument, and all orders, as the venue has them."""

    orders: dict[str, VenueOrder] = field(default_factory=dict)
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    paid: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def live(self) -> list[VenueOrder]:
        return [each for each in self.orders.values() if each.left > 0]

    def net(self, instrument_id: str) -> int:
        return sum(count for (_, name), count in self.positions.items() if name == instrument_id)

    def is_active(self, each: VenueOrder) -> bool:
        parent = self.orders.get(each.intent.protects_id or "")
        return parent is None or parent.filled > 0

    def can_fill(self, each: VenueOrder) -> int:
        """Return how much the venue may fill: of a bracket's child at most what its parent filled.

        A fill of one child takes as much from the others, as IB's OCA groups and Nautilus' OUO do.
        """
        parent = self.orders.get(each.intent.protects_id or "")
        if parent is None:
            return each.left
        siblings = sum(
            other.filled
            for other in self.orders.values()
            if other.intent.protects_id == each.intent.protects_id and other is not each
        )
        return max(min(each.left - siblings, parent.filled - siblings - each.filled), 0)


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
        self._count = 0
        self._move_prices()

    def run(self, steps: int) -> None:
        """Take `steps` random steps and check every limit after each."""
        actions = (
            self._new_stock, self._new_stock, self._new_spread, self._new_option, self._bracket, self._close,
            self._close, self._change, self._cancel, self._fill, self._fill, self._venue_ends, self._burst,
        )  # fmt: skip
        for _ in range(steps):
            self.now_ns += self.chance.randrange(1, 200) * NS_PER_MS
            self._deliver()
            if self.chance.random() < 0.2:
                self._move_prices()
            self.chance.choice(actions)()
            self.check()

    # -- The market -------------------------------------------------------------------------------

    def _move_prices(self) -> None:
        for terms in STOCKS:
            cents = self.chance.randrange(400, 600)
            self._quote(terms, Decimal(cents) / 100, Decimal(cents + 1) / 100)
        for terms in (*OPTIONS, Q100, Q105, *SPREADS):
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
            self.check()

    def _bracket(self) -> None:
        quantity = self.chance.randrange(1, 100)
        entry = self._intent(self.chance.choice(STOCKS), quantity)
        side = "sell" if entry.side == "buy" else "buy"
        common = {"side": side, "strategy_id": entry.strategy_id, "protects_id": entry.order_id}
        children = [
            self._intent(entry.terms, quantity, group_id=f"G-{entry.order_id}", **common) for _ in range(2)
        ]
        self._submit([entry, *children])

    def _close(self) -> None:
        held = [(key, count) for key, count in self.known.items() if count]
        if not held:
            return
        (strategy_id, instrument_id), count = self.chance.choice(held)
        terms = next(each for each in (*STOCKS, *OPTIONS, Q100, Q105) if each.instrument_id == instrument_id)
        quantity = self.chance.choice((abs(count), self.chance.randrange(1, abs(count) + 1)))
        intent = self._intent(terms, quantity, side="sell" if count > 0 else "buy", strategy_id=strategy_id)
        must_pass = terms.kind == "stock" and quantity <= abs(count) - self._known_closing(intent)
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
            if intents[0].terms.kind == "stock":
                self._check_value(intents[0].terms)
            else:
                self._check_losses(intents[0].terms.symbol)
        return verdicts

    def _check_value(self, opened: InstrumentTerms) -> None:
        """Assert that the value of stocks, held and working at their worst, is within its limits."""
        total = Decimal(0)
        for terms in STOCKS:
            quote = self.market.quote(terms)
            assert quote is not None
            value = max(self._reach(terms)) * quote.ask
            if terms is opened:
                assert value <= LIMITS.max_notional_usd_per_symbol, f"{terms.symbol} may be worth {value}"
            total += value
        assert total <= LIMITS.max_notional_usd_total, f"stocks may be worth {total}"

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
        order_id = each.intent.order_id
        self.known_left[order_id] += max(total - each.intent.quantity, 0)
        each.intent = msgspec.structs.replace(each.intent, quantity=max(each.intent.quantity, total))
        if self.chance.random() < 0.3:
            self._send(lambda: self.keeper.change_rejected(order_id), may_be_lost=True)
            return
        each.quantity, each.price = max(total, each.filled), price
        ts_ns, quantity = self.now_ns, each.quantity
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
            for terms, signed, leg_price in _leg_fills(each, count):
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
                self._note_paid(owner, terms, cash)
            if terms is intent.terms and is_new:
                self.known_left[intent.order_id] -= abs(signed)

        self._send(arrive, may_be_lost=False)
        if self.chance.random() < 0.2:
            self._send(arrive, may_be_lost=False)  # reported twice

    def _note_paid(self, owner: tuple[str, str], terms: InstrumentTerms, cash: Decimal) -> None:
        """Forget the money of a trade once it is known to be over, as the limits of loss do."""
        if terms.kind != "option":
            return
        self.known_paid[owner] = self.known_paid.get(owner, Decimal(0)) + cash
        names = [each.instrument_id for each in (*OPTIONS, Q100, Q105) if each.symbol == owner[1]]
        if not any(self.known.get((owner[0], name), 0) for name in names):
            self.truth.paid[owner] -= self.known_paid.pop(owner)

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

    def _end(self, each: VenueOrder) -> None:
        each.is_live = False
        order_id = each.intent.order_id
        self._send(lambda: self._told_end(order_id, rejected=False), may_be_lost=True)

    def _told_end(self, order_id: str, *, rejected: bool) -> None:
        if rejected:
            self.known_left[order_id] = 0
        if rejected:
            self.keeper.rejected(order_id, self.now_ns)
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

    # -- The limits, computed from the truth alone ------------------------------------------------

    def check(self) -> None:
        """Assert that no limit is exceeded by positions plus working orders at the venue."""
        self._check_stocks()
        self._check_counts()
        self._check_options()

    def _check_stocks(self) -> None:
        for terms in STOCKS:
            longest, shortest = self._reach(terms)
            worst = max(longest, shortest)
            assert worst <= LIMITS.max_position_shares_per_symbol, f"{terms.symbol} may reach {worst} shares"

    def _reach(self, terms: InstrumentTerms) -> tuple[int, int]:
        net = self.truth.net(terms.instrument_id)
        reach = {"buy": 0, "sell": 0}
        groups: dict[tuple[str, str, str], int] = {}
        for each in self.truth.live():
            if each.intent.terms is not terms:
                continue
            left = self.truth.can_fill(each)
            if each.intent.group_id is None:
                reach[each.intent.side] += left
            else:
                key = (each.intent.group_id, each.intent.side, each.intent.strategy_id)
                groups[key] = max(groups.get(key, 0), left)
        for (_, side, _), left in groups.items():
            reach[side] += left
        return net + reach["buy"], reach["sell"] - net

    def _check_counts(self) -> None:
        openings = [each for each in self.truth.live() if not each.is_reducing]
        assert len(openings) <= LIMITS.max_open_orders, f"{len(openings)} openings work"
        symbols = {each.intent.terms.symbol for each in openings}
        names = {each.instrument_id: each.symbol for each in (*STOCKS, *OPTIONS, Q100, Q105)}
        symbols |= {names[name] for (_, name), count in self.truth.positions.items() if count}
        assert len(symbols) <= LIMITS.max_positions, f"positions or openings in {symbols}"
        recent = [sent for sent in self.openings_ns if sent > self.now_ns - NS_PER_SECOND]
        assert len(recent) <= LIMITS.max_orders_per_second
        for each in openings:
            kind = each.intent.terms.kind
            assert LIMITS.options is not None
            most = LIMITS.max_shares_per_order if kind == "stock" else LIMITS.options.max_contracts_per_order
            assert each.left <= most, f"an order of {each.left}"

    def _check_options(self) -> None:
        """Assert that nothing is ever naked, and that the last opening left all losses within limits.

        Closing orders always pass, and closing at a loss moves what is left between realized and open:
        so the limits of loss are held against openings, at the moment they are approved.
        """
        for owner in {(name, symbol) for name in STRATEGIES for symbol in ("SPY", "QQQ")}:
            for counts, _ in self._outcomes(owner):
                assert _is_covered(counts), f"{owner} may be naked: {counts}"
        for terms in (*OPTIONS, Q100, Q105):
            worst = self._reach_of_leg(terms)
            most = LIMITS.options.max_contracts_per_leg if LIMITS.options else 0
            assert worst <= most, f"{terms.instrument_id} may reach {worst}"

    def _check_losses(self, opened: str) -> None:
        assert LIMITS.options is not None
        total = Decimal(0)
        for symbol in ("SPY", "QQQ"):
            loss = sum((self._worst_loss((name, symbol)) for name in STRATEGIES), Decimal(0))
            if symbol == opened:
                assert loss <= LIMITS.options.max_loss_usd_per_underlying, f"{symbol} may lose {loss}"
            total += loss
        assert total <= LIMITS.options.max_loss_usd_total, f"options may lose {total}"

    def _reach_of_leg(self, terms: InstrumentTerms) -> int:
        net = self.truth.net(terms.instrument_id)
        up = down = 0
        for each in self.truth.live():
            for leg in each.intent.terms.components:
                if leg.terms is terms:
                    signed = each.intent.sign * leg.ratio * each.left
                    up, down = up + max(signed, 0), down + max(-signed, 0)
        return max(net + up, down - net)

    def _outcomes(self, owner: tuple[str, str]) -> Iterator[tuple[dict[InstrumentTerms, int], Decimal]]:
        """Yield contracts held and their cost for every subset of the owner's orders that may fill."""
        strategy_id, symbol = owner
        live = [
            each
            for each in self.truth.live()
            if each.intent.strategy_id == strategy_id
            and each.intent.terms.kind != "stock"
            and each.intent.terms.symbol == symbol
        ]
        held = {
            terms: self.truth.positions.get((strategy_id, terms.instrument_id), 0)
            for terms in (*OPTIONS, Q100, Q105)
            if terms.symbol == symbol
        }
        for fills in product((0, 1), repeat=len(live)):
            counts, paid = dict(held), self.truth.paid.get(owner, Decimal(0))
            for each, is_filled in zip(live, fills, strict=True):
                if is_filled:
                    for terms, signed, price in _leg_fills(each, each.left):
                        counts[terms] += signed
                        paid += signed * price * terms.multiplier
            yield counts, paid

    def _worst_loss(self, owner: tuple[str, str]) -> Decimal:
        return max(max(cost - _least_value(counts), Decimal(0)) for counts, cost in self._outcomes(owner))


def _leg_fills(each: VenueOrder, count: int) -> list[tuple[InstrumentTerms, int, Decimal]]:
    """Return the fills of `count` at the order's price: a spread's first leg carries the whole price."""
    assert each.price is not None
    first, *others = each.intent.terms.components
    sign = each.intent.sign
    fills = [(first.terms, sign * first.ratio * count, each.price / first.ratio)]
    return fills + [(leg.terms, sign * leg.ratio * count, Decimal(0)) for leg in others]


def _least_value(counts: dict[InstrumentTerms, int]) -> Decimal:
    """Return the least value at expiry over a grid of prices, later options at their intrinsic value."""
    prices = (0, 50, 90, 95, 96, 100, 101, 105, 106, 110, 112, 115, 116, 1_000, 100_000)
    return min(_value(counts, price) for price in prices)


def _value(counts: dict[InstrumentTerms, int], price: int) -> Decimal:
    value = Decimal(0)
    for terms, count in counts.items():
        assert terms.strike is not None
        intrinsic = price - terms.strike if terms.right == "call" else terms.strike - price
        value += count * max(intrinsic, Decimal(0)) * terms.multiplier
    return value


def _is_covered(counts: dict[InstrumentTerms, int]) -> bool:
    """Whether, of each right, no more is short than is long, and what is late covers what is early."""
    for right in ("call", "put"):
        late = sum(count for terms, count in counts.items() if terms.right == right and _is_late(terms))
        early = sum(count for terms, count in counts.items() if terms.right == right and not _is_late(terms))
        if late < 0 or early + late < 0:
            return False
    return True


def _is_late(terms: InstrumentTerms) -> bool:
    return terms.expiration_ns == LATER_NS
