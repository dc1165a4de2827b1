"""Sets the gate's ledger to Nautilus' cache, once somebody says that the cache agrees with the broker."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nautilus_trader.model.identifiers import ClientOrderId

from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms

CachedPositions = Mapping[tuple[str, InstrumentTerms], tuple[int, Decimal]]
"""Signed quantity and average price by strategy and instrument."""


def set_positions(keeper: Gatekeeper, cached: CachedPositions) -> list[str]:
    """Make the ledger hold what the cache holds, and nothing else; return what was changed, in words.

    A position that only the ledger knows does not exist: to close it would open one.
    """
    ledger = keeper.account.ledger
    wanted = dict(cached)
    for book in list(ledger.books.values()):
        for strategy_id in book.positions:
            wanted.setdefault((strategy_id, book.terms), (0, Decimal(0)))
    changes: list[str] = []
    for (strategy_id, terms), (quantity, price) in wanted.items():
        held = ledger.position(strategy_id, terms.instrument_id)
        if held != quantity:
            keeper.adopt_position(strategy_id, terms, quantity - held, price)
            changes.append(f"{terms.instrument_id} of {strategy_id} {held} -> {quantity}")
    return changes


def end_orders(keeper: Gatekeeper, cache: Any, now_ns: int) -> list[str]:
    """End the orders that work in the ledger and not in the cache; return which, in words."""
    gone: list[str] = []
    for order_id, reservation in list(keeper.account.ledger.reservations.items()):
        order = cache.order(ClientOrderId(order_id))
        if reservation.is_open and (order is None or order.is_closed):
            keeper.ended(order_id, now_ns)
            gone.append(f"order {order_id} works no longer")
    return gone
