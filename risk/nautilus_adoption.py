"""Finds what Nautilus' cache holds and the gate has not approved: positions, and orders that others sent.

An order typed into TWS reaches the cache through reconciliation while the node runs, and counts from then
on like the gate's own. What is of an instrument that cannot be read (a future, a stock in pounds, a spread
without its legs) is left out and recorded, and keeps the breaker in SAFE_MODE; all the rest counts.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.model.identifiers import InstrumentId

from risk.breaker import UNRECONCILED
from risk.intent import InstrumentTerms, OrderIntent
from risk.lot import Lot
from risk.nautilus_fixed_point import FractionalQuantityError
from risk.nautilus_intents import InstrumentBook, UnknownInstrumentError, whole
from risk.records import ReadingRecord
from risk.supervisor import Supervisor

UNREADABLE = "unreadable"
"""Cause of SAFE_MODE: something is held, or works, that no limit counts."""

Positions = dict[tuple[str, InstrumentTerms], tuple[int, Decimal]]
"""Signed quantity and average price by strategy and instrument."""


class Adoption:
    """Looks into one cache; `read_order` makes the intent of a Nautilus order."""

    def __init__(
        self,
        kernel: Any,
        supervisor: Supervisor,
        instruments: InstrumentBook,
        *,
        read_order: Callable[[Any], OrderIntent],
    ) -> None:
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._supervisor = supervisor
        self._keeper = supervisor.keeper
        self.instruments = instruments
        self._read_order = read_order
        self._unreadable: set[str] = set()
        self._recorded: set[str] = set()

    def look(self) -> Positions:
        """Adopt every working order that is unknown, and return the positions that can be read."""
        self._unreadable.clear()
        self._renew_terms()
        for order in self._cache.orders_open() + self._cache.orders_inflight():
            self.adopt_order(order)
            self._count_growth(order)
        positions = self.cached_positions()
        if not self._unreadable:
            now_ns = self._clock.timestamp_ns()
            self._supervisor.clear_cause(UNREADABLE, now_ns, reason="all that is held or works can be read")
        return positions

    def adopt_order(self, order: Any) -> None:
        """Count an order that works and that the ledger does not know; it does nothing for others."""
        is_known = order.client_order_id.value in self._keeper.account.ledger.reservations
        if is_known or not (order.is_open or order.is_inflight):
            return
        try:
            self._keeper.adopt_order(self._read_order(order), filled=whole(order.filled_qty))
        except (UnknownInstrumentError, FractionalQuantityError) as error:
            self.leave_out(order.instrument_id, error)

    def _count_growth(self, order: Any) -> None:
        """Count an order that is larger than the ledger has heard, until the broker's word settles it."""
        ledger, order_id = self._keeper.account.ledger, order.client_order_id.value
        reservation = ledger.reservations.get(order_id)
        if reservation is not None and reservation.is_open and order.quantity > reservation.committed:
            ledger.reserve_change(order_id, whole(order.quantity), self._read_order(order).price)

    def _renew_terms(self) -> None:
        """Count options that are held or work by terms that have changed; somebody must compare them."""
        account = self._keeper.account
        for book in account.ledger.books.values():
            before = book.terms
            if book.is_stock or (terms := self._terms(self.instruments.nautilus_id(before))) in (
                None,
                before,
            ):
                continue
            book.terms = terms
            account.performance.renew(terms)
            reason = (
                f"{terms.instrument_id} has new terms: multiplier {before.multiplier} -> {terms.multiplier}"
            )
            self._supervisor.raise_cause(UNRECONCILED, self._clock.timestamp_ns(), reason=reason)

    def _terms(self, instrument_id: InstrumentId) -> InstrumentTerms | None:
        try:
            return self.instruments.terms(instrument_id)
        except UnknownInstrumentError as error:
            self.leave_out(instrument_id, error)
            return None

    def cached_positions(self) -> Positions:
        """Return what Nautilus holds of each instrument that can be read."""
        positions: Positions = {}
        for position in self._cache.positions_open():
            terms = self._terms(position.instrument_id)
            if terms is None:
                continue
            key = (position.strategy_id.value, terms)
            lot = Lot(terms, *positions.get(key, (0, Decimal(0))))
            lot.apply(int(position.signed_decimal_qty()), Decimal(str(position.avg_px_open)))
            positions[key] = (lot.quantity, lot.average_price)
        return positions

    def leave_out(self, instrument_id: InstrumentId, error: Exception) -> None:
        """Record that something of an instrument cannot be counted, and enter SAFE_MODE."""
        name, now_ns = instrument_id.value, self._clock.timestamp_ns()
        self._unreadable.add(name)
        self._supervisor.raise_cause(UNREADABLE, now_ns, reason=str(error))
        if name in self._recorded:
            return
        self._recorded.add(name)
        self._supervisor.record(
            ReadingRecord(
                ts_ns=now_ns,
                trigger=UNREADABLE,
                verdict="confirmed",
                value=str(error),
                limit="whole stocks, options and their spreads in USD",
                readings_ns=(now_ns,),
                inputs={"instrument": name},
            ),
            now_ns,
        )
