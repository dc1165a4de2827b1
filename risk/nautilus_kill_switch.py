"""Cancels and closes in a Nautilus kernel, through the same door as everybody's orders.

Each closing order belongs to the strategy that owns the position, so that positions net as they were
opened. Rounds are a second apart, driven by the kernel's clock, and end by `flatten.MAX_ROUNDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder, SubmitOrder
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId, StrategyId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder, MarketOrder

from market.time import NS_PER_SECOND
from risk.account import Account
from risk.flatten import Closing, Flattening, FlattenReport, Held, Marketplace, Round
from risk.intent import InstrumentTerms, OrderIntent
from risk.nautilus_intents import InstrumentBook
from risk.reservation import Reservation

ROUND_NS = NS_PER_SECOND
TAG = "KILL_SWITCH"
EMULATOR_ENDPOINT = "OrderEmulator.execute"

ReportHandler = Callable[[FlattenReport], None]
StartHandler = Callable[[Flattening], None]


class KillSwitch:
    """Carries out cancels and flattenings; `execute` is the gate's own handler."""

    def __init__(
        self, kernel: Any, account: Account, instruments: InstrumentBook, execute: Callable[[Any], None]
    ) -> None:
        self.reports: list[FlattenReport] = []
        self.on_start: StartHandler = lambda _flattening: None
        self.on_report: ReportHandler = lambda _report: None
        self._trader_id = kernel.trader_id
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._bus = kernel.msgbus
        self._account = account
        self._instruments = instruments
        self._execute = execute
        self._running: list[Flattening] = []
        self._sent = 0
        self._alerts = 0

    @property
    def is_flattening(self) -> bool:
        """Whether a flattening is on its way."""
        return bool(self._running)

    def cancel_all(self) -> int:
        """Cancel every working order and return how many."""
        order_ids = self._open_orders(None)
        self._cancel(order_ids)
        return len(order_ids) + self._cancel_emulated(None)

    def cancel_openings(self) -> None:
        """Cancel every working order that could add risk; those that only close go on working."""
        ledger = self._account.ledger
        openings = [
            order_id
            for order_id, reservation in list(ledger.reservations.items())
            if reservation.is_open and not self._account.is_reducing(_rest(reservation))
        ]
        self._cancel(openings)
        self._cancel_emulated(None)

    def flatten(self, symbols: frozenset[str] | None, now_ns: int, *, by: str, reason: str) -> None:
        """Close the positions in `symbols`, or all of them; the first round starts at once."""
        flattening = Flattening(symbols, by=by, reason=reason, started_ns=now_ns)
        self._running.append(flattening)
        self.on_start(flattening)
        self._cancel_emulated(flattening)
        self._continue(flattening)

    def _continue(self, flattening: Flattening) -> None:
        now_ns = self._clock.timestamp_ns()
        step = flattening.next_round(
            self._held(flattening), self._open_orders(flattening), self._marketplace(now_ns), now_ns
        )
        if isinstance(step, FlattenReport):
            self._running.remove(flattening)
            self.reports.append(step)
            self.on_report(step)
            return
        self._send(step)
        self._alerts += 1
        self._clock.set_time_alert_ns(
            name=f"{TAG}-{self._alerts}",
            alert_time_ns=now_ns + ROUND_NS,
            callback=lambda _event: self._continue(flattening),
        )

    def _cancel_emulated(self, flattening: Flattening | None) -> int:
        """Cancel orders that wait inside the node, in its order emulator, and return how many."""
        orders = [
            order
            for order in self._cache.orders_emulated()
            if flattening is None or flattening.covers(self._instruments.terms(order.instrument_id).symbol)
        ]
        for order in orders:
            self._bus.send(endpoint=EMULATOR_ENDPOINT, msg=self._cancel_command(order))
        return len(orders)

    def _send(self, step: Round) -> None:
        self._cancel(step.cancels)
        for closing in step.closings:
            self._submit(closing)

    def _cancel(self, order_ids: Any) -> None:
        for order_id in order_ids:
            order = self._cache.order(ClientOrderId(order_id))
            if order is not None and not order.is_closed:
                self._execute(self._cancel_command(order))

    def _cancel_command(self, order: Any) -> CancelOrder:
        return CancelOrder(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            command_id=UUID4(),
            ts_init=self._clock.timestamp_ns(),
        )

    def _submit(self, closing: Closing) -> None:
        now_ns = self._clock.timestamp_ns()
        self._sent += 1
        fields: dict[str, Any] = {
            "trader_id": self._trader_id,
            "strategy_id": StrategyId(closing.strategy_id),
            "instrument_id": self._instruments.nautilus_id(closing.terms),
            "client_order_id": ClientOrderId(f"K-{now_ns}-{self._sent}"),
            "order_side": OrderSide.BUY if closing.side == "buy" else OrderSide.SELL,
            "quantity": Quantity.from_int(closing.quantity),
            "init_id": UUID4(),
            "ts_init": now_ns,
            "time_in_force": TimeInForce.DAY,
            "tags": [TAG],
        }
        if closing.limit_price is None:
            order = MarketOrder(**fields)
        else:
            order = LimitOrder(price=self._price(closing.terms, closing.limit_price), **fields)
        self._execute(
            SubmitOrder(
                trader_id=self._trader_id,
                strategy_id=order.strategy_id,
                order=order,
                command_id=UUID4(),
                ts_init=now_ns,
                position_id=self._position_id(closing),
            )
        )

    def _price(self, terms: InstrumentTerms, price: Decimal) -> Price:
        return self._cache.instrument(self._instruments.nautilus_id(terms)).make_price(price)

    def _position_id(self, closing: Closing) -> Any:
        """Return the position to close where a strategy has exactly one (hedging accounts need it)."""
        positions = self._cache.positions_open(
            instrument_id=self._instruments.nautilus_id(closing.terms),
            strategy_id=StrategyId(closing.strategy_id),
        )
        return positions[0].id if len(positions) == 1 else None

    def _held(self, flattening: Flattening) -> list[Held]:
        return [
            Held(strategy_id, book.terms, quantity)
            for book in self._account.ledger.books.values()
            if flattening.covers(book.terms.symbol)
            for strategy_id, quantity in book.positions.items()
        ]

    def _open_orders(self, flattening: Flattening | None) -> list[str]:
        return [
            order_id
            for order_id, reservation in self._account.ledger.reservations.items()
            if reservation.is_open
            and (flattening is None or flattening.covers(reservation.intent.terms.symbol))
        ]

    def _marketplace(self, now_ns: int) -> Marketplace:
        session = self._account.market.session(now_ns)
        spreads = [
            self._instruments.terms(instrument.id)
            for instrument in self._cache.instruments()
            if instrument.is_spread()
        ]
        return Marketplace(
            quote=self._account.market.quote, spreads=spreads, is_open=session.phase not in (None, "closed")
        )


def _rest(reservation: Reservation) -> OrderIntent:
    return msgspec.structs.replace(reservation.intent, quantity=reservation.committed - reservation.filled)
