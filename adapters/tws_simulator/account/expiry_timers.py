"""When options expire: the settlement price is taken at the close (AM-settled: at the opening) of the
expiry day, and positions change some time after the close, as the settings say.

Not known from a capture: when Interactive Brokers' positions change, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal

from adapters.tws_simulator.account.books import Books
from adapters.tws_simulator.account.expiry import settle
from adapters.tws_simulator.account.ledger import Booking
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Listing, Universe
from market.time import new_york_ns

NS_PER_MINUTE = 60_000_000_000
USUAL_OPEN, USUAL_CLOSE = time(9, 30), time(16, 0)
NOON = time(12, 0)


class ExpiryTimers:
    """Settles what the books hold of an option when it expires; `changed(account, con_id)` is told."""

    def __init__(
        self,
        broker: Broker,
        books: Books,
        *,
        universe: Universe,
        minutes_after_close: int,
        changed: Callable[[str, int], None],
    ) -> None:
        self._broker, self._books, self._universe = broker, books, universe
        self._minutes, self._changed = minutes_after_close, changed
        self._watched: set[int] = set()
        self._prices: dict[int, Decimal | None] = {}

    def watch(self, listing: Listing) -> None:
        """Settle `listing` when it expires; harmless when it is no option or is watched already."""
        if not listing.is_option or listing.con_id in self._watched:
            return
        self._watched.add(listing.con_id)
        open_ns, close_ns = self._session(listing)
        fixing_ns = open_ns if listing.settlement == "AM" else close_ns
        self._broker.call_at_market(fixing_ns, lambda: self._fix(listing))
        self._broker.call_at_market(close_ns + self._minutes * NS_PER_MINUTE, lambda: self._settle(listing))

    def _session(self, listing: Listing) -> tuple[int, int]:
        expiry = date.fromisoformat(listing.expiry)
        session = self._universe.regular_session(listing, new_york_ns(expiry, NOON))
        return session or (new_york_ns(expiry, USUAL_OPEN), new_york_ns(expiry, USUAL_CLOSE))

    def _fix(self, listing: Listing) -> None:
        assert listing.underlying_con_id is not None, f"option {listing.local_symbol} has no underlying"
        self._prices[listing.con_id] = self._books.mark(listing.underlying_con_id)

    def _settle(self, listing: Listing) -> None:
        price = self._prices.pop(listing.con_id, None)
        self._watched.discard(listing.con_id)
        held = [account for account in self._books.ledgers if self._quantity(account, listing)]
        if held and price is None:
            raise ValueError(
                f"{listing.local_symbol} expired and its underlying has no price: its positions stay. "
                "Give the underlying a quote before its session ends."
            )
        for account in held:
            assert price is not None, "checked above"
            self._settle_account(account, listing, price)

    def _quantity(self, account: str, listing: Listing) -> Decimal:
        return self._books.ledger(account).quantity(listing.con_id)

    def _settle_account(self, account: str, listing: Listing, price: Decimal) -> None:
        quantity = self._quantity(account, listing)
        outcome = settle(listing, quantity, price)
        self._book(account, listing, -quantity, outcome.option_price)
        if outcome.shares:
            assert listing.underlying_con_id is not None, f"option {listing.local_symbol} has no underlying"
            self._book(
                account, self._books.listing(listing.underlying_con_id), outcome.shares, outcome.strike
            )

    def _book(self, account: str, listing: Listing, quantity: Decimal, price: Decimal) -> None:
        settled_already = 0
        self._books.book(
            account,
            Booking(listing.con_id, listing.multiplier, quantity, price, Decimal(0), settled_already),
        )
        self._changed(account, listing.con_id)
