"""Entries of a journal, made by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from audit.events import (
    KIND_OF,
    DecisionRecord,
    Entry,
    FillRecord,
    OrderEventRecord,
    OrderRecord,
    Side,
)
from risk.records import RefusalRecord

BAC = "BAC.SMART"
STRATEGY = "S-1"


def numbered(*bodies: msgspec.Struct) -> tuple[Entry, ...]:
    """Return entries of `bodies`, one a second."""
    return tuple(
        Entry(seq=seq, ts_ns=seq * 10**9, kind=KIND_OF[type(body)], body=body)
        for seq, body in enumerate(bodies, start=1)
    )


def decision(number: int = 1, **changes: Any) -> DecisionRecord:
    """Return the decision to buy ten shares, number `number` of the day."""
    values: dict[str, Any] = {
        "correlation_id": f"c-{number}",
        "ts_ns": number * 10**9,
        "strategy_id": STRATEGY,
        "instrument_id": BAC,
        "action": "enter",
        "reason": "pressure",
        "outcome": "sent",
        "side": "buy",
        "quantity": 10,
        "features": {"imbalance": 0.7},
        "thresholds": {"imbalance": 0.6},
    }
    return DecisionRecord(**values | changes)


def order(name: str = "O-1", quantity: int = 10) -> OrderRecord:
    """Return a limit order to buy."""
    return OrderRecord(
        client_order_id=name,
        strategy_id=STRATEGY,
        instrument_id=BAC,
        side="BUY",
        type="LIMIT",
        quantity=quantity,
        time_in_force="DAY",
    )


def event(name: str, of: str = "O-1") -> OrderEventRecord:
    """Return an order's event."""
    return OrderEventRecord(
        event=name, client_order_id=of, strategy_id=STRATEGY, instrument_id=BAC, ts_event_ns=1
    )


def fill(
    quantity: int, price: str, *, side: Side = "BUY", of: str = "O-1", fee: str = "0.35", symbol: str = BAC
) -> FillRecord:
    """Return a fill."""
    return FillRecord(
        trade_id=f"T-{quantity}-{price}",
        client_order_id=of,
        strategy_id=STRATEGY,
        instrument_id=symbol,
        side=side,
        quantity=quantity,
        price=Decimal(price),
        commission_usd=Decimal(fee),
        liquidity="TAKER",
        ts_event_ns=1,
    )


def refusal(rule: str, symbol: str = BAC) -> RefusalRecord:
    """Return a refusal."""
    return RefusalRecord(
        ts_ns=1,
        command="submit",
        rule=rule,
        value="6",
        limit="5",
        reason=f"{rule}: 6 of 5",
        instrument_id=symbol,
        client_order_id="O-1",
        strategy_id=STRATEGY,
        breaker="RUNNING",
    )
