"""Rows of IB's rule book about what an order may ask for besides price, size and time.

Post-only orders, quantities in USD and trailing offsets in ticks are not sent by Nautilus' adapter, though
its simulated venue takes them. What wakes later (IB's order conditions, `goodAfterTime`, the active times of
a GTC order) could fill at a moment, and a combination without IB's guarantee in a ratio, that nobody judged.
Tags that the adapter cannot parse it drops, and sends the order without them.
"""

from __future__ import annotations

from risk.ib_requirement import Check, Finding, Occasion, Requirement
from risk.intent import OrderIntent, Special

_FINDINGS: dict[Special, Finding] = {
    "post_only": (
        "a post-only order",
        "orders that may take liquidity",
        "Send it without post_only (of a bracket's target: tp_post_only=False).",
    ),
    "quote_quantity": ("a quantity in USD", "shares or contracts", "Send it without quote_quantity."),
    "trailing_offset": (
        "a trailing offset in ticks or tiers",
        "an offset in USD or basis points",
        "Choose TrailingOffsetType.PRICE or BASIS_POINTS.",
    ),
    "tags": (
        "IBOrderTags that cannot be read, or two of them",
        "one tag made by IBOrderTags(...).value",
        "Make the tag with IBOrderTags.",
    ),
    "conditions": (
        "an order that waits for IB's conditions",
        "orders that work at once",
        "Watch the condition yourself, and send the order when it holds.",
    ),
    "times": (
        "goodAfterTime, activeStartTime or activeStopTime",
        "orders that work at once",
        "Send it when it shall work, and cancel it yourself.",
    ),
    "non_guaranteed": (
        "a combination without IB's guarantee",
        "combinations that fill in their ratio",
        "Send it without NonGuaranteed: a leg could fill alone.",
    ),
}


def _finds(special: Special) -> Check:
    def find(intent: OrderIntent, _: Occasion) -> Finding | None:
        return _FINDINGS[special] if special in intent.specials else None

    return find


def _row(name: str, special: Special, ib_code: int, text: str, *, is_stricter: bool = False) -> Requirement:
    return Requirement(
        name=name,
        ib_code=ib_code,
        text=text,
        find=_finds(special),
        concerns=lambda shape: special in shape.specials,
        is_stricter=is_stricter,
    )


SPECIAL_ROWS: tuple[Requirement, ...] = (
    _row("ib_cash_quantity", "quote_quantity", 10244, "Cash Quantity cannot be used for this order."),
    _row("ib_post_only", "post_only", 387, "Unsupported order type for this exchange and security type."),
    _row("ib_trailing_offset", "trailing_offset", 321, "Server error when validating an API client request."),
    _row("ib_tags", "tags", 321, "Server error when validating an API client request.", is_stricter=True),
    _row("ib_conditions", "conditions", 201, "Order rejected: it has conditions.", is_stricter=True),
    _row("ib_active_times", "times", 201, "Order rejected: it works at set times only.", is_stricter=True),
    _row("ib_non_guaranteed", "non_guaranteed", 201, "Order rejected: non-guaranteed.", is_stricter=True),
)
