"""The universe: all listings by id and by what a client may know of them, and their trading hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from adapters.tws_simulator.contracts.market_rules import increment
from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.interfaces import Listing, TradingPhase
from adapters.tws_simulator.messages import Message

SMART = "SMART"
SYNONYMS = {"ISLAND": "NASDAQ"}
"""TWS accepts and names both; ISLAND stood in messages until 2023."""

RIGHTS = {"CALL": "C", "PUT": "P", "C": "C", "P": "P"}


class ListedUniverse:
    """Implements `interfaces.Universe` over a fixed set of listings."""

    def __init__(self, listings: Iterable[Listing], hours: TradingHours) -> None:
        self.hours = hours
        self._by_id = {listing.con_id: listing for listing in listings}
        self._ordered = sorted(self._by_id.values(), key=lambda listing: listing.con_id)
        self._by_symbol: dict[str, list[Listing]] = defaultdict(list)
        self._by_local: dict[str, list[Listing]] = defaultdict(list)
        self._by_isin: dict[str, list[Listing]] = defaultdict(list)
        self._by_expiry: dict[tuple[str, str], list[Listing]] = defaultdict(list)
        self._options: dict[int, list[Listing]] = defaultdict(list)
        for listing in self._ordered:
            self._index(listing)
        for options in self._options.values():
            options.sort(key=lambda option: (option.expiry, option.strike, option.right))

    def _index(self, listing: Listing) -> None:
        self._by_symbol[listing.symbol].append(listing)
        self._by_local[_squeezed(listing.local_symbol)].append(listing)
        if listing.isin:
            self._by_isin[listing.isin].append(listing)
        if listing.underlying_con_id is not None:
            self._options[listing.underlying_con_id].append(listing)
            self._by_expiry[listing.symbol, listing.expiry].append(listing)

    def listing(self, con_id: int) -> Listing | None:
        """Return the listing with this contract id, None when there is none."""
        return self._by_id.get(con_id)

    def listings(self) -> Sequence[Listing]:
        """Return all listings in order of contract id."""
        return self._ordered

    def options_of(self, underlying_con_id: int) -> Sequence[Listing]:
        """Return the options on an underlying by expiry, strike and right."""
        return self._options.get(underlying_con_id, [])

    def resolve(self, contract: Message) -> list[Listing]:
        """Return every listing that a client's `Contract` describes, in order of contract id.

        Like TWS, a contract id decides alone (with the exchange); otherwise every field that is given must
        agree. Nothing to go by (no id, symbol, local symbol or ISIN), a BAG, an exchange where the
        listing does not trade: no listing.
        """
        if contract.secType == "BAG":
            return []
        if contract.conId:
            listing = self._by_id.get(contract.conId)
            candidates = [listing] if listing else []
            return [listing for listing in candidates if _trades_on(listing, contract.exchange)]
        return [listing for listing in self._candidates(contract) if _agrees(listing, contract)]

    def _candidates(self, contract: Message) -> Sequence[Listing]:
        if contract.localSymbol:
            return self._by_local.get(_squeezed(contract.localSymbol), [])
        if contract.secIdType == "ISIN" and contract.secId:
            return self._by_isin.get(contract.secId.upper(), [])
        symbol = contract.symbol.strip().upper()
        if contract.secType == "OPT" and len(contract.lastTradeDateOrContractMonth) == 8:
            return self._by_expiry.get((symbol, contract.lastTradeDateOrContractMonth), [])
        return self._by_symbol.get(symbol, [])

    def price_increment(self, listing: Listing, *, exchange: str, price: Decimal) -> Decimal:
        """Return the tick size at `price` by the market rule of `exchange` (the first one when unknown)."""
        return increment(market_rule_id(listing, exchange), price)

    def phase(self, listing: Listing, market_ns: int) -> TradingPhase:
        """Return whether `listing` trades at `market_ns`, and in which session."""
        return self.hours.phase(listing, market_ns)

    def regular_session(self, listing: Listing, market_ns: int) -> tuple[int, int] | None:
        """Return open and close of the regular session on the New York day of `market_ns`, or None."""
        return self.hours.regular_session(listing, self.hours.day_of(market_ns))


def market_rule_id(listing: Listing, exchange: str) -> int:
    """Return the market rule of a listing on `exchange`; the first exchange's when it is not traded there."""
    named = SYNONYMS.get(exchange, exchange)
    position = listing.exchanges.index(named) if named in listing.exchanges else 0
    return listing.market_rule_ids[position]


def _squeezed(local_symbol: str) -> str:
    return local_symbol.replace(" ", "").upper()


def _trades_on(listing: Listing, exchange: str) -> bool:
    return not exchange or SYNONYMS.get(exchange, exchange) in listing.exchanges


def _agrees(listing: Listing, contract: Message) -> bool:
    return (
        (not contract.secType or contract.secType == listing.security_type)
        and (not contract.symbol or contract.symbol.strip().upper() == listing.symbol)
        and (not contract.currency or contract.currency == listing.currency)
        and _trades_on(listing, contract.exchange)
        and _agrees_on_primary(listing, contract.primaryExch)
        and (not contract.tradingClass or contract.tradingClass == listing.trading_class)
        and _agrees_on_option(listing, contract)
    )


def _agrees_on_primary(listing: Listing, primary: str) -> bool:
    return (
        not primary
        or not listing.primary_exchange
        or SYNONYMS.get(primary, primary) == (listing.primary_exchange)
    )


def _agrees_on_option(listing: Listing, contract: Message) -> bool:
    expiry = contract.lastTradeDateOrContractMonth
    if expiry and not (listing.expiry and listing.expiry.startswith(expiry)):
        return False
    if contract.strike and (listing.strike is None or float(listing.strike) != contract.strike):
        return False
    right = RIGHTS.get(contract.right.upper())
    if right and right != listing.right:
        return False
    return not contract.multiplier or contract.multiplier == listing.multiplier
