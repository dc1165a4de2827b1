"""PATCH of NautilusTrader 1.231: a matching engine that does no work which nobody can see.

Two costs are cured; orders, fills and balances stay what they were:

1. Every bar is played as up to four trades (open, high, low, close), about 9 us, though only a resting
   order can notice. `WaitingBarEngine` lets bars wait while nothing rests; when a command arrives, those
   of them that shape the book are played first.
2. After each fill that meets a position, the venue goes through all orders the position ever had, for
   reduce-only ones to shrink: quadratic in orders. `LeanMatchingEngine` does so only while one is open.

`tests/backtests/test_nautilus_matching.py` holds the shipped engine against these on random markets and
measures both costs as shipped; it fails once upstream has cured them: then delete this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nautilus_trader.backtest.engine import OrderMatchingEngine, SimulatedExchange

from backtests.nautilus_internals import dictionary_of

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.component import Clock
    from nautilus_trader.execution.messages import CancelOrder, ModifyOrder
    from nautilus_trader.model.book import OrderBook
    from nautilus_trader.model.data import Bar
    from nautilus_trader.model.enums import LiquiditySide
    from nautilus_trader.model.identifiers import AccountId, PositionId
    from nautilus_trader.model.objects import Price, Quantity
    from nautilus_trader.model.orders import Order
    from nautilus_trader.model.position import Position

WAITING_BARS_MAX = 4_096
"""Bars that wait at most; then those that no longer matter are dropped."""

_SETTINGS = (
    *("fill_model", "fee_model", "book_type", "oms_type", "account_type", "msgbus", "cache"),
    *("reject_stop_orders", "support_gtd_orders", "support_contingent_orders", "oto_full_trigger"),
    *("use_position_ids", "use_random_ids", "use_reduce_only", "use_market_order_acks"),
    *("bar_execution", "bar_adaptive_high_low_ordering", "trade_execution"),
    *("liquidity_consumption", "queue_position", "price_protection_points"),
)
"""What a venue hands to its matching engines, by the same names."""


class LeanMatchingEngine(OrderMatchingEngine):
    """Matches orders as shipped, without the search through a position's closed orders."""

    def fill_order(
        self,
        order: Order,
        last_px: Price,
        last_qty: Quantity,
        liquidity_side: LiquiditySide,
        venue_position_id: PositionId | None = None,
        position: Position | None = None,
    ) -> None:
        """Fill; the parent needs `position` for one thing, to shrink open reduce-only orders of it."""
        if position is not None and not self._has_open_reduce_only_order():
            position = None
        super().fill_order(order, last_px, last_qty, liquidity_side, venue_position_id, position)

    def _has_open_reduce_only_order(self) -> bool:
        working = self.cache.orders_open(None, self.instrument.id)
        return any(order.is_reduce_only for order in working)


class WaitingBarEngine(LeanMatchingEngine):
    """Plays bars when it matters; for instruments that are fed bars of one type and no ticks.

    `clock` is the one that the engine was constructed with.
    """

    def __init__(self, *, clock: Clock, **settings: Any) -> None:
        super().__init__(clock=clock, **settings)
        self._venue_clock = clock
        self._bars: list[Bar] = []
        self._may_rest = False

    def process_bar(self, bar: Bar) -> None:
        """Play `bar` if an order rests, else let it wait."""
        if self._may_rest:
            self._play(bar)
            self._may_rest = bool(self.get_open_orders())
            return
        self._bars.append(bar)
        if len(self._bars) > WAITING_BARS_MAX:
            self._bars = self._bars[_first_that_matters(self._bars) :]

    def process_order(self, order: Order, account_id: AccountId) -> None:
        """Process, on the book as it stands."""
        self._catch_up()
        self._may_rest = True
        super().process_order(order, account_id)

    def process_modify(self, command: ModifyOrder, account_id: AccountId) -> None:
        """Process, on the book as it stands."""
        self._catch_up()
        super().process_modify(command, account_id)

    def process_cancel(self, command: CancelOrder, account_id: AccountId) -> None:
        """Process, on the book as it stands."""
        self._catch_up()
        super().process_cancel(command, account_id)

    def best_bid_price(self) -> Price | None:
        """Return the best bid after all bars."""
        self._catch_up()
        return super().best_bid_price()

    def best_ask_price(self) -> Price | None:
        """Return the best ask after all bars."""
        self._catch_up()
        return super().best_ask_price()

    def get_book(self) -> OrderBook:
        """Return the book after all bars."""
        self._catch_up()
        return super().get_book()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._bars = []
        self._may_rest = False

    def _catch_up(self) -> None:
        if not self._bars:
            return
        now_ns = self._venue_clock.timestamp_ns()  # playing a bar sets the clock to the bar's time
        bars, self._bars = self._bars, []
        for bar in bars[_first_that_matters(bars) :]:
            self._play(bar)
        self._venue_clock.set_time(now_ns)

    def _play(self, bar: Bar) -> None:
        super().process_bar(bar)


def install_matching_engines(
    engine: BacktestEngine, kind_of: Callable[[str], type[OrderMatchingEngine]]
) -> None:
    """Replace the matching engines of a built, not yet run `engine`; call it after adding instruments.

    `kind_of` says which class serves an instrument id. `WaitingBarEngine` is for instruments that get bars
    of one type, LAST or MID, and no ticks.
    """
    for exchange in dictionary_of(engine, SimulatedExchange).values():
        engines = dictionary_of(exchange, OrderMatchingEngine)
        for instrument_id, shipped in engines.items():
            engines[instrument_id] = kind_of(str(instrument_id))(
                instrument=shipped.instrument,
                raw_id=shipped.raw_id,
                clock=engine.kernel.clock,
                **{name: getattr(exchange, name) for name in _SETTINGS},
            )


def _first_that_matters(bars: Sequence[Bar]) -> int:
    """Return from where on `bars` must be played to leave the book, and the last price, as all would.

    A level-1 book holds its last update only, so the last bar that moves the price is enough, after the
    one before it, whose close tells what counts as a move.
    """
    for index in range(len(bars) - 1, 0, -1):
        bar, close = bars[index], bars[index - 1].close
        if not (bar.open == bar.high == bar.low == bar.close == close):
            return index - 1
    return 0
