"""The backtest engine behind the gate, standing still between steps: a drill acts and looks in turn.

Time passes by quotes and by `wait`; an order is judged at once, and reaches the venue at the next step.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity

from market.time import NS_PER_MS
from risk.counted import counted
from risk.drills.drill import Check
from risk.drills.nautilus_rig import SMART, START_NS, Rig, Scripted
from risk.limits import RiskLimits

STEP_NS = 25 * NS_PER_MS
"""Between two orders: below any limit on orders a second that the drills leave wide."""
CLOCK = "CLOCK"
"""A stock that only ever trades, never quotes: its trades make time pass."""
STOCK_DECIMALS = 4
SIZE = 1_000_000_000
"""Shares or contracts shown on each side, where a drill does not ask for others."""
PRICE = Decimal("5.00")
"""Bid and ask of every stock at first: a locked quote is narrower than any limit."""
BALANCE_USD = 10_000_000_000

Amount = Decimal | int | str


class SteppedRig(Rig):
    """Stocks by symbol, options by contract; `now_ns` is the engine's time."""

    def __init__(
        self,
        limits: RiskLimits,
        *,
        symbols: tuple[str, ...] = ("F", "GE"),
        others: tuple[Instrument, ...] = (),
        start_ns: int = START_NS,
        **setup: Any,
    ) -> None:
        self.now_ns = start_ns
        self._trades = 0
        names = (*symbols, CLOCK)
        usual: dict[str, Any] = {"universe": names, "balance_usd": BALANCE_USD}
        first = [_quote(name, (PRICE, PRICE), SIZE, start_ns) for name in symbols]
        super().__init__(
            limits=limits,
            symbols=names,
            others=others,
            data=[*first, self._trade(CLOCK, PRICE, start_ns)],
            **(usual | setup),
        )
        self.strategy = Scripted(lambda _strategy, _seen: None, symbols=())
        self.engine.add_strategy(self.strategy)
        self.engine.run(streaming=True)

    # -- What happens -----------------------------------------------------------------------------

    def quote(
        self,
        name: str | Instrument,
        bid: Amount,
        ask: Amount | None = None,
        *,
        size: int = SIZE,
        after_ns: int = STEP_NS,
    ) -> None:
        """Let time pass and quote; without `ask` bid and ask are equal."""
        prices = (Decimal(bid), Decimal(bid if ask is None else ask))
        self._play(_quote(name, prices, size, self.now_ns + after_ns))

    def trade(self, name: str, price: Amount) -> None:
        """Let a step pass and print a trade."""
        self._play(self._trade(name, price, self.now_ns + STEP_NS))

    def wait(self, elapsed_ns: int = STEP_NS) -> None:
        """Let time pass without a quote."""
        self._play(self._trade(CLOCK, PRICE, self.now_ns + elapsed_ns))

    def wait_until(self, time_ns: int) -> None:
        """Let time pass until `time_ns`."""
        self.wait(time_ns - self.now_ns)

    def send(
        self, count: int, price: Amount | None = None, *, name: str | Instrument = "F", **fields: Any
    ) -> Any:
        """Send an order to buy `count`, to sell when it is negative; without a price a market order."""
        side = OrderSide.BUY if count > 0 else OrderSide.SELL
        quantity, factory = Quantity.from_int(abs(count)), self.strategy.order_factory
        if price is None:
            order = factory.market(_id(name), side, quantity, **fields)
        else:
            order = factory.limit(_id(name), side, quantity, _price(name, price), **fields)
        self.strategy.submit_order(order)
        return order

    def hold(self, count: int, *, name: str | Instrument = "F") -> None:
        """Trade at the market and have it filled; raises when it is not."""
        order = self.send(count, name=name)
        self.wait()
        if not order.is_closed or order.filled_qty != order.quantity:
            raise RuntimeError(f"{count} {name} were not filled: {self.refusal(order) or order}")

    # -- What is seen -----------------------------------------------------------------------------

    def passes(self, what: str, *orders: Any) -> Check:
        """Let a step pass and return the check that the orders reached the venue, and none was refused."""
        self.wait()
        refusals = [refusal for refusal in map(self.refusal, orders) if refusal is not None]
        sent = [order for order in orders if order.venue_order_id is not None]
        is_met = not refusals and len(sent) == len(orders)
        return Check(
            f"passes: {what}",
            is_met,
            refusals[0] if refusals else counted(len(sent), "order sent", "orders sent"),
        )

    def refuses(self, rule: str, what: str, order: Any) -> Check:
        """Let a step pass and return the check that `rule` kept the order from the venue."""
        self.wait()
        refusal = self.refusal(order)
        is_met = refusal is not None and refusal.startswith(f"{rule}:") and order.venue_order_id is None
        return Check(f"{rule} refuses: {what}", is_met, refusal or "sent")

    @property
    def state(self) -> str:
        """The breaker's state."""
        return self.gate.keeper.account.breaker.state

    def refusal(self, order: Any) -> str | None:
        """Return why the gate refused the order, or its last modification; None when it did not."""
        name = order.client_order_id.value
        reasons = [each.reason for each in self.recorder.refusals if each.client_order_id == name]
        return reasons[-1] if reasons else None

    # -- Inside -----------------------------------------------------------------------------------

    def _play(self, tick: QuoteTick | TradeTick) -> None:
        before_ns, self.now_ns = self.now_ns, tick.ts_init
        self.engine.clear_data()
        self.engine.add_data([tick])
        self.engine.run(start=pd.Timestamp(before_ns, tz="UTC"), streaming=True)

    def _trade(self, name: str, price: Amount, ts_ns: int) -> TradeTick:
        self._trades += 1
        one = Quantity.from_int(1)
        trade_id, buyer = TradeId(f"DRILL-{self._trades}"), AggressorSide.BUYER
        return TradeTick(_id(name), _price(name, price), one, buyer, trade_id, ts_ns, ts_ns)


def _id(name: str | Instrument) -> InstrumentId:
    return InstrumentId(Symbol(name), SMART) if isinstance(name, str) else name.id


def _price(name: str | Instrument, price: Amount) -> Price:
    return Price(Decimal(price), STOCK_DECIMALS if isinstance(name, str) else name.price_precision)


def _quote(name: str | Instrument, prices: tuple[Decimal, Decimal], size: int, ts_ns: int) -> QuoteTick:
    bid, ask = (_price(name, price) for price in prices)
    shown = Quantity.from_int(size)
    return QuoteTick(_id(name), bid, ask, shown, shown, ts_ns, ts_ns)
