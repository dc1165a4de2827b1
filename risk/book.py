"""What is held and working in one instrument, and the worst that can come of it.

Strategies never net in the worst case: the worst long is the sum of what each could hold long, the
worst short likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from risk.intent import InstrumentTerms, OrderIntent
from risk.reservation import Reservation, parent_of
from risk.snapshot import ZERO, Exposure, Touch

Working = tuple[Reservation, int]
"""An order, and the ratio of this instrument in it: 1, or its leg's, negative when a buy sells it."""


class _Tally(msgspec.Struct, frozen=True):
    """What works by strategy, bought and sold, the worst case with what is held, the highest price.

    `worst_count` is the larger side of `worst`, ready to be multiplied by a price.
    """

    buys: dict[str, int]
    sells: dict[str, int]
    worst: Exposure
    worst_count: Decimal
    highest_price: Decimal


class Book:
    """Positions by strategy, and the orders that touch one instrument.

    Every order counts whole, a bracket's child too: a simulated venue lets all of it work once its parent
    has filled at all. `orders` are all orders of the account by id, where a parent is found.
    `_tally_known` was counted last time; `forget` makes it be counted anew.
    """

    __slots__ = ("_orders", "_tally_known", "is_stock", "positions", "terms", "working")

    def __init__(self, terms: InstrumentTerms, orders: Mapping[str, Reservation]) -> None:
        self.terms = terms
        self.is_stock = terms.kind == "stock"
        self.positions: dict[str, int] = {}
        self.working: dict[str, Working] = {}
        self._orders = orders
        self._tally_known: _Tally | None = None

    def forget(self) -> None:
        """Compute the worst case and the highest price anew when they are asked for next."""
        self._tally_known = None

    def count(self) -> None:
        """Compute the worst case now: after an event, so that the next order need not wait for it."""
        self._tally_known = self._count(self.working.values())

    @property
    def net(self) -> int:
        """The account's position: the sum over strategies."""
        return sum(self.positions.values())

    def is_against(self, intent: OrderIntent) -> bool:
        """Whether some strategy holds what the intent could close."""
        is_buy = intent.side == "buy"
        for held in self.positions.values():  # noqa: SIM110 - twice as fast as any()
            if held < 0 if is_buy else held > 0:
                return True
        return False

    def exposure(self) -> Exposure:
        """Return the worst case as it stands."""
        return self._tally().worst

    def exposure_with(self, intent: OrderIntent, added: int) -> Exposure:
        """Return the worst case once the intent works and may add `added`, negative when it sells."""
        if added == 0:
            return self.exposure()
        if intent.group_id is None and intent.order_id not in self.working:
            tally = self._tally_known or self._tally()
        else:
            tally, added = self._beside(intent, added)
        strategy_id, worst = intent.strategy_id, tally.worst
        held = self.positions.get(strategy_id, 0)
        if added > 0:
            reach = held + tally.buys.get(strategy_id, 0)
            more = added if reach >= 0 else max(reach + added, 0)  # below 0 it holds nothing
            return Exposure(worst.worst_long + more, worst.worst_short)
        reach = tally.sells.get(strategy_id, 0) - held
        more = -added if reach >= 0 else max(reach - added, 0)
        return Exposure(worst.worst_long, worst.worst_short + more)

    def capacity(self, intent: OrderIntent, ratio: int, *, live_only: bool) -> int:
        """Return how much the intent may trade of this instrument and only close what is held.

        That is the position of its own strategy or of the whole account, less what works in its
        direction; with `live_only` without what is canceled or being canceled, and of a bracket's child
        only as much as its parent has filled.
        """
        direction = intent.sign if ratio > 0 else -intent.sign
        own = -direction * self.positions.get(intent.strategy_id, 0)
        account = -direction * self.net
        if own <= 0 and account <= 0:
            return 0
        tally = self._count(
            (
                (reservation, leg_ratio)
                for reservation, leg_ratio in self.working.values()
                if not _is_same_risk(reservation, intent)
                and not (live_only and (reservation.is_cancel_pending or not reservation.is_open))
            ),
            awake_only=live_only,
        )
        working = tally.buys if direction > 0 else tally.sells
        return max(own - working.get(intent.strategy_id, 0), account - sum(working.values()), 0)

    def highest_price(self) -> Decimal:
        """Return the highest price at which a working order may fill, 0 without one."""
        return (self._tally_known or self._tally()).highest_price

    def worst_value(self, touch: Touch) -> Decimal:
        """Return the value in USD of the worst case at the ask, or at the highest working price if higher."""
        tally, ask = self._tally_known or self._tally(), touch.ask
        highest = tally.highest_price
        return (ask if ask > highest else highest) * tally.worst_count

    # -- Inside -----------------------------------------------------------------------------------

    def _tally(self) -> _Tally:
        if self._tally_known is None:
            self._tally_known = self._count(self.working.values())
        return self._tally_known

    def _count(self, working: Iterable[Working], *, awake_only: bool = False) -> _Tally:
        """Sum what works by strategy and side; of an OCA group only the largest order counts.

        With `awake_only` a bracket's child counts as far as its parent has filled.
        """
        buys: dict[str, int] = {}
        sells: dict[str, int] = {}
        groups: dict[tuple[str, str, bool], int] = {}
        highest, name = ZERO, self.terms.instrument_id
        for reservation, ratio in working:
            is_buy = reservation.sign * ratio > 0
            left = reservation.remaining(name, ratio)
            intent = reservation.intent
            strategy_id = intent.strategy_id
            if awake_only and intent.protects_id is not None:
                left = self._awake(intent, left)
            if reservation.group_id is not None:
                key = (strategy_id, reservation.group_id, is_buy)
                largest = groups.get(key, 0)
                left, groups[key] = max(left - largest, 0), max(left, largest)
            side = buys if is_buy else sells
            side[strategy_id] = side.get(strategy_id, 0) + left
            if reservation.highest_price > highest:
                highest = reservation.highest_price
        worst_long = worst_short = 0
        for strategy_id in {*self.positions, *buys, *sells}:
            position = self.positions.get(strategy_id, 0)
            worst_long += max(position + buys.get(strategy_id, 0), 0)
            worst_short += max(sells.get(strategy_id, 0) - position, 0)
        worst = Exposure(worst_long, worst_short)
        return _Tally(buys, sells, worst, Decimal(worst.worst), highest)

    def _awake(self, intent: OrderIntent, left: int) -> int:
        """Return what of an order can fill now where the venue holds a child back with its parent."""
        parent = parent_of(intent, self._orders)
        return left if parent is None else min(left, parent.filled)

    def _beside(self, intent: OrderIntent, added: int) -> tuple[_Tally, int]:
        """Return what works beside the intent, and the larger of `added` and what works of the same risk."""
        others: list[Working] = []
        for each in self.working.values():
            reservation, ratio = each
            if not _is_same_risk(reservation, intent) or reservation.sign * ratio * added < 0:
                others.append(each)
            else:
                left = reservation.remaining(self.terms.instrument_id, ratio)
                added = max(added, left) if added > 0 else min(added, -left)
        return self._count(others), added


def _is_same_risk(reservation: Reservation, intent: OrderIntent) -> bool:
    """Whether only one of the two can fill: the order that is modified, or one of its OCA group."""
    earlier = reservation.intent
    if earlier.order_id == intent.order_id:
        return True
    if intent.group_id is None or reservation.group_id != intent.group_id:
        return False
    return earlier.strategy_id == intent.strategy_id and earlier.side == intent.side
