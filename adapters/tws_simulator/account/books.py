"""The books of all accounts, valued at the market: ledger in, figures out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from adapters.tws_simulator.account.ledger import Booking, Holding, Ledger
from adapters.tws_simulator.account.margin_options import UnderlyingPrice
from adapters.tws_simulator.account.preview import (
    Trade,
    compare,
    expected_price,
    leg_quantities,
    positions_after,
    premium_of,
)
from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.account.tags import AccountFigures
from adapters.tws_simulator.account.valuation import Position, Valuation, value_account
from adapters.tws_simulator.interfaces import Listing, MarginPreview, Market, Universe
from adapters.tws_simulator.messages import Message

ZERO = Decimal(0)


class Books:
    """Ledgers by account, and the prices to value them."""

    def __init__(
        self, universe: Universe, market: Market, settings: AccountSettings, *, accounts: tuple[str, ...]
    ) -> None:
        self._universe, self._market, self._settings = universe, market, settings
        self.ledgers = {account: Ledger(settings.starting_cash_usd) for account in accounts}
        self._previous_day_equity = dict.fromkeys(accounts, settings.starting_cash_usd)

    def listing(self, con_id: int) -> Listing:
        """Return a listing that must exist; raises `ValueError` when it does not."""
        listing = self._universe.listing(con_id)
        if listing is None:
            raise ValueError(f"contract id {con_id} is not in the universe")
        return listing

    def ledger(self, account: str) -> Ledger:
        """Return the books of an account; raises `ValueError` for an unknown one."""
        if account not in self.ledgers:
            raise ValueError(f"account {account!r} is not served; there are {', '.join(self.ledgers)}")
        return self.ledgers[account]

    def book(self, account: str, booking: Booking) -> Decimal | None:
        """Enter a trade and return the profit it realized."""
        return self.ledger(account).book(booking)

    def mark(self, con_id: int) -> Decimal | None:
        """Return the price that a listing is valued at."""
        return self._market.mark(con_id)

    def held(self, account: str) -> list[Holding]:
        """Return what an account holds, by contract id; flat holdings are left out."""
        holdings = self.ledger(account).holdings
        return [holdings[con_id] for con_id in sorted(holdings) if holdings[con_id].quantity]

    def valuation(self, account: str) -> Valuation:
        """Return an account's worth and margin now."""
        return self._value(self.ledger(account).cash, self._positions(account))

    def figures(self, account: str, today: date) -> AccountFigures:
        """Return everything that the account's tags are made from."""
        ledger = self.ledger(account)
        return AccountFigures(
            account=account,
            account_type=self._settings.account_type,
            valuation=self.valuation(account),
            settled_cash=ledger.settled_cash(today.toordinal()),
            realized=sum((one.realized_today for one in ledger.holdings.values()), ZERO),
            unrealized=self.unrealized(account),
            previous_day_equity=self._previous_day_equity[account],
        )

    def unrealized(self, account: str) -> Decimal:
        """Return the profit of what an account holds."""
        return sum((one.unrealized(self.mark(one.con_id)) for one in self.held(account)), ZERO)

    def daily(self, account: str) -> Decimal:
        """Return an account's profit since the day began."""
        holdings = self.ledger(account).holdings.values()
        return sum((one.daily(self.mark(one.con_id)) for one in holdings), ZERO)

    def preview(self, account: str, contract: Message, order: Message) -> MarginPreview:
        """Return margin and equity before and after an order; books nothing."""
        ledger = self.ledger(account)
        trades = self._trades(contract, order)
        stock_cost = sum(
            (one.quantity * self._paid_for(one) for one in trades if not one.listing.is_option), ZERO
        )
        cash = ledger.cash - stock_cost - premium_of(order, trades)
        positions = self._positions(account)
        before = self._value(ledger.cash, positions)
        after = self._value(cash, positions_after(positions, trades, self.mark))
        return compare(before, after)

    def begin_day(self) -> None:
        """Start a new day's profit and loss in every account."""
        for account, ledger in self.ledgers.items():
            self._previous_day_equity[account] = self.valuation(account).equity_with_loan
            ledger.begin_day({con_id: self.mark(con_id) for con_id in ledger.holdings})

    def truth(self, account: str) -> dict[str, Any]:
        """Return an account exactly, JSON-able."""
        ledger, now = self.ledger(account), self.valuation(account)
        return {
            "cash": str(ledger.cash),
            "realized": str(ledger.realized),
            "unrealized": str(self.unrealized(account)),
            "daily": str(self.daily(account)),
            "commissions": str(ledger.commissions),
            "net_liquidation": str(now.net_liquidation),
            "initial_margin": str(now.initial_margin),
            "maintenance_margin": str(now.maintenance_margin),
            "buying_power": str(now.buying_power),
            "positions": {
                str(one.con_id): {"quantity": str(one.quantity), "cost": str(one.cost)}
                for one in self.held(account)
            },
        }

    # ------------------------------------------------------------------ inside

    def _positions(self, account: str) -> list[Position]:
        positions = []
        for one in self.held(account):
            mark = self.mark(one.con_id)
            positions.append(Position(self.listing(one.con_id), one.quantity, one.value(mark), mark))
        return positions

    def _value(self, cash: Decimal, positions: list[Position]) -> Valuation:
        underlyings = {}
        for one in positions:
            con_id = one.listing.underlying_con_id
            if one.listing.is_option and con_id is not None:
                underlying = self._universe.listing(con_id)
                is_index = underlying is not None and underlying.security_type == "IND"
                underlyings[con_id] = UnderlyingPrice(self.mark(con_id), is_index)
        return value_account(cash, positions, underlyings)

    def _trades(self, contract: Message, order: Message) -> list[Trade]:
        trades = []
        legs = leg_quantities(contract, action=order.action, quantity=Decimal(order.totalQuantity))
        for con_id, quantity in legs:
            price = expected_price(self._market.quote(con_id), self.mark(con_id), quantity)
            trades.append(Trade(self.listing(con_id), quantity, price))
        return trades

    def _paid_for(self, trade: Trade) -> Decimal:
        mark = self.mark(trade.listing.con_id)
        return trade.price if mark is None else mark
