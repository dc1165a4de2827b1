"""What an order asks for, read once from TWS's message; unset values become None here."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.messages import Message

UNSET_DOUBLE = sys.float_info.max
INVALID = "Error validating request.-'bW' : cause - "

ORDER_TYPES = frozenset({"MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT", "MOC", "LOC"})
STOPS = frozenset({"STP", "STP LMT", "TRAIL", "TRAIL LIMIT"})
TOUCHED = frozenset({"MIT", "LIT"})
TRAILING = frozenset({"TRAIL", "TRAIL LIMIT"})
LIMITED = frozenset({"LMT", "STP LMT", "TRAIL LIMIT", "LIT", "LOC"})
ON_CLOSE = frozenset({"MOC", "LOC"})
TIMES_IN_FORCE = frozenset({"DAY", "GTC", "IOC", "FOK", "GTD", "OPG"})

SPELLINGS = {"STPLMT": "STP LMT", "TRAILLIMIT": "TRAIL LIMIT", "TRAILLMT": "TRAIL LIMIT"}
"""TWS takes order types with and without their blank."""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """An order's rules. Prices in USD per share or per combination; `quantity` shares or contracts.

    `aux` is the stop, touch or trailing amount; `trailing_percent` is percent (1 is 1 %); `trail_stop`
    is the trailing order's first stop; `limit_offset` is limit less stop of a trailing limit order.
    """

    is_buy: bool
    quantity: Decimal
    order_type: str
    time_in_force: str
    limit: Decimal | None = None
    aux: Decimal | None = None
    trailing_percent: Decimal | None = None
    trail_stop: Decimal | None = None
    limit_offset: Decimal | None = None
    is_outside_regular_hours: bool = False
    is_all_or_none: bool = False
    trigger_method: int = 0
    oca_group: str = ""
    oca_type: int = 0
    good_till: str = ""
    good_after: str = ""
    parent_id: int = 0

    @property
    def sign(self) -> int:
        """1 for a purchase, -1 for a sale."""
        return 1 if self.is_buy else -1


def read_terms(order: Message) -> OrderTerms:
    """Return the terms of TWS's `Order`; raises `Refused` (321, 387) for what cannot be understood."""
    order_type = order.orderType.upper()
    order_type = SPELLINGS.get(order_type.replace(" ", ""), order_type)
    if order_type not in ORDER_TYPES:
        raise Refused(387, "Unsupported order type for this exchange and security type.")
    if order.action not in {"BUY", "SELL"}:
        raise Refused(321, f"{INVALID}Invalid action '{order.action}'")
    time_in_force = order.tif or "DAY"
    if time_in_force not in TIMES_IN_FORCE:
        raise Refused(321, f"{INVALID}Invalid time in force '{time_in_force}'")
    limit = number(order, "lmtPrice") if order_type in LIMITED else None
    trail_stop = number(order, "trailStopPrice") or None
    return OrderTerms(
        is_buy=order.action == "BUY",
        quantity=_quantity(order.totalQuantity),
        order_type=order_type,
        time_in_force=time_in_force,
        limit=limit,
        aux=number(order, "auxPrice") or None,
        trailing_percent=number(order, "trailingPercent") or None,
        trail_stop=trail_stop,
        limit_offset=_limit_offset(order, limit, trail_stop),
        is_outside_regular_hours=order.outsideRth,
        is_all_or_none=order.allOrNone or time_in_force == "FOK",
        trigger_method=order.triggerMethod,
        oca_group=order.ocaGroup,
        oca_type=order.ocaType,
        good_till=order.goodTillDate,
        good_after=order.goodAfterTime,
        parent_id=order.parentId,
    )


def _limit_offset(order: Message, limit: Decimal | None, trail_stop: Decimal | None) -> Decimal | None:
    offset = number(order, "lmtPriceOffset")
    if offset is None and limit is not None and trail_stop is not None:
        return abs(trail_stop - limit)
    return offset


def number(message: Message, name: str) -> Decimal | None:
    """Return a double field as it reads in decimal, None when absent or TWS's "unset"."""
    value = getattr(message, name)
    if not message.HasField(name) or value == UNSET_DOUBLE or not math.isfinite(value):
        return None
    return Decimal(repr(value))


def _quantity(text: str) -> Decimal:
    try:
        quantity = Decimal(text)
    except InvalidOperation:
        raise Refused(321, f"{INVALID}Invalid quantity '{text}'") from None
    if not quantity.is_finite():
        raise Refused(321, f"{INVALID}Invalid quantity '{text}'")
    return quantity
