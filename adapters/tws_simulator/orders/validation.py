"""What TWS refuses before an order works, as pure checks that raise `Refused` with IB's codes.

The codes and their texts are IB's published ones; which code meets which mistake is modelled where no
capture shows it. What this simulator does not model it refuses with 201 and says so, rather than
filling an order by rules that it does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.orders.oca import TYPES as OCA_TYPES
from adapters.tws_simulator.orders.terms import (
    INVALID,
    LIMITED,
    ON_CLOSE,
    STOPS,
    TOUCHED,
    TRAILING,
    OrderTerms,
    number,
)
from adapters.tws_simulator.orders.time_in_force import parse_order_time
from adapters.tws_simulator.orders.triggers import METHODS

TickAt = Callable[[Decimal], Decimal]
"""The price increment at a price, in USD."""

NOT_MODELLED = "Order rejected - reason:The simulator does not model "


AMOUNT_MAX = Decimal(1_000_000_000)
"""No price, offset or size is larger: Berkshire trades below a million."""

PERCENT_MAX = Decimal(100)


def check_terms(terms: OrderTerms, *, tick_at: TickAt, is_combination: bool) -> None:
    """Refuse sizes, prices and times in force that TWS refuses."""
    if terms.quantity <= 0:
        raise Refused(434, "The order size cannot be zero.")
    if terms.quantity != terms.quantity.to_integral_value():
        raise Refused(10318, "This order doesn't support fractional quantity trading")
    _check_amounts(terms)
    _check_prices(terms, is_combination=is_combination)
    _check_ticks(terms, tick_at)
    _check_time_in_force(terms)
    if terms.oca_type not in OCA_TYPES:
        raise Refused(321, f"{INVALID}Invalid OCA type {terms.oca_type}")
    if terms.trigger_method not in METHODS:
        raise Refused(321, f"{INVALID}Invalid trigger method {terms.trigger_method}")


def check_modelled(order: Message) -> None:
    """Refuse features of an order that this simulator has no rules for."""
    features = {
        "algorithms": bool(order.algoStrategy),
        "conditions": len(order.conditions) > 0,
        "hedging orders": bool(order.hedgeType),
        "scale orders": (number(order, "scalePriceIncrement") or 0) > 0,
        "cash quantities": (number(order, "cashQty") or 0) > 0,
        "adjustable orders": order.adjustedOrderType not in {"", "None"},
        "allocation groups": bool(order.faGroup),
        "volatility orders": number(order, "volatility") is not None,
        "discretionary amounts": (number(order, "discretionaryAmt") or 0) > 0,
        "relative offsets": (number(order, "percentOffset") or 0) > 0,
    }
    for feature, is_used in features.items():
        if is_used:
            raise Refused(201, f"{NOT_MODELLED}{feature}")


def check_modification(before: OrderTerms, after: OrderTerms, *, filled: Decimal) -> None:
    """Refuse what may not change about a working order (105), and a size below what has traded (201)."""
    if before.is_buy != after.is_buy or before.oca_group != after.oca_group:
        raise Refused(105, "Order being modified does not match original order.")
    if before.parent_id != after.parent_id:
        raise Refused(105, "Order being modified does not match original order.")
    if after.quantity <= filled:
        raise Refused(
            201, f"Order rejected - reason:The quantity {after.quantity} is not above the filled {filled}"
        )


def same_contract(one: Message, other: Message) -> bool:
    """Return whether two resolved contracts trade the same, legs included."""
    if one.secType != other.secType:
        return False
    if one.secType != "BAG":
        return bool(one.conId == other.conId)
    return _legs(one) == _legs(other)


def _legs(contract: Message) -> list[tuple[int, int, str]]:
    return sorted((leg.conId, leg.ratio, leg.action) for leg in contract.comboLegs)


def _check_amounts(terms: OrderTerms) -> None:
    amounts = (terms.quantity, terms.limit, terms.aux, terms.trail_stop, terms.limit_offset)
    for amount in amounts:
        if amount is not None and abs(amount) > AMOUNT_MAX:
            raise Refused(321, f"{INVALID}The amount {amount:.6g} is out of range")
    if terms.trailing_percent is not None and terms.trailing_percent > PERCENT_MAX:
        raise Refused(321, f"{INVALID}The trailing percentage {terms.trailing_percent:.6g} is above 100")


def _check_prices(terms: OrderTerms, *, is_combination: bool) -> None:
    kind = terms.order_type
    has_limit = terms.limit is not None or (kind == "TRAIL LIMIT" and terms.limit_offset is not None)
    if kind in LIMITED and not has_limit:
        raise Refused(321, f"{INVALID}Missing limit price for {kind} order")
    if kind in {"STP", "STP LMT"} | TOUCHED and terms.aux is None:
        raise Refused(321, f"{INVALID}Missing stop price for {kind} order")
    if kind in TRAILING and (terms.aux is None) == (terms.trailing_percent is None):
        raise Refused(321, f"{INVALID}Give a trailing amount or a trailing percentage for {kind} order")
    if kind in TRAILING and min(x for x in (terms.aux, terms.trailing_percent) if x is not None) <= 0:
        raise Refused(321, f"{INVALID}The trailing distance of a {kind} order is not above 0")
    if is_combination:
        if kind in STOPS | TOUCHED | ON_CLOSE or terms.time_in_force == "OPG":
            raise Refused(387, "Unsupported order type for this exchange and security type.")
        return
    for price in (terms.limit, terms.aux, terms.trail_stop):
        if price is not None and price < 0:
            raise Refused(321, f"{INVALID}The price {price} is negative")
    if terms.limit == 0 and kind in LIMITED:
        raise Refused(321, f"{INVALID}The limit price is 0")


def _check_ticks(terms: OrderTerms, tick_at: TickAt) -> None:
    prices = [terms.limit, terms.trail_stop]
    if terms.order_type in {"STP", "STP LMT"} | TOUCHED:
        prices.append(terms.aux)
    for price in prices:
        if price and price % tick_at(abs(price)) != 0:
            raise Refused(110, "The price does not conform to the minimum price variation for this contract.")


def _check_time_in_force(terms: OrderTerms) -> None:
    kind, tif = terms.order_type, terms.time_in_force
    if kind in ON_CLOSE and tif != "DAY":
        raise Refused(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    if tif == "OPG" and kind not in {"MKT", "LMT"}:
        raise Refused(111, "The TIF (Tif type) and the order type are incompatible.")
    if tif in {"IOC", "FOK"} and kind not in {"MKT", "LMT"}:
        raise Refused(111, "The TIF (Tif type) and the order type are incompatible.")
    for name, text in (("good till date", terms.good_till), ("good after time", terms.good_after)):
        needed = name == "good till date" and tif == "GTD"
        if not text and not needed:
            continue
        try:
            parse_order_time(text)
        except ValueError as problem:
            raise Refused(321, f"{INVALID}Invalid {name}: {problem}") from None
