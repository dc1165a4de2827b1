"""Option parameters (reqSecDefOptParams) and symbol search (reqMatchingSymbols)."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.tws_simulator.interfaces import Listing, Universe
from adapters.tws_simulator.messages import Message, message_type

SAMPLES_MAX = 16
"""How many matches TWS returns: 16 in both captured answers."""


def option_parameters(options: Sequence[Listing], request_id: int, *, exchange: str) -> list[Message]:
    """Return one `SecDefOptParameter` per exchange and trading class; `exchange` "" means all of them."""
    by_class: dict[tuple[str, int], list[Listing]] = {}
    for option in options:
        by_class.setdefault((option.trading_class, option.multiplier), []).append(option)
    replies = []
    for (trading_class, multiplier), members in sorted(by_class.items()):
        expirations = sorted({option.expiry for option in members})
        strikes = sorted({float(option.strike) for option in members if option.strike is not None})
        for where in members[0].exchanges:
            if exchange not in {"", where}:
                continue
            reply = message_type("SecDefOptParameter")(
                reqId=request_id,
                exchange=where,
                underlyingConId=members[0].underlying_con_id,
                tradingClass=trading_class,
                multiplier=str(multiplier),
            )
            reply.expirations.extend(expirations)
            reply.strikes.extend(strikes)
            replies.append(reply)
    return replies


def symbol_samples(universe: Universe, pattern: str, request_id: int) -> Message:
    """Return the stocks and indexes whose symbol or name begins with `pattern`, exact symbols first."""
    wanted = pattern.strip().upper()
    matches = [
        listing
        for listing in universe.listings()
        if not listing.is_option
        and (listing.symbol.startswith(wanted) or listing.long_name.upper().startswith(wanted))
    ]
    matches.sort(key=lambda listing: (listing.symbol != wanted, listing.symbol, listing.con_id))
    samples = message_type("SymbolSamples")(reqId=request_id)
    for listing in matches[:SAMPLES_MAX]:
        description = samples.contractDescriptions.add()
        description.contract.conId = listing.con_id
        description.contract.symbol = listing.symbol
        description.contract.secType = listing.security_type
        description.contract.primaryExch = listing.primary_exchange or listing.exchanges[0]
        description.contract.currency = listing.currency
        if universe.options_of(listing.con_id):
            description.derivativeSecTypes.append("OPT")
            description.derivativeSecTypes.append("BAG")
    return samples
