"""Option contracts as plain values: their names, the terms of their class, and when they settle.

A contract is named as the Options Clearing Corporation does (root of six, yymmdd, C or P, strike in
thousandths), which is also Interactive Brokers' local symbol: `SPXW  210106C03700000.SMART`.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from market.calendar import TradingCalendar
from market.errors import DataError
from market.instruments import VENUE
from market.option_chain import AM, AMERICAN, EUROPEAN, PHYSICAL, PM

OPTION_PRICE_PRECISION = 2
"""Decimals of option and index prices: Interactive Brokers quotes options in cents or multiples of them."""

_OCC = re.compile(r"(?P<root>[A-Z][A-Z0-9.]{0,5}) *(?P<expiry>\d{6})(?P<right>[CP])(?P<strike>\d{8})")
_EXPIRY_SEARCH_DAYS = 5


class IndexSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An index, which cannot be traded; Nautilus' Interactive Brokers adapter writes its symbol `^SPX`."""

    symbol: str
    currency: str = "USD"

    @property
    def instrument_id(self) -> str:
        """The id that every node uses, e.g. `^SPX.SMART`."""
        return f"^{self.symbol}.{VENUE}"


class OptionClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all contracts of one root share.

    `price_increment` is Interactive Brokers' smallest tick in USD (its minTick).
    """

    root: str
    underlying: str
    style: str
    settlement: str
    price_increment: Decimal
    multiplier: int = 100
    is_index: bool = False

    @property
    def underlying_id(self) -> str:
        """The id of the underlying: `^SPX.SMART` for an index, `GOOG.SMART` for a share."""
        return f"{'^' if self.is_index else ''}{self.underlying}.{VENUE}"

    @property
    def chain_id(self) -> str:
        """The id under which a catalog keeps snapshots of this class, e.g. `SPXW-CHAIN.SMART`."""
        return f"{self.root}-CHAIN.{VENUE}"


class OptionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One contract; `expiry_ns` is its settlement instant, `strike` in USD."""

    option_class: OptionClass
    expiry: date
    expiry_ns: int
    strike: Decimal
    is_call: bool

    @property
    def symbol(self) -> str:
        """The padded OCC symbol, e.g. `SPXW  210106C03700000`."""
        return occ_symbol(self.option_class.root, self.expiry, strike=self.strike, is_call=self.is_call)

    @property
    def instrument_id(self) -> str:
        """The id that every node uses, e.g. `SPXW  210106C03700000.SMART`."""
        return f"{self.symbol}.{VENUE}"


class ContractName(msgspec.Struct, frozen=True):
    """What an OCC symbol says."""

    root: str
    expiry: date
    is_call: bool
    strike: Decimal


def _index_class(root: str, underlying: str, settlement: str, increment: str) -> OptionClass:
    return OptionClass(
        root=root,
        underlying=underlying,
        style=EUROPEAN,
        settlement=settlement,
        price_increment=Decimal(increment),
        is_index=True,
    )


INDEX_CLASSES = {
    known.root: known
    for known in (
        _index_class("SPX", "SPX", AM, "0.05"),
        _index_class("SPXW", "SPX", PM, "0.05"),
        _index_class("XSP", "XSP", PM, "0.01"),
        _index_class("NDX", "NDX", AM, "0.05"),
        _index_class("NDXP", "NDX", PM, "0.05"),
        _index_class("RUT", "RUT", AM, "0.05"),
        _index_class("RUTW", "RUT", PM, "0.05"),
        _index_class("VIX", "VIX", AM, "0.01"),
        _index_class("VIXW", "VIX", AM, "0.01"),
    )
}
"""Cash-settled index classes by root (Cboe's contract specifications); all others are options on shares."""


def option_class(root: str) -> OptionClass:
    """Return the terms of a root: those of its index, else American, physical, 100 shares, cents."""
    name = root.strip().upper()
    if name in INDEX_CLASSES:
        return INDEX_CLASSES[name]
    return OptionClass(
        root=name,
        underlying=name,
        style=AMERICAN,
        settlement=PHYSICAL,
        price_increment=Decimal("0.01"),
    )


def occ_symbol(root: str, expiry: date, *, strike: Decimal | float, is_call: bool) -> str:
    """Return the padded symbol; raises `DataError` for a strike finer than 0.001 USD or beyond 99,999."""
    thousandths = Decimal(str(strike)) * 1000
    if thousandths != int(thousandths) or not 0 < thousandths < 10**8:
        raise DataError(f"Strike {strike} of {root} has no symbol: 0.001 to 99,999.999 USD in thousandths.")
    return f"{root:<6}{expiry:%y%m%d}{'C' if is_call else 'P'}{int(thousandths):08d}"


def parse_occ_symbol(text: str) -> ContractName:
    """Return what a symbol says, padded or not, with or without a venue; raises `DataError`."""
    match = _OCC.fullmatch(text.strip().upper().removesuffix(f".{VENUE}"))
    digits = match["expiry"] if match else ""
    try:
        expiry = date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        match = None
    if match is None:
        raise DataError(
            f"{text!r} is no option symbol. Write root, yymmdd, C or P and the strike in thousandths, "
            "e.g. SPXW  210106C03700000."
        )
    strike = Decimal(match["strike"]) / 1000
    return ContractName(match["root"], expiry, match["right"] == "C", strike)


def settlement_ns(expiry: date, settlement: str, calendar: TradingCalendar) -> int:
    """Return when a contract settles, ns UTC: the open of its last session for AM, its close otherwise.

    An expiry without a session (the Saturdays of old contracts, a holiday) settles with the session before.
    Raises `DataError` where there is none in the five days before.
    """
    for back in range(_EXPIRY_SEARCH_DAYS + 1):
        session = calendar.session_on(expiry - timedelta(days=back))
        if session is not None:
            return session.open_ns if settlement == AM else session.close_ns
    raise DataError(f"Expiry {expiry} has no session in the {_EXPIRY_SEARCH_DAYS} days before it.")
