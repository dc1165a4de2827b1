"""The two origins of prices: the seeded synthetic market, or a day out of a catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adapters.tws_simulator.contracts.build import recorded_universe, synthetic_universe
from adapters.tws_simulator.contracts.names import Name
from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.contracts.universe import ListedUniverse
from adapters.tws_simulator.market_data.catalog_day import CatalogDay
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.market_data.source import Feed, PriceHistory
from adapters.tws_simulator.market_data.synthetic import SyntheticMarket
from market.time import new_york_date, new_york_midnight_ns


@dataclass(frozen=True)
class MarketOrigin:
    """Universe, live prices and past prices that belong together.

    `begin(market_ns)` sets the feed to a moment. `opening_ns` is the regular opening of a recorded day, None
    for the synthetic market. The books of `recorded_depth` come from records alone; others are drawn up.
    """

    universe: ListedUniverse
    names: Mapping[int, Name]
    feed: Feed
    history: PriceHistory
    begin: Callable[[int], None]
    opening_ns: int | None = None
    recorded_depth: frozenset[int] = frozenset()


def synthetic_origin(
    seed: int,
    *,
    market_ns: int,
    contracts: ContractSettings | None = None,
    settings: MarketDataSettings | None = None,
) -> MarketOrigin:
    """Return the synthetic market of `seed`; prices start from round numbers on the day of `market_ns`."""
    day = new_york_date(market_ns)
    built = synthetic_universe(contracts or ContractSettings(), day)
    market = SyntheticMarket(
        built.names,
        seed,
        anchor_ns=new_york_midnight_ns(day),
        settings=(settings or MarketDataSettings()).synthetic,
    )
    return MarketOrigin(built.universe, built.names, market, market, market.start)


def recorded_origin(root: Path, day: date, *, contracts: ContractSettings | None = None) -> MarketOrigin:
    """Return a day of the catalog at `root`, to be replayed with its own time stamps.

    Earlier days of the catalog are its history. Raises `UserError` when the catalog has no such day.
    """
    recorded = CatalogDay(root, day)
    built = recorded_universe(
        recorded.isins(), recorded.first_prices(), settings=contracts or ContractSettings(), day=day
    )
    recorded.assign(
        {
            listing.symbol: listing.con_id
            for listing in built.universe.listings()
            if listing.security_type == "STK"
        }
    )
    session = built.universe.hours.session_on(day)
    return MarketOrigin(
        built.universe,
        built.names,
        recorded,
        recorded,
        recorded.start,
        session[0] if session else new_york_midnight_ns(day),
        recorded.recorded_depth(),
    )
