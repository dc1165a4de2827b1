"""What a kernel's cache knows of money: terms of instruments, middles of quotes, cash of accounts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from nautilus_trader.model.currencies import USD
from nautilus_trader.model.identifiers import InstrumentId


class Valuation:
    """Reads one cache."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self._terms: dict[Any, tuple[int, bool]] = {}
        self._instrument_ids: dict[str, Any] = {}

    def terms(self, instrument_id: Any) -> tuple[int, bool]:
        """Return shares a contract, and whether the instrument is a combination of others."""
        known = self._terms.get(instrument_id)
        if known is None:
            instrument = self._cache.instrument(instrument_id)
            known = (1, False) if instrument is None else (int(instrument.multiplier), instrument.is_spread())
            self._terms[instrument_id] = known
        return known

    def mids(self, names: Iterable[str]) -> dict[str, Decimal]:
        """Return the middle of the last quote, in USD a share, of each instrument that has one."""
        mids: dict[str, Decimal] = {}
        for name in names:
            quote = self._cache.quote_tick(self._instrument_id(name))
            if quote is not None:
                mids[name] = (quote.bid_price.as_decimal() + quote.ask_price.as_decimal()) / 2
        return mids

    def cash_usd(self) -> Decimal | None:
        """Return the total balance of all accounts in USD; None before the first is known."""
        balances = [account.balance_total(USD) for account in self._cache.accounts()]
        known = [balance.as_decimal() for balance in balances if balance is not None]
        return sum(known, Decimal(0)) if known else None

    def _instrument_id(self, name: str) -> Any:
        known = self._instrument_ids.get(name)
        if known is None:
            known = self._instrument_ids[name] = InstrumentId.from_str(name)
        return known
