"""Building a universe: of the synthetic market, or of the stocks that a catalog holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from adapters.tws_simulator.contracts.listings import (
    ContractIds,
    index_listing,
    invented_isin,
    stock_listing,
)
from adapters.tws_simulator.contracts.names import KNOWN, NAMES, Name
from adapters.tws_simulator.contracts.option_series import expiries, option_chain
from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.contracts.universe import ListedUniverse
from adapters.tws_simulator.interfaces import Listing
from market.errors import ConfigError

INVENTED_VOLATILITY = 0.35
INVENTED_PRICES = tuple(Decimal(cents) / 100 for cents in (480, 640, 790, 920, 1250, 1875, 2640, 3310))


@dataclass(frozen=True)
class BuiltUniverse:
    """The universe and, by contract id of stocks and indexes, the name that each listing was made of."""

    universe: ListedUniverse
    names: Mapping[int, Name]


def synthetic_universe(settings: ContractSettings, day: date) -> BuiltUniverse:
    """Return the universe of the synthetic market as of `day`: the built-in names and `settings.symbols`."""
    extra = [invented_name(symbol) for symbol in settings.symbols if symbol not in KNOWN]
    return _build([*NAMES, *extra], settings, day)


def recorded_universe(
    isins: Mapping[str, str], prices: Mapping[str, Decimal], *, settings: ContractSettings, day: date
) -> BuiltUniverse:
    """Return the universe of a recorded `day`: stocks by symbol with their ISIN ("" for none) and price.

    `prices` (USD, the first ones of the day) place the strikes of option chains.
    """
    names = []
    for symbol in sorted(isins):
        known = KNOWN.get(symbol)
        name = invented_name(symbol) if known is None or known.is_index else known
        isin = isins[symbol] or name.isin
        names.append(name._replace(price=prices.get(symbol, name.price), isin=isin))
    optionable = tuple(symbol for symbol in settings.optionable if symbol in isins)
    return _build(names, msgspec.structs.replace(settings, optionable=optionable), day)


def invented_name(symbol: str) -> Name:
    """Return a stock for a symbol that nobody knows; its price is a function of the symbol."""
    price = INVENTED_PRICES[sum(symbol.encode()) % len(INVENTED_PRICES)]
    long_name = f"{symbol} (SIMULATED)"
    return Name(symbol, long_name, "NASDAQ", "NMS", price, INVENTED_VOLATILITY, None, invented_isin(symbol))


def _build(names: Iterable[Name], settings: ContractSettings, day: date) -> BuiltUniverse:
    hours = TradingHours(day, is_always_open=settings.hours == "always")
    ids, listings, by_id = ContractIds(), [], {}
    ordered = sorted(names, key=lambda name: name.con_id is None)
    for name in ordered:
        listing = index_listing(name, ids) if name.is_index else stock_listing(name, ids)
        listings.append(listing)
        by_id[listing.con_id] = name
    days = expiries(day, settings=settings.chain, hours=hours)
    for underlying in _underlyings(listings, settings):
        listings += option_chain(
            underlying, by_id[underlying.con_id].price, ids, settings=settings.chain, days=days
        )
    return BuiltUniverse(ListedUniverse(listings, hours), by_id)


def _underlyings(listings: list[Listing], settings: ContractSettings) -> list[Listing]:
    by_symbol = {listing.symbol: listing for listing in listings}
    missing = [symbol for symbol in settings.optionable if symbol not in by_symbol]
    if missing:
        raise ConfigError(
            f"optionable names {', '.join(missing)}, which are not in the universe. "
            "Add them to symbols, or remove them from optionable."
        )
    return [by_symbol[symbol] for symbol in settings.optionable]
