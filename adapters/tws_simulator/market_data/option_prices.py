"""Quotes of options that follow their underlying: computed for whole chains, published for those watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from adapters.tws_simulator.contracts.universe import ListedUniverse
from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data.board import QuoteBoard
from adapters.tws_simulator.market_data.option_model import OptionBook, OptionGreeks, OptionQuotes
from adapters.tws_simulator.market_data.source import price_of, size_of

VolatilityOf = Callable[[int, int], float]
"""At-the-money volatility of an underlying (contract id) at a market time."""

STALE_NS = 1_000_000_000
"""Time alone moves an option's price this often."""


class _Chain:
    """The options of one underlying with what they were worth last."""

    def __init__(self, book: OptionBook) -> None:
        self.book = book
        self.watched: set[int] = set()
        self.spot = 0.0
        self.base = 0.0
        self.ts_ns = -STALE_NS
        self.quotes: OptionQuotes | None = None


class OptionPrices:
    """Prices every option of a chain at once when its underlying has moved.

    An option is watched from the first time that anybody asks for it; the others cost nothing.
    """

    def __init__(self, board: QuoteBoard, universe: ListedUniverse, volatility_of: VolatilityOf) -> None:
        self._board, self._universe, self._volatility_of = board, universe, volatility_of
        self._chains: dict[int, _Chain] = {}
        self._places: dict[int, tuple[int, int]] = {}

    def underlying_ids(self) -> Iterable[int]:
        """Return the underlyings of watched options."""
        return [con_id for con_id, chain in self._chains.items() if chain.watched]

    def quote(self, con_id: int, market_ns: int) -> Quote | None:
        """Return an option's quote now and watch it from now on; None without an underlying price."""
        place = self._place(con_id)
        if place is None:
            return None
        chain = self._chains[place[0]]
        if place[1] in chain.watched:
            return self._board.quotes.get(con_id)
        if not self._compute(place[0], chain, market_ns) and chain.quotes is None:
            return None
        chain.watched.add(place[1])
        self._board.quotes[con_id] = self._as_quote(chain, place[1])
        return self._board.quotes[con_id]

    def refresh(self, market_ns: int, *, skip: set[int]) -> None:
        """Publish every watched option whose quote has changed; `skip` names those that a test holds."""
        for underlying_id, chain in self._chains.items():
            if not chain.watched:
                continue
            before = chain.quotes
            if not self._compute(underlying_id, chain, market_ns) or chain.quotes is None:
                continue
            changed = np.ones(len(chain.book), dtype=np.bool_)
            if before is not None:
                changed = (before.bid != chain.quotes.bid) | (before.ask != chain.quotes.ask)
            for index in np.flatnonzero(changed).tolist():
                con_id = chain.book.con_ids[index]
                if index in chain.watched and con_id not in skip:
                    self._board.publish(con_id, self._as_quote(chain, index))

    def computations(
        self, underlying_id: int, wanted: list[tuple[int, float]], market_ns: int
    ) -> list[OptionGreeks]:
        """Return greeks for (option, premium in USD or NaN for the model's), options of one underlying."""
        chain = self._chains[underlying_id]
        chosen = np.array([self._places[con_id][1] for con_id, _ in wanted], dtype=np.int64)
        premiums = np.array([premium for _, premium in wanted])
        return chain.book.computations(chosen, premiums, chain.spot, base=chain.base, market_ns=market_ns)

    def spot(self, underlying_id: int) -> float:
        """Return the underlying price that the last quotes were made at."""
        return self._chains[underlying_id].spot

    def quotes_at(self, con_id: int, spot: float, market_ns: int) -> tuple[int, int, int, int] | None:
        """Return bid, ask and sizes that the model gives for another spot and time; None for no option."""
        place = self._place(con_id)
        if place is None:
            return None
        book = self._chains[place[0]].book
        quotes = book.quotes(spot, self._volatility_of(place[0], market_ns), market_ns)
        bid, ask, bid_size, ask_size = (int(column[place[1]]) for column in quotes)
        return bid, ask, bid_size, ask_size

    def _place(self, con_id: int) -> tuple[int, int] | None:
        place = self._places.get(con_id)
        if place is not None:
            return place
        listing = self._universe.listing(con_id)
        if listing is None or listing.underlying_con_id is None:
            return None
        options = self._universe.options_of(listing.underlying_con_id)
        self._chains[listing.underlying_con_id] = _Chain(OptionBook(options, self._universe.hours))
        for index, option in enumerate(options):
            self._places[option.con_id] = (listing.underlying_con_id, index)
        return self._places[con_id]

    def _compute(self, underlying_id: int, chain: _Chain, market_ns: int) -> bool:
        """Price a chain; False when nothing can have changed or the underlying has no price."""
        spot = _spot(self._board.quotes.get(underlying_id))
        if spot is None or (spot == chain.spot and market_ns - chain.ts_ns < STALE_NS):
            return False
        chain.spot, chain.base = spot, self._volatility_of(underlying_id, market_ns)
        chain.ts_ns = market_ns
        chain.quotes = chain.book.quotes(spot, chain.base, market_ns)
        return True

    def _as_quote(self, chain: _Chain, index: int) -> Quote:
        assert chain.quotes is not None
        bid, ask, bid_size, ask_size = (int(column[index]) for column in chain.quotes)
        before = self._board.quotes.get(chain.book.con_ids[index])
        return Quote(
            bid=price_of(bid),
            ask=price_of(ask),
            bid_size=size_of(bid_size) if bid else None,
            ask_size=size_of(ask_size) if ask else None,
            last=before.last if before else None,
            last_size=before.last_size if before else None,
            ts_ns=chain.ts_ns,
        )


def _spot(quote: Quote | None) -> float | None:
    if quote is None:
        return None
    if quote.bid is not None and quote.ask is not None:
        return float(quote.bid + quote.ask) / 2
    return float(quote.last) if quote.last is not None else None
