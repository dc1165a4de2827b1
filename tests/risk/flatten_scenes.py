"""Scenes of a flattening: what is held and working, and what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from risk.closings import Held, Marketplace
from risk.flatten import (
    MAX_ROUNDS,
    Flattening,
    Round,
    Scene,
    Step,
    Working,
)
from risk.intent import InstrumentTerms
from tests.risk.table_market import option, quote, spread, stock

D = Decimal
F, GE = stock(), stock("GE")
P100, P95, C115 = option(100), option(95), option(115, "call")
BULL_PUT = spread((P100, -1), (P95, 1))


def flattening(symbols: Sequence[str] | None = None) -> Flattening:
    return Flattening(symbols, by="Ann", reason="news", started_ns=1)


def held(*positions: tuple[InstrumentTerms, int], strategy: str = "S") -> list[Held]:
    return [Held(strategy, terms, count) for terms, count in positions]


def resting(order_id: str = "O-1", quantity: int = 10, **fields: Any) -> Working:
    values: dict[str, Any] = {"strategy_id": "S", "terms": F}
    return Working(order_id=order_id, quantity=quantity, **(values | fields))


def scene(positions: Sequence[Held] = (), *orders: Working, is_open: bool = True, **fields: Any) -> Scene:
    market = Marketplace(quote=lambda _: quote("1.00", "1.10"), spreads=(), is_open=is_open)
    return Scene(held=positions, working=orders, market=market, **fields)


def sent(step: Step) -> list[tuple[str, str, int]]:
    assert isinstance(step, Round)
    return [(each.side, each.terms.instrument_id, each.quantity) for each in step.closings]


def last(run: Flattening, view: Scene, now_ns: int = 9) -> Step:
    """Play a burst of equal rounds and return what follows it."""
    for _ in range(MAX_ROUNDS):
        assert isinstance(run.next_round(view, now_ns), Round)
    return run.next_round(view, now_ns)


TEN = held((F, 10))
HALTED = scene(TEN)
