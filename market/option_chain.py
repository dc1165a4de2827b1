"""The option chain of one underlying at one moment, as columns.

    chain = OptionChain.of(underlying="SPX", ts_ns=now, underlying_price=3700.65, columns={...})
    chain = priced(chain, rates=RateCurve.flat(0.01))            # market.option_chain_pricing
    wings = chain.with_dte(5, 45).with_delta(0.10, 0.30)

A chain is a snapshot; `market.option_chain_updates.ChainBook` keeps one current tick by tick.

Units: prices in USD a share; `iv` a fraction a year; `vega` USD per volatility point (0.01), `theta` USD per
calendar day, `rho` USD per 0.01 of the rate, all a share. Absent is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import DataError
from market.pricing.european import years_until
from market.pricing.scaled_erfc import Array
from market.time import NEW_YORK, NS_PER_SECOND

AMERICAN, EUROPEAN = "A", "E"
AM, PM, PHYSICAL = "AM", "PM", "physical"
SETTLEMENTS = (AM, PM, PHYSICAL)

NOT_PRICED, NO_TWO_SIDED_QUOTE, CROSSED = 255, 254, 253
"""Values of `OptionChain.iv_reason` beside those of `market.pricing.implied_volatility.Reason`."""

GREEKS = ("iv", "delta", "gamma", "vega", "theta", "rho")
"""The columns that `market.option_chain_pricing.priced` fills, with `iv_reason`."""

_REQUIRED = ("contract", "expiry_ns", "strike", "is_call")
_DTYPES: dict[str, Any] = {
    "contract": object,
    "expiry_ns": np.int64,
    "is_call": np.bool_,
    "iv_reason": np.uint8,
}
_DTYPES |= {"style": "U1", "settlement": "U8"}

Rows = NDArray[np.bool_] | NDArray[np.intp] | slice


@dataclass(frozen=True, eq=False)
class OptionChain:
    """n contracts of one underlying at `ts_ns` (ns UTC); every array has the shape `(n,)`.

    Rows are ordered by expiry, strike, puts before calls. Make one with `of`, which orders and checks.
    """

    underlying: str
    """Symbol, e.g. `GOOG` or `^SPX`."""
    ts_ns: int
    underlying_price: float
    """USD; NaN where unknown."""
    contract: NDArray[np.object_]
    """Ids, e.g. `SPXW  210106C03700000.SMART`."""
    expiry_ns: NDArray[np.int64]
    """The instant of settlement: the open of the day for AM, its close for PM and physical."""
    strike: Array
    is_call: NDArray[np.bool_]
    style: NDArray[np.str_]
    """`A` (American) or `E` (European)."""
    settlement: NDArray[np.str_]
    """`AM`, `PM` (cash) or `physical`."""
    multiplier: Array
    """Shares a contract."""
    bid: Array
    ask: Array
    bid_size: Array
    ask_size: Array
    last: Array
    volume: Array
    open_interest: Array
    iv: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    iv_reason: NDArray[np.uint8]
    """Why `iv` is NaN: `Reason` of the solver, or one of the values above."""

    @classmethod
    def of(
        cls, *, underlying: str, ts_ns: int, underlying_price: float, columns: Mapping[str, ArrayLike]
    ) -> OptionChain:
        """Return the chain of `columns`, ordered; columns that are left out are absent.

        Required are contract, expiry_ns, strike and is_call; style is A, settlement physical and multiplier
        100 unless given. Raises `DataError` for unknown columns, unequal lengths and contracts named twice.
        """
        size = _checked_size(columns)
        complete = {field: _column(field, columns, size) for field in COLUMNS}
        _require_sound(complete, underlying)
        order = np.lexsort((complete["is_call"], complete["strike"], complete["expiry_ns"]))
        arrays = {field: values[order] for field, values in complete.items()}
        return cls(
            underlying=underlying, ts_ns=int(ts_ns), underlying_price=float(underlying_price), **arrays
        )

    def __len__(self) -> int:
        return int(self.strike.size)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, not copied."""
        return {name: getattr(self, name) for name in COLUMNS}

    def take(self, rows: Rows) -> OptionChain:
        """Return the chain of the rows that an index, mask or slice selects, in the same order."""
        if isinstance(rows, np.ndarray) and rows.dtype != np.bool_:  # `take` is faster, for texts fivefold
            return self.with_columns({name: values.take(rows) for name, values in self.columns().items()})
        return self.with_columns({name: values[rows] for name, values in self.columns().items()})

    def copy(self) -> OptionChain:
        """Return a chain with arrays of its own, to keep while a `ChainBook` moves on."""
        return self.with_columns({name: values.copy() for name, values in self.columns().items()})

    def with_columns(self, columns: Mapping[str, Any]) -> OptionChain:
        """Return the chain with some arrays exchanged for others of the same rows, which are not copied."""
        return replace(self, **columns)

    @cached_property
    def expiries(self) -> NDArray[np.int64]:
        """The settlement instants there are, ascending, ns UTC."""
        return np.unique(self.expiry_ns)

    @property
    def years(self) -> Array:
        """Years of 365 days to settlement, to the nanosecond, never below 0."""
        return years_until(self.expiry_ns, self.ts_ns)

    @cached_property
    def dte(self) -> NDArray[np.int64]:
        """Calendar days from New York's date to that of expiry: 0 on expiry day."""
        distinct, which = np.unique(self.expiry_ns, return_inverse=True)
        today = _ordinal(self.ts_ns)
        days = np.array([_ordinal(int(ns)) - today for ns in distinct], dtype=np.int64)
        return days[which]

    @property
    def mid(self) -> Array:
        """(bid + ask) / 2 where both sides are quoted and not crossed, otherwise NaN; a bid of 0 is none."""
        return np.where(self.is_two_sided & (self.bid <= self.ask), 0.5 * (self.bid + self.ask), np.nan)

    @property
    def width(self) -> Array:
        """Ask less bid, USD a share; negative where crossed, NaN without both sides."""
        return np.where(self.is_two_sided, self.ask - self.bid, np.nan)

    @property
    def is_two_sided(self) -> NDArray[np.bool_]:
        """Whether bid and ask are both quoted above 0."""
        two_sided: NDArray[np.bool_] = (self.bid > 0) & (self.ask > 0)
        return two_sided

    @property
    def is_crossed(self) -> NDArray[np.bool_]:
        """Whether the bid is above the ask."""
        crossed: NDArray[np.bool_] = self.is_two_sided & (self.bid > self.ask)
        return crossed

    def of_expiry(self, expiry_ns: int) -> OptionChain:
        """Return the contracts that settle at `expiry_ns`; a slice, nothing is copied."""
        return self.take(self.rows_of_expiry(expiry_ns))

    def rows_of_expiry(self, expiry_ns: int) -> slice:
        """Return the rows of an expiry, empty where there are none."""
        start, stop = np.searchsorted(self.expiry_ns, [expiry_ns, expiry_ns + 1])
        return slice(int(start), int(stop))

    def with_dte(self, low: int, high: int) -> OptionChain:
        """Return the contracts that expire in `low` to `high` calendar days, both included."""
        return self.take((self.dte >= low) & (self.dte <= high))

    def with_strikes(self, low: float, high: float) -> OptionChain:
        """Return the contracts with strikes from `low` to `high`, USD, both included."""
        return self.take((self.strike >= low) & (self.strike <= high))

    def with_delta(self, low: float, high: float) -> OptionChain:
        """Return the contracts whose delta, without its sign, is from `low` to `high`; unpriced ones drop."""
        size = np.abs(self.delta)
        return self.take((size >= low) & (size <= high))

    def nearest_delta(self, expiry_ns: int, delta: float) -> int | None:
        """Return the row whose delta is nearest, among calls for a positive `delta`, puts for a negative.

        None where the expiry has no priced contract of that right.
        """
        rows = self.rows_of_expiry(expiry_ns)
        usable = (self.is_call[rows] == (delta > 0)) & ~np.isnan(self.delta[rows])
        return _nearest(rows, self.delta[rows], delta, usable)

    def nearest_strike(self, expiry_ns: int, strike: float, *, is_call: bool) -> int | None:
        """Return the row of the strike nearest to `strike`; None where the expiry has none of that right."""
        rows = self.rows_of_expiry(expiry_ns)
        return _nearest(rows, self.strike[rows], strike, self.is_call[rows] == is_call)

    def row_of(self, contract: str) -> int:
        """Return the row of a contract id; raises `DataError` where the chain has none."""
        found = np.flatnonzero(self.contract == contract)
        if not found.size:
            raise DataError(f"{contract!r} is not in the chain of {self.underlying} ({len(self)} contracts).")
        return int(found[0])


COLUMNS = tuple(field.name for field in fields(OptionChain))[3:]
"""The names of the arrays."""


def _checked_size(columns: Mapping[str, ArrayLike]) -> int:
    unknown = sorted(set(columns) - set(COLUMNS))
    missing = [name for name in _REQUIRED if name not in columns]
    if unknown or missing:
        raise DataError(f"A chain needs {', '.join(_REQUIRED)}; missing {missing}, unknown {unknown}.")
    return len(np.atleast_1d(np.asarray(columns["contract"], dtype=object)))


def _column(name: str, columns: Mapping[str, ArrayLike], size: int) -> NDArray[Any]:
    dtype = _DTYPES.get(name, np.float64)
    if name in columns:
        values = np.asarray(columns[name], dtype=dtype)
        if values.shape not in ((), (size,)):
            raise DataError(f"Column {name} has the shape {values.shape}; the chain has {size} contracts.")
        return np.array(np.broadcast_to(values, (size,)))
    defaults: dict[str, Any] = {"style": AMERICAN, "settlement": PHYSICAL, "multiplier": 100.0}
    defaults["iv_reason"] = NOT_PRICED
    return np.full(size, defaults.get(name, np.nan), dtype=dtype)


def _require_sound(columns: Mapping[str, NDArray[Any]], underlying: str) -> None:
    names = columns["contract"]
    if len(set(names.tolist())) != len(names):
        twice = sorted({name for name in names.tolist() if np.count_nonzero(names == name) > 1})[:3]
        raise DataError(f"The chain of {underlying} names contracts twice: {', '.join(map(repr, twice))}.")
    if not (np.isfinite(columns["strike"]) & (columns["strike"] > 0)).all():
        raise DataError(f"The chain of {underlying} has strikes that are not above 0.")
    for name, allowed in (("style", (AMERICAN, EUROPEAN)), ("settlement", SETTLEMENTS)):
        odd = sorted(set(columns[name].tolist()) - set(allowed))
        if odd:
            raise DataError(f"The chain of {underlying} has {name} {odd}; allowed are {', '.join(allowed)}.")


def _nearest(rows: slice, values: Array, wanted: float, usable: NDArray[np.bool_]) -> int | None:
    if not usable.any():
        return None
    distance = np.where(usable, np.abs(values - wanted), np.inf)
    return rows.start + int(np.argmin(distance))


def _ordinal(ts_ns: int) -> int:
    moment = datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC)
    return moment.astimezone(NEW_YORK).toordinal()
