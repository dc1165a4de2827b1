"""Nautilus rigs for flattenings: paths of quotes, venues that are deaf, orders that the kill switch sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide

from market.time import NS_PER_SECOND
from risk.nautilus_closing_orders import TAG
from risk.operator_commands import FlattenAll
from risk.records import CommandRecord
from tests.risk.nautilus_rig import START_NS, F, Rig, Scripted, market, shares, usd

WHO = {"by": "Ann", "reason": "get me out"}


def path(*parts: tuple[int, str, str], start_ns: int = START_NS) -> list[QuoteTick]:
    """Return quotes of F a second apart: parts of `(count, bid, ask)`."""
    prices = [(bid, ask) for count, bid, ask in parts for _ in range(count)]
    size = shares(10_000)
    return [
        QuoteTick(
            F, usd(bid), usd(ask), size, size, start_ns + n * NS_PER_SECOND, start_ns + n * NS_PER_SECOND
        )
        for n, (bid, ask) in enumerate(prices)
    ]


def buys(count: int = 100) -> Callable[[Scripted], None]:
    """Return an action that buys F at the market."""
    return lambda strategy: strategy.submit_order(market(strategy, count))


def stop(strategy: Scripted, count: int = 100, trigger: str = "4.4000", **fields: Any) -> Any:
    """Return a stop-loss of a long position in F."""
    return strategy.order_factory.stop_market(F, OrderSide.SELL, shares(count), usd(trigger), **fields)


def flattens(rig: Any, **who: str) -> Callable[[Any], Any]:
    """Return an action that closes everything."""
    return lambda _: rig.gate.command(FlattenAll(**(WHO | who)))


def intercept(rig: Any, is_lost: Callable[[Any], bool]) -> list[Any]:
    """Lose the commands that `is_lost` names on their way from the gate to the venue; return those."""
    forward, lost = rig.gate._forward, list[Any]()

    def pass_on(command: Any) -> None:
        if is_lost(command):
            lost.append(command)
        else:
            forward(command)

    rig.gate._forward = pass_on
    return lost


def halted_until(rig: Rig, end_ns: int) -> None:
    """Let the venue reject every closing order until a time."""
    forward = rig.gate._forward

    def pass_on(command: Any) -> None:
        now_ns = rig.gate._clock.timestamp_ns()
        if isinstance(command, SubmitOrder) and command.order.tags == [TAG] and now_ns < end_ns:
            rig.gate.keeper.rejected(command.order.client_order_id.value, now_ns)
        else:
            forward(command)

    rig.gate._forward = pass_on


def closings(rig: Any) -> list[Any]:
    """Return the orders of the kill switch."""
    return [order for order in rig.orders if TAG in (order.tags or ())]


def outcomes(rig: Rig, command: str) -> list[str]:
    """Return what was recorded of a command."""
    entries = [entry for entry in rig.recorder.entries if isinstance(entry, CommandRecord)]
    return [entry.outcome for entry in entries if entry.command == command]
