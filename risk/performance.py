"""Profit and loss as the gate sees it: its own average prices, so that no other book can mislead it.

Money in USD, fees counted when the fill reports them. Open profit is what closing now at the touch
would leave. One trade is the way of a strategy from flat to flat in one symbol (of options: in one
underlying, so that a condor is one trade).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from market.time import NS_PER_MINUTE
from risk.intent import InstrumentTerms
from risk.snapshot import DayResult, Touch

ZERO = Decimal(0)
TouchSource = Callable[[InstrumentTerms], Touch | None]
"""Gives the best prices of an instrument, or None."""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a stock or an option: signed quantity, price in USD a share, fee in USD."""

    strategy_id: str
    terms: InstrumentTerms
    signed_quantity: int
    price: Decimal
    fee_usd: Decimal = ZERO


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

    def _hold(self, quantity: int) -> None:
        self.quantity = quantity
        self._shares = Decimal(quantity * self.terms.multiplier)


class Performance:
    """The day's profit, its high, and losses in a row; `pause_ns` after `max_losses` of them."""

    def __init__(self, *, max_losses: int, pause_minutes: int) -> None:
        self.lots: dict[tuple[str, str], Lot] = {}
        self._max_losses = max_losses
        self._pause_ns = pause_minutes * NS_PER_MINUTE
        self._trades: dict[tuple[str, str, bool], Decimal] = {}
        self._realized = ZERO
        self._open_at_start = ZERO
        self._high = ZERO
        self._losses = 0
        self._paused_until_ns: int | None = None

    @property
    def realized_usd(self) -> Decimal:
        """Realized profit of the day, fees counted."""
        return self._realized

    def option_cost_usd(self, strategy_id: str, symbol: str) -> Decimal:
        """Return the money that the open option trade has paid so far, fees counted; negative: received."""
        trade = (strategy_id, symbol, False)
        paid = sum((lot.cost_usd for lot in self._lots_of(trade)), ZERO)
        return paid - self._trades.get(trade, ZERO)

    @property
    def consecutive_losses(self) -> int:
        """Losing trades since the last one that did not lose."""
        return self._losses

    @property
    def paused_until_ns(self) -> int | None:
        """Time in ns UTC until which losses in a row pause openings, None when they have not."""
        return self._paused_until_ns

    @property
    def high_usd(self) -> Decimal:
        """Highest profit of the day seen so far, 0 or more."""
        return self._high

    def start_day(self, touch_of: TouchSource) -> None:
        """Begin a day: what is open now counts from its value now (its cost, when that is unknown)."""
        self._realized = self._high = ZERO
        self._losses = 0
        self._paused_until_ns = None
        self._open_at_start = self.open_profit(touch_of) or ZERO

    def restore(
        self,
        *,
        realized_usd: Decimal,
        high_usd: Decimal,
        consecutive_losses: int,
        paused_until_ns: int | None = None,
    ) -> None:
        """Continue a day after a restart."""
        self._realized, self._high, self._losses = realized_usd, high_usd, consecutive_losses
        self._paused_until_ns = paused_until_ns

    def apply(self, fill: Fill, now_ns: int) -> None:
        """Book a fill."""
        key = (fill.strategy_id, fill.terms.instrument_id)
        lot = self.lots.get(key)
        if lot is None:
            lot = self.lots[key] = Lot(fill.terms)
        profit = lot.apply(fill.signed_quantity, fill.price) - fill.fee_usd
        self._realized += profit
        trade = (fill.strategy_id, fill.terms.symbol, fill.terms.kind == "stock")
        self._trades[trade] = self._trades.get(trade, ZERO) + profit
        if lot.quantity == 0:
            del self.lots[key]
            if not self._lots_of(trade):
                self._finish_trade(self._trades.pop(trade), now_ns)

    def adopt(self, strategy_id: str, terms: InstrumentTerms, quantity: int, price: Decimal) -> None:
        """Take over a position found at start, at its average price."""
        self.lots[(strategy_id, terms.instrument_id)] = Lot(terms, quantity, price)

    def open_profit(self, touch_of: TouchSource, symbol: str | None = None) -> Decimal | None:
        """Return the open profit of everything, or of one symbol; None when a price is missing."""
        total = ZERO
        for lot in self.lots.values():
            if symbol is not None and lot.terms.symbol != symbol:
                continue
            touch = touch_of(lot.terms)
            if touch is None:
                return None
            total += lot.open_profit(touch)
        return total

    def day(self, touch_of: TouchSource) -> DayResult | None:
        """Return the day's result now and remember its high; None when a price is missing."""
        open_profit = self.open_profit(touch_of) if self.lots else ZERO
        return None if open_profit is None else self._day(open_profit)

    def day_and_symbol(
        self, touches: Mapping[str, Touch | None], symbol: str
    ) -> tuple[DayResult | None, Decimal | None]:
        """Return the day's result, and the open profit of one symbol, in one pass over what is held.

        `touches` are by instrument id; one that is missing is unknown.
        """
        total = of_symbol = ZERO
        is_total_known = is_symbol_known = True
        for lot in self.lots.values():
            touch = touches.get(lot.instrument_id)
            if touch is None:
                is_total_known = False
                is_symbol_known &= lot.symbol != symbol
                continue
            profit = lot.open_profit(touch)
            total += profit
            if lot.symbol == symbol:
                of_symbol += profit
        return self._day(total) if is_total_known else None, of_symbol if is_symbol_known else None

    def _day(self, open_profit: Decimal) -> DayResult:
        profit = self._realized + open_profit - self._open_at_start
        if profit > self._high:
            self._high = profit
        return DayResult(profit, self._high, self._losses, self._paused_until_ns)

    def _lots_of(self, trade: tuple[str, str, bool]) -> list[Lot]:
        strategy_id, symbol, is_stock = trade
        return [
            lot
            for (owner, _), lot in self.lots.items()
            if owner == strategy_id and lot.terms.symbol == symbol and (lot.terms.kind == "stock") == is_stock
        ]

    def _finish_trade(self, profit: Decimal, now_ns: int) -> None:
        if profit >= 0:
            self._losses = 0
            return
        self._losses += 1
        if self._losses >= self._max_losses:
            self._paused_until_ns = now_ns + self._pause_ns
