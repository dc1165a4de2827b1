"""Accounts as clients see them: summaries, updates, positions, profit and loss; and the `Account` interface.

Known from IB's documentation: what each request answers and ends with, that updates repeat every three
minutes or when a position changes, P&L about once a second. A position message leaves the contract's
exchange empty (seen in captures). Not known from a capture, and so modelled: the order of values.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from adapters.tws_simulator.account.books import Books
from adapters.tws_simulator.account.commands import AccountCommands
from adapters.tws_simulator.account.expiry_timers import ExpiryTimers
from adapters.tws_simulator.account.ledger import Booking
from adapters.tws_simulator.account.reports import AccountReports
from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Component, ControlCommand, Handler
from adapters.tws_simulator.interfaces import Fill, Listing, MarginPreview, Market, Universe
from adapters.tws_simulator.messages import OUT, Message
from adapters.tws_simulator.session.sessions import Session
from market.time import new_york_date, new_york_midnight_ns

NS_PER_MS = 1_000_000
WEEKEND = 5


class AccountDesk(Component):
    """The ledger of all accounts and everything that is reported of it."""

    def __init__(
        self,
        broker: Broker,
        universe: Universe,
        market: Market,
        *,
        settings: AccountSettings | None = None,
    ) -> None:
        super().__init__(broker)
        self.settings = settings or AccountSettings()
        self.accounts = broker.settings.session.accounts
        self.books = Books(universe, market, self.settings, accounts=self.accounts)
        self.reports = AccountReports(broker, self.books, self.settings)
        self._expiry = ExpiryTimers(
            broker,
            self.books,
            universe=universe,
            minutes_after_close=self.settings.expiry_minutes_after_close,
            changed=self.reports.position_changed,
        )
        self._begin_next_day()

    # ------------------------------------------------------------------ the Account interface

    def apply(self, fill: Fill) -> Decimal | None:
        """Book a fill and return the profit that it realized, None when it closed nothing."""
        listing = self.books.listing(fill.con_id)
        booking = Booking(
            con_id=fill.con_id,
            multiplier=listing.multiplier,
            quantity=fill.quantity if fill.side == "BOT" else -fill.quantity,
            price=fill.price,
            commission=fill.commission,
            settles_on=self._settlement_day(fill.ts_ns).toordinal(),
        )
        profit = self.books.book(fill.account, booking)
        self._position_arrived(fill.account, listing)
        return profit

    def position(self, account: str, con_id: int) -> Decimal:
        """Return the signed position, 0 when there is none."""
        return self.books.ledger(account).quantity(con_id)

    def preview(self, account: str, contract: Message, order: Message) -> MarginPreview:
        """Return margin and equity before and after an order; books nothing."""
        return self.books.preview(account, contract, order)

    def truth(self) -> dict[str, Any]:
        """Return cash, positions, margin and P&L of all accounts, exactly."""
        return {"accounts": {account: self.books.truth(account) for account in self.accounts}}

    # ------------------------------------------------------------------ the component

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about accounts."""
        return {
            OUT.REQ_ACCOUNT_SUMMARY: self.reports.request_summary,
            OUT.CANCEL_ACCOUNT_SUMMARY: self.reports.cancel_summary,
            OUT.REQ_ACCT_DATA: self.reports.request_updates,
            OUT.REQ_POSITIONS: self.reports.request_positions,
            OUT.CANCEL_POSITIONS: self.reports.cancel_positions,
            OUT.REQ_POSITIONS_MULTI: self.reports.request_positions_multi,
            OUT.CANCEL_POSITIONS_MULTI: self.reports.cancel_positions_multi,
            OUT.REQ_ACCOUNT_UPDATES_MULTI: self.reports.request_updates_multi,
            OUT.CANCEL_ACCOUNT_UPDATES_MULTI: self.reports.cancel_updates_multi,
            OUT.REQ_PNL: self.reports.request_profit,
            OUT.CANCEL_PNL: self.reports.cancel_profit,
            OUT.REQ_PNL_SINGLE: self.reports.request_profit,
            OUT.CANCEL_PNL_SINGLE: self.reports.cancel_profit,
        }

    def commands(self) -> Mapping[str, ControlCommand]:
        """Return what tests do to accounts."""
        return AccountCommands(self.books, self._position_arrived).table()

    def session_ended(self, session: Session) -> None:
        """Forget what a session listened to."""
        self.reports.session_ended(session)

    # ------------------------------------------------------------------ inside

    def _position_arrived(self, account: str, listing: Listing) -> None:
        self._expiry.watch(listing)
        self._tell_position(account, listing.con_id)

    def _tell_position(self, account: str, con_id: int) -> None:
        delay_ns = self.settings.position_delay_ms * NS_PER_MS
        self.broker.call_after(delay_ns, lambda: self.reports.position_changed(account, con_id))

    def _settlement_day(self, market_ns: int) -> date:
        day = new_york_date(market_ns)
        for _ in range(self.settings.settlement_days):
            day += timedelta(days=1)
            while day.weekday() >= WEEKEND:
                day += timedelta(days=1)
        return day

    def _begin_next_day(self) -> None:
        tomorrow = new_york_date(self.broker.market_ns) + timedelta(days=1)
        self.broker.call_at_market(new_york_midnight_ns(tomorrow), self._begin_day)

    def _begin_day(self) -> None:
        self.books.begin_day()
        self._begin_next_day()
