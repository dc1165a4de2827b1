"""Today's result of an account: what is held is worth, less the money that went into it today.

The money begins, each day, as the value of what was carried over night; every execution of the day adds
what it paid. So the result needs no average price, no order of events, and no owner: it survives a
restart in which positions come back under another strategy's name.

A quantity that no execution explains (found at start, corrected by a person) counts from the first price
known for it. Money in USD, fees counted; quantities are signed shares or contracts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

from risk.breaker_file import DayRecord, HoldingRecord
from risk.marks import Mark, mark_at
from risk.snapshot import Touch

ZERO = Decimal(0)
LOOKS_OF_A_HIGH = 3
"""A high counts once so many looks in a row have seen it: one quote that is too good must not be what
the day's drawdown is measured from."""


class Holding:
    """What is counted of one instrument. `is_of_file`: a restart took it over and it is not confirmed yet;
    `is_overnight`: from an earlier day's file."""

    __slots__ = ("is_of_file", "is_overnight", "multiplier", "quantity", "shares")

    def __init__(self, multiplier: int) -> None:
        self.multiplier = multiplier
        self.is_of_file = self.is_overnight = False
        self.hold(0)

    def hold(self, quantity: int) -> None:
        """Set the quantity."""
        self.quantity = quantity
        self.shares = Decimal(quantity * self.multiplier)

    def value(self, touch: Touch) -> Decimal:
        """Return what closing it at the touch brings in; negative for a short."""
        return (touch.bid if self.quantity > 0 else touch.ask) * self.shares


class DayAccount:
    """The day's money, by instrument id; `marks` has a price for all that is counted."""

    def __init__(self) -> None:
        self.holdings: dict[str, Holding] = {}
        self.marks: dict[str, Mark] = {}
        self.high_usd = ZERO
        self._paid_usd = ZERO
        self._looks: deque[Decimal] = deque(maxlen=LOOKS_OF_A_HIGH)

    # -- Reading ----------------------------------------------------------------------------------

    def profit_at(self, touches: Mapping[str, Touch | None]) -> Decimal | None:
        """Return the day's result if everything were closed at these prices; None when one is missing."""
        profit = -self._paid_usd
        for instrument_id, holding in self.holdings.items():
            touch = touches.get(instrument_id)
            if touch is None:
                return None
            profit += (touch.bid if holding.quantity > 0 else touch.ask) * holding.shares
        return profit

    def profit(self) -> Decimal:
        """Return the day's result at the marks."""
        values = (holding.value(self.marks[name]) for name, holding in self.holdings.items())
        return sum(values, -self._paid_usd)

    @property
    def paid_usd(self) -> Decimal:
        """Money that went into the account's holdings today, their value at the day's start included."""
        return self._paid_usd

    def records(self) -> tuple[HoldingRecord, ...]:
        """Return what is counted, at its marks, for the file."""
        return tuple(
            HoldingRecord(
                instrument_id=name,
                quantity=holding.quantity,
                multiplier=holding.multiplier,
                price_usd=_side(self.marks[name], holding.quantity),
            )
            for name, holding in sorted(self.holdings.items())
        )

    # -- Booking ----------------------------------------------------------------------------------

    def execute(self, instrument_id: str, multiplier: int, quantity: int, paid_usd: Decimal) -> None:
        """Count a signed quantity and the money that it paid; its instrument has a mark already."""
        self._paid_usd += paid_usd
        holding = self.holdings.get(instrument_id)
        if holding is None:
            holding = self.holdings[instrument_id] = Holding(multiplier)
        holding.hold(holding.quantity + quantity)
        if holding.quantity == 0:
            self._drop(instrument_id)

    def settle(self, held: Mapping[str, tuple[int, int]]) -> None:
        """Count what is held (quantity, multiplier by instrument id) as far as a price is known.

        What the file of an earlier run knows waits for `confirm`: until positions are reconciled, a
        part of them may not have been found yet.
        """
        for name in sorted(held.keys() | self.holdings.keys()):
            quantity, multiplier = held.get(name, (0, 1))
            holding, mark = self.holdings.get(name), self.marks.get(name)
            unexplained = quantity - (0 if holding is None else holding.quantity)
            if not unexplained or mark is None or (holding is not None and holding.is_of_file):
                continue
            multiplier = multiplier if holding is None else holding.multiplier
            price = _side(mark, quantity or -unexplained)
            self.execute(name, multiplier, unexplained, unexplained * price * multiplier)

    def confirm(self, held: Mapping[str, tuple[int, int]]) -> None:
        """Take what is held for all there is: positions agree with the broker's.

        A position of an earlier day whose quantity changed while nobody watched (a split, perhaps) has
        no value at the day's start: it counts anew, from the next price.
        """
        for name, holding in list(self.holdings.items()):
            is_changed = held.get(name, (0, 1))[0] != holding.quantity
            if holding.is_overnight and holding.is_of_file and is_changed:
                self._paid_usd -= holding.value(self.marks[name])
                self._drop(name)
                continue
            holding.is_of_file = False
        self.settle(held)

    def renew(self, instrument_id: str, multiplier: int) -> None:
        """Count what is held of an instrument by another multiplier."""
        holding = self.holdings.get(instrument_id)
        if holding is not None:
            holding.multiplier = multiplier
            holding.hold(holding.quantity)

    def note_high(self, *, is_sure: bool) -> None:
        """Remember the result as a high once the looks before have seen it too, at once when it `is_sure`."""
        profit = self.profit()
        self._looks.append(profit)
        if is_sure:
            self.high_usd = max(self.high_usd, profit)
        elif len(self._looks) == LOOKS_OF_A_HIGH:
            self.high_usd = max(self.high_usd, min(self._looks))

    # -- Days -------------------------------------------------------------------------------------

    def begin(self) -> Decimal:
        """Begin a day with the value of what is held at its marks; return the result of the last one."""
        ended = self.profit()
        self._paid_usd += ended
        self.high_usd = ZERO
        self._looks.clear()
        return ended

    def reopen(self, ended_usd: Decimal, high_usd: Decimal) -> None:
        """Join today and the day that `begin` ended: the clock was ahead, and went back."""
        self._paid_usd -= ended_usd
        self.high_usd = max(high_usd, ended_usd + self.high_usd)
        self._looks.clear()

    def restore(self, record: DayRecord) -> None:
        """Continue the day of a file."""
        self._paid_usd = -record.realized_usd if record.paid_usd is None else record.paid_usd
        self.high_usd = record.high_usd
        self._take_over(record.holdings, is_overnight=False)

    def carry_over(self, holdings: Iterable[HoldingRecord]) -> None:
        """Begin the day with what the file of the session before held at its end."""
        self._take_over(holdings, is_overnight=True)
        self.begin()

    def _take_over(self, holdings: Iterable[HoldingRecord], *, is_overnight: bool) -> None:
        for each in holdings:
            holding = self.holdings[each.instrument_id] = Holding(each.multiplier)
            holding.is_of_file, holding.is_overnight = True, is_overnight
            holding.hold(each.quantity)
            self.marks[each.instrument_id] = mark_at(each.price_usd)

    def _drop(self, instrument_id: str) -> None:
        """Forget what is no longer held, and its price: it may be old when it is held again."""
        del self.holdings[instrument_id]
        del self.marks[instrument_id]


def _side(mark: Mark, quantity: int) -> Decimal:
    return mark.bid if quantity > 0 else mark.ask
