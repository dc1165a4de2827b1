"""The one listing that a request means, or TWS's error 200; for market data, history and orders alike."""

from __future__ import annotations

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.interfaces import Listing, Universe
from adapters.tws_simulator.messages import Message

NOT_FOUND = "No security definition has been found for the request"
INVALID = "Error validating request.-'bW' : cause - "


def the_listing(universe: Universe, contract: Message) -> Listing:
    """Return the listing that `contract` describes; raises `Refused` 200 for none or several."""
    found = universe.resolve(contract)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(200, NOT_FOUND)
    raise Refused(200, f"The contract description specified for {found[0].symbol} is ambiguous.")


def legs_of(universe: Universe, contract: Message) -> list[tuple[Listing, int]]:
    """Return the legs of a BAG with their signed ratios (bought above 0, sold below).

    Raises `Refused` 200 for an unknown leg and 321 for a BAG that is no combination.
    """
    if not contract.comboLegs:
        raise Refused(321, f"{INVALID}Invalid combo legs")
    legs = []
    for leg in contract.comboLegs:
        listing = universe.listing(leg.conId)
        if listing is None or listing.security_type == "IND":
            raise Refused(200, NOT_FOUND)
        if leg.action not in {"BUY", "SELL", "SSHORT"} or leg.ratio < 1:
            raise Refused(321, f"{INVALID}Invalid leg action or ratio")
        legs.append((listing, leg.ratio if leg.action == "BUY" else -leg.ratio))
    if len({listing.con_id for listing, _ in legs}) < len(legs):
        raise Refused(321, f"{INVALID}Duplicate combo legs")
    return legs
