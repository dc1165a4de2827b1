"""What a run leaves in the engine, taken out as plain values: decisions, orders, fills, refusals.

Decisions and refusals come over the message bus while the run goes on, appended to a list and no more;
orders and their events are read from the cache when it has ended.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.events import OrderDenied, OrderFilled, OrderRejected
from nautilus_trader.model.identifiers import Venue

from audit.events import DECISIONS_TOPIC, DecisionRecord
from backtests.fills import Fill
from market.instruments import VENUE
from risk.nautilus_kill_switch import TAG
from risk.records import BreakerChangeRecord, MemoryRecorder, RefusalRecord
from strategies.intraday.correlation import correlation_id_of

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.orders import Order

FILLS_TOPIC = "events.fills.*"
KILL_SWITCH = "kill_switch"
"""Stands where the decision's correlation id would: the order closed a position on a halt."""

# Random, or a count of what the venue was fed: they differ between runs that are the same.
_IDENTITIES = frozenset(("event_id", "trade_id", "init_id", "instance_id", "causation_id"))


class OrderOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it ended; `deny_reason` is the words of a denial or a rejection."""

    client_order_id: str
    strategy_id: str
    instrument_id: str
    side: str
    type: str
    quantity: int
    filled_quantity: int
    limit_price: Decimal | None
    status: str
    ts_submitted_ns: int
    ts_last_ns: int
    correlation_id: str | None
    tags: tuple[str, ...]
    deny_reason: str | None
    events: tuple[dict[str, Any], ...]


class RefusalOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One order or change that was not let through: by which rule, which value against which limit.

    `rule` is the gate's, or `engine_denied` (Nautilus' own risk engine), or `venue_rejected`.
    """

    ts_ns: int
    rule: str
    value: str | None
    limit: str | None
    instrument_id: str
    client_order_id: str | None
    reason: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run decided and did, in a fixed order; balances in USD."""

    decisions: tuple[DecisionRecord, ...]
    orders: tuple[OrderOutcome, ...]
    fills: tuple[Fill, ...]
    refusals: tuple[RefusalOutcome, ...]
    breaker_changes: tuple[BreakerChangeRecord, ...]
    starting_balance_usd: Decimal
    closing_balance_usd: Decimal
    events_processed: int


class OutcomeCollector:
    """Listens on the bus of one engine, from before its run until `collect`.

    `risk_records` is the recorder of the gate in its door.
    """

    def __init__(self, engine: BacktestEngine, risk_records: MemoryRecorder) -> None:
        self._engine = engine
        self._risk_records = risk_records
        self._before = len(risk_records.entries)  # the gate's own start is no event of the run
        self._decisions: list[DecisionRecord] = []
        self._fills: list[OrderFilled] = []
        bus = engine.kernel.msgbus
        bus.subscribe(topic=DECISIONS_TOPIC, handler=self._decisions.append)
        bus.subscribe(topic=FILLS_TOPIC, handler=self._fills.append)

    def collect(self) -> Outcome:
        """Return what happened; call it after the run and before the engine is disposed of."""
        cache = self._engine.cache
        orders = sorted(cache.orders(), key=lambda order: (order.ts_init, order.client_order_id.value))
        account = cache.account_for_venue(Venue(VENUE))
        currency = account.base_currency
        outcomes = tuple(_order(order) for order in orders)
        refusals = [_refusal(record) for record in self._risk_records.refusals]
        entries = self._risk_records.entries[self._before :]
        return Outcome(
            decisions=tuple(self._decisions),
            orders=outcomes,
            fills=tuple(_fill(event, cache.order(event.client_order_id)) for event in self._fills),
            refusals=(*refusals, *_denials(outcomes, known=refusals)),
            breaker_changes=tuple(entry for entry in entries if isinstance(entry, BreakerChangeRecord)),
            starting_balance_usd=account.starting_balances()[currency].as_decimal(),
            closing_balance_usd=account.balance_total(currency).as_decimal(),
            events_processed=self._engine.iteration,
        )


def sender_of(tags: list[str] | None) -> str | None:
    """Return the decision behind an order's tags, `KILL_SWITCH` where a halt sent it, else None."""
    if tags and TAG in tags:
        return KILL_SWITCH
    return correlation_id_of(tags)


def _order(order: Order) -> OrderOutcome:
    events = order.events
    refused = [event.reason for event in events if isinstance(event, OrderDenied | OrderRejected)]
    return OrderOutcome(
        client_order_id=order.client_order_id.value,
        strategy_id=order.strategy_id.value,
        instrument_id=order.instrument_id.value,
        side=order.side_string(),
        type=order.type_string(),
        quantity=int(order.quantity),
        filled_quantity=int(order.filled_qty),
        limit_price=order.price.as_decimal() if order.has_price else None,
        status=order.status_string(),
        ts_submitted_ns=order.ts_submitted or order.ts_init,
        ts_last_ns=order.ts_last,
        correlation_id=sender_of(order.tags),
        tags=tuple(order.tags or ()),
        deny_reason=refused[-1] if refused else None,
        events=tuple(_event(event) for event in events),
    )


def _event(event: Any) -> dict[str, Any]:
    values = type(event).to_dict(event)
    return {key: value for key, value in values.items() if key not in _IDENTITIES}


def _fill(event: OrderFilled, order: Order | None) -> Fill:
    return Fill(
        trade_id=event.trade_id.value,
        client_order_id=event.client_order_id.value,
        strategy_id=event.strategy_id.value,
        instrument_id=event.instrument_id.value,
        side="BUY" if event.order_side == OrderSide.BUY else "SELL",
        quantity=int(event.last_qty),
        price=event.last_px.as_decimal(),
        commission_usd=event.commission.as_decimal(),
        liquidity="MAKER" if event.liquidity_side == LiquiditySide.MAKER else "TAKER",
        ts_ns=event.ts_event,
        correlation_id=sender_of(order.tags) if order is not None else None,
    )


def _refusal(record: RefusalRecord) -> RefusalOutcome:
    names = RefusalOutcome.__struct_fields__
    return RefusalOutcome(**{name: getattr(record, name) for name in names})


def _denials(orders: tuple[OrderOutcome, ...], *, known: list[RefusalOutcome]) -> list[RefusalOutcome]:
    """Return denials and rejections that no rule of ours recorded: the engine's own, and the venue's."""
    recorded = {refusal.client_order_id for refusal in known}
    return [
        RefusalOutcome(
            ts_ns=order.ts_last_ns,
            rule="venue_rejected" if order.status == "REJECTED" else "engine_denied",
            value=None,
            limit=None,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            reason=order.deny_reason,
        )
        for order in orders
        if order.deny_reason is not None and order.client_order_id not in recorded
    ]
