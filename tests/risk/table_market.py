"""A market of plain tables for tests of the pure part: instruments, quotes, greeks, funds, session."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from market.time import to_ns
from risk.account import Account
from risk.breaker import Breaker
from risk.breaker_file import BreakerRecord
from risk.decision import Refused
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms, Leg, OrderIntent, Right
from risk.limits import RiskLimits
from risk.market_view import Greeks
from risk.performance import Fill
from risk.policy import Policy
from risk.session_view import SessionView, TradingDay
from risk.snapshot import Quote, Touch

OPEN_NS = to_ns("2024-03-05T09:30:00-05:00")
NOW_NS = to_ns("2024-03-05T10:00:00-05:00")
CLOSE_NS = to_ns("2024-03-05T16:00:00-05:00")
EXPIRY_NS = to_ns("2024-03-15T16:00:00-04:00")
LATER_NS = to_ns("2024-04-19T16:00:00-04:00")


def stock(symbol: str = "F") -> InstrumentTerms:
    """Return a stock."""
    return InstrumentTerms(
        instrument_id=f"{symbol}.SMART", symbol=symbol, kind="stock", price_increment=Decimal("0.01")
    )


def option(
    strike: int, right: Right = "put", *, symbol: str = "SPY", expiration_ns: int = EXPIRY_NS
) -> InstrumentTerms:
    """Return an option with a multiplier of 100."""
    month = "C" if expiration_ns == EXPIRY_NS else "D"
    return InstrumentTerms(
        instrument_id=f"{symbol}{month}{right[0].upper()}{strike}.SMART",
        symbol=symbol,
        kind="option",
        price_increment=Decimal("0.01"),
        multiplier=100,
        right=right,
        strike=Decimal(strike),
        expiration_ns=expiration_ns,
    )


def spread(*legs: tuple[InstrumentTerms, int]) -> InstrumentTerms:
    """Return a combination of options with signed ratios."""
    name = "_".join(f"{ratio}{terms.instrument_id.partition('.')[0]}" for terms, ratio in legs)
    return InstrumentTerms(
        instrument_id=f"{name}.SMART",
        symbol=legs[0][0].symbol,
        kind="spread",
        price_increment=Decimal("0.01"),
        multiplier=100,
        legs=tuple(Leg(terms, ratio) for terms, ratio in legs),
    )


def quote(bid: str = "4.99", ask: str = "5.00", *, size: int = 1_000, ts_ns: int = NOW_NS) -> Quote:
    """Return a quote."""
    return Quote(Decimal(bid), Decimal(ask), size, size, ts_ns)


class TableMarket:
    """Answers from tables; `default_quote` for what no table names."""

    def __init__(self) -> None:
        self.quotes: dict[str, Quote | None] = {}
        self.default_quote: Quote | None = quote()
        self.last_prices: dict[str, Decimal] = {}
        self.greeks_by_id: dict[str, Greeks] = {}
        self.default_greeks: Greeks | None = Greeks(0.1, 0.05)
        self.funds: Decimal | None = Decimal(100_000)
        self.view = SessionView("trading", True, TradingDay(OPEN_NS, CLOSE_NS))

    def quote(self, terms: InstrumentTerms) -> Quote | None:
        return self.quotes.get(terms.instrument_id, self.default_quote)

    def touch(self, terms: InstrumentTerms) -> Touch | None:
        return self.quote(terms)

    def last_price(self, terms: InstrumentTerms) -> Decimal | None:
        return self.last_prices.get(terms.instrument_id)

    def greeks(self, terms: InstrumentTerms) -> Greeks | None:
        return self.greeks_by_id.get(terms.instrument_id, self.default_greeks)

    def funds_usd(self) -> Decimal | None:
        return self.funds

    def session(self, now_ns: int) -> SessionView:
        return self.view


def running(now_ns: int = NOW_NS) -> BreakerRecord:
    """Return the record of a breaker that runs."""
    breaker = Breaker(state="RUNNING", causes=(), changed_at_ns=now_ns, changed_by="test", reason="test")
    return BreakerRecord(breaker=breaker)


def gatekeeper(
    limits: RiskLimits, market: TableMarket, *, symbols: tuple[str, ...] = ("F", "GE", "BAC", "SPY", "QQQ")
) -> Gatekeeper:
    """Return a gatekeeper of an empty account whose breaker runs."""
    account = Account(limits, market, allowed_symbols=frozenset(symbols), record=running())
    return Gatekeeper(account, Policy(limits))


_ids = iter(range(10**9))


def order(terms: InstrumentTerms | None = None, quantity: int = 10, **fields: object) -> OrderIntent:
    """Return an intent to buy at 5.00 unless fields say otherwise; every call has a new id."""
    values: dict[str, object] = {
        "order_id": f"O-{next(_ids)}",
        "strategy_id": "S-ONE",
        "terms": terms or stock(),
        "side": "buy",
        "quantity": quantity,
        "order_type": "limit",
        "time_in_force": "day",
        "limit_price": Decimal("5.00"),
    }
    if fields.get("order_type") == "market":
        values["limit_price"] = None
    return OrderIntent(**(values | fields))  # type: ignore[arg-type]


def changed(intent: OrderIntent, quantity: int, **fields: Any) -> OrderIntent:
    """Return the modification of an order to `quantity` that is still open."""
    return msgspec.structs.replace(intent, quantity=quantity, replaces=True, **fields)


def verdict(keeper: Gatekeeper, intent: OrderIntent, now_ns: int = NOW_NS) -> str:
    """Return the rule that refuses, `reducing` or `approved`."""
    (decision,) = keeper.submit([intent], now_ns)
    if isinstance(decision, Refused):
        return decision.rule
    return "reducing" if decision.is_reducing else "approved"


def bought(
    keeper: Gatekeeper, count: int, *, terms: InstrumentTerms | None = None, price: str = "5.00"
) -> None:
    """Book an execution of the strategy S-ONE, sold when `count` is negative."""
    terms = terms or stock()
    fill = Fill(strategy_id="S-ONE", terms=terms, signed_quantity=count, price=Decimal(price))
    keeper.filled("earlier", f"T-{count}-{terms.instrument_id}", fill, NOW_NS)
