"""Sends the kill switch's cancels and closing orders, through the same door as everybody's orders.

Each closing order belongs to the strategy that owns the position, so that positions net as they were
opened. One that cannot be sent says why and keeps no other back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder, ModifyOrder, SubmitOrder
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId, StrategyId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import LimitOrder, MarketOrder

from risk.account import Account
from risk.closings import Closing
from risk.nautilus_intents import InstrumentBook
from risk.openings import Surplus

TAG = "KILL_SWITCH"
EMULATOR_ENDPOINT = "OrderEmulator.execute"


class ClosingOrders:
    """Makes and sends commands in one kernel; `execute` is the gate's own handler.

    `sent` has the ids of its closing orders.
    """

    def __init__(
        self, kernel: Any, account: Account, instruments: InstrumentBook, execute: Callable[[Any], None]
    ) -> None:
        self._trader_id = kernel.trader_id
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._bus = kernel.msgbus
        self._log = kernel.logger
        self._account = account
        self._instruments = instruments
        self._execute = execute
        self.sent: set[str] = set()

    def cancel(self, order_ids: Iterable[str]) -> None:
        """Cancel orders by id; those that are closed, or unknown to Nautilus, are passed over."""
        for order_id in order_ids:
            order = self._cache.order(ClientOrderId(order_id))
            if order is None or order.is_closed:
                continue
            try:
                self._execute(self._cancel_command(order))
            except Exception as error:  # noqa: BLE001 - the border: the other orders must be canceled too
                self._log.error(f"Kill switch cannot cancel {order_id}: {error!r}")

    def withdraw(self, surplus: Iterable[Surplus]) -> None:
        """Cancel orders that could open, or lower them to what closes; an unanswered change is waited for."""
        for each in surplus:
            reservation = self._account.ledger.reservations.get(each.order_id)
            if not each.keeps:
                self.cancel([each.order_id])
            elif reservation is not None and not reservation.pending:
                self._lower(each)

    def _lower(self, surplus: Surplus) -> None:
        order = self._cache.order(ClientOrderId(surplus.order_id))
        if order is None or order.is_closed:
            return
        try:
            self._execute(
                ModifyOrder(
                    trader_id=order.trader_id,
                    strategy_id=order.strategy_id,
                    instrument_id=order.instrument_id,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                    quantity=Quantity.from_int(surplus.keeps),
                    price=None,
                    trigger_price=None,
                    command_id=UUID4(),
                    ts_init=self._clock.timestamp_ns(),
                )
            )
        except Exception as error:  # noqa: BLE001 - the border: the other orders must be withdrawn too
            self._log.error(f"Kill switch cannot lower {surplus.order_id}: {error!r}")

    def cancel_emulated(self, is_meant: Callable[[Any], bool]) -> int:
        """Cancel orders that wait inside the node, in its order emulator, and return how many."""
        orders = [order for order in self._cache.orders_emulated() if is_meant(order)]
        for order in orders:
            try:
                self._bus.send(endpoint=EMULATOR_ENDPOINT, msg=self._cancel_command(order))
            except Exception as error:  # noqa: BLE001 - as above
                self._log.error(f"Kill switch cannot cancel {order.client_order_id}: {error!r}")
        return len(orders)

    def close(self, closing: Closing) -> str | None:
        """Send a closing order, one a position of a hedging account; return why not when it did not leave."""
        try:
            for position_id, quantity in self._parts(closing):
                order = self._order(closing, quantity)
                why = self._submit(order, position_id)
                if why is not None:
                    return why
        except Exception as error:  # noqa: BLE001 - the border: the other positions must be closed too
            return f"{type(error).__name__}: {error}"
        return None

    def _submit(self, order: Any, position_id: Any) -> str | None:
        order_id = order.client_order_id.value
        self.sent.add(order_id)
        self._account.kill_switch_order = order_id
        try:
            self._execute(
                SubmitOrder(
                    trader_id=self._trader_id,
                    strategy_id=order.strategy_id,
                    order=order,
                    command_id=UUID4(),
                    ts_init=order.ts_init,
                    position_id=position_id,
                )
            )
        finally:
            self._account.kill_switch_order = None
        has_left = self._account.sent.has_order(order_id)
        return None if has_left else f"the gate refused {order_id}, see its record"

    def _parts(self, closing: Closing) -> Iterator[tuple[Any, int]]:
        """Yield the positions to close and how much of each; what none of them has is closed by none."""
        positions = self._cache.positions_open(
            instrument_id=self._instruments.nautilus_id(closing.terms),
            strategy_id=StrategyId(closing.strategy_id),
        )
        left = closing.quantity
        for position in positions:
            part = min(int(position.quantity), left) if position.is_long == (closing.side == "sell") else 0
            if part:
                yield position.id, part
                left -= part
        if left:
            yield None, left

    def _order(self, closing: Closing, quantity: int) -> Any:
        now_ns = self._clock.timestamp_ns()
        instrument_id = self._instruments.nautilus_id(closing.terms)
        fields: dict[str, Any] = {
            "trader_id": self._trader_id,
            "strategy_id": StrategyId(closing.strategy_id),
            "instrument_id": instrument_id,
            "client_order_id": ClientOrderId(f"K-{now_ns}-{len(self.sent)}"),
            "order_side": OrderSide.BUY if closing.side == "buy" else OrderSide.SELL,
            "quantity": Quantity.from_int(quantity),
            "init_id": UUID4(),
            "ts_init": now_ns,
            "time_in_force": TimeInForce.DAY,
            "tags": [TAG],
        }
        if closing.limit_price is None:
            return MarketOrder(**fields)
        price = self._cache.instrument(instrument_id).make_price(closing.limit_price)
        return LimitOrder(**fields, price=price)

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
