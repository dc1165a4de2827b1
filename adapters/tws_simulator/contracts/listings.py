"""Listings from names: contract ids, exchanges, market rules, ISINs and OCC symbols."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import NamedTuple

from adapters.tws_simulator.contracts.names import Name
from adapters.tws_simulator.interfaces import Listing

STOCK_EXCHANGES: tuple[str, ...] = (
    *("SMART", "AMEX", "NYSE", "CBOE", "PHLX", "ISE", "CHX", "ARCA", "NASDAQ", "DRCTEDGE", "BEX", "BATS"),
    *("EDGEA", "BYX", "IEX", "EDGX", "PEARL", "NYSENAT", "LTSE", "MEMX", "PSX"),
)
"""TSLA's valid exchanges in the capture of 2022-12-29, less the brokers' algorithms; ISLAND is NASDAQ."""

OPTION_EXCHANGES = ("SMART", "AMEX", "CBOE", "PHLX", "ISE")
INDEX_OPTION_EXCHANGES = ("SMART", "CBOE")

STOCK_RULE = 26
PENNY_RULE = 32
PENNY_PILOT_RULE = 109
NICKEL_RULE = 110

_PENNY_OPTIONS = {"SPY", "QQQ", "IWM"}
_STOCK_IDS = (300_000_000, 90_000_000)
_OPTION_IDS = (600_000_000, 300_000_000)


class ContractIds:
    """Hands out contract ids: a function of the name, next free one where two names meet.

    The same universe gets the same ids at every start, whatever the order of other names, except for
    names that collide (one pair in 200,000 at 1,000 stocks).
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def reserve(self, con_id: int) -> int:
        """Take a known id; raises `ValueError` when it is taken."""
        if con_id in self._taken:
            raise ValueError(f"contract id {con_id} is used twice")
        self._taken.add(con_id)
        return con_id

    def draw(self, key: str, *, is_option: bool) -> int:
        """Return a free id for `key`."""
        first, count = _OPTION_IDS if is_option else _STOCK_IDS
        offset = zlib.crc32(key.encode()) % count
        while first + offset in self._taken:
            offset = (offset + 1) % count
        return self.reserve(first + offset)


def stock_listing(name: Name, ids: ContractIds) -> Listing:
    """Return the listing of a stock."""
    con_id = ids.reserve(name.con_id) if name.con_id else ids.draw(name.symbol, is_option=False)
    return Listing(
        con_id=con_id,
        security_type="STK",
        symbol=name.symbol,
        local_symbol=name.symbol,
        trading_class=name.trading_class,
        primary_exchange=name.primary_exchange,
        exchanges=STOCK_EXCHANGES,
        market_rule_ids=(STOCK_RULE,) * len(STOCK_EXCHANGES),
        long_name=name.long_name,
        isin=name.isin or invented_isin(name.symbol),
    )


def index_listing(name: Name, ids: ContractIds) -> Listing:
    """Return the listing of an index; it cannot be traded, and has one exchange."""
    con_id = ids.reserve(name.con_id) if name.con_id else ids.draw(name.symbol, is_option=False)
    return Listing(
        con_id=con_id,
        security_type="IND",
        symbol=name.symbol,
        local_symbol=name.symbol,
        trading_class=name.trading_class,
        primary_exchange="",
        exchanges=(name.primary_exchange,),
        market_rule_ids=(STOCK_RULE,),
        long_name=name.long_name,
    )


class OptionSeries(NamedTuple):
    """What options of one expiry share: `expiry` is "20260116", `settlement` "PHYSICAL", "AM" or "PM"."""

    trading_class: str
    expiry: str
    settlement: str


def option_listing(
    underlying: Listing, ids: ContractIds, *, series: OptionSeries, strike: Decimal, right: str
) -> Listing:
    """Return the listing of an option; `right` is "C" or "P"."""
    local_symbol = f"{series.trading_class:<6}{series.expiry[2:]}{right}{int(strike * 1000):08d}"
    is_index = underlying.security_type == "IND"
    exchanges = INDEX_OPTION_EXCHANGES if is_index else OPTION_EXCHANGES
    return Listing(
        con_id=ids.draw(local_symbol, is_option=True),
        security_type="OPT",
        symbol=underlying.symbol,
        local_symbol=local_symbol,
        trading_class=series.trading_class,
        primary_exchange="",
        exchanges=exchanges,
        market_rule_ids=(option_rule(underlying),) * len(exchanges),
        multiplier=100,
        long_name=underlying.long_name,
        expiry=series.expiry,
        strike=strike,
        right=right,
        underlying_con_id=underlying.con_id,
        is_european=is_index,
        settlement=series.settlement,
    )


def option_rule(underlying: Listing) -> int:
    """Return the market rule of the options on `underlying`."""
    if underlying.security_type == "IND":
        return NICKEL_RULE
    return PENNY_RULE if underlying.symbol in _PENNY_OPTIONS else PENNY_PILOT_RULE


def invented_isin(symbol: str) -> str:
    """Return an ISIN for a name that has none: well formed, with a valid check digit, of no real company."""
    body = f"US{zlib.crc32(symbol.encode()) % 10**9:09d}"
    return body + isin_check_digit(body)


def isin_check_digit(body: str) -> str:
    """Return the check digit of an ISIN's first eleven characters (ISO 6166, Luhn over base-36 digits)."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)
