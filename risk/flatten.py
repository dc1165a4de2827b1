"""Plans how positions are closed: spreads as spreads, no short option ever left naked, bounded rounds.

Pure: each round looks at what is held and working now, so that leftovers of one round are the work of
the next. A round either cancels what works in its scope or, when nothing works, sends closing orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal

import msgspec

from risk.intent import InstrumentTerms, Side
from risk.snapshot import Quote

MAX_ROUNDS = 20
"""Rounds before a flattening gives up and says what is left."""
MAX_CONCESSION_DOUBLINGS = 6
"""A closing option order starts at the touch and gives way by 1, 2, 4 ... 64 ticks, round by round."""


class Held(msgspec.Struct, frozen=True):
    """A signed position of one strategy in one stock or option."""

    strategy_id: str
    terms: InstrumentTerms
    quantity: int


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """One closing order. `limit_price` is None for a market order."""

    strategy_id: str
    terms: InstrumentTerms
    side: Side
    quantity: int
    limit_price: Decimal | None = None


class Leftover(msgspec.Struct, frozen=True):
    """What could not be closed, and why."""

    strategy_id: str
    instrument_id: str
    quantity: int
    why: str


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round sends: cancels, or closing orders; `waiting` says what has to wait and why."""

    cancels: tuple[str, ...] = ()
    closings: tuple[Closing, ...] = ()
    waiting: tuple[Leftover, ...] = ()


class FlattenReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a flattening ended; times in ns UTC."""

    by: str
    reason: str
    started_ns: int
    ended_ns: int
    rounds: int
    is_flat: bool
    left: tuple[Leftover, ...]


class Marketplace(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan needs of the market: quotes, the spreads that exist, whether stocks trade now."""

    quote: Callable[[InstrumentTerms], Quote | None]
    spreads: Sequence[InstrumentTerms]
    is_open: bool


class Flattening:
    """One flattening on its way: of some symbols, or of everything (`symbols` is None)."""

    def __init__(self, symbols: Collection[str] | None, *, by: str, reason: str, started_ns: int) -> None:
        self.symbols = None if symbols is None else frozenset(symbols)
        self.by = by
        self.reason = reason
        self.started_ns = started_ns
        self.rounds = 0
        self._tries = 0
        self._waiting: tuple[Leftover, ...] = ()

    def covers(self, symbol: str) -> bool:
        """Whether a symbol is to be closed."""
        return self.symbols is None or symbol in self.symbols

    def next_round(
        self, held: Sequence[Held], working: Sequence[str], market: Marketplace, now_ns: int
    ) -> Round | FlattenReport:
        """Return what to send now, or the report when nothing is left or the rounds are used up.

        `held` and `working` are the positions and the ids of the open orders in scope.
        """
        if not held and not working:
            return self._report(now_ns, ())
        if self.rounds >= MAX_ROUNDS:
            return self._report(now_ns, self._left(held, working))
        self.rounds += 1
        if working:
            return Round(cancels=tuple(working))
        step = plan_closings(held, market, tries=self._tries)
        self._tries += 1
        self._waiting = step.waiting
        return step

    def _left(self, held: Iterable[Held], working: Iterable[str]) -> tuple[Leftover, ...]:
        why = {(each.strategy_id, each.instrument_id): each.why for each in self._waiting}
        tried = f"not filled in {self.rounds} rounds"
        stuck = f"not canceled in {self.rounds} rounds"
        orders = tuple(Leftover("", f"order {order_id}", 0, stuck) for order_id in working)
        return orders + tuple(
            Leftover(
                each.strategy_id,
                each.terms.instrument_id,
                each.quantity,
                why.get((each.strategy_id, each.terms.instrument_id), tried),
            )
            for each in held
        )

    def _report(self, now_ns: int, left: tuple[Leftover, ...]) -> FlattenReport:
        return FlattenReport(
            by=self.by,
            reason=self.reason,
            started_ns=self.started_ns,
            ended_ns=now_ns,
            rounds=self.rounds,
            is_flat=not left,
            left=left,
        )


def plan_closings(held: Sequence[Held], market: Marketplace, *, tries: int) -> Round:
    """Return the closing orders for what is held; `tries` (0, 1, ...) makes option prices give way."""
    closings: list[Closing] = []
    waiting: list[Leftover] = []
    groups: dict[tuple[str, str], list[Held]] = {}
    for each in held:
        if not market.is_open:
            waiting.append(_left_over(each, "the session is closed"))
        elif each.terms.kind == "stock":
            closings.append(_close_stock(each))
        else:
            groups.setdefault((each.strategy_id, each.terms.symbol), []).append(each)
    for group in groups.values():
        orders, rest = _close_options(group, market, tries)
        closings += orders
        waiting += rest
    return Round(closings=tuple(closings), waiting=tuple(waiting))


def _close_stock(each: Held) -> Closing:
    side: Side = "sell" if each.quantity > 0 else "buy"
    return Closing(strategy_id=each.strategy_id, terms=each.terms, side=side, quantity=abs(each.quantity))


def _close_options(
    group: Sequence[Held], market: Marketplace, tries: int
) -> tuple[list[Closing], list[Leftover]]:
    """Close what known spreads cover as spreads; of the rest shorts first, longs once no short is left."""
    strategy_id = group[0].strategy_id
    left = {each.terms.instrument_id: each.quantity for each in group}
    terms = {each.terms.instrument_id: each.terms for each in group}
    closings: list[Closing] = []
    for spread in sorted(market.spreads, key=lambda known: -len(known.legs)):
        quantity = _times_held(spread, left)
        if quantity == 0:
            continue
        for leg in spread.legs:
            left[leg.terms.instrument_id] -= quantity * leg.ratio
        closings.append(_priced(strategy_id, spread, -quantity, market, tries))
    shorts = {name: count for name, count in left.items() if count < 0}
    longs = {name: count for name, count in left.items() if count > 0}
    for name, count in (shorts or longs).items():
        closings.append(_priced(strategy_id, terms[name], -count, market, tries))
    waits = longs if shorts else {}
    why = "it covers a short option that is closed first"
    return closings, [Leftover(strategy_id, name, count, why) for name, count in waits.items()]


def _times_held(spread: InstrumentTerms, left: dict[str, int]) -> int:
    """Return how many times (negative: sold) a spread is held as a whole."""
    times: list[int] = []
    for leg in spread.legs:
        held = left.get(leg.terms.instrument_id, 0)
        times.append(int(held / leg.ratio))  # toward zero
    if not times or any(count == 0 or (count > 0) != (times[0] > 0) for count in times):
        return 0
    return min(times, key=abs)


def _priced(
    strategy_id: str, terms: InstrumentTerms, signed: int, market: Marketplace, tries: int
) -> Closing:
    side: Side = "buy" if signed > 0 else "sell"
    price = _touch(terms, side, market)
    if price is not None:
        ticks = 0 if tries == 0 else 2 ** min(tries - 1, MAX_CONCESSION_DOUBLINGS)
        concession = terms.price_increment * ticks
        price = price + concession if side == "buy" else price - concession
        if terms.kind == "option" and price < terms.price_increment:
            price = terms.price_increment
    return Closing(strategy_id=strategy_id, terms=terms, side=side, quantity=abs(signed), limit_price=price)


def _touch(terms: InstrumentTerms, side: Side, market: Marketplace) -> Decimal | None:
    """Return the price that closes now: the quote's, of a spread without one its legs' together."""
    quote = market.quote(terms)
    if quote is not None:
        return quote.ask if side == "buy" else quote.bid
    if terms.kind != "spread":
        return None
    total = Decimal(0)
    for leg in terms.legs:
        buys = (side == "buy") == (leg.ratio > 0)
        price = _touch(leg.terms, "buy" if buys else "sell", market)
        if price is None:
            return None
        total += price * leg.ratio
    return _to_tick(total, terms.price_increment, up=side == "buy")


def _to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    ticks = price / tick
    return tick * (math.ceil(ticks) if up else math.floor(ticks))


def _left_over(each: Held, why: str) -> Leftover:
    return Leftover(each.strategy_id, each.terms.instrument_id, each.quantity, why)
