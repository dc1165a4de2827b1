"""Shorthands for tests of the lifecycle: orders placed, filled, positions opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strategies.intents import Enter, Exit
from strategies.intraday.lifecycle import Lifecycle, State, Suppressed
from strategies.intraday.orders import Command, Place
from strategies.intraday.position import Fill
from tests.strategies.builders import TEN_NS, lifecycle, moment, only

BUY = Enter(side="buy", quantity=10)


def place(life: Lifecycle, intent: Enter | Exit = BUY, **instant: Any) -> Place:
    command = only(life.request(intent, "test", moment(**instant)))
    assert isinstance(command, Place)
    return command


def fill(life: Lifecycle, command: Place, quantity: int, price: float = 5.00, *, ts_ns: int = TEN_NS) -> None:
    life.on_fill(command.correlation_id, Fill(side=command.side, quantity=quantity, price=price, ts_ns=ts_ns))


def open_position(**parameters: Any) -> Lifecycle:
    life = lifecycle(**parameters)
    entry = place(life)
    life.on_accepted(entry.correlation_id)
    fill(life, entry, 10)
    assert life.state is State.OPEN
    return life


def suppressed(outcome: Sequence[Command] | Suppressed) -> str:
    assert isinstance(outcome, Suppressed), outcome
    return outcome.reason


def working_entry(**parameters: Any) -> tuple[Lifecycle, Place]:
    life = lifecycle(**parameters)
    entry = place(life)
    life.on_accepted(entry.correlation_id)
    return life, entry
