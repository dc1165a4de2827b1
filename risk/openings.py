"""Which working orders could do more than close what is held: what a HALT cancels."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from risk.account import Account
from risk.intent import OrderIntent
from risk.reservation import Reservation


class Surplus(msgspec.Struct, frozen=True):
    """An order that could do more than close; `keeps` of it, in total, may stay (0: cancel it)."""

    order_id: str
    keeps: int


_STOPS = ("stop", "stop_limit", "trailing")


def openings(account: Account, order_ids: Collection[str]) -> list[Surplus]:
    """Return those of the orders that could open.

    Orders stay as far as the position goes, stops before others: of a stop and a target that each close
    the whole position the stop stays, and one that is larger than the position stays as large as that.
    What cannot be judged could open.
    """
    orders = [account.ledger.reservations[order_id] for order_id in order_ids]
    live = [each for each in orders if each.is_open and not each.is_cancel_pending]
    going = [each for each in orders if each.is_open and each.is_cancel_pending]
    found: list[Surplus] = []
    try:
        for each in live:
            each.is_cancel_pending = True
        for each in sorted(live, key=lambda known: known.intent.order_type not in _STOPS):
            each.is_cancel_pending = False  # it stays beside those before it, if it only closes
            rest = rest_of(each)
            if not _only_closes(account, rest):
                room = _room(account, rest)
                each.is_cancel_pending = room == 0
                found.append(Surplus(rest.order_id, each.filled + room if room else 0))
        found += [
            Surplus(each.intent.order_id, 0) for each in going if not _only_closes(account, rest_of(each))
        ]
    finally:
        for each in live:
            each.is_cancel_pending = False
    return found


def rest_of(reservation: Reservation) -> OrderIntent:
    """Return the intent of an order for what of it may still fill."""
    return msgspec.structs.replace(reservation.intent, quantity=reservation.committed - reservation.filled)


def closes_alone(account: Account, intent: OrderIntent) -> bool:
    """Whether an order that waits in the node lies against a position and is no larger.

    When it is released the gate judges it beside what works then.
    """
    ledger = account.ledger
    for leg in intent.terms.components:
        name, signed = leg.terms.instrument_id, intent.sign * intent.quantity * leg.ratio
        against = (ledger.position(intent.strategy_id, name), ledger.net(name))
        if not any(held * signed < 0 and abs(held) >= abs(signed) for held in against):
            return False
    return True


def _only_closes(account: Account, intent: OrderIntent) -> bool:
    try:
        if account.is_reducing(intent):
            return True
        is_option = intent.terms.kind != "stock"
        return (
            is_option
            and account.ledger.closes(intent, live_only=True)
            and account.options.is_reducing(intent, without=_is_going)
        )
    except Exception:  # noqa: BLE001 - what cannot be judged could open
        return False


def _room(account: Account, intent: OrderIntent) -> int:
    """Return how much of a stock's order closes what no order that stays closes."""
    book = account.ledger.books.get(intent.terms.instrument_id)
    if book is None or not book.is_stock:
        return 0
    return book.capacity(intent, 1, live_only=True)


def _is_going(reservation: Reservation) -> bool:
    return reservation.is_cancel_pending or not reservation.is_open
