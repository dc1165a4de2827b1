"""The one Nautilus shell of every intraday decision: ticks in, orders out, records on the bus.

It holds no rule about markets. Decisions are taken on ticks, at event time; a clock alert at the flat
time closes what is open when ticks have stopped (a halt, a dead feed).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from nautilus_trader.common.data_topics import TopicCache
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import BookType, OrderStatus
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from audit.events import ALERTS_TOPIC, DECISIONS_TOPIC, AlertAction, AlertRecord, DecisionRecord
from market.errors import ConfigError
from market.instruments import symbol_of
from market.session_windows import SessionRules
from market.time import NS_PER_SECOND
from strategies.decision_modules import load_decision
from strategies.intents_to_orders import order_for, price_for
from strategies.intraday.correlation import CorrelationIds
from strategies.intraday.decision_faults import strategy_error
from strategies.intraday.decision_log import DecisionLog
from strategies.intraday.nautilus_book import depth_reader
from strategies.intraday.nautilus_events import report
from strategies.intraday.orders import Command, Place, Reprice, Withdraw
from strategies.intraday.session_clock import SessionClock
from strategies.intraday.symbol_trader import NO_WINDOW, SESSION_OVER, SavedState, Step, SymbolTrader

FLATTEN_RETRY_NS = NS_PER_SECOND
"""How often open symbols are looked at between the flat time and the close, ticks or not."""
NOT_SENT = "not sent: the order was in no state for it"


_TOPICS = TopicCache()


class IntradayConfig(StrategyConfig, frozen=True, kw_only=True):
    """What the shell needs; `strategies.nautilus_config` builds it from a profile.

    `order_id_tag` must be the name of the profile's strategy section. With `stands_down_on_error` a
    decision that raises closes its symbol and leaves it alone; without, the error ends the run.
    """

    decision: str
    instrument_ids: tuple[str, ...]
    parameters: dict[str, Any]
    session_rules: SessionRules
    has_depth: bool
    max_shares_per_order: int
    flattens_on_stop: bool = True
    stands_down_on_error: bool = False


class IntradayStrategy(Strategy):
    """Runs one decision on any number of symbols."""

    def __init__(self, config: IntradayConfig) -> None:
        super().__init__(config)
        self._module = load_decision(config.decision)
        self._parameters = msgspec.convert(config.parameters, self._module.parameters_type)
        self._session_clock = SessionClock(config.session_rules)
        self._window = NO_WINDOW
        self._traders = {
            InstrumentId.from_str(text): self._new_trader(InstrumentId.from_str(text))
            for text in config.instrument_ids
        }
        self._handlers: dict[str, Callable[[Any], None]] = {}  # by topic
        self._orders: dict[str, tuple[SymbolTrader, str]] = {}  # by client order id
        self._client_order_ids: dict[str, ClientOrderId] = {}  # by correlation id
        self._alert_name = f"SESSION:{self.id}"

    def _new_trader(self, instrument_id: InstrumentId) -> SymbolTrader:
        ids = CorrelationIds(self.order_id_tag, symbol_of(str(instrument_id)))
        return SymbolTrader(
            self._module.decide,
            self._parameters,
            log=DecisionLog(str(self.id), str(instrument_id), ids),
            shares_max=self.config.max_shares_per_order,
            read_depth=depth_reader(self, instrument_id, levels=self._parameters.book_levels)
            if self.config.has_depth
            else None,
        )

    # Life of the component ---------------------------------------------------------------------------

    def on_start(self) -> None:
        self._begin("start")

    def on_resume(self) -> None:
        for trader in self._traders.values():
            trader.begin_again()
        self._begin("resume")

    def _begin(self, action: AlertAction) -> None:
        now_ns = self.clock.timestamp_ns()
        self._tell(action, now_ns)
        for instrument_id, trader in self._traders.items():
            if self.cache.instrument(instrument_id) is None:
                raise ConfigError(
                    f"{instrument_id} is not among the instruments of this node. "
                    "Add it to the catalog or the universe, or take it off the strategy's symbols."
                )
            self._adopt(instrument_id, trader)
            self._subscribe(instrument_id, trader)
        self._await_session(now_ns)

    def _adopt(self, instrument_id: InstrumentId, trader: SymbolTrader) -> None:
        """Take over what an earlier run of this strategy left: its position; its orders are cancelled."""
        if self.cache.orders_open(None, instrument_id, self.id):
            self.cancel_all_orders(instrument_id)
        for position in self.cache.positions_open(None, instrument_id, self.id):
            trader.adopt(
                int(position.signed_qty), average_price=position.avg_px_open, opened_ns=position.ts_opened
            )

    def on_stop(self) -> None:
        now_ns = self.clock.timestamp_ns()
        self._tell("stop", now_ns)
        self.clock.cancel_timers()
        if self.config.flattens_on_stop and not self.config.manage_stop:
            for trader in self._traders.values():
                step = trader.stand_down(now_ns)
                if step is not None:
                    self._carry_out(trader, step, now_ns)
        for instrument_id in self._traders:
            self._unsubscribe(instrument_id)

    def on_reset(self) -> None:
        for trader in self._traders.values():
            trader.reset()
        self._orders.clear()
        self._client_order_ids.clear()
        self._window = NO_WINDOW

    def on_save(self) -> dict[str, bytes]:
        return {
            str(instrument_id): msgspec.json.encode(trader.saved_state())
            for instrument_id, trader in self._traders.items()
        }

    def on_load(self, state: dict[str, bytes]) -> None:
        if self.trader_id is not None:  # else no bus to tell it on
            told = {name: saved.decode() for name, saved in state.items()}
            self._tell("load", self.clock.timestamp_ns(), told)
        for instrument_id, trader in self._traders.items():
            saved = state.get(str(instrument_id))
            if saved is not None:
                trader.restore(msgspec.json.decode(saved, type=SavedState))

    def on_market_exit(self) -> None:
        self._tell("pause", self.clock.timestamp_ns())
        for trader in self._traders.values():  # Nautilus itself cancels and closes now
            trader.pause()

    def post_market_exit(self) -> None:
        self._tell("unpause", self.clock.timestamp_ns())
        for trader in self._traders.values():
            trader.unpause()

    # Market data: the hot path -----------------------------------------------------------------------

    def _subscribe(self, instrument_id: InstrumentId, trader: SymbolTrader) -> None:
        """Subscribe to the data, and have ticks come straight from the bus to `trader`.

        `Actor.handle_quote_tick` hashes the instrument's id twice and asks for the state of the component,
        250 ns a tick; here the topic says which instrument it is, and `on_stop` unsubscribes.
        """
        self.subscribe_quote_ticks(instrument_id)
        self.subscribe_trade_ticks(instrument_id)
        if self.config.has_depth:
            self.subscribe_order_book_deltas(instrument_id, book_type=BookType.L2_MBP)
        quotes, trades = _TOPICS.get_quotes_topic(instrument_id), _TOPICS.get_trades_topic(instrument_id)
        self.msgbus.unsubscribe(quotes, self.handle_quote_tick)
        self.msgbus.unsubscribe(trades, self.handle_trade_tick)
        self._handlers[quotes], self._handlers[trades] = self._quote_handler(trader), _trade_handler(trader)
        for topic in (quotes, trades):
            self.msgbus.subscribe(topic, self._handlers[topic])

    def _unsubscribe(self, instrument_id: InstrumentId) -> None:
        for topic in (_TOPICS.get_quotes_topic(instrument_id), _TOPICS.get_trades_topic(instrument_id)):
            self.msgbus.unsubscribe(topic, self._handlers.pop(topic))
        self.unsubscribe_quote_ticks(instrument_id)
        self.unsubscribe_trade_ticks(instrument_id)
        if self.config.has_depth:
            self.unsubscribe_order_book_deltas(instrument_id)

    def _quote_handler(self, trader: SymbolTrader) -> Callable[[QuoteTick], None]:
        act, on_quote = self._act, trader.on_quote

        def handle(tick: QuoteTick) -> None:
            now_ns = tick.ts_init
            on_quote(
                float(tick.bid_price),
                float(tick.ask_price),
                float(tick.bid_size),
                float(tick.ask_size),
                now_ns,
            )
            if now_ns >= trader.decide_at_ns:
                act(trader, now_ns)

        return handle

    # Sessions ------------------------------------------------------------------------------------------

    def _await_session(self, now_ns: int) -> None:
        """Look forward to the session that holds `now_ns` or comes next, and to its flat time."""
        self._window = window = self._session_clock.window_at(now_ns)
        for trader in self._traders.values():
            trader.await_session(window)
        self._set_alert(max(window.flat_ns, now_ns))

    def _set_alert(self, alert_ns: int) -> None:
        if self._alert_name in self.clock.timer_names:
            self.clock.cancel_timer(self._alert_name)
        self.clock.set_time_alert_ns(self._alert_name, alert_ns, self._on_alert)

    def _on_alert(self, event: TimeEvent) -> None:
        """Between the flat time and the close: look at what is still open, even without ticks."""
        now_ns, close_ns = event.ts_event, self._window.close_ns
        self._tell("alert", now_ns)
        if now_ns >= close_ns:
            self._await_session(now_ns)
            return
        for trader in self._traders.values():
            self._act(trader, now_ns)
        are_flat = all(trader.is_idle for trader in self._traders.values())
        self._set_alert(close_ns if are_flat else min(now_ns + FLATTEN_RETRY_NS, close_ns))

    # Acting ------------------------------------------------------------------------------------------

    def _act(self, trader: SymbolTrader, now_ns: int) -> None:
        try:
            step = trader.step(now_ns)
        except Exception as error:  # the border to users' decisions: stop the symbol, or the run
            if not self.config.stands_down_on_error:
                symbol = symbol_of(trader.instrument_id)
                fault = strategy_error(error, self._module.decide, symbol=symbol, now_ns=now_ns)
                if fault is None:
                    raise
                raise fault from error
            self.log.exception(f"{self.config.decision}.decide failed; its symbol stands down", error)
            step = trader.fail(error, now_ns)
        if step is SESSION_OVER:
            self._await_session(now_ns)
        elif step is not None:
            self._carry_out(trader, step, now_ns)

    def _carry_out(self, trader: SymbolTrader, step: Step, now_ns: int) -> None:
        for record in step.records:
            self._publish(record)
        for command in step.commands:
            self._send(trader, command, now_ns)

    def _tell(self, action: AlertAction, now_ns: int, state: dict[str, str] | None = None) -> None:
        """Put on record that something other than data is about to be acted on."""
        record = AlertRecord(strategy_id=str(self.id), action=action, now_ns=now_ns, state=state or {})
        self.msgbus.publish(topic=ALERTS_TOPIC, msg=record)

    def _publish(self, record: DecisionRecord | None) -> None:
        if record is not None:
            self.msgbus.publish(topic=DECISIONS_TOPIC, msg=record)

    def _send(self, trader: SymbolTrader, command: Command, now_ns: int) -> None:
        if isinstance(command, Place):
            order = order_for(command, factory=self.order_factory, instrument=self._instrument_of(trader))
            self._orders[order.client_order_id.value] = (trader, command.correlation_id)
            self._client_order_ids[command.correlation_id] = order.client_order_id
            self.submit_order(order)
        else:
            self._send_about(trader, command, now_ns)

    def _instrument_of(self, trader: SymbolTrader) -> Any:
        return self.cache.instrument(InstrumentId.from_str(trader.instrument_id))

    def _send_about(self, trader: SymbolTrader, command: Reprice | Withdraw, now_ns: int) -> None:
        """Send a replace or cancel. Nautilus drops some without an event: the trader must hear of it."""
        correlation_id = command.correlation_id
        order = self.cache.order(self._client_order_ids[correlation_id])
        if order.is_closed:
            trader.on_ended(correlation_id, now_ns)
        elif isinstance(command, Reprice):
            decimals = self._instrument_of(trader).price_precision
            self.modify_order(order, price=price_for(command.limit_price, command.side, decimals=decimals))
            if order.status != OrderStatus.PENDING_UPDATE:
                self._publish(
                    trader.on_request_refused(correlation_id, "replace", now_ns, refused_by=NOT_SENT)
                )
        else:
            self.cancel_order(order)
            if order.status != OrderStatus.PENDING_CANCEL:
                self._publish(
                    trader.on_request_refused(correlation_id, "cancel", now_ns, refused_by=NOT_SENT)
                )

    # What became of orders ----------------------------------------------------------------------------

    def on_order_event(self, event: OrderEvent) -> None:
        trader, correlation_id = self._orders.get(event.client_order_id.value, (None, None))
        if trader is None:
            trader = self._traders.get(event.instrument_id)
        if trader is not None:
            self._publish(report(event, trader, correlation_id))


def _trade_handler(trader: SymbolTrader) -> Callable[[TradeTick], None]:
    on_trade = trader.on_trade

    def handle(tick: TradeTick) -> None:
        on_trade(float(tick.price), float(tick.size))

    return handle
