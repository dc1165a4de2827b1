"""PATCH of NautilusTrader 1.231: a trade must not replace the quote of a level-1 book.

As shipped, a trade sets both sides of an `L1_MBP` book to its own price and size until the next quote.
An order that arrives in between trades there: a buy at 10.02 fills at 10.00 after a print at the bid,
a gift of the whole spread, and finds no ask at all after a print at the ask. Here the last quote is
given to the book again: after each trade while an order works or is under way, and before each order.
Resting orders still fill against trades, as they should.

`tests/backtests/test_nautilus_quotes.py` shows the defect as shipped and fails once upstream has cured
it: then delete this file. Books with depth (`L2_MBP`) are not affected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nautilus_trader.backtest.engine import OrderMatchingEngine, SimulatedExchange
from nautilus_trader.model.data import QuoteTick

from backtests.nautilus_internals import dictionary_of
from backtests.nautilus_matching import LeanMatchingEngine

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.common.component import Clock
    from nautilus_trader.model.data import TradeTick
    from nautilus_trader.model.identifiers import AccountId, InstrumentId
    from nautilus_trader.model.orders import Order

_BEFORE_STRATEGIES = 20  # strategies subscribe with priority 0, the portfolio with 10


class QuoteKeepingEngine(LeanMatchingEngine):
    """Matches an order on the last quote, whatever has traded since; for level-1 books."""

    def __init__(self, *, clock: Clock, **settings: Any) -> None:
        super().__init__(clock=clock, **settings)
        self._venue_clock = clock

    def process_order(self, order: Order, account_id: AccountId) -> None:
        """Process, on the last quote."""
        self.keep_quote()
        super().process_order(order, account_id)

    def keep_quote(self) -> None:
        """Give the book its last quote again if a trade came after it."""
        quote = self.cache.quote_tick(self.instrument.id)
        trade = self.cache.trade_tick(self.instrument.id)
        if quote is None or trade is None or trade.ts_init < quote.ts_init:
            return
        self.process_quote_tick(
            QuoteTick(
                quote.instrument_id,
                quote.bid_price,
                quote.ask_price,
                quote.bid_size,
                quote.ask_size,
                trade.ts_event,  # of an earlier time the book would call it stale
                self._venue_clock.timestamp_ns(),  # the venue's clock is set to this
            )
        )


class _TradeWatch:
    """Keeps the quotes of instruments in which an order could fill, before anybody acts on the trade."""

    def __init__(self, engines: dict[InstrumentId, QuoteKeepingEngine], cache: CacheFacade) -> None:
        self._engines = engines
        self._cache = cache

    def on_trade(self, trade: TradeTick) -> None:
        """Keep the quote, unless no order is anywhere; an order that comes later sees to it itself."""
        if self._cache.orders_open_count() or self._cache.orders_inflight_count():
            self._engines[trade.instrument_id].keep_quote()


def keep_quotes(engine: BacktestEngine) -> None:
    """Watch the trades of an `engine` whose matching engines are `QuoteKeepingEngine`s."""
    kernel = engine.kernel
    for exchange in dictionary_of(engine, SimulatedExchange).values():
        watch = _TradeWatch(dictionary_of(exchange, OrderMatchingEngine), kernel.cache)
        topic = f"data.trades.{exchange.id}.*"
        kernel.msgbus.subscribe(topic=topic, handler=watch.on_trade, priority=_BEFORE_STRATEGIES)
