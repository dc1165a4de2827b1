"""Tells strategies of refusals, as Nautilus' events: `OrderDenied` and `OrderModifyRejected`.

A strategy may answer a refusal with a new order, which is refused, and so on; what runs away like that
is halted, and hears of its refusals a second later.
"""

from __future__ import annotations

from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderDenied, OrderModifyRejected

from market.time import NS_PER_SECOND
from risk.decision import Refused
from risk.ib_rule_book import FRACTIONAL
from risk.nautilus_fixed_point import FractionalQuantityError
from risk.nautilus_intents import UnknownInstrumentError
from risk.supervisor import Supervisor

PROCESS_ENDPOINT = "ExecEngine.process"
MAX_NESTED_REFUSALS = 16
"""Refusals inside refusals (a strategy that answers each denial with an order) before the gate halts."""


class Refusals:
    """Answers refused commands in one kernel."""

    def __init__(self, kernel: Any, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._bus = kernel.msgbus
        self._log = kernel.logger
        self._nested = 0
        self._withheld: list[Any] = []
        self._told: set[UUID4] = set()

    def is_own(self, event: Any) -> bool:
        """Return whether a refusal of a modification is this gate's own; each is recognised once."""
        try:
            self._told.remove(event.id)
        except KeyError:
            return False
        return True

    def deny(self, order: Any, refused: Refused, now_ns: int) -> None:
        """Record the refusal of a new order and answer with `OrderDenied`."""
        self._supervisor.refused(refused, _names(order), now_ns)
        is_sent = refused.rule == "ib_duplicate_id"  # the first of its id is on its way: it must stay alive
        if is_sent or order.status not in (OrderStatus.INITIALIZED, OrderStatus.RELEASED):
            self._log.error(f"Gate refuses {order.client_order_id} again: {refused.reason}")
            return
        if self._cache.order(order.client_order_id) is None:
            self._cache.add_order(order)
        denied = OrderDenied(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            reason=refused.reason,
            event_id=UUID4(),
            ts_init=now_ns,
        )
        self._answer(denied, now_ns)

    def reject_change(self, order: Any, refused: Refused, now_ns: int) -> None:
        """Record the refusal of a modification and answer with `OrderModifyRejected`."""
        self._supervisor.refused(refused, _names(order), now_ns, command="modify")
        event_id = UUID4()
        self._told.add(event_id)
        rejected = OrderModifyRejected(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            account_id=order.account_id,
            reason=refused.reason,
            event_id=event_id,
            ts_event=now_ns,
            ts_init=now_ns,
        )
        self._answer(rejected, now_ns)

    def _answer(self, event: Any, now_ns: int) -> None:
        """Tell the strategy of a refusal; one that answers refusals with orders is halted and waits.

        In a backtest such answers nest, live they follow each other through the queues: both end here.
        """
        is_nested = self._nested >= MAX_NESTED_REFUSALS
        if is_nested or self._supervisor.account.is_running_away(now_ns):
            reason = "orders are sent in answer to refusals, or far above the rate limit"
            self._supervisor.halt(now_ns, by="runaway", reason=reason)
            self._answer_later(event, now_ns)
            return
        self._nested += 1
        try:
            self._bus.send(endpoint=PROCESS_ENDPOINT, msg=event)
        finally:
            self._nested -= 1

    def _answer_later(self, event: Any, now_ns: int) -> None:
        self._withheld.append(event)
        if len(self._withheld) > 1:
            return
        self._clock.set_time_alert_ns(
            name=f"RISK_GATE_ANSWERS-{now_ns}",
            alert_time_ns=now_ns + NS_PER_SECOND,
            callback=self._send_withheld,
        )

    def _send_withheld(self, _event: Any) -> None:
        withheld, self._withheld = self._withheld, []
        for event in withheld:
            self._bus.send(endpoint=PROCESS_ENDPOINT, msg=event)


def _names(order: Any) -> tuple[str, str, str]:
    return order.instrument_id.value, order.client_order_id.value, order.strategy_id.value


def unreadable(error: Exception) -> Refused:
    """Return the refusal of an order that could not be turned into an intent, or judged."""
    if isinstance(error, FractionalQuantityError):
        return Refused(
            rule="ib_fraction",
            value=str(error),
            limit="whole shares and contracts",
            advice="Round the quantity down.",
            ib_code=FRACTIONAL,
        )
    if isinstance(error, UnknownInstrumentError):
        return Refused(
            rule="unknown_instrument", value=str(error), limit="known instruments", advice="Load it first."
        )
    return Refused(
        rule="judgement",
        value=f"{type(error).__name__}: {error}",
        limit="an order that can be read",
        advice="What cannot be judged is refused; report it with this text.",
    )
