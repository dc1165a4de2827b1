"""Which column of a chain file is what: by a map, otherwise by the names that vendors use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market.errors import ConfigError, DataError

ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        "quotedate",
        "quote_date",
        "quote_datetime",
        "quotedatetime",
        "timestamp",
        "datetime",
        "date",
        "time",
    ),
    "contract": ("optionroot", "option_symbol", "contract", "optionsymbol", "contractid", "occ_symbol"),
    "root": ("root", "option_root", "trading_class"),
    "underlying": ("underlying", "underlying_symbol", "symbol", "ticker"),
    "expiry": ("expiration", "option_expiration", "expiry", "expiration_date", "expirdate", "expire_date"),
    "strike": ("strike", "strike_price"),
    "right": ("type", "call/put", "right", "option_type", "cp_flag", "call_put", "putcall"),
    "underlying_price": (
        "underlying_last",
        "stock_price_close",
        "underlying_price",
        "underlyingprice",
        "active_underlying_price",
        "spot",
    ),
    "bid": ("bid", "best_bid", "bid_price"),
    "ask": ("ask", "best_offer", "best_ask", "ask_price"),
    "bid_size": ("bid_size", "bidsize"),
    "ask_size": ("ask_size", "asksize"),
    "last": ("last", "last_price", "trade_price"),
    "volume": ("volume", "trade_volume"),
    "open_interest": ("openinterest", "open_interest"),
    "iv": ("impliedvol", "iv", "implied_volatility", "impl_volatility"),
    "delta": ("delta",),
    "gamma": ("gamma",),
    "vega": ("vega",),
    "theta": ("theta",),
    "rho": ("rho",),
}
"""Field and the column names it is found by, in lower case, best first."""

NUMBERS = tuple(list(ALIASES)[7:])
REQUIRED = ("time", "bid", "ask")


@dataclass(frozen=True)
class ChainColumnMap:
    """The column of each field that the file has."""

    column_of: Mapping[str, str]

    def __contains__(self, field: str) -> bool:
        return field in self.column_of

    def __getitem__(self, field: str) -> str:
        return self.column_of[field]


def map_columns(names: Sequence[str], given: Mapping[str, str]) -> ChainColumnMap:
    """Return the map for a file with columns `names`; `given` (field to column) goes before the names.

    Raises `ConfigError` for a field or column that does not exist, `DataError` where a needed one is not
    found: time, bid, ask, and a contract symbol or underlying with expiry, strike and right.
    """
    trimmed = {name.strip().lower(): name for name in names}
    for field, column in given.items():
        if field not in ALIASES:
            raise ConfigError(f"{field!r} is no field of a chain. Fields: {', '.join(ALIASES)}.")
        if column not in names and column.strip().lower() not in trimmed:
            raise ConfigError(f"The file has no column {column!r}; it has {', '.join(names)}.")
    found = {
        field: next((trimmed[alias] for alias in aliases if alias in trimmed), None)
        for field, aliases in ALIASES.items()
    }
    found |= {field: trimmed[column.strip().lower()] for field, column in given.items()}
    column_of = {field: column for field, column in found.items() if column is not None}
    missing = [field for field in REQUIRED if field not in column_of]
    if "contract" not in column_of:
        missing += [field for field in ("underlying", "expiry", "strike", "right") if field not in column_of]
    if missing:
        raise DataError(
            f"No column for {', '.join(missing)}; the file has {', '.join(names)}. "
            f'Name them with --columns "{missing[0]}=COLUMN".'
        )
    return ChainColumnMap(column_of)
