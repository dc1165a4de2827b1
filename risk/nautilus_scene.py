"""What a flattening sees in a Nautilus kernel: positions, orders, spreads and the session of its scope."""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile
from typing import Any

from risk.account import Account
from risk.closings import Held, Leftover, Marketplace
from risk.flatten import Flattening, Scene, Working
from risk.intent import InstrumentTerms
from risk.nautilus_intents import InstrumentBook
from risk.openings import Surplus, openings
from risk.option_book import awaits_legs
from risk.reservation import Reservation

_Key = tuple[str, str]


class SceneReader:
    """Reads scenes of one account; `own_orders` has the ids of the kill switch's orders."""

    def __init__(
        self, cache: Any, account: Account, instruments: InstrumentBook, *, own_orders: Collection[str]
    ) -> None:
        self._cache = cache
        self._account = account
        self._instruments = instruments
        self._own_orders = own_orders

    def is_open(self, now_ns: int) -> bool:
        """Whether stocks trade now."""
        return self._account.market.session(now_ns).phase not in (None, "closed")

    def read(self, flattening: Flattening, now_ns: int) -> Scene:
        """Return what a flattening needs to plan a round."""
        is_open = self.is_open(now_ns)
        held, foreign = self._positions(flattening)
        working = self._working(flattening, is_open=is_open)
        symbols = {each.terms.symbol for each in held} | {each.terms.symbol for each in working}
        return Scene(
            held=held,
            working=working,
            market=Marketplace(
                quote=self._account.market.quote, spreads=self._spreads(symbols), is_open=is_open
            ),
            foreign=foreign,
            elsewhere={symbol for symbol in symbols if self._is_closed_elsewhere(flattening, symbol)},
        )

    def lowered(self, flattening: Flattening) -> list[Surplus]:
        """Return the orders of a scope that close, and are larger than the position."""
        return [each for each in openings(self._account, self._in_scope(flattening)) if each.keeps]

    # -- Inside -----------------------------------------------------------------------------------

    def _positions(self, flattening: Flattening) -> tuple[list[Held], list[Leftover]]:
        """Return what both the gate and Nautilus hold, and what cannot be read."""
        terms: dict[str, InstrumentTerms] = {}
        ours: dict[_Key, int] = {}
        for name, book in self._account.ledger.books.items():
            terms[name] = book.terms
            ours |= {(owner, name): quantity for owner, quantity in book.positions.items()}
        theirs: dict[_Key, int] = {}
        foreign: list[Leftover] = []
        for position in self._cache.positions_open():
            key = (position.strategy_id.value, position.instrument_id.value)
            quantity = int(position.signed_decimal_qty())
            try:
                terms[key[1]] = self._instruments.terms(position.instrument_id)
            except Exception as error:  # noqa: BLE001 - the border: the rest is to be closed all the same
                if flattening.covers(position.instrument_id.symbol.value):
                    foreign.append(Leftover(*key, quantity, f"{error} Close it in TWS."))
                continue
            theirs[key] = theirs.get(key, 0) + quantity
        held = [
            _held(key, terms[key[1]], ours.get(key, 0), theirs.get(key, 0))
            for key in dict.fromkeys([*ours, *theirs])
            if flattening.covers(terms[key[1]].symbol)
        ]
        return [each for each in held if each.quantity or each.gate is not None], foreign

    def _working(self, flattening: Flattening, *, is_open: bool) -> list[Working]:
        reservations = self._in_scope(flattening)
        surplus = [] if is_open else openings(self._account, reservations)
        canceled = [each.order_id for each in surplus if not each.keeps]
        return [
            self._order(order_id, reservation, only_closes=order_id not in canceled)
            for order_id, reservation in reservations.items()
        ]

    def _in_scope(self, flattening: Flattening) -> dict[str, Reservation]:
        return {
            order_id: reservation
            for order_id, reservation in self._account.ledger.reservations.items()
            if flattening.covers(reservation.intent.terms.symbol)
        }

    def _order(self, order_id: str, reservation: Reservation, *, only_closes: bool) -> Working:
        intent = reservation.intent
        return Working(
            order_id=order_id,
            strategy_id=intent.strategy_id,
            terms=intent.terms,
            quantity=reservation.sign * (reservation.committed - reservation.filled),
            is_open=reservation.is_open,
            is_due=awaits_legs(reservation),
            only_closes=only_closes,
            is_ours=order_id in self._own_orders,
            is_market=intent.order_type == "market",
        )

    def _spreads(self, symbols: Collection[str]) -> list[InstrumentTerms]:
        """Return the spreads of the symbols; one that cannot be read is closed by its legs."""
        spreads: list[InstrumentTerms] = []
        for instrument in self._cache.instruments():
            if not instrument.is_spread():
                continue
            try:
                terms = self._instruments.terms(instrument.id)
            except Exception:  # noqa: BLE001, S112 - the border: a foreign spread must not disarm the switch
                continue
            if terms.symbol in symbols:
                spreads.append(terms)
        return spreads

    def _is_closed_elsewhere(self, flattening: Flattening, symbol: str) -> bool:
        """Whether another flattening that is not resting came first."""
        earlier = takewhile(lambda each: each is not flattening, self._account.flattenings)
        return any(not each.is_resting and each.covers(symbol) for each in earlier)


def _held(key: _Key, terms: InstrumentTerms, gate: int, nautilus: int) -> Held:
    """Return what both know of: the smaller where they agree on the side, nothing where they do not."""
    if gate == nautilus:
        return Held(key[0], terms, gate)
    sure = min(gate, nautilus, key=abs) if gate * nautilus > 0 else 0
    return Held(key[0], terms, sure, gate, nautilus)
