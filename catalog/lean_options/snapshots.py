"""From the rows of a day to a snapshot a minute: quotes as they stood at its close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.chain_contracts import contract_list
from catalog.lean_options.day_rows import MS_PER_MINUTE, ContentRows, DayRows
from catalog.option_chain_rows import COUNTS, PRICE_UNITS, PRICES, ContractList
from market.option_contracts import OptionClass
from market.time import NS_PER_MS


@dataclass(frozen=True)
class Moment:
    """The chain at the close of a minute; `market` is reused for the next moment: copy what you keep."""

    ts_ns: int
    contracts: ContractList
    market: dict[str, NDArray[np.float64]]


def moments_of(rows: DayRows, option_class: OptionClass, *, midnight_ns: int) -> Iterator[Moment]:
    """Yield the chain whenever quotes changed, in order of time.

    A contract without a quote in a minute keeps its last one; a side that a row leaves empty is gone. Trades
    add up to the day's volume. A minute is known at its close.
    """
    contracts, order = contract_list(option_class, rows.contracts)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    market = {name: np.full(len(order), np.nan) for name in (*PRICES, *COUNTS)}
    quotes = rows.contents.get("quote")
    if quotes is None:
        return
    others = [
        _Cursor(found, content, place)
        for content in ("openinterest", "trade")
        if (found := rows.contents.get(content)) is not None
    ]
    follow = _Cursor(quotes, "quote", place)
    for minute in np.unique(quotes.time).tolist():
        follow.apply_until(minute, market)
        for cursor in others:
            cursor.apply_until(minute, market)
        yield Moment(midnight_ns + (minute + MS_PER_MINUTE) * NS_PER_MS, contracts, market)


class _Cursor:
    """Applies rows in order of time to the columns of the market."""

    def __init__(self, rows: ContentRows, content: str, place: NDArray[np.intp]) -> None:
        self._rows = rows
        self._content = content
        self._place = place
        self._done = 0

    def apply_until(self, time: int, market: dict[str, NDArray[np.float64]]) -> None:
        """Apply the rows up to `time` (ms after midnight, inclusive) that were not applied before."""
        end = int(np.searchsorted(self._rows.time, time, side="right"))
        part = slice(self._done, end)
        self._done = end
        at = self._place[self._rows.contract[part]]
        values = {name: column[part].astype(np.float64) for name, column in self._rows.values.items()}
        if self._content == "quote":
            for side in ("bid", "ask"):
                price = values[f"{side}_close"]
                market[side][at] = np.where(price > 0, price / PRICE_UNITS, np.nan)
                market[f"{side}_size"][at] = np.where(price > 0, values[f"{side}_size"], np.nan)
        elif self._content == "trade":
            market["last"][at] = values["close"] / PRICE_UNITS
            market["volume"][at] = np.nan_to_num(market["volume"][at])
            np.add.at(market["volume"], at, values["volume"])
        else:
            market["open_interest"][at] = values["open_interest"]
