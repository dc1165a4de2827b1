"""Positions and profit from fills alone, exact: money in USD as `Decimal`, quantities signed and whole.

Nautilus rounds the profit of every closing fill to a cent; nothing is rounded here before it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from audit.events import FillRecord, PositionRecord

ZERO = Decimal(0)
SHOWN = Decimal("0.0001")
"""Money is shown to a hundredth of a cent: exact, for prices of four decimals, once a position is flat."""


class Position:
    """One position since it was last flat: what it holds, what that cost, what it has earned."""

    __slots__ = (
        "cash_usd", "cost_usd", "fees_usd", "instrument_id", "multiplier", "position_id", "quantity",
        "strategy_id",
    )  # fmt: skip

    def __init__(self, position_id: str, strategy_id: str, instrument_id: str, multiplier: int) -> None:
        self.position_id = position_id
        self.strategy_id = strategy_id
        self.instrument_id = instrument_id
        self.multiplier = multiplier
        self.quantity = 0
        self.cost_usd = ZERO
        self.cash_usd = ZERO
        self.fees_usd = ZERO

    @property
    def average_open(self) -> Decimal | None:
        """USD a share paid (or, when short, received) for what is held; None when flat."""
        return self.cost_usd / (self.quantity * self.multiplier) if self.quantity else None

    @property
    def realized_usd(self) -> Decimal:
        """Profit of what is closed since the position was last flat, fees deducted."""
        return (self.cash_usd + self.cost_usd - self.fees_usd).quantize(SHOWN)

    def unrealized_usd(self, price: Decimal) -> Decimal:
        """Return what `price` (USD a share) makes of what is held, against its cost."""
        return self.quantity * self.multiplier * price - self.cost_usd

    def trade(self, quantity: int, price: Decimal, fee_usd: Decimal) -> Decimal:
        """Book a signed quantity that does not cross zero; return the profit realized before fees."""
        held = self.quantity
        paid = quantity * self.multiplier * price
        is_adding = held * quantity >= 0
        cost = self.cost_usd + paid if is_adding else self.cost_usd * (held + quantity) / held
        profit = cost - self.cost_usd - paid
        self.quantity = held + quantity
        self.cost_usd = cost
        self.cash_usd -= paid
        self.fees_usd += fee_usd
        return profit


class Book:
    """All positions by id, those that are flat too, and the profit of all fills together."""

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self._realized = ZERO
        self._fees = ZERO

    @property
    def open_positions(self) -> list[Position]:
        """The positions that are not flat, in the order in which they were first opened."""
        return [position for position in self.positions.values() if position.quantity]

    @property
    def realized_usd(self) -> Decimal:
        """Profit of what is closed, fees deducted."""
        return (self._realized - self._fees).quantize(SHOWN)

    @property
    def fees_usd(self) -> Decimal:
        """Commissions and fees of all fills."""
        return self._fees

    def unrealized_usd(self, prices: Mapping[str, Decimal]) -> Decimal:
        """Return the open profit at `prices` by instrument; what has no price counts at its cost."""
        return sum(
            (
                position.unrealized_usd(prices[position.instrument_id])
                for position in self.open_positions
                if position.instrument_id in prices
            ),
            ZERO,
        ).quantize(SHOWN)

    def fill(self, record: FillRecord, *, is_counted: bool = True) -> None:
        """Book a fill; `is_counted` False moves the position and leaves the profit of all as it is.

        A fill that crosses zero closes the position, and what is left of it opens the next.
        """
        quantity = record.quantity if record.side == "BUY" else -record.quantity
        position = self._position(record)
        held = position.quantity
        if held * quantity >= 0 or abs(quantity) <= abs(held):
            profit = position.trade(quantity, record.price, record.commission_usd)
        else:
            closing_fee = record.commission_usd * -held / quantity
            profit = position.trade(-held, record.price, closing_fee)
            opened = self._position(record)
            opened.trade(quantity + held, record.price, record.commission_usd - closing_fee)
        if is_counted:
            self._realized += profit
            self._fees += record.commission_usd

    def charge(self, record: FillRecord, *, is_counted: bool = True) -> None:
        """Book the fees of a fill that moves no position."""
        if is_counted:
            self._fees += record.commission_usd

    def held(self, record: FillRecord) -> int:
        """Return the signed quantity of the position that a fill would move."""
        position = self.positions.get(position_id_of(record))
        return 0 if position is None else position.quantity

    def found(self, record: PositionRecord) -> None:
        """Take over a position that was there before the records began."""
        position = self.positions[record.position_id] = Position(
            record.position_id, record.strategy_id, record.instrument_id, record.multiplier
        )
        position.trade(record.quantity, record.average_open, ZERO)

    def set_aside(self) -> None:
        """Forget the positions, not the profit: a node that starts again says itself what it holds."""
        self.positions.clear()

    def _position(self, record: FillRecord) -> Position:
        """Return the position that a fill goes to: the open one, or a fresh one under its id."""
        name = position_id_of(record)
        position = self.positions.get(name)
        if position is None or not position.quantity:
            position = self.positions[name] = Position(
                name, record.strategy_id, record.instrument_id, record.multiplier
            )
        return position


def position_id_of(record: FillRecord) -> str:
    """Return the position that a fill moves; netting accounts have one by instrument and strategy."""
    return record.position_id or f"{record.instrument_id}-{record.strategy_id}"
