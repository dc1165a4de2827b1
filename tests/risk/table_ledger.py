"""Ledgers for tests of reservations, and what is asked of them."""

from __future__ import annotations

from typing import Any

from market.time import NS_PER_MS
from risk.intent import OrderIntent
from risk.ledger import Ledger
from tests.risk.table_market import option, spread, stock

F = stock()
VERTICAL = spread((option(100), -1), (option(95), 2))
P100, P95 = option(100).instrument_id, option(95).instrument_id
GRACE_NS = 100 * NS_PER_MS


def ledger(*intents: OrderIntent, grace_ns: int = 0) -> Ledger:
    """Return a ledger in which the intents work."""
    book = Ledger(grace_ns=grace_ns)
    for intent in intents:
        book.reserve(intent)
    return book


def holding(count: int, *, strategy: str = "S-ONE", grace_ns: int = 0) -> Ledger:
    """Return a ledger in which one strategy holds F."""
    book = Ledger(grace_ns=grace_ns)
    book.filled("", strategy, F, count)
    return book


def fill(book: Ledger, intent: OrderIntent, count: int, **fields: Any) -> None:
    """Book the fill of `count` of an intent, of a leg of it with `terms`."""
    terms = fields.pop("terms", intent.terms)
    book.filled(intent.order_id, intent.strategy_id, terms, count, **fields)


def worst(book: Ledger, name: str = "F.SMART") -> tuple[int, int]:
    """Return the worst long and short of one instrument."""
    exposure = book.exposure(name)
    return exposure.worst_long, exposure.worst_short
