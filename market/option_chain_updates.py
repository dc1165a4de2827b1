"""Keeps a chain current tick by tick: a quote writes four numbers into its row, nothing is rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.errors import DataError
from market.option_chain import GREEKS, NOT_PRICED, OptionChain


class ChainBook:
    """The columns of a chain, owned and updated in place.

    `changed` marks the rows touched since the last `set_greeks`, so that only they need pricing again.
    """

    def __init__(self, chain: OptionChain) -> None:
        own = chain.copy()
        self.underlying = own.underlying
        self.ts_ns = own.ts_ns
        self.underlying_price = own.underlying_price
        self.changed: NDArray[np.bool_] = np.zeros(len(own), dtype=np.bool_)
        self._chain = own
        self._rows = {name: row for row, name in enumerate(own.contract.tolist())}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, contract: str) -> bool:
        return contract in self._rows

    def on_quote(self, contract: str, quote: tuple[float, float, float, float], ts_ns: int) -> None:
        """Take bid, ask, bid size and ask size (NaN where a side is absent) of a contract.

        Raises `DataError` for a contract that the chain does not list.
        """
        row = self._row(contract)
        chain = self._chain
        chain.bid[row], chain.ask[row], chain.bid_size[row], chain.ask_size[row] = quote
        self.changed[row] = True
        self._advance(ts_ns)

    def on_trade(self, contract: str, price: float, size: float, ts_ns: int) -> None:
        """Take a trade: last price, and its size added to the day's volume."""
        row = self._row(contract)
        chain = self._chain
        chain.last[row] = price
        before = chain.volume[row]
        chain.volume[row] = size if np.isnan(before) else before + size
        self._advance(ts_ns)

    def on_underlying(self, price: float, ts_ns: int) -> None:
        """Take a price of the underlying; it changes every contract's greeks."""
        self.underlying_price = price
        self.changed[:] = True
        self._advance(ts_ns)

    def on_open_interest(self, contract: str, contracts: float) -> None:
        """Take the open interest of a contract."""
        self._chain.open_interest[self._row(contract)] = contracts

    def set_greeks(self, values: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]) -> None:
        """Write iv, greeks and iv_reason of `rows`, as `priced` returned them, and clear their marks."""
        for name in (*GREEKS, "iv_reason"):
            getattr(self._chain, name)[rows] = values[name]
        self.changed[rows] = False

    def chain(self) -> OptionChain:
        """Return the chain as it is now, sharing this book's arrays: `copy()` it to keep it."""
        return replace(self._chain, ts_ns=self.ts_ns, underlying_price=self.underlying_price)

    def forget_greeks(self) -> None:
        """Mark every contract as not priced."""
        for name in GREEKS:
            getattr(self._chain, name)[:] = np.nan
        self._chain.iv_reason[:] = NOT_PRICED

    def _row(self, contract: str) -> int:
        try:
            return self._rows[contract]
        except KeyError:
            raise DataError(
                f"{contract!r} is not in the chain of {self.underlying} ({len(self)} contracts). "
                "Make the book anew from a chain that lists it."
            ) from None

    def _advance(self, ts_ns: int) -> None:
        if ts_ns > self.ts_ns:
            self.ts_ns = ts_ns
