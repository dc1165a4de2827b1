"""What one row of Interactive Brokers' rule book is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from risk.intent import Kind, OrderIntent, OrderType, Special, TimeInForce
from risk.session_view import TradingDay


class Occasion(msgspec.Struct, frozen=True, gc=False):
    """When the order would be sent: ns UTC, and the day's session (None: no session that day)."""

    now_ns: int
    day: TradingDay | None


Finding = tuple[str, str, str]
"""Value, what is allowed, and what to do."""


class Shape(NamedTuple):
    """What many orders share, and what alone decides about some rows of the table."""

    kind: Kind
    order_type: OrderType
    time_in_force: TimeInForce
    is_outside_hours: bool
    specials: tuple[Special, ...]


Check = Callable[[OrderIntent, Occasion], Finding | None]


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: IB's code, its text in short, and the check that finds a violation.

    `concerns` tells of which shapes an order can violate it at all; the others are not asked.
    """

    name: str
    ib_code: int
    text: str
    find: Check
    concerns: Callable[[Shape], bool] = lambda _: True
    is_stricter: bool = False
