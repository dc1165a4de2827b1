"""PATCH of NautilusTrader 1.231: a trade must not replace the quote of a level-1 book.

As shipped, a trade sets both sides of an `L1_MBP` book to its own price and size until the next quote.
An order that arrives in between trades there: a buy at 10.02 fills at 10.00 after a print at the bid,
a gift of the whole spread, and finds no ask at all after a print at the ask. Here the last quote is
given to the venue again after each trade. Resting orders still fill against trades, as they should.

`tests/backtests/test_nautilus_quotes.py` shows the defect as shipped and fails once upstream has cured
it: then delete this file. Books with depth (`L2_MBP`) are not affected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nautilus_trader.model.data import QuoteTick

from market.instruments import VENUE

if TYPE_CHECKING:
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.common.component import MessageBus
    from nautilus_trader.model.data import TradeTick
    from nautilus_trader.system.kernel import NautilusKernel

_ENDPOINT = f"SimulatedExchange.process_new_quote.{VENUE}"
_BEFORE_STRATEGIES = 20  # strategies subscribe with priority 0, the portfolio with 10


class QuoteRestorer:
    """Gives the venue its last quote again after every trade, before anybody can act on the trade."""

    def __init__(self, msgbus: MessageBus, cache: CacheFacade) -> None:
        self._msgbus = msgbus
        self._cache = cache

    def on_trade(self, trade: TradeTick) -> None:
        """Restore the quote; its event time is the trade's, or the venue would call it stale."""
        quote = self._cache.quote_tick(trade.instrument_id)
        if quote is None:
            return
        restored = QuoteTick(
            trade.instrument_id,
            quote.bid_price,
            quote.ask_price,
            quote.bid_size,
            quote.ask_size,
            trade.ts_event,
            trade.ts_init,
        )
        self._msgbus.send(endpoint=_ENDPOINT, msg=restored)


def install_quote_restorer(kernel: NautilusKernel) -> None:
    """Restore quotes in the engine of `kernel`, which must have a level-1 venue named SMART."""
    restorer = QuoteRestorer(kernel.msgbus, kernel.cache)
    kernel.msgbus.subscribe(topic="data.trades.*", handler=restorer.on_trade, priority=_BEFORE_STRATEGIES)
