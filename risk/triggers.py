"""Readings of what the breaker watches while the market moves: pure looks at an account."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from risk.account import Account
from risk.counted import counted
from risk.limits import RiskLimits
from risk.reading_filter import Reading

ZERO = Decimal(0)


def day_readings(account: Account, limits: RiskLimits, now_ns: int) -> Iterator[Reading]:
    """Yield the day's loss from its start and from its high; nothing while a price is missing.

    Confirmed when nothing is held: then the result rests on executions alone, not on quotes.
    """
    day = account.performance.day(account.market.touch)
    if day is None:
        return
    inputs = {
        "realized_usd": f"{account.performance.realized_usd:.2f}",
        "profit_usd": f"{day.profit_usd:.2f}",
        "high_usd": f"{day.high_usd:.2f}",
    }
    for trigger, value, limit in (
        ("daily_loss", day.loss_usd, limits.max_daily_loss_usd),
        ("daily_drawdown", day.drawdown_usd, limits.max_daily_drawdown_usd),
    ):
        yield Reading(
            trigger=trigger,
            value=f"{value:.2f} USD",
            limit=f"{limit} USD",
            is_beyond=value >= limit,
            is_confirmed=not account.performance.lots,
            now_ns=now_ns,
            inputs=inputs | _quotes(account),
        )


def trade_reading(account: Account, limits: RiskLimits, symbol: str, now_ns: int) -> Reading:
    """Return the open loss of a symbol; within its limit while a price is missing."""
    profit = account.performance.open_profit(account.market.touch, symbol)
    loss = ZERO if profit is None else max(-profit, ZERO)
    limit = limits.max_loss_usd_per_trade
    return Reading(
        trigger=f"loss_per_trade:{symbol}",
        value=f"{loss:.2f} USD open in {symbol}",
        limit=f"{limit} USD",
        is_beyond=loss >= limit,
        now_ns=now_ns,
        inputs=_quotes(account),
    )


def rate_readings(account: Account, limits: RiskLimits, now_ns: int) -> Iterator[Reading]:
    """Yield the reject rate; it is counted, not measured, so that one reading is enough."""
    count, limit = account.rejects.count(now_ns), limits.max_rejects_per_minute
    yield Reading(
        trigger="reject_rate",
        value=f"{counted(count, 'reject')} in a minute",
        limit=f"{limit} a minute",
        is_beyond=count > limit,
        is_confirmed=True,
        now_ns=now_ns,
        inputs={"rejects": str(count)},
    )


def is_pausing(account: Account, now_ns: int) -> int | None:
    """Return until when losses in a row have paused openings, None when they have not."""
    day = account.performance.day(account.market.touch)
    if day is None or day.paused_until_ns is None or now_ns >= day.paused_until_ns:
        return None
    return day.paused_until_ns


def _quotes(account: Account) -> dict[str, str]:
    """Return the quotes that the open profit was made of."""
    quotes: dict[str, str] = {}
    for lot in account.performance.lots.values():
        touch = account.market.touch(lot.terms)
        quotes[lot.terms.instrument_id] = "none" if touch is None else f"{touch.bid}/{touch.ask}"
    return quotes
