"""Plans the orders that close what one strategy holds: spreads as spreads, no short option left naked.

Pure. What working orders may still close is not closed a second time, so nothing is ever sold that is
not there; prices start at the touch and give way try by try.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from risk.intent import InstrumentTerms, Side
from risk.snapshot import Quote

MAX_CONCESSION_DOUBLINGS = 6
"""A closing option order starts at the touch and gives way by 1, 2, 4 ... 64 ticks, round by round."""
COVERS_SHORT = "it covers a short option that is closed first"
COVERS_ORDER = "it may have to cover an order that is not canceled yet"
NEEDS_ORDER = "a working order may still close it, so it is not offered a second time"


class Held(msgspec.Struct, frozen=True):
    """A signed position of one strategy in one stock or option.

    `quantity` is what the gate and Nautilus both know of. `gate` and `nautilus` are given where they
    differ: the rest is not closed, for nobody knows whether it exists.
    """

    strategy_id: str
    terms: InstrumentTerms
    quantity: int
    gate: int | None = None
    nautilus: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Strategy and instrument id."""
        return self.strategy_id, self.terms.instrument_id


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


class Marketplace(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan needs of the market: quotes, the spreads that exist, whether stocks trade now."""

    quote: Callable[[InstrumentTerms], Quote | None]
    spreads: Sequence[InstrumentTerms]
    is_open: bool


class Outstanding(msgspec.Struct, frozen=True, kw_only=True):
    """What working orders of the strategy may still do: by instrument id, shares or contracts, 0 or more."""

    buys: Mapping[str, int] = {}
    sells: Mapping[str, int] = {}


class Plan(msgspec.Struct, frozen=True):
    """The orders that close, and what has to wait."""

    closings: tuple[Closing, ...] = ()
    waiting: tuple[Leftover, ...] = ()


NOTHING = Outstanding()


def plan_closings(
    held: Sequence[Held], market: Marketplace, *, tries: int, outstanding: Outstanding = NOTHING
) -> Plan:
    """Return the closing orders for what one strategy holds in one stock, or in the options of one symbol.

    `tries` (0, 1, ...) makes option prices give way.
    """
    left = {each.terms.instrument_id: _not_closed_by(outstanding, each) for each in held}
    waiting = [
        left_over(each, NEEDS_ORDER) for each in held if each.quantity and not left[each.terms.instrument_id]
    ]
    closings: list[Closing] = []
    options: list[Held] = []
    for each in held:
        if each.terms.kind != "stock":
            options.append(each)
        elif left[each.terms.instrument_id]:
            closings.append(_close_stock(each, left[each.terms.instrument_id]))
    if options:
        group = _Options(options, left, market, tries)
        group.close_spreads()
        closings += group.closings
        singles, rest = group.single_legs(lends_cover=bool(outstanding.sells))
        closings += singles
        waiting += rest
    return Plan(tuple(closings), tuple(waiting))


def left_over(each: Held, why: str) -> Leftover:
    """Return what is held as something that is left."""
    return Leftover(each.strategy_id, each.terms.instrument_id, each.quantity, why)


def _not_closed_by(outstanding: Outstanding, each: Held) -> int:
    """Return the signed part of a position that no working order may still close."""
    name = each.terms.instrument_id
    if each.quantity > 0:
        return max(each.quantity - outstanding.sells.get(name, 0), 0)
    return min(each.quantity + outstanding.buys.get(name, 0), 0)


def _close_stock(each: Held, left: int) -> Closing:
    side: Side = "sell" if left > 0 else "buy"
    return Closing(strategy_id=each.strategy_id, terms=each.terms, side=side, quantity=abs(left))


class _Options:
    """The options of one strategy and symbol on their way to nothing."""

    def __init__(self, held: Sequence[Held], left: dict[str, int], market: Marketplace, tries: int) -> None:
        self.closings: list[Closing] = []
        self._held = held
        self._left = left
        self._net = {each.terms.instrument_id: each.quantity for each in held}
        self._market = market
        self._tries = tries

    def close_spreads(self) -> None:
        """Close what known spreads cover as spreads, those with most legs first."""
        for spread in sorted(self._market.spreads, key=lambda known: -len(known.legs)):
            quantity = _times_held(spread, self._left)
            if quantity == 0:
                continue
            for leg in spread.legs:
                self._left[leg.terms.instrument_id] -= quantity * leg.ratio
                self._net[leg.terms.instrument_id] -= quantity * leg.ratio
            self.closings.append(self._priced(spread, -quantity))

    def single_legs(self, *, lends_cover: bool) -> tuple[list[Closing], list[Leftover]]:
        """Return orders for the rest and what waits: shorts go first, longs once no short may need them.

        With `lends_cover` an order that works may still sell an option, and need the longs.
        """
        shorts = [each for each in self._held if self._left[each.terms.instrument_id] < 0]
        longs = [each for each in self._held if self._left[each.terms.instrument_id] > 0]
        is_short = min(self._net.values()) < 0  # also one that a working order may buy back
        closings = [self._single(each) for each in shorts]
        if not (is_short or lends_cover):
            return [self._single(each) for each in longs], []
        why = COVERS_SHORT if is_short else COVERS_ORDER
        return closings, [
            msgspec.structs.replace(left_over(each, why), quantity=self._left[each.terms.instrument_id])
            for each in longs
        ]

    def _single(self, each: Held) -> Closing:
        return self._priced(each.terms, -self._left[each.terms.instrument_id])

    def _priced(self, terms: InstrumentTerms, signed: int) -> Closing:
        side: Side = "buy" if signed > 0 else "sell"
        return Closing(
            strategy_id=self._held[0].strategy_id,
            terms=terms,
            side=side,
            quantity=abs(signed),
            limit_price=_closing_price(terms, side, self._market, self._tries),
        )


def _times_held(spread: InstrumentTerms, left: dict[str, int]) -> int:
    """Return how many times (negative: sold) a spread is held as a whole."""
    times: list[int] = []
    for leg in spread.legs:
        held = left.get(leg.terms.instrument_id, 0)
        times.append(int(held / leg.ratio))  # toward zero
    if not times or any(count == 0 or (count > 0) != (times[0] > 0) for count in times):
        return 0
    return min(times, key=abs)


def _closing_price(terms: InstrumentTerms, side: Side, market: Marketplace, tries: int) -> Decimal | None:
    """Return a price on the tick, at the touch or beyond it; None: at the market."""
    price = _touch(terms, side, market)
    if price is None:
        return None
    tick = terms.price_increment
    price = _to_tick(price, tick, up=side == "buy")
    concession = tick * (0 if tries == 0 else 2 ** min(tries - 1, MAX_CONCESSION_DOUBLINGS))
    price = price + concession if side == "buy" else price - concession
    return tick if terms.kind == "option" and price < tick else price


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
    return total


def _to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    ticks = price / tick
    return tick * (math.ceil(ticks) if up else math.floor(ticks))
