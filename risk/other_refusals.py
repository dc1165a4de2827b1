"""What refuses an order besides `risk/rules/` and the rows of IB's rule book, in words.

docs/risk-rules.md and `harvester risk explain` tell it; a test holds that no refusal of the gate is missing.
"""

from __future__ import annotations

from typing import NamedTuple

from risk.ib_rule_book import DUPLICATE_ORDER_ID, FRACTIONAL, MODIFY_FINISHED, MODIFY_MISMATCH, RULE_BOOK
from risk.reservation import MAX_PENDING_CHANGES
from risk.rules import ALL_RULES


class IbRefusal(NamedTuple):
    """A refusal with IB's code and text, of a row in the table or of a check elsewhere in the gate."""

    name: str
    ib_code: int
    text: str
    is_stricter: bool = False


IB_REFUSALS: tuple[IbRefusal, ...] = (
    *(IbRefusal(row.name, row.ib_code, row.text, row.is_stricter) for row in RULE_BOOK),
    IbRefusal("ib_fraction", FRACTIONAL, "This order doesn't support fractional quantity trading."),
    IbRefusal("ib_modify", MODIFY_FINISHED, "Can't modify a filled order."),
    IbRefusal("ib_modify_mismatch", MODIFY_MISMATCH, "Order being modified does not match original order."),
    IbRefusal("ib_duplicate_id", DUPLICATE_ORDER_ID, "Duplicate order ID."),
)

OTHER_REFUSALS: dict[str, str] = {
    "order_list": "an order that came in one list with a refused one: of a list all pass or none",
    "flattening": "a strategy's closing order while the kill switch closes that symbol itself",
    "pending_changes": f"a modification while {MAX_PENDING_CHANGES} of the same order are unanswered",
    "unknown_instrument": "an order of an instrument that the node has not loaded, or not quoted in USD",
    "judgement": "an order that could not be read or judged: an error on the way to the rules refuses",
    "policy": "an order that a rule objected to, and did not when asked why: report it",
    "engine_denied": "an order that Nautilus denied itself, before or after the gate",
    "venue_rejected": "an order that the gate passed and the broker, or the simulated venue, rejected",
}
"""By the name that stands in a refusal's record. The last two are told beside the gate's own."""


def _guards_of_row(row: IbRefusal) -> str:
    verb = "would take, and the gate refuses" if row.is_stricter else "refuses"
    return f"an order that IB {verb} with {row.ib_code}: {row.text}"


_GUARDS = (
    {rule.name: rule.guards for rule in ALL_RULES}
    | {row.name: _guards_of_row(row) for row in IB_REFUSALS}
    | OTHER_REFUSALS
)
_KEYS = {rule.name: rule.keys for rule in ALL_RULES}


def guards_of(name: str) -> str:
    """Return what a refusal by `name` guards against."""
    return _GUARDS.get(name, "not a refusal of this version of Harvester")


def keys_of(name: str) -> tuple[str, ...]:
    """Return the profile's keys that a refusal by `name` follows; none for those that no setting moves."""
    return _KEYS.get(name, ())
