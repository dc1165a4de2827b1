"""From a client's contract to what it trades: listings, legs, ticks, and the contract that TWS shows."""

from __future__ import annotations

from decimal import Decimal

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.interfaces import Listing, Universe
from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.orders.combination import Leg
from adapters.tws_simulator.orders.terms import INVALID

TRADED = frozenset({"STK", "OPT"})
NO_DEFINITION = "No security definition has been found for the request"
COMBINATION_TICK = Decimal("0.01")
LEGS_MIN = 2


def resolve_order_contract(universe: Universe, contract: Message) -> tuple[Message, tuple[Leg, ...]]:
    """Return the contract that TWS shows for an order, and its legs; raises `Refused` (200, 321)."""
    if not contract.exchange:
        raise Refused(321, f"{INVALID}Missing order exchange")
    if contract.secType == "BAG":
        return _combination(universe, contract)
    found = universe.resolve(contract)
    if not found:
        raise Refused(200, NO_DEFINITION)
    if len(found) > 1:
        text = f"The contract description specified for {contract.symbol} is ambiguous."
        raise Refused(200, text)
    listing = found[0]
    if listing.security_type not in TRADED:
        raise Refused(201, f"Order rejected - reason:No trading permissions for {listing.security_type}")
    if contract.exchange not in {"SMART", *listing.exchanges, listing.primary_exchange}:
        raise Refused(200, f"{NO_DEFINITION} on exchange {contract.exchange}")
    return listing.contract(contract.exchange), (Leg(listing, 1, is_same_side=True),)


def tick_at(universe: Universe, contract: Message, legs: tuple[Leg, ...], price: Decimal) -> Decimal:
    """Return the price increment of an order at `price`; combinations have one of their own."""
    if contract.secType == "BAG":
        return COMBINATION_TICK
    return universe.price_increment(legs[0].listing, exchange=contract.exchange, price=price)


def _combination(universe: Universe, contract: Message) -> tuple[Message, tuple[Leg, ...]]:
    if len(contract.comboLegs) < LEGS_MIN:
        raise Refused(321, f"{INVALID}Security type 'BAG' requires combo leg details.")
    legs = tuple(_leg(universe, leg) for leg in contract.comboLegs)
    if len({leg.listing.con_id for leg in legs}) < len(legs):
        raise Refused(321, f"{INVALID}A combination names the same contract twice")
    return contract, legs


def _leg(universe: Universe, leg: Message) -> Leg:
    listing: Listing | None = universe.listing(leg.conId)
    if listing is None or listing.security_type not in TRADED:
        raise Refused(200, NO_DEFINITION)
    if leg.ratio < 1 or leg.action not in {"BUY", "SELL"}:
        raise Refused(321, f"{INVALID}Invalid combo leg: {leg.action} {leg.ratio}")
    return Leg(listing, leg.ratio, is_same_side=leg.action == "BUY")
