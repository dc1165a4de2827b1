"""Orders and snapshots for each rule: at its limit, one beyond, and with its data missing."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

import msgspec

from market.calendar import TradingCalendar
from market.session_windows import SessionWindow
from market.time import NS_PER_MS, new_york_ns, to_ns
from risk.breaker import Breaker, BreakerState
from risk.intent import OrderIntent
from risk.session_view import SessionView
from risk.snapshot import DayResult, Exposure, OptionRisk, Snapshot
from tests.risk.limit_cases import SESSION_RULES
from tests.risk.table_market import NOW_NS, option, order, quote, running, spread, stock

DATE = date(2024, 3, 5)
F = stock("F")
PUT = option(100)
VERTICAL = spread((option(100), -1), (option(95), 1))
DAY = DayResult(profit_usd=Decimal(0), high_usd=Decimal(0), consecutive_losses=0, paused_until_ns=None)
OPTION_RISK = OptionRisk(
    order_loss_usd=Decimal(100),
    underlying_loss_usd=Decimal(100),
    total_loss_usd=Decimal(100),
    has_defined_risk=True,
    delta_shares=10.0,
    vega_usd=10.0,
)
FINE = Snapshot(
    now_ns=NOW_NS,
    breaker=running().breaker,
    pause=None,
    session=SessionView("trading", True, None),
    allowed_symbols=frozenset({"F", "SPY"}),
    quote=quote(),
    last_price=Decimal("5.00"),
    order_value_usd=Decimal(50),
    exposure_after={
        "F.SMART": Exposure(10, 0),
        PUT.instrument_id: Exposure(1, 0),
        "SPYCP95.SMART": Exposure(1, 0),
    },
    symbol_value_after_usd=Decimal(50),
    total_value_after_usd=Decimal(50),
    symbols_after=1,
    open_orders_after=1,
    orders_last_second=0,
    replaces_last_minute=0,
    duplicate_of=None,
    funds_usd=Decimal(10_000),
    day=DAY,
    open_loss_usd=Decimal(0),
    option_risk=OPTION_RISK,
)


def seen(**changes: Any) -> Snapshot:
    """Return the harmless snapshot with some values changed."""
    return msgspec.structs.replace(FINE, **changes)


def after_loss(amount: str, high: str = "0") -> DayResult:
    """Return a day that lost `amount` USD after a profit of `high`."""
    return msgspec.structs.replace(DAY, profit_usd=-Decimal(amount), high_usd=Decimal(high))


def at_risk(**changes: Any) -> Snapshot:
    """Return the harmless snapshot with some of its option risk changed."""
    return seen(option_risk=msgspec.structs.replace(OPTION_RISK, **changes))


def wide(bid: str, ask: str, **fields: Any) -> Snapshot:
    """Return the harmless snapshot with another quote."""
    return seen(quote=quote(bid, ask, **fields))


def legs_reach(contracts: int) -> Snapshot:
    """Return a snapshot in which the vertical's legs reach 20 short and `contracts` long."""
    return seen(exposure_after={PUT.instrument_id: Exposure(0, 20), "SPYCP95.SMART": Exposure(contracts, 0)})


def in_phase(hour: int, minute: int, *no_trade: str) -> Snapshot:
    """Return the harmless snapshot at a time of New York under the session rules of the drills."""
    rules = msgspec.structs.replace(SESSION_RULES, no_trade_windows=no_trade)
    calendar = TradingCalendar(DATE, DATE)
    session = calendar.session_on(DATE)
    assert session is not None
    window = SessionWindow.of(session, rules)
    now_ns = new_york_ns(DATE, time(hour, minute))
    view = SessionView(window.phase(now_ns).value, window.entries_allowed(now_ns), None, window)
    return seen(now_ns=now_ns, session=view)


def stopped(state: BreakerState, *causes: str, by: str, reason: str) -> Snapshot:
    """Return the harmless snapshot behind a breaker that a trigger or a person moved at 14:25:57."""
    at_ns = to_ns("2024-03-04T14:25:57-05:00")
    breaker = Breaker(state=state, causes=causes, changed_at_ns=at_ns, changed_by=by, reason=reason)
    return seen(breaker=breaker)


def shares(count: int, **fields: Any) -> OrderIntent:
    """Return an order of shares of F."""
    return order(F, count, **fields)


def puts(count: int = 1, **fields: Any) -> OrderIntent:
    """Return an order of puts on SPY."""
    return order(PUT, count, **fields)


IN_SAFE_MODE = stopped("SAFE_MODE", "stale_data", by="stale_data", reason="no quote for 30.0 s, limit 30 s")
HALTED = stopped("HALT", by="daily_loss", reason="50.44 USD, limit 50 USD")
Case = tuple[str, tuple[OrderIntent, Snapshot], tuple[OrderIntent, Snapshot], Snapshot | None]
"""A rule, intent and snapshot at its limit, the two one beyond, a snapshot with its data missing."""
CASES: list[Case] = [
    ("shares_per_order", (shares(100), FINE), (shares(101), FINE), None),
    (
        "notional_per_order",
        (shares(1), seen(order_value_usd=Decimal(1_000))),
        (shares(1), seen(order_value_usd=Decimal("1000.01"))),
        seen(order_value_usd=None),
    ),
    (
        "position_per_symbol",
        (shares(1), seen(exposure_after={"F.SMART": Exposure(200, 200)})),
        (shares(1), seen(exposure_after={"F.SMART": Exposure(0, 201)})),
        seen(exposure_after={}),
    ),
    (
        "notional_per_symbol",
        (shares(1), seen(symbol_value_after_usd=Decimal(2_000))),
        (shares(1), seen(symbol_value_after_usd=Decimal("2000.01"))),
        seen(symbol_value_after_usd=None),
    ),
    (
        "notional_total",
        (shares(1), seen(total_value_after_usd=Decimal(5_000))),
        (shares(1), seen(total_value_after_usd=Decimal("5000.01"))),
        seen(total_value_after_usd=None),
    ),
    ("concurrent_positions", (shares(1), seen(symbols_after=3)), (shares(1), seen(symbols_after=4)), None),
    ("open_orders", (shares(1), seen(open_orders_after=5)), (shares(1), seen(open_orders_after=6)), None),
    ("order_rate", (shares(1), seen(orders_last_second=9)), (shares(1), seen(orders_last_second=10)), None),
    (
        "replace_rate",
        (shares(1), seen(replaces_last_minute=30)),
        (shares(1), seen(replaces_last_minute=31)),
        None,
    ),
    (
        "replace_rate",
        (shares(1, replaces=True), seen(replaces_last_minute=29)),
        (shares(1, replaces=True), seen(replaces_last_minute=30)),
        None,
    ),
    ("symbol_allowed", (shares(1), FINE), (order(stock("X")), FINE), seen(allowed_symbols=frozenset())),
    ("symbol_prohibited", (shares(1), FINE), (order(stock("GME")), FINE), None),
    (
        "price_band",
        (shares(1), wide("1.00", "10.00")),
        (shares(1), wide("0.99", "10.00")),
        seen(quote=None),
    ),
    ("price_band", (shares(1), wide("1.00", "10.00")), (shares(1), wide("1.00", "10.01")), seen(quote=None)),
    (
        "quote_age",
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS - 1_000 * NS_PER_MS)),
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS - 1_000 * NS_PER_MS - 1)),
        seen(quote=None),
    ),
    (
        "quote_age",
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS + 1_000 * NS_PER_MS)),
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS + 1_000 * NS_PER_MS + 1)),
        seen(quote=None),
    ),
    (
        "quote_spread",
        (shares(1), wide("4.95", "5.05")),
        (shares(1), wide("4.95", "5.06")),
        seen(quote=None),
    ),
    ("quote_spread", (shares(1), wide("5.00", "5.00")), (shares(1), wide("5.01", "5.00")), seen(quote=None)),
    ("quote_spread", (puts(), wide("1.00", "1.60")), (puts(), wide("1.00", "1.61")), seen(quote=None)),
    (
        "displayed_liquidity",
        (shares(1), wide("4.99", "5.00", size=100)),
        (shares(1), wide("4.99", "5.00", size=99)),
        seen(quote=None),
    ),
    (
        "displayed_liquidity",
        (puts(), wide("1.00", "1.05", size=1)),
        (puts(), wide("1.00", "1.05", size=0)),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, limit_price=Decimal("5.05")), wide("4.99", "5.01")),
        (shares(1, limit_price=Decimal("5.06")), wide("4.99", "5.01")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, side="sell", limit_price=Decimal("4.95")), wide("4.99", "5.01")),
        (shares(1, side="sell", limit_price=Decimal("4.94")), wide("4.99", "5.01")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, limit_price=Decimal("5.10")), seen(quote=quote("5.04", "5.06"), last_price=Decimal(5))),
        (shares(1, limit_price=Decimal("5.00")), seen(last_price=Decimal("4.9019"))),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, order_type="market"), wide("4.95", "5.05")),
        (shares(1, order_type="market"), wide("4.94", "5.06")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, order_type="market", side="sell"), wide("4.95", "5.05")),
        (shares(1, order_type="market", side="sell"), wide("4.94", "5.06")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (puts(limit_price=Decimal("1.55")), wide("1.00", "1.10")),
        (puts(limit_price=Decimal("1.56")), wide("1.00", "1.10")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (order(VERTICAL, side="sell", limit_price=Decimal("-1.55")), wide("-1.10", "-1.00")),
        (order(VERTICAL, side="sell", limit_price=Decimal("-1.56")), wide("-1.10", "-1.00")),
        seen(quote=None),
    ),
    (
        "session_window",
        (shares(1), in_phase(15, 29)),
        (shares(1), in_phase(15, 30)),
        seen(session=SessionView(None, False, None)),
    ),
    (
        "session_window",
        (shares(1), in_phase(13, 0, "12:00-13:00")),
        (shares(1), in_phase(12, 59, "12:00-13:00", "14:00-14:30")),
        None,
    ),
    (
        "session_window",
        (shares(1), FINE),
        (shares(1), seen(session=SessionView("closed", False, None))),
        None,
    ),
    ("duplicate_intent", (shares(1), FINE), (shares(1), seen(duplicate_of="O-1")), None),
    (
        "buying_power",
        (shares(1), seen(total_value_after_usd=Decimal(9_900))),
        (shares(1), seen(total_value_after_usd=Decimal("9900.01"))),
        seen(funds_usd=None),
    ),
    (
        "buying_power",
        (shares(1), seen(option_risk=None, total_value_after_usd=Decimal(10_000))),
        (shares(1), seen(option_risk=None, total_value_after_usd=Decimal("10000.01"))),
        seen(total_value_after_usd=None),
    ),
    (
        "daily_loss",
        (shares(1), seen(day=after_loss("49.99"))),
        (shares(1), seen(day=after_loss("50"))),
        seen(day=None),
    ),
    (
        "daily_drawdown",
        (shares(1), seen(day=after_loss("9.99", high="50"))),
        (shares(1), seen(day=after_loss("10", high="50"))),
        seen(day=None),
    ),
    (
        "loss_per_trade",
        (shares(1), seen(open_loss_usd=Decimal("19.99"))),
        (shares(1), seen(open_loss_usd=Decimal(20))),
        seen(open_loss_usd=None),
    ),
    (
        "consecutive_losses",
        (shares(1), seen(day=msgspec.structs.replace(DAY, consecutive_losses=3, paused_until_ns=NOW_NS))),
        (shares(1), seen(day=msgspec.structs.replace(DAY, consecutive_losses=3, paused_until_ns=NOW_NS + 1))),
        seen(day=None),
    ),
    ("breaker_state", (shares(1), FINE), (shares(1), IN_SAFE_MODE), None),
    ("breaker_state", (shares(1), FINE), (shares(1), HALTED), None),
    ("trading_paused", (shares(1), FINE), (shares(1), seen(pause="F, by Ann")), None),
    ("contracts_per_order", (puts(10), FINE), (puts(11), FINE), None),
    (
        "contracts_per_leg",
        (order(VERTICAL), legs_reach(20)),
        (order(VERTICAL), legs_reach(21)),
        seen(exposure_after={}),
    ),
    (
        "option_defined_risk",
        (puts(), FINE),
        (puts(), at_risk(has_defined_risk=False, uncovered=(PUT.instrument_id,))),
        seen(option_risk=None),
    ),
    (
        "option_loss_per_spread",
        (puts(), at_risk(order_loss_usd=Decimal(2_000))),
        (puts(), at_risk(order_loss_usd=Decimal("2000.01"))),
        at_risk(order_loss_usd=None),
    ),
    (
        "option_loss_per_underlying",
        (puts(), at_risk(underlying_loss_usd=Decimal(4_000))),
        (puts(), at_risk(underlying_loss_usd=Decimal("4000.01"))),
        at_risk(underlying_loss_usd=None),
    ),
    (
        "option_loss_total",
        (puts(), at_risk(total_loss_usd=Decimal(6_000))),
        (puts(), at_risk(total_loss_usd=Decimal("6000.01"))),
        at_risk(total_loss_usd=None),
    ),
    (
        "option_delta",
        (puts(), at_risk(delta_shares=-500.0)),
        (puts(), at_risk(delta_shares=-500.1)),
        at_risk(delta_shares=None),
    ),
    (
        "option_vega",
        (puts(), at_risk(vega_usd=500.0)),
        (puts(), at_risk(vega_usd=500.1)),
        at_risk(vega_usd=None),
    ),
]  # fmt: skip
