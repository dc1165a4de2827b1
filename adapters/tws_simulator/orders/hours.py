"""When an order may trade: sessions of its first listing, and the waiting that TWS announces with 399."""

from __future__ import annotations

from adapters.tws_simulator.interfaces import TradingPhase, Universe
from adapters.tws_simulator.orders.book import WorkingOrder
from adapters.tws_simulator.orders.terms import ON_CLOSE
from adapters.tws_simulator.orders.time_in_force import SessionOn, day_end_ns, session_to_come

ONLY_REGULAR = frozenset({"MKT", "MOC", "LOC", "MIT"})
"""Order types that do not work outside regular hours; `outsideRth` is ignored for them (2109)."""


class OrderHours:
    """Answers from the universe's calendar, for whole orders."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    def may_trade(self, one: WorkingOrder, market_ns: int) -> bool:
        """Return whether every listing of an order is in a session that the order works in."""
        return all(self._in_session(one, leg.listing.con_id, market_ns) for leg in one.legs)

    def works_outside(self, one: WorkingOrder) -> bool:
        """Return whether an order works outside regular hours."""
        terms = one.terms
        return (
            terms.is_outside_regular_hours
            and terms.order_type not in ONLY_REGULAR
            and terms.time_in_force != "OPG"
        )

    def session_on(self, one: WorkingOrder) -> SessionOn:
        """Return the calendar of an order's first listing."""
        listing = one.legs[0].listing
        return lambda market_ns: self._universe.regular_session(listing, market_ns)

    def ends_ns(self, one: WorkingOrder, market_ns: int) -> int | None:
        """Return when a DAY order ends."""
        is_extended = self.works_outside(one)
        return day_end_ns(market_ns, self.session_on(one), is_extended=is_extended)

    def session(self, one: WorkingOrder, market_ns: int) -> tuple[int, int] | None:
        """Return open and close of the session that an order meets: now's, or the next.

        An order for the opening placed during a session meets the next one.
        """
        session = session_to_come(market_ns, self.session_on(one))
        is_too_late = session is not None and one.terms.time_in_force == "OPG" and market_ns >= session[0]
        if session is not None and is_too_late:
            return session_to_come(session[1], self.session_on(one))
        return session

    def closing_soon(self, one: WorkingOrder, market_ns: int, cutoff_minutes: int) -> bool:
        """Return whether it is too late today for an on-close order."""
        if one.terms.order_type not in ON_CLOSE:
            return False
        session = session_to_come(market_ns, self.session_on(one))
        return session is not None and session[1] - market_ns < cutoff_minutes * 60_000_000_000

    def _in_session(self, one: WorkingOrder, con_id: int, market_ns: int) -> bool:
        listing = self._universe.listing(con_id)
        if listing is None:
            return False
        phase = self._universe.phase(listing, market_ns)
        if phase is TradingPhase.REGULAR:
            return True
        return phase is TradingPhase.OUTSIDE and self.works_outside(one)
