"""A position of one strategy in one instrument, at its average price."""

from __future__ import annotations

from decimal import Decimal

from risk.intent import InstrumentTerms
from risk.snapshot import Touch

ZERO = Decimal(0)


class Lot:
    """What one strategy holds of one instrument, at its average price."""

    __slots__ = ("_shares", "average_price", "instrument_id", "quantity", "symbol", "terms")

    def __init__(self, terms: InstrumentTerms, quantity: int = 0, average_price: Decimal = ZERO) -> None:
        self.terms = terms
        self.instrument_id = terms.instrument_id
        self.symbol = terms.symbol
        self.average_price = average_price
        self._hold(quantity)

    @property
    def cost_usd(self) -> Decimal:
        """Money paid for it, negative when received."""
        return self.quantity * self.average_price * self.terms.multiplier

    def open_profit(self, touch: Touch) -> Decimal:
        """Return what closing now would realize in USD, a long at the bid, a short at the ask."""
        price = touch.bid if self.quantity > 0 else touch.ask
        return (price - self.average_price) * self._shares

    def apply(self, quantity: int, price: Decimal) -> Decimal:
        """Book a signed quantity and return the profit that it realizes, fees aside."""
        held = self.quantity
        closing = min(abs(held), abs(quantity)) if held * quantity < 0 else 0
        sign = 1 if held > 0 else -1
        profit = sign * closing * (price - self.average_price) * self.terms.multiplier
        self._hold(held + quantity)
        if self.quantity == 0:
            self.average_price = ZERO
        elif held * self.quantity <= 0:  # opened, or flipped through zero
            self.average_price = price
        elif abs(self.quantity) > abs(held):
            self.average_price = (held * self.average_price + quantity * price) / self.quantity
        return profit

    def renew(self, terms: InstrumentTerms) -> None:
        """Count by the instrument's new terms, such as an adjusted multiplier."""
        self.terms = terms
        self._hold(self.quantity)

    def _hold(self, quantity: int) -> None:
        self.quantity = quantity
        self._shares = Decimal(quantity * self.terms.multiplier)
