"""What clients are told about accounts, on request and when something changes."""

from __future__ import annotations

from decimal import Decimal

from adapters.tws_simulator.account import frames
from adapters.tws_simulator.account.books import Books
from adapters.tws_simulator.account.ledger import Holding
from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.account.subscriptions import (
    AccountSubscriptions,
    Listening,
    ProfitRequest,
    SummaryRequest,
)
from adapters.tws_simulator.account.tags import TagValue, summary_values, update_values
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.messages import IN, Message, message_type
from adapters.tws_simulator.session.sessions import Session
from market.time import format_new_york, new_york_date

NS_PER_SECOND = 1_000_000_000
ZERO = Decimal(0)
INVALID = "Error validating request.-'bW' : cause - "
LEDGER_TAGS = frozenset({"$LEDGER", "$LEDGER:USD", "$LEDGER:ALL"})
SUMMARIES_MAX = 2
"""IB documents two active account summaries per client, error 322 beyond."""


class AccountReports:
    """Handlers and repeating reports; the desk owns the books."""

    def __init__(self, broker: Broker, books: Books, settings: AccountSettings) -> None:
        self._broker, self._books, self._settings = broker, books, settings
        self._accounts = broker.settings.session.accounts
        self._listening = AccountSubscriptions()
        self._is_repeating = self._is_reporting_profit = False

    # ------------------------------------------------------------------ summaries and updates

    def request_summary(self, session: Session, request: Message) -> None:
        """Answer reqAccountSummary, now and every few minutes."""
        listening = self._listening.of(session)
        tags = frozenset(tag.strip() for tag in request.tags.split(",") if tag.strip())
        if not tags:
            raise Refused(321, f"{INVALID}Tags are missing")
        accounts = self._accounts if request.group in {"", "All"} else (self._known(request.group),)
        is_new = request.reqId not in listening.summaries
        if is_new and len(listening.summaries) >= SUMMARIES_MAX:
            text = (
                "Error processing request.-'bT' : cause - Maximum number of account summary requests exceeded"
            )
            raise Refused(322, text)
        listening.summaries[request.reqId] = SummaryRequest(accounts, tags)
        self._send_summary(listening, request.reqId)
        self._broker.send(
            session, IN.ACCOUNT_SUMMARY_END, message_type("AccountSummaryEnd")(reqId=request.reqId)
        )
        self._repeat()

    def cancel_summary(self, session: Session, request: Message) -> None:
        """Stop a summary."""
        self._listening.of(session).summaries.pop(request.reqId, None)

    def request_updates(self, session: Session, request: Message) -> None:
        """Answer reqAccountUpdates: values, portfolio, time, end; then again on changes."""
        listening = self._listening.of(session)
        if not request.subscribe:
            listening.updates_of = None
            return
        account = self._known(request.acctCode or self._accounts[0])
        listening.updates_of = account
        self._send_updates(listening)
        self._broker.send(session, IN.ACCT_DOWNLOAD_END, message_type("AccountDataEnd")(accountName=account))
        self._repeat()

    def request_updates_multi(self, session: Session, request: Message) -> None:
        """Answer reqAccountUpdatesMulti; with `ledgerAndNLV` only the currencies' values."""
        account = self._known(request.account or self._accounts[0])
        listening = self._listening.of(session)
        listening.updates_multi[request.reqId] = (account, request.ledgerAndNLV)
        self._send_updates_multi(listening, request.reqId)
        self._broker.send(
            session, IN.ACCOUNT_UPDATE_MULTI_END, message_type("AccountUpdateMultiEnd")(reqId=request.reqId)
        )
        self._repeat()

    def cancel_updates_multi(self, session: Session, request: Message) -> None:
        """Stop updates of one request."""
        self._listening.of(session).updates_multi.pop(request.reqId, None)

    # ------------------------------------------------------------------ positions

    def request_positions(self, session: Session, _request: Message) -> None:
        """Answer reqPositions: all positions of all accounts, the end, then every change."""
        self._listening.of(session).has_positions = True
        for account in self._accounts:
            for holding in self._books.held(account):
                self._send_position(session, account, holding)
        self._broker.send(session, IN.POSITION_END, message_type("PositionEnd")())

    def cancel_positions(self, session: Session, _request: Message) -> None:
        """Stop positions."""
        self._listening.of(session).has_positions = False

    def request_positions_multi(self, session: Session, request: Message) -> None:
        """Answer reqPositionsMulti for one account, then every change."""
        account = self._known(request.account or self._accounts[0])
        self._listening.of(session).positions_multi[request.reqId] = account
        for holding in self._books.held(account):
            body = frames.position_multi(request.reqId, account, self._books.listing(holding.con_id), holding)
            self._broker.send(session, IN.POSITION_MULTI, body)
        self._broker.send(
            session, IN.POSITION_MULTI_END, message_type("PositionMultiEnd")(reqId=request.reqId)
        )

    def cancel_positions_multi(self, session: Session, request: Message) -> None:
        """Stop the positions of one request."""
        self._listening.of(session).positions_multi.pop(request.reqId, None)

    def position_changed(self, account: str, con_id: int) -> None:
        """Tell everybody who listens that a position is another one (0 when it is flat)."""
        listing = self._books.listing(con_id)
        holding = self._books.ledger(account).holdings.get(con_id) or Holding(con_id, listing.multiplier)
        for listening in self._listening.all():
            if listening.has_positions:
                self._send_position(listening.session, account, holding)
            for request_id, wanted in listening.positions_multi.items():
                if wanted == account:
                    body = frames.position_multi(request_id, account, listing, holding)
                    self._broker.send(listening.session, IN.POSITION_MULTI, body)
            if listening.updates_of == account:
                self._send_portfolio(listening.session, account, holding)
                self._send_values(listening)

    # ------------------------------------------------------------------ profit and loss

    def request_profit(self, session: Session, request: Message) -> None:
        """Answer reqPnL and reqPnLSingle, now and about once a second when it changes."""
        account = self._known(request.account)
        con_id = request.conId if hasattr(request, "conId") else None
        listening = self._listening.of(session)
        if request.reqId in listening.profits:
            raise Refused(102, "Duplicate ticker ID.")
        wanted = ProfitRequest(account, con_id)
        listening.profits[request.reqId] = wanted
        self._send_profit(session, request.reqId, wanted)
        if not self._is_reporting_profit:
            self._is_reporting_profit = True
            self._broker.call_after(self._settings.pnl_seconds * NS_PER_SECOND, self._report_profit)

    def cancel_profit(self, session: Session, request: Message) -> None:
        """Stop the profit of one request."""
        if self._listening.of(session).profits.pop(request.reqId, None) is None:
            raise Refused(10185, f"Failed to cancel PNL (not subscribed).{request.reqId}")

    def session_ended(self, session: Session) -> None:
        """Forget what a session listened to."""
        self._listening.drop(session)

    # ------------------------------------------------------------------ inside

    def _known(self, account: str) -> str:
        if account not in self._accounts:
            raise Refused(321, f"{INVALID}Invalid account code '{account}'.")
        return account

    def _figures(self, account: str) -> list[TagValue]:
        return update_values(self._books.figures(account, new_york_date(self._broker.market_ns)))

    def _send_summary(self, listening: Listening, request_id: int) -> None:
        wanted = listening.summaries[request_id]
        for account in wanted.accounts:
            figures = self._books.figures(account, new_york_date(self._broker.market_ns))
            values = [one for one in summary_values(figures) if one.tag in wanted.tags]
            if wanted.tags & LEDGER_TAGS:
                values += _ledger_values(update_values(figures))
            for one in values:
                body = frames.summary(request_id, account, one)
                self._broker.send(listening.session, IN.ACCOUNT_SUMMARY, body)

    def _send_updates(self, listening: Listening) -> None:
        account = listening.updates_of
        assert account is not None, "only sessions with account updates get them"
        self._send_values(listening)
        for holding in self._books.held(account):
            self._send_portfolio(listening.session, account, holding)
        self._send_time(listening.session)

    def _send_values(self, listening: Listening) -> None:
        account = listening.updates_of
        assert account is not None, "only sessions with account updates get them"
        for one in self._figures(account):
            self._broker.send(listening.session, IN.ACCT_VALUE, frames.account_value(account, one))
        self._send_time(listening.session)

    def _send_time(self, session: Session) -> None:
        clock = format_new_york(self._broker.shown_ns, places=0).split(" ")[1][:5]
        self._broker.send(session, IN.ACCT_UPDATE_TIME, message_type("AccountUpdateTime")(timeStamp=clock))

    def _send_updates_multi(self, listening: Listening, request_id: int) -> None:
        account, is_ledger_only = listening.updates_multi[request_id]
        values = self._figures(account)
        if is_ledger_only:
            values = [*_ledger_values(values), *(one for one in values if one.tag == "NetLiquidation")]
        for one in values:
            body = frames.update_multi(request_id, account, one)
            self._broker.send(listening.session, IN.ACCOUNT_UPDATE_MULTI, body)

    def _send_portfolio(self, session: Session, account: str, holding: Holding) -> None:
        listing = self._books.listing(holding.con_id)
        body = frames.portfolio(account, listing, holding, self._books.mark(holding.con_id))
        self._broker.send(session, IN.PORTFOLIO_VALUE, body)

    def _send_position(self, session: Session, account: str, holding: Holding) -> None:
        body = frames.position(account, self._books.listing(holding.con_id), holding)
        self._broker.send(session, IN.POSITION_DATA, body)

    def _send_profit(self, session: Session, request_id: int, wanted: ProfitRequest) -> None:
        if wanted.con_id is None:
            held = self._books.ledger(wanted.account).holdings.values()
            body = message_type("PnL")(
                reqId=request_id,
                dailyPnL=float(self._books.daily(wanted.account)),
                unrealizedPnL=float(self._books.unrealized(wanted.account)),
                realizedPnL=float(sum((one.realized_today for one in held), ZERO)),
            )
            self._broker.send(session, IN.PNL, body)
            return
        holding = self._books.ledger(wanted.account).holdings.get(wanted.con_id) or Holding(wanted.con_id, 1)
        mark = self._books.mark(wanted.con_id)
        body = message_type("PnLSingle")(
            reqId=request_id,
            position=frames.quantity_text(holding.quantity),
            dailyPnL=float(holding.daily(mark)),
            unrealizedPnL=float(holding.unrealized(mark)),
            realizedPnL=float(holding.realized_today),
            value=float(holding.value(mark)),
        )
        self._broker.send(session, IN.PNL_SINGLE, body)

    def _repeat(self) -> None:
        if not self._is_repeating:
            self._is_repeating = True
            self._broker.call_after(self._settings.update_seconds * NS_PER_SECOND, self._report_again)

    def _report_again(self) -> None:
        self._is_repeating = False
        for listening in self._listening.all():
            for request_id in listening.summaries:
                self._send_summary(listening, request_id)
            for request_id in listening.updates_multi:
                self._send_updates_multi(listening, request_id)
            if listening.updates_of is not None:
                self._send_updates(listening)
        if any(listening.has_repeating for listening in self._listening.all()):
            self._repeat()

    def _report_profit(self) -> None:
        self._is_reporting_profit = False
        for listening in self._listening.all():
            for request_id, wanted in listening.profits.items():
                self._send_profit(listening.session, request_id, wanted)
        if any(listening.profits for listening in self._listening.all()):
            self._is_reporting_profit = True
            self._broker.call_after(self._settings.pnl_seconds * NS_PER_SECOND, self._report_profit)


def _ledger_values(values: list[TagValue]) -> list[TagValue]:
    by_currency = {"CashBalance", "NetLiquidationByCurrency", "OptionMarketValue", "RealizedPnL"}
    by_currency |= {"StockMarketValue", "TotalCashBalance", "UnrealizedPnL", "ExchangeRate"}
    return [one for one in values if one.tag in by_currency]
