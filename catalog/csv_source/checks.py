"""What a value must be to enter the catalog; checked over whole columns, named row by row only on failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.columns import FIXED_POINT, FIXED_POINT_SCALE, Aggressor, DataKind, fixed_point_words
from catalog.csv_source.mapping import PRICES, SIZES
from market.instruments import EQUITY_PRICE_PRECISION

PRICE_USD_MAX = 10**9
SIZE_SHARES_MAX = 10**10
"""Beyond these a value is a wrong unit or a wrong column."""
TRADE_ID_CHARACTERS_MAX = 36

BoolArray = npt.NDArray[np.bool_]

_UNIT = 10**FIXED_POINT_SCALE
_SPARE_PLACES = FIXED_POINT_SCALE - EQUITY_PRICE_PRECISION
# A 128-bit number is a multiple of the step if it is one of the step's powers of 2 and of 5.
_PRICE_STEP_EVEN = np.uint64(2**_SPARE_PLACES)
_PRICE_STEP_ODD = np.uint64(5**_SPARE_PLACES)
_WORD_REMAINDER = np.uint64(2**64 % 5**_SPARE_PLACES)
_AGGRESSORS = {
    Aggressor.BUYER: ("b", "buy", "buyer", "1", "+1"),
    Aggressor.SELLER: ("s", "sell", "seller", "-1", "a"),
    Aggressor.NONE: ("", "n", "none", "0", "unknown", "no_aggressor"),
}
_AGGRESSOR_OF = {text: aggressor for aggressor, texts in _AGGRESSORS.items() for text in texts}


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows of one column that break one rule: the column, `True` where broken, and the rule in words."""

    field: str
    rows: BoolArray
    why: str


def faults(kind: DataKind, columns: dict[str, pa.Array], *, lowest: Mapping[str, int]) -> list[Fault]:
    """Return what is wrong with the values of `columns` (our field names, exact types), if anything is.

    `lowest` has a lower bound for number fields of which nothing else is left to check.
    """
    found: list[Fault] = []
    for name, values in columns.items():
        found += _column_faults(kind, name, values, lowest)
    if kind is DataKind.BAR:
        found += _bar_faults(columns)
    return [fault for fault in found if fault.rows.any()]


def aggressors(values: pa.StringArray) -> npt.NDArray[np.uint8]:
    """Return `Aggressor` numbers of the sides that a file names."""
    return _by_text(values, lambda text: _AGGRESSOR_OF.get(text.strip().lower(), Aggressor.NONE)).astype(
        np.uint8
    )


def _column_faults(kind: DataKind, name: str, values: pa.Array, lowest: Mapping[str, int]) -> Iterable[Fault]:
    if name in PRICES:
        is_sound = lowest.get(name, 0) >= 1 or _are_prices(values)
        return () if is_sound else _price_faults(name, values)
    if name in SIZES:
        least = 1 if kind is DataKind.TRADE else 0  # a side of a quote, or a bar, may have none
        return () if lowest.get(name, -1) >= least else _size_faults(name, values, least)
    if name == "side":
        return _text_fault(name, values, lambda text: text.strip().lower() in _AGGRESSOR_OF, _SIDE_RULE)
    return _trade_id_faults(name, values)


_SIDE_RULE = "is neither buy, sell nor empty"


def _are_prices(values: pa.Decimal128Array) -> bool:
    """Say, at the cost of a glance, that all values are prices; "no" means that a closer look is needed."""
    if values.null_count:
        return False
    words = fixed_point_words(values)
    low, high = words[:, 0].view(np.uint64), words[:, 1].view(np.uint64)  # a negative one is huge
    if high.max(initial=0) >= PRICE_USD_MAX * _UNIT >> 64 or not (low | high).all():
        return False
    remainder = (low % _PRICE_STEP_ODD + high % _PRICE_STEP_ODD * _WORD_REMAINDER) % _PRICE_STEP_ODD
    return not (remainder.any() or (low % _PRICE_STEP_EVEN).any())


def _price_faults(name: str, values: pa.Decimal128Array) -> Iterator[Fault]:
    zero, highest = pa.scalar(0, FIXED_POINT), pa.scalar(PRICE_USD_MAX, FIXED_POINT)
    yield Fault(name, _mask(pc.is_null(values)), "is empty")
    yield Fault(name, _mask(pc.less_equal(values, zero)), "is not above 0")
    yield Fault(name, _mask(pc.greater(values, highest)), f"is above {PRICE_USD_MAX:,} USD")
    rounded = pc.round(values, EQUITY_PRICE_PRECISION)
    why = f"has more than {EQUITY_PRICE_PRECISION} decimals (--round-prices rounds)"
    yield Fault(name, _mask(pc.not_equal(values, rounded)), why)


def _size_faults(name: str, values: pa.Decimal128Array, lowest: int) -> Iterator[Fault]:
    least, highest = pa.scalar(lowest, FIXED_POINT), pa.scalar(SIZE_SHARES_MAX, FIXED_POINT)
    yield Fault(name, _mask(pc.is_null(values)), "is empty")
    yield Fault(name, _mask(pc.less(values, least)), "is below 1 share" if lowest else "is below 0")
    yield Fault(name, _mask(pc.greater(values, highest)), f"is above {SIZE_SHARES_MAX:,} shares")
    yield Fault(name, _mask(pc.not_equal(values, pc.round(values, 0))), "is not a whole number of shares")


def _trade_id_faults(name: str, values: pa.StringArray) -> Iterator[Fault]:
    is_long = _mask(pc.greater(pc.binary_length(values), TRADE_ID_CHARACTERS_MAX))
    if is_long.any():
        yield Fault(name, is_long, f"is longer than {TRADE_ID_CHARACTERS_MAX} characters")
    is_foreign = _mask(pc.invert(pc.string_is_ascii(values)))
    if is_foreign.any():
        yield Fault(name, is_foreign, "is not ASCII")


def _bar_faults(columns: dict[str, pa.Array]) -> Iterator[Fault]:
    above = pc.max_element_wise(columns["open"], columns["low"], columns["close"])
    below = pc.min_element_wise(columns["open"], columns["close"])
    yield Fault("high", _mask(pc.less(columns["high"], above)), "is below the open, low or close")
    yield Fault("low", _mask(pc.greater(columns["low"], below)), "is above the open or close")


def _text_fault(name: str, values: pa.StringArray, rule: Callable[[str], bool], why: str) -> Iterable[Fault]:
    broken = _by_text(values, lambda text: not rule(text)).astype(bool)
    return [Fault(name, broken, why)] if broken.any() else []


def _by_text(values: pa.StringArray, function: Callable[[str], object]) -> npt.NDArray[np.generic]:
    """Return `function` of each text, called once per distinct text."""
    coded = values.dictionary_encode()
    results = np.array([function(text) for text in coded.dictionary.to_pylist()] or [function("")])
    return results[coded.indices.to_numpy(zero_copy_only=False)]


def _mask(condition: pa.BooleanArray) -> BoolArray:
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)
