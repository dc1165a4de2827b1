"""One account's books: cash, holdings at cost, realized profit. Exact, and told nothing but bookings.

    cash == starting cash + realized profit - cost of what is held          (always, to the last digit)

Costs include commissions, as Interactive Brokers' `avgCost` does; so does the realized profit. A sale
that goes through zero closes what was held and opens the rest, its commission shared by quantity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
COST_PLACES = Decimal("1E-8")
"""Shares of a cost are rounded to this, once, so that the identity above holds exactly."""


@dataclass(slots=True)
class Holding:
    """A position in one listing. `quantity` is negative when short, and so is `cost` then.

    `cost` is USD paid for what is held now, commissions included; `realized_today` is USD.
    `day_start_value` is the market value in USD when the day began, `day_cash` what trading in it has
    added to cash since; both make the daily profit.
    """

    con_id: int
    multiplier: int
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_today: Decimal = ZERO
    day_start_value: Decimal = ZERO
    day_cash: Decimal = ZERO

    @property
    def average_cost(self) -> Decimal:
        """Cost per share or per contract in USD (a contract of 100 at 2.50 costs 250), 0 when flat."""
        return self.cost / self.quantity if self.quantity else ZERO

    def value(self, mark: Decimal | None) -> Decimal:
        """Market value in USD; at cost while there is no mark."""
        return self.cost if mark is None else self.quantity * mark * self.multiplier

    def unrealized(self, mark: Decimal | None) -> Decimal:
        """Profit in USD of what is held, commissions included; 0 while there is no mark."""
        return self.value(mark) - self.cost

    def daily(self, mark: Decimal | None) -> Decimal:
        """Profit in USD since the day began, commissions included."""
        return self.value(mark) - self.day_start_value + self.day_cash


@dataclass(frozen=True, slots=True)
class Booking:
    """A trade as the ledger sees it: `quantity` is signed (bought positive), `price` per share in USD.

    `settles_on` is the day (ordinal of `datetime.date`) from which its cash is settled.
    """

    con_id: int
    multiplier: int
    quantity: Decimal
    price: Decimal
    commission: Decimal
    settles_on: int


@dataclass(slots=True)
class Ledger:
    """The books of one account."""

    starting_cash: Decimal
    cash: Decimal = ZERO
    realized: Decimal = ZERO
    commissions: Decimal = ZERO
    holdings: dict[int, Holding] = field(default_factory=dict)
    unsettled: list[tuple[int, Decimal]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cash = self.starting_cash

    def quantity(self, con_id: int) -> Decimal:
        """Return the signed position in a listing, 0 without one."""
        holding = self.holdings.get(con_id)
        return holding.quantity if holding else ZERO

    def book(self, booking: Booking) -> Decimal | None:
        """Enter a trade; return the profit it realized, None when it closed nothing.

        Raises `ValueError` for a trade of nothing or with a negative price.
        """
        if not booking.quantity or booking.price < 0:
            raise ValueError(f"a trade of {booking.quantity} at {booking.price} cannot be booked")
        holding = self.holdings.setdefault(booking.con_id, Holding(booking.con_id, booking.multiplier))
        paid = booking.quantity * booking.price * booking.multiplier + booking.commission
        self.cash -= paid
        self.commissions += booking.commission
        self.unsettled.append((booking.settles_on, -paid))
        holding.day_cash -= paid
        profit = _enter(holding, booking.quantity, paid)
        if profit is not None:
            self.realized += profit
            holding.realized_today += profit
        return profit

    def deposit(self, amount: Decimal) -> None:
        """Add cash (negative: take it out); it is no profit."""
        self.cash += amount
        self.starting_cash += amount

    def transfer(self, con_id: int, multiplier: int, *, quantity: Decimal, price: Decimal) -> None:
        """Take in a position from elsewhere at a cost per share; no cash moves, and it is no profit.

        Raises `ValueError` when the listing is held already or nothing is transferred.
        """
        if self.quantity(con_id) or not quantity or price < 0:
            raise ValueError(
                f"{quantity} of contract id {con_id} at {price} cannot be transferred: give a quantity and a "
                f"cost of 0 or more for a listing that is not held (held: {self.quantity(con_id)})"
            )
        holding = self.holdings.setdefault(con_id, Holding(con_id, multiplier))
        holding.quantity, holding.cost = quantity, quantity * price * multiplier
        holding.day_start_value += holding.cost
        self.starting_cash += holding.cost

    def settled_cash(self, today: int) -> Decimal:
        """Return cash without what settles after `today` (an ordinal); drops what has settled."""
        self.unsettled = [entry for entry in self.unsettled if entry[0] > today]
        return self.cash - sum((amount for _, amount in self.unsettled), ZERO)

    def begin_day(self, marks: dict[int, Decimal | None]) -> None:
        """Start a day's profit and loss at the market values of `marks`; forget what is flat."""
        self.holdings = {con_id: held for con_id, held in self.holdings.items() if held.quantity}
        for con_id, holding in self.holdings.items():
            holding.day_start_value = holding.value(marks.get(con_id))
            holding.day_cash = holding.realized_today = ZERO


def _enter(holding: Holding, quantity: Decimal, paid: Decimal) -> Decimal | None:
    held = holding.quantity
    if held == 0 or (held > 0) == (quantity > 0):
        holding.quantity += quantity
        holding.cost += paid
        return None
    if abs(quantity) <= abs(held):
        released = _share(holding.cost, -quantity, held)
        holding.quantity += quantity
        holding.cost -= released
        return -paid - released
    closing = _share(paid, -held, quantity)
    profit = -closing - holding.cost
    holding.quantity += quantity
    holding.cost = paid - closing
    return profit


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if part == whole:
        return amount
    return (amount * part / whole).quantize(COST_PLACES, rounding=ROUND_HALF_EVEN)
