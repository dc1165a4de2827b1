"""Tells strategies of refusals, as Nautilus' events: `OrderDenied` and `OrderModifyRejected`.

A strategy may answer a refusal with a new order, which is refused, and so on; what runs away like that
is halted, and hears of its refusals a second later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

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
GATE_FAULT = "gate_fault"
UNJUDGED = "judgement"
"""Rule of the refusal of what could not be judged, for a fault of the gate."""
Answers = list[Any] | None
"""Nautilus' events that answer a refused command; None: the command passes."""
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

    def halt(self, reason: str, *, by: str = GATE_FAULT) -> None:
        """Halt, as a rule for a fault of the gate; a fault in what follows a halt leaves it a halt."""
        try:
            self._supervisor.halt(self._clock.timestamp_ns(), by=by, reason=reason)
        except Exception as error:  # noqa: BLE001 - the border: the state is changed before all else
            self._log.error(f"The gate has halted ({reason}), but not done all that follows: {error!r}")

    def deny_all(self, orders: Sequence[Any], refusals: Sequence[Refused]) -> list[Any]:
        """Record the refusals of new orders, and return the `OrderDenied` that answer them."""
        denied = [self._deny(order, refused) for order, refused in zip(orders, refusals, strict=True)]
        return [event for event in denied if event is not None]

    def _deny(self, order: Any, refused: Refused) -> OrderDenied | None:
        now_ns = self._clock.timestamp_ns()
        self._record(order, refused, now_ns, "submit")
        known = self._cache.order(order.client_order_id)
        is_sent = refused.rule == "ib_duplicate_id"  # the first of its id is on its way: it must stay alive
        is_other = known is not None and known is not order  # so must one that only has the same id
        if is_sent or is_other or order.status not in (OrderStatus.INITIALIZED, OrderStatus.RELEASED):
            self._log.error(f"Gate refuses {order.client_order_id} again: {refused.reason}")
            return None
        if known is None:
            self._cache.add_order(order)
        return OrderDenied(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            reason=refused.reason,
            event_id=UUID4(),
            ts_init=now_ns,
        )

    def reject_change(self, order: Any, refused: Refused) -> list[Any]:
        """Record the refusal of a modification, and return the `OrderModifyRejected` that answers it."""
        now_ns = self._clock.timestamp_ns()
        self._record(order, refused, now_ns, "modify")
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
        return [rejected]

    def send(self, answers: Sequence[Any]) -> None:
        """Tell strategies of refusals; one that answers refusals with orders is halted and waits.

        In a backtest such answers nest, live they follow each other through the queues: both end here.
        """
        for event in answers:
            self._answer(event, self._clock.timestamp_ns())

    def _record(
        self, order: Any, refused: Refused, now_ns: int, command: Literal["submit", "modify"]
    ) -> None:
        names = order.instrument_id.value, order.client_order_id.value, order.strategy_id.value
        try:
            self._supervisor.refused(refused, names, now_ns, command=command)
        except Exception as error:  # noqa: BLE001 - the border: the strategy hears of it all the same
            self.halt(f"a refusal could not be booked: {error!r}")

    def _answer(self, event: Any, now_ns: int) -> None:
        is_nested = self._nested >= MAX_NESTED_REFUSALS
        if is_nested or self._supervisor.account.is_running_away(now_ns):
            self.halt("orders are sent in answer to refusals, or far above the rate limit", by="runaway")
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
