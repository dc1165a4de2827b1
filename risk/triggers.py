"""Readings of what the breaker watches while the market moves: pure looks at an account."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from risk.account import Account
from risk.counted import counted
from risk.limits import RiskLimits
from risk.reading_filter import Reading

ZERO = Decimal(0)
DAY_TRIGGERS = ("daily_loss", "daily_drawdown")


def day_readings(account: Account, limits: RiskLimits, now_ns: int) -> Iterator[Reading]:
    """Yield the day's loss from its start and from its high, at the last prices worth believing.

    Confirmed when nothing is held: then the result rests on executions alone, not on quotes.
    """
    performance = account.performance
    day = performance.result()
    inputs = {
        "realized_usd": f"{performance.realized_usd:.2f}",
        "profit_usd": f"{day.profit_usd:.2f}",
        "high_usd": f"{day.high_usd:.2f}",
    }
    limits_usd = (limits.max_daily_loss_usd, limits.max_daily_drawdown_usd)
    for trigger, value, limit in zip(DAY_TRIGGERS, (day.loss_usd, day.drawdown_usd), limits_usd, strict=True):
        yield Reading(
            trigger=trigger,
            value=f"{value:.2f} USD",
            limit=f"{limit} USD",
            is_beyond=value >= limit,
            is_confirmed=performance.is_flat,
            now_ns=now_ns,
            quoted_ns=_quoted_ns(account, None),
            inputs=inputs | _quotes(account),
        )


def trade_reading(account: Account, limits: RiskLimits, symbol: str, now_ns: int) -> Reading:
    """Return the open loss of a symbol, at the last prices worth believing; none of what never had one."""
    profit = account.performance.open_profit(symbol)
    loss = max(-profit, ZERO)
    limit = limits.max_loss_usd_per_trade
    return Reading(
        trigger=f"loss_per_trade:{symbol}",
        value=f"{loss:.2f} USD open in {symbol}",
        limit=f"{limit} USD",
        is_beyond=loss >= limit,
        now_ns=now_ns,
        quoted_ns=_quoted_ns(account, symbol),
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
    paused_until_ns = account.performance.paused_until_ns
    return None if paused_until_ns is None or now_ns >= paused_until_ns else paused_until_ns


def _quoted_ns(account: Account, symbol: str | None) -> tuple[int, ...]:
    """Return when the quotes behind a symbol's value, or the whole account's, were made."""
    marks = account.performance.today.marks
    return tuple(
        marks[lot.instrument_id].made_ns
        for lot in account.performance.lots.values()
        if symbol in (None, lot.symbol) and lot.instrument_id in marks
    )


def _quotes(account: Account) -> dict[str, str]:
    """Return the prices that the open profit was made of."""
    marks = account.performance.today.marks
    quotes: dict[str, str] = {}
    for lot in account.performance.lots.values():
        mark = marks.get(lot.instrument_id)
        quotes[lot.instrument_id] = "none" if mark is None else f"{mark.bid}/{mark.ask}"
    return quotes
