"""Which working orders could do more than close what is held: what a HALT cancels."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from risk.account import Account
from risk.intent import OrderIntent
from risk.reservation import Reservation

_STOPS = ("stop", "stop_limit", "trailing")


def openings(account: Account, order_ids: Collection[str]) -> list[str]:
    """Return those of the orders that could open, in the order in which they are to be canceled.

    Each is judged as though those before it were gone, stops last: of two orders that each close the
    whole position the stop stays. What cannot be judged could open.
    """
    reservations = account.ledger.reservations
    found: list[Reservation] = []
    marked: list[Reservation] = []
    named = [reservations[order_id] for order_id in order_ids]
    try:
        for each in sorted(named, key=lambda known: known.intent.order_type in _STOPS):
            if each.is_open and not _only_closes(account, rest_of(each)):
                found.append(each)
                if not each.is_cancel_pending:
                    each.is_cancel_pending = True
                    marked.append(each)
    finally:
        for each in marked:
            each.is_cancel_pending = False
    return [each.intent.order_id for each in found]


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


def _is_going(reservation: Reservation) -> bool:
    return reservation.is_cancel_pending or not reservation.is_open
