"""An order's records make its status, as Nautilus' own state machine does."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from nautilus_trader.core.fsm import FiniteStateMachine as Machine
from nautilus_trader.model.enums import order_status_to_str
from nautilus_trader.test_kit.stubs.execution import TestExecStubs

from audit.projection import Order
from audit.projection.orders import NEXT, STATUS_AFTER
from tests.audit.projection.builders import D, event, fill, order


def after(*names: str, **terms: Any) -> Order:
    """Return an order after some events; `fill` takes 4 of its 10 shares."""
    result = Order(order(**terms), 1, None)
    for name in names:
        if name == "fill":
            result.fill(fill(4))
        else:
            result.happened(event(name))
    return result


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ((), "INITIALIZED"),
        (("submitted", "accepted"), "ACCEPTED"),
        (("submitted", "rejected"), "REJECTED"),
        (("denied",), "DENIED"),
        (("denied", "submitted"), "DENIED"),
        (("submitted", "accepted", "pending_update", "updated"), "ACCEPTED"),
        (("submitted", "accepted", "fill", "pending_update", "updated"), "PARTIALLY_FILLED"),
        (("submitted", "accepted", "pending_update", "modify_rejected"), "ACCEPTED"),
        (("submitted", "accepted", "pending_cancel", "cancel_rejected"), "ACCEPTED"),
        (("submitted", "pending_cancel", "cancel_rejected"), "PENDING_CANCEL"),
        (("submitted", "pending_update", "submitted"), "PENDING_UPDATE"),
        (("submitted", "accepted", "updated"), "ACCEPTED"),
        (("submitted", "accepted", "cancel_rejected"), "ACCEPTED"),
        (("submitted", "accepted", "pending_cancel", "updated"), "PENDING_CANCEL"),
        (("submitted", "accepted", "canceled", "fill"), "PARTIALLY_FILLED"),
        (("submitted", "fill", "fill", "fill"), "FILLED"),
        (("submitted", "fill", "fill", "fill", "canceled"), "FILLED"),
        (("submitted", "fill", "fill", "fill", "fill"), "FILLED"),
        (("emulated", "released", "submitted"), "SUBMITTED"),
    ],
)
def test_the_status_after_a_run_of_events(names: tuple[str, ...], status: str) -> None:
    assert after(*names).status == status


def test_the_state_machine_is_that_of_nautilus() -> None:
    (machine,) = [each for each in gc.get_referents(TestExecStubs.limit_order()) if type(each) is Machine]
    (table,) = [each for each in gc.get_referents(machine) if isinstance(each, dict)]
    theirs = {
        (order_status_to_str(before), order_status_to_str(asked)): order_status_to_str(after)
        for (before, asked), after in table.items()
    }
    ours = {(before, asked): asked for before, allowed in NEXT.items() for asked in allowed}
    assert ours | {("PENDING_UPDATE", "SUBMITTED"): "PENDING_UPDATE"} == theirs
    assert set(STATUS_AFTER.values()) < {asked for _, asked in theirs}


def test_an_update_changes_what_it_names() -> None:
    result = after("submitted", "accepted", trigger_price=D("4.5"))
    result.happened(event("updated", quantity=7, venue_order_id="V-2"))
    assert (result.quantity, result.limit_price, result.venue_order_id) == (7, D(5), "V-2")
    result.happened(event("updated", limit_price=D("4.98"), trigger_price=D("4.6"), venue_order_id="V-3"))
    assert (result.quantity, result.limit_price, result.trigger_price) == (7, D("4.98"), D("4.6"))
    assert result.venue_order_id == "V-3"


def test_an_event_of_another_venue_order_changes_nothing() -> None:
    result = after("submitted")
    result.happened(event("accepted", venue_order_id="V-1", ts_event_ns=5))
    result.happened(event("canceled", venue_order_id="V-2", ts_event_ns=6))
    assert (result.status, result.ts_last_ns) == ("ACCEPTED", 5)


def test_fills_have_an_average_and_leave_the_rest_open() -> None:
    result = after("submitted", "accepted")
    assert (result.average_price, result.open_quantity) == (None, 10)
    result.fill(fill(4, "5.00"))
    result.fill(fill(2, "4.97"))
    assert (result.average_price, result.filled, result.open_quantity) == (D("4.99"), 6, 4)
    result.happened(event("canceled"))
    assert (result.open_quantity, result.is_working) == (0, False)


def test_the_words_of_a_refusal_are_kept() -> None:
    result = after()
    result.happened(event("denied", reason="shares_per_order: 500 shares"))
    assert result.last_reason == "shares_per_order: 500 shares"


def test_an_order_that_was_found_goes_on_from_there() -> None:
    result = after(found_status="PARTIALLY_FILLED", found_filled_quantity=4)
    assert (result.status, result.open_quantity, result.average_price) == ("PARTIALLY_FILLED", 6, None)
    result.fill(fill(6, "4.99"))
    assert (result.status, result.average_price) == ("FILLED", D("4.99"))
