"""Lean's universe files: a class at the end of a day, with the vendor's volatilities and greeks.

The first row after the header is the underlying, without expiry, strike and right. When its volume is 0 the
vendor had no data for the day and copied the day before: such a file is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from catalog.option_chain_rows import COUNTS, PRICES
from market.errors import DataError
from market.option_chain import GREEKS
from market.option_contracts import ContractName

HEADER = (
    "#expiry,strike,right,open,high,low,close,volume,open_interest,implied_volatility,"
    "delta,gamma,vega,theta,rho"
)
_NAMES = tuple(HEADER.removeprefix("#").split(","))
_READ = {
    "close": "last",
    "volume": "volume",
    "open_interest": "open_interest",
    "implied_volatility": "iv",
    **{name: name for name in GREEKS[1:]},
}
Reject = Callable[..., None]


@dataclass(frozen=True)
class Universe:
    """A universe file: `market` in the order of `contracts`; greeks are NaN where the vendor had none."""

    contracts: tuple[ContractName, ...]
    market: dict[str, NDArray[np.float64]]
    underlying_price: float
    is_copy: bool

    @property
    def why_unusable(self) -> str | None:
        """Why the file must not become a chain, or None."""
        if self.is_copy:
            return "the vendor copied the day before"
        has_data = ~(np.isnan(self.market["last"]) & np.isnan(self.market["iv"]))
        return None if has_data.any() else "no contract has a price or a volatility"


def read_universe(stream: TextIO, *, root: str, reject: Reject) -> Universe:
    """Return what `stream` says of the class `root`; bad rows are rejected.

    Raises `DataError` for another header or without the row of the underlying.
    """
    lines = csv.reader(stream)
    header = ",".join(next(lines, []))
    if header.strip() != HEADER:
        raise DataError(f"This is no Lean universe file: its first line is {header[:80]!r}, not {HEADER!r}.")
    underlying = next(lines, [])
    if len(underlying) != len(_NAMES) or any(underlying[:3]):
        raise DataError("This universe file does not start with the row of the underlying.")
    contracts: list[ContractName] = []
    rows: list[list[float]] = []
    for number, fields in enumerate(lines, start=3):
        try:
            contracts.append(_contract(fields, root))
            rows.append([_number(fields, name) for name in _READ])
        except _DefectError as defect:
            del contracts[len(rows) :]
            reject(line=number, column=defect.column, value=defect.value, why=defect.why)
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(_READ))
    market = {name: np.full(len(rows), np.nan) for name in (*PRICES, *COUNTS, *GREEKS)}
    market |= {name: values[:, column] for column, name in enumerate(_READ.values())}
    return Universe(
        tuple(contracts),
        _without_zeros(market),
        float(underlying[_NAMES.index("close")] or "nan"),
        is_copy=underlying[_NAMES.index("volume")] in ("", "0"),
    )


class _DefectError(Exception):
    def __init__(self, column: str, value: str, why: str) -> None:
        super().__init__(why)
        self.column, self.value, self.why = column, value, why


def _contract(fields: list[str], root: str) -> ContractName:
    if len(fields) != len(_NAMES):
        raise _DefectError("", ",".join(fields), f"has {len(fields)} fields instead of {len(_NAMES)}")
    expiry, strike, right = fields[:3]
    if right not in ("C", "P"):
        raise _DefectError("right", right, "is neither C nor P")
    try:
        dollars = Decimal(strike)
    except InvalidOperation:
        raise _DefectError("strike", strike, "is not a number") from None
    if not dollars > 0:
        raise _DefectError("strike", strike, "is not above 0")
    return ContractName(root, _date(expiry), right == "C", dollars)


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise _DefectError("expiry", text, "is not a date like 20151231") from None


def _number(fields: list[str], name: str) -> float:
    text = fields[_NAMES.index(name)]
    try:
        number = float(text or "nan")
    except ValueError:
        raise _DefectError(name, text, "is not a number") from None
    if np.isinf(number):
        raise _DefectError(name, text, "is not finite")
    return number


def _without_zeros(market: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """A close or volatility of 0 means that the vendor had none."""
    unknown = ~(market["iv"] > 0)
    for name in GREEKS:
        market[name] = np.where(unknown, np.nan, market[name])
    market["last"] = np.where(market["last"] > 0, market["last"], np.nan)
    return market
