"""What the components of the broker ask of each other; nothing is reached around these.

    Universe  what can be traded             contracts/
    Market    prices of it, right now        market_data/   needs Universe
    Account   cash, positions, margin        account/       needs Universe, Market
    OrderDesk orders and their fills         orders/        needs Universe, Market, Account

`assembly.py` installs them in that order; each is one Component that also is the interface:
`contracts.desk.ContractDesk(broker, universe)`, `market_data.desk.MarketDesk(broker, universe)`,
`account.desk.AccountDesk(broker, universe, market)`, `orders.desk.OrdersDesk(broker, universe, market,
account)`. Each takes its own settings Struct (`orders/settings.py` and so on) as a last keyword
argument `settings`; `SimulatorSettings` gets one field per component.

Prices, sizes and money are `Decimal`, exactly as on the wire's text; they become floats only in the
protobuf fields that are doubles. Times are market nanoseconds UTC unless a name says `real`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from adapters.tws_simulator.messages import Message, message_type

if TYPE_CHECKING:
    from adapters.tws_simulator.session.sessions import Session


@dataclass(frozen=True, slots=True)
class Listing:
    """Something that has a contract id: a stock (STK), an index (IND) or an option (OPT).

    `exchanges` is TWS's `validExchanges` ("SMART" first where it routes), `market_rule_ids` has one
    rule per exchange. Options only: `expiry` ("20260116", "" otherwise), `strike`, `right` ("C", "P"
    or ""), `underlying_con_id`, `is_european`, `settlement` ("PHYSICAL", "AM" or "PM" for cash).
    """

    con_id: int
    security_type: str
    symbol: str
    local_symbol: str
    trading_class: str
    primary_exchange: str
    exchanges: tuple[str, ...]
    market_rule_ids: tuple[int, ...]
    currency: str = "USD"
    multiplier: int = 1
    long_name: str = ""
    isin: str = ""
    expiry: str = ""
    strike: Decimal | None = None
    right: str = ""
    underlying_con_id: int | None = None
    is_european: bool = False
    settlement: str = ""

    @property
    def is_option(self) -> bool:
        """Whether this is an option."""
        return self.security_type == "OPT"

    def contract(self, exchange: str | None = None) -> Message:
        """Return TWS's `Contract` for it; `exchange` defaults to the first valid one, "" leaves it out."""
        contract = message_type("Contract")(
            conId=self.con_id,
            symbol=self.symbol,
            secType=self.security_type,
            currency=self.currency,
            localSymbol=self.local_symbol,
            tradingClass=self.trading_class,
        )
        where = self.exchanges[0] if exchange is None else exchange
        if where:
            contract.exchange = where
        if self.primary_exchange:
            contract.primaryExch = self.primary_exchange
        if self.is_option:
            assert self.strike is not None, f"option {self.local_symbol} has no strike"
            contract.lastTradeDateOrContractMonth = self.expiry
            contract.lastTradeDate = self.expiry
            contract.strike = float(self.strike)
            contract.right = self.right
            contract.multiplier = float(self.multiplier)
        return contract


class TradingPhase(Enum):
    """Where a moment lies in a listing's trading day; OUTSIDE is pre-market and after-hours."""

    CLOSED = "closed"
    OUTSIDE = "outside regular hours"
    REGULAR = "regular hours"


class Universe(Protocol):
    """What exists. Lookups are by contract id; `resolve` is what TWS does with a client's contract."""

    def listing(self, con_id: int) -> Listing | None:
        """Return the listing with this contract id, None when there is none."""

    def listings(self) -> Sequence[Listing]:
        """Return all listings in order of contract id."""

    def resolve(self, contract: Message) -> list[Listing]:
        """Return every listing that a client's `Contract` describes; more than one is ambiguous."""

    def options_of(self, underlying_con_id: int) -> Sequence[Listing]:
        """Return the options on an underlying by expiry, strike and right."""

    def price_increment(self, listing: Listing, *, exchange: str, price: Decimal) -> Decimal:
        """Return the tick size at `price` by the market rule of `exchange` (SMART when unknown)."""

    def phase(self, listing: Listing, market_ns: int) -> TradingPhase:
        """Return whether `listing` trades at `market_ns`, and in which session."""

    def regular_session(self, listing: Listing, market_ns: int) -> tuple[int, int] | None:
        """Return open and close of the regular session on the New York day of `market_ns`, or None."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Top of the book and last trade; None is what TWS would not send. `ts_ns` is market time."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None
    ts_ns: int = 0


@dataclass(frozen=True, slots=True)
class Print:
    """A trade in the market (not one of ours)."""

    con_id: int
    price: Decimal
    size: Decimal
    ts_ns: int


class Market(Protocol):
    """Prices now, whether or not anybody subscribes to them."""

    def quote(self, con_id: int) -> Quote | None:
        """Return the quote of a listing, None when nothing was ever quoted."""

    def combination_quote(self, contract: Message) -> Quote | None:
        """Return the quote of a BAG, each leg at the side it would trade; None when a leg has none."""

    def mark(self, con_id: int) -> Decimal | None:
        """Return the price that positions are valued at: mid, else last, else None."""

    def set_quote(self, con_id: int, quote: Quote) -> None:
        """Replace a quote now, as the feed does; listeners and subscribers are told."""

    def on_quote(self, listener: Callable[[int, Quote], None]) -> None:
        """Call `listener(con_id, quote)` after every change of a quote, for the matching of orders."""

    def on_print(self, listener: Callable[[Print], None]) -> None:
        """Call `listener(trade)` after every trade of the market."""


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution of one listing: a stock or option order, or one leg of a combination.

    `quantity` is positive; `side` is "BOT" or "SLD"; `commission` includes fees.
    """

    execution_id: str
    account: str
    con_id: int
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    ts_ns: int
    perm_id: int
    client_id: int


@dataclass(frozen=True, slots=True)
class MarginPreview:
    """What an order would do to an account, for whatIf and for the check before acceptance."""

    initial_before: Decimal
    initial_after: Decimal
    maintenance_before: Decimal
    maintenance_after: Decimal
    equity_before: Decimal
    equity_after: Decimal
    is_covered: bool
    reason: str = ""


class Account(Protocol):
    """The ledger of all accounts; it believes fills and nothing else."""

    def apply(self, fill: Fill) -> Decimal | None:
        """Book a fill and return the profit that it realized, None when it closed nothing."""

    def position(self, account: str, con_id: int) -> Decimal:
        """Return the signed position, 0 when there is none."""

    def preview(self, account: str, contract: Message, order: Message) -> MarginPreview:
        """Return margin and equity before and after an order; books nothing."""

    def truth(self) -> dict[str, Any]:
        """Return cash, positions, margin and P&L of all accounts for the oracle, JSON-able."""


class OrderDesk(Protocol):
    """All orders of all clients."""

    def next_valid_id(self) -> int:
        """Return the next order id that no client has used (TWS's nextValidId)."""

    def cancel_listing(self, con_id: int, reason: str) -> None:
        """Cancel the open orders in a listing that stops trading (an option at expiry)."""

    def truth(self) -> dict[str, Any]:
        """Return all orders, executions and commissions for the oracle, JSON-able."""


class Subscriptions(Protocol):
    """The market data side that faults act upon."""

    def silence(self, con_id: int | None, *, is_silent: bool) -> None:
        """Stop or resume sending data of a listing (None for all) while subscriptions stay."""

    def drop_all(self) -> None:
        """Forget every subscription, as TWS does when it reports 1101."""

    def session_subscriptions(self, session: Session) -> dict[str, int]:
        """Return how many subscriptions of each kind a session holds, for the oracle."""
