"""Interactive Brokers' rules of a valid order, as one table with IB's own error codes.

The same table stands before the backtest's matching engine, the simulator and the live account, so an
order that IB would refuse is refused with the same code everywhere, before it is sent. Codes and texts:
"Message Codes" of IBKR's API documentation. Rows with `is_stricter` refuse what IB would accept: with a
silent change, or in a way that no rule can judge.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Decimal

from market.money import DOLLAR_TICK, tick_size
from market.time import NS_PER_MINUTE
from risk.counted import counted
from risk.decision import Refused
from risk.first_objector import first_objector
from risk.ib_requirement import Finding, Occasion, Requirement, Shape
from risk.ib_special_orders import SPECIAL_ROWS
from risk.intent import Kind, OrderIntent, OrderType, Special, TimeInForce
from risk.option_loss import Holding, worst_loss_usd
from risk.snapshot import ZERO

MAX_LEGS = 4
"""Nautilus' spread ids and most US option exchanges carry four legs."""
AT_CLOSE_CUTOFF_NS = 10 * NS_PER_MINUTE
"""NYSE and NASDAQ take market-on-close orders until ten minutes before the close."""
AT_OPEN_CUTOFF_NS = 2 * NS_PER_MINUTE
"""NASDAQ, the later of the two, takes market-on-open orders until two minutes before the open."""


_DOLLAR = Decimal(1)


def validate(intent: OrderIntent, occasion: Occasion) -> Refused | None:
    """Return the first violated requirement as a refusal with IB's code, or None."""
    violated = _first_violated(
        intent.terms.kind,
        intent.order_type,
        intent.time_in_force,
        intent.is_outside_hours,
        intent.specials,
    )
    requirement = violated(intent, occasion)
    if requirement is None:
        return None
    finding = requirement.find(intent, occasion)
    assert finding is not None, f"{requirement.name} objected, and did not when asked again"
    value, limit, advice = finding
    return Refused(
        rule=requirement.name, value=value, limit=limit, advice=advice, ib_code=requirement.ib_code
    )


@functools.cache
def _first_violated(
    kind: Kind,
    order_type: OrderType,
    time_in_force: TimeInForce,
    is_outside_hours: bool,
    specials: tuple[Special, ...],
) -> Callable[[OrderIntent, Occasion], Requirement | None]:
    """Return what finds the first violated row of those that a shape can violate: a few hundred shapes."""
    shape = Shape(kind, order_type, time_in_force, is_outside_hours, specials)
    rows = [row for row in RULE_BOOK if row.concerns(shape)]
    return first_objector(rows, [row.find for row in rows], "intent, occasion")


def _zero_size(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.quantity > 0:
        return None
    return f"quantity {intent.quantity}", "at least 1", "Send one or more."


def _lot_size(intent: OrderIntent, _: Occasion) -> Finding | None:
    lot = intent.terms.lot_size
    if intent.quantity % lot == 0:
        return None
    return f"quantity {intent.quantity}", f"multiples of {lot}", "Round the quantity down to a lot."


def _expired(intent: OrderIntent, occasion: Occasion) -> Finding | None:
    for leg in intent.terms.components:
        expiration_ns = leg.terms.expiration_ns
        if expiration_ns is not None and expiration_ns <= occasion.now_ns:
            return leg.terms.instrument_id, "contracts not yet expired", "Choose a later expiry."
    return None


_TYPES_WITH_LIMIT = ("limit", "stop_limit", "limit_if_touched")
_TYPES_WITH_TRIGGER = ("stop", "stop_limit", "market_if_touched", "limit_if_touched")


def _missing_price(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.limit_price is None and intent.order_type in _TYPES_WITH_LIMIT:
        return "no limit price", "a limit price", f"Give the {intent.order_type} order a limit price."
    return None


def _missing_trigger(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.trigger_price is None and intent.order_type in _TYPES_WITH_TRIGGER:
        return "no trigger price", "a trigger price", f"Give the {intent.order_type} order a trigger price."
    return None


def _not_positive(intent: OrderIntent, _: Occasion) -> Finding | None:
    limit, trigger = intent.limit_price, intent.trigger_price
    if (limit is None or limit > ZERO) and (trigger is None or trigger > ZERO):
        return None
    if intent.terms.kind == "spread":  # a credit is a negative price
        return None
    wrong = trigger if limit is None or limit > ZERO else limit
    return f"price {wrong} USD", "above 0", "Only combinations have prices of 0 or below."


def _tick(intent: OrderIntent, _: Occasion) -> Finding | None:
    is_stock = intent.terms.kind == "stock"
    for price in (intent.limit_price, intent.trigger_price):
        if price is None:
            continue
        if is_stock:
            tick = DOLLAR_TICK if price >= _DOLLAR else tick_size(price)
        else:
            tick = intent.terms.price_increment
        if price % tick:
            return f"price {price} USD", f"multiples of {tick}", "Round the price to the tick."
    return None


_AUCTIONS = ("at_open", "at_close")
_RESTING = frozenset({"day", "gtc", "gtd"})
_TIMES_IN_FORCE = {
    "market": frozenset({"day", "gtc", "gtd", "ioc", "fok", "at_open", "at_close"}),
    "limit": frozenset({"day", "gtc", "gtd", "ioc", "fok", "at_open", "at_close"}),
}


def _allowed_times(kind: Kind, order_type: OrderType) -> frozenset[str]:
    allowed = _TIMES_IN_FORCE.get(order_type, _RESTING)
    if kind != "stock":
        allowed = allowed - {"at_open", "at_close"}
    return allowed - {"fok"} if kind == "spread" else allowed


def _time_in_force(intent: OrderIntent, _: Occasion) -> Finding | None:
    allowed = _allowed_times(intent.terms.kind, intent.order_type)
    if intent.time_in_force in allowed:
        return None
    what = f"{intent.time_in_force} on a {intent.order_type} order of a {intent.terms.kind}"
    return what, ", ".join(sorted(allowed)), "Choose one of the allowed times in force."


def _good_till(intent: OrderIntent, occasion: Occasion) -> Finding | None:
    if intent.time_in_force != "gtd" or (
        intent.expires_ns is not None and intent.expires_ns > occasion.now_ns
    ):
        return None
    return f"good till {intent.expires_ns}", "a time in the future", "Give an expiry after now."


def _auction(intent: OrderIntent, occasion: Occasion) -> Finding | None:
    if intent.time_in_force not in _AUCTIONS:
        return None
    if occasion.day is None:
        return "no session today", "a session", "Send it on a trading day."
    if intent.time_in_force == "at_open":
        last_ns = occasion.day.open_ns - AT_OPEN_CUTOFF_NS
    else:
        last_ns = occasion.day.close_ns - AT_CLOSE_CUTOFF_NS
    if occasion.now_ns < last_ns:
        return None
    return f"{intent.time_in_force} too late", "before the auction's cut-off", "Use a day order."


def _outside_hours(intent: OrderIntent, _: Occasion) -> Finding | None:
    if not intent.is_outside_hours:
        return None
    if intent.terms.kind == "stock" and intent.order_type == "limit" and intent.time_in_force in _RESTING:
        return None
    what = f"{intent.order_type} {intent.time_in_force} order of a {intent.terms.kind} outside hours"
    return what, "resting limit orders of stocks", "Send it in regular hours."


def _order_type(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.terms.kind != "spread" or intent.order_type in ("limit", "market"):
        return None
    return f"{intent.order_type} of a combination", "limit or market", "Send a limit order."


def _combination(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.terms.kind != "spread":
        return None
    legs = intent.terms.legs
    if not 2 <= len(legs) <= MAX_LEGS:
        return counted(len(legs), "leg"), f"2 to {MAX_LEGS} legs", "Send it as several combinations."
    if len({leg.terms.instrument_id for leg in legs}) < len(legs):
        return "the same leg twice", "each leg once", "Add the ratios of equal legs."
    if len({leg.terms.symbol for leg in legs}) > 1:
        return "legs of several underlyings", "one underlying", "Send one combination per underlying."
    divisor = math.gcd(*(leg.ratio for leg in legs))
    if divisor != 1:
        return f"ratios divisible by {divisor}", "ratios in lowest terms", "Divide them, raise the quantity."
    return None


def _leg(intent: OrderIntent, _: Occasion) -> Finding | None:
    for leg in intent.terms.legs:
        if leg.ratio == 0 or leg.terms.kind != "option":
            what = f"leg {leg.terms.instrument_id} with ratio {leg.ratio}"
            return what, "options, ratio not 0", "Remove the leg or give its ratio."
    return None


def _combination_group(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.terms.kind != "spread" or intent.group_id is None:
        return None
    return "a combination in an OCA group", "no OCA group", "Cancel the sibling yourself on a fill."


def _riskless(intent: OrderIntent, _: Occasion) -> Finding | None:
    if intent.terms.kind != "spread" or intent.limit_price is None:
        return None
    holdings = [Holding(leg.terms, intent.sign * leg.ratio) for leg in intent.terms.legs]
    multiplier = intent.terms.legs[0].terms.multiplier
    loss = worst_loss_usd(holdings, intent.sign * intent.limit_price * multiplier, ())
    if loss is None or loss > 0:
        return None
    what = f"{intent.side} at {intent.limit_price}, which cannot lose"
    return what, "a price at which it can lose", "Check the sign of the price: a credit is negative."


def _is_no_stock(shape: Shape) -> bool:
    return shape.kind != "stock"


def _is_spread(shape: Shape) -> bool:
    return shape.kind == "spread"


RULE_BOOK: tuple[Requirement, ...] = (
    *SPECIAL_ROWS,
    Requirement(name="ib_size", ib_code=434, text="The order size cannot be zero.", find=_zero_size),
    Requirement(name="ib_lot", ib_code=355, text="Order size conforms to no market rule.", find=_lot_size),
    Requirement(
        name="ib_expired",
        ib_code=392,
        text="Invalid order: contract expired.",
        find=_expired,
        concerns=_is_no_stock,
    ),
    Requirement(
        name="ib_limit_price",
        ib_code=321,
        text="The limit price is missing.",
        find=_missing_price,
        concerns=lambda shape: shape.order_type in _TYPES_WITH_LIMIT,
    ),
    Requirement(
        name="ib_trigger",
        ib_code=403,
        text="Invalid stop price.",
        find=_missing_trigger,
        concerns=lambda shape: shape.order_type in _TYPES_WITH_TRIGGER,
    ),
    Requirement(
        name="ib_price",
        ib_code=201,
        text="Order rejected: price not above 0.",
        find=_not_positive,
        concerns=lambda shape: shape.kind != "spread",
    ),
    Requirement(
        name="ib_tick",
        ib_code=110,
        text="The price does not conform to the minimum price variation for this contract.",
        find=_tick,
    ),
    Requirement(
        name="ib_order_type",
        ib_code=387,
        text="Unsupported order type for this exchange and security type.",
        find=_order_type,
        concerns=_is_spread,
    ),
    Requirement(
        name="ib_time_in_force",
        ib_code=111,
        text="The time in force and the order type are incompatible.",
        find=_time_in_force,
        concerns=lambda shape: shape.time_in_force not in _allowed_times(shape.kind, shape.order_type),
    ),
    Requirement(
        name="ib_good_till",
        ib_code=334,
        text="Invalid Good Till Date order.",
        find=_good_till,
        concerns=lambda shape: shape.time_in_force == "gtd",
    ),
    Requirement(
        name="ib_auction",
        ib_code=201,
        text="Order rejected: too late.",
        find=_auction,
        concerns=lambda shape: shape.time_in_force in _AUCTIONS,
    ),
    Requirement(
        name="ib_outside_hours",
        ib_code=411,
        text='The "Outside Regular Trading Hours" flag is not valid for this order.',
        find=_outside_hours,
        concerns=lambda shape: shape.is_outside_hours,
        is_stricter=True,
    ),
    Requirement(
        name="ib_leg",
        ib_code=313,
        text="The combo details for a leg are invalid.",
        find=_leg,
        concerns=_is_spread,
    ),
    Requirement(
        name="ib_combination",
        ib_code=312,
        text="The combo details are invalid.",
        find=_combination,
        concerns=_is_spread,
    ),
    Requirement(
        name="ib_combination_group",
        ib_code=356,
        text="Smart-combo order does not support OCA group.",
        find=_combination_group,
        concerns=_is_spread,
    ),
    Requirement(
        name="ib_riskless",
        ib_code=201,
        text="Riskless combination orders are not allowed.",
        find=_riskless,
        concerns=_is_spread,
    ),
)
"""Checked in this order; the first violation is reported."""

FRACTIONAL = 10318
"""This order doesn't support fractional quantity trading; found when an order becomes an intent."""
MODIFY_FINISHED = 104
"""Cannot modify a filled order."""
MODIFY_MISMATCH = 105
"""Order being modified does not match original order."""
DUPLICATE_ORDER_ID = 103
"""Duplicate order id."""
